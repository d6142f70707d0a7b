#!/usr/bin/env python3
"""
Writes test/pgtap/ab_reference.sql: what every statistical function for experiments must return, computed here a second
time, from the definitions in docs/statistics.md, with 40 digits (mpmath) or by brute force, and compared on the way with
scipy and statsmodels where they have the function.

    /usr/bin/python3 test/reference/experiments.py > test/pgtap/ab_reference.sql

Debian's python3-scipy, python3-statsmodels and python3-mpmath (1.10.1, 0.13.5, 1.2.1). Nothing at run time needs this.
"""
import itertools
import json
import math
import random
from fractions import Fraction
from itertools import combinations

import numpy as np
import scipy.stats as st
from mpmath import mp, mpf
from scipy.optimize import brentq
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

mp.dps = 40
rng = random.Random(20261124)
cases = []
SIDES = ('two-sided', 'greater', 'less')
INF = mpf('inf')


def F(x):
    return mpf(float(x))


# ------------------------------------------------------------------ distributions
def n_sf(z):
    return mp.erfc(F(z) / mp.sqrt(2)) / 2 if not isinstance(z, mpf) else mp.erfc(z / mp.sqrt(2)) / 2


def n_cdf(z):
    return n_sf(-z)


def n_isf(p):
    p = mpf(p)
    return mp.findroot(lambda z: mp.log(n_sf(z)) - mp.log(p), mpf(st.norm.isf(float(p))))


def t_sf(t, df):
    if df == INF:
        return n_sf(t)
    if t < 0:
        return 1 - t_sf(-t, df)
    if df > 100000:
        c = mp.exp(mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2)) / mp.sqrt(df * mp.pi)
        f = lambda x: c * mp.exp(-(df + 1) / 2 * mp.log1p(x * x / df))
        return mp.quad(f, [t + (mpf(2) ** k - 1) / (1 + t) for k in range(0, 12)])
    return mp.betainc(df / 2, mpf(1) / 2, 0, df / (df + t * t), regularized=True) / 2


def t_isf(p, df):
    if df == INF:
        return n_isf(p)
    p = mpf(p)
    if p == mpf(1) / 2:
        return mpf(0)
    if p > mpf(1) / 2:
        return -t_isf(1 - p, df)
    guess = mpf(float(st.t.isf(float(p), float(df))))
    return mp.findroot(lambda t: mp.log(t_sf(t, df)) - mp.log(p), (guess, guess * (1 + mpf('1e-7'))), solver='secant', tol=1e-28)


def nct_sf(c, df, delta):
    """P(noncentral t > c) = E Phi(delta - c s), s = sqrt(chi2 / df)"""
    if df == INF:
        return n_sf(c - delta)
    k = mp.exp((1 - df / 2) * mp.log(2) - mp.loggamma(df / 2) + df / 2 * mp.log(df))
    f = lambda s: k * mp.exp((df - 1) * mp.log(s) - df * s * s / 2) * n_sf(c * s - delta)
    w = 1 / mp.sqrt(2 * df)
    points = sorted(set([mpf('1e-30')] + [max(mpf('1e-30'), 1 + w * j) for j in (-14, -8, -4, -2, 0, 2, 4, 8, 14, 30)]))
    return mp.quad(f, points)


# ------------------------------------------------------------------------- output
def number(x):
    if x is None:
        return None
    if isinstance(x, (str, bool, int, list)):
        return x
    if x == INF:
        return 'Infinity'
    if x == -INF:
        return '-Infinity'
    if mp.isnan(x):
        return None
    return float(mp.nstr(x, 17))


def text(x):
    return "'" + str(x) + "'"


def check(what, sql, expected, tolerance=1e-10):
    """sql: a SELECT of one row; expected: by column, or (value, scale) where a difference cancels"""
    plain = {}
    scale = {}
    for k, v in expected.items():
        if isinstance(v, tuple):
            v, s = v
            scale[k] = float(mp.nstr(abs(s), 3))
        plain[k] = number(v)
    s = ', %s' % text(json.dumps(scale)) if scale else ''
    cases.append("SELECT agree(%s, $q$%s$q$, %s, %g%s);" % (text(what.replace("'", "''")), sql, text(json.dumps(plain)), tolerance, s))


def array(x):
    return "'{%s}'::float8[]" % ','.join(repr(float(v)) if v != int(v) or abs(v) > 1e15 else str(int(v)) for v in x)


def options(side, confidence, margin=0):
    return "'%s', %r, %r" % (side, confidence, margin)


# -------------------------------------------------------------- comparing two arms
class Arm:
    def __init__(self, n, estimate, variance, df):
        self.n, self.estimate, self.variance, self.df = n, estimate, variance, df


def effect(c, t, side, confidence, margin=0, width=None, df=None):
    d = t.estimate - c.estimate
    v = c.variance + t.variance
    se = mp.sqrt(v)
    if df is None:
        df = INF if c.df == INF and t.df == INF else 1 / ((c.variance / v) ** 2 / c.df + (t.variance / v) ** 2 / t.df)
    z = (d - F(margin)) / se
    p = 2 * t_sf(abs(z), df) if side == 'two-sided' else t_sf(z, df) if side == 'greater' else t_sf(-z, df)
    alpha = 1 - F(confidence)
    if width is None:
        width = t_isf(alpha / 2 if side == 'two-sided' else alpha, df)
    r = {'n_control': c.n, 'n_treatment': t.n, 'estimate_control': c.estimate, 'estimate_treatment': t.estimate,
         'difference': (d, abs(t.estimate)), 'std_error': se, 'statistic': (z, abs(t.estimate) / se), 'p_value': p,
         'df': None if df == INF else df}
    ends(r, 'ci_', d, width * se, side)
    if c.estimate != 0:
        q = t.estimate / c.estimate
        lift = d / abs(c.estimate)
        r['lift'] = (lift, abs(q))
        ends(r, 'lift_ci_', lift, width * mp.sqrt(t.variance + q * q * c.variance) / abs(c.estimate), side)
    else:
        r['lift'] = r['lift_ci_low'] = r['lift_ci_high'] = None
    return r


def ends(r, name, centre, half, side):
    scale = max(abs(centre), abs(half))
    r[name + 'low'] = -INF if side == 'less' else (centre - half, scale)
    r[name + 'high'] = INF if side == 'greater' else (centre + half, scale)


def mean(x):
    return sum(F(v) for v in x) / len(x)


def co(x, y):
    mx, my = mean(x), mean(y)
    return sum((F(a) - mx) * (F(b) - my) for a, b in zip(x, y))


def mean_arm(x):
    return Arm(len(x), mean(x), co(x, x) / (len(x) - 1) / len(x), mpf(len(x) - 1))


def linear(num, den):
    """a ratio: its value, and what each unit adds to it"""
    md = mean(den)
    r = mean(num) / md
    return r, [(F(a) - r * F(b)) / md for a, b in zip(num, den)]


def ratio_arm(num, den):
    r, l = linear(num, den)
    n = len(num)
    return Arm(n, r, sum(v * v for v in l) / (n - 1) / n, mpf(n - 1))


def cuped_arms(arms):
    """arms: (y, pre), or (num, den, pre_num, pre_den); theta from all units together, their ratios and linearised units"""
    both = [sum((list(a[i]) for a in arms), []) for i in range(len(arms[0]))]

    def parts(a):
        if len(a) == 2:
            return mean(a[0]), [F(v) - mean(a[0]) for v in a[0]], mean(a[1]), [F(v) - mean(a[1]) for v in a[1]]
        return linear(a[0], a[1]) + linear(a[2], a[3])
    _, ly, pre, lp = parts(both)
    vp = sum(v * v for v in lp)
    theta = sum(a * b for a, b in zip(ly, lp)) / vp if vp else mpf(0)
    out = []
    plain = mpf(0)
    for a in arms:
        y, ly, p, lp = parts(a)
        n = len(ly)
        out.append(Arm(n, y - theta * (p - pre), sum((u - theta * v) ** 2 for u, v in zip(ly, lp)) / (n - 1) / n, mpf(n - 1)))
        plain += sum(u * u for u in ly) / (n - 1) / n
    return out, 1 - (out[0].variance + out[1].variance) / plain


def draw(n, digits=2, scale=10, shift=0):
    return [round(shift + rng.gauss(0, 1) * scale, digits) for _ in range(n)]


def rows(c, t, *names):
    """both arms as rows: columns by name, and t"""
    def part(a, flag):
        return 'SELECT %s, %s AS t FROM unnest(%s) u(%s)' % (', '.join('u.' + n for n in names), flag, ', '.join(array(v) for v in a), ', '.join(names))
    return '(%s UNION ALL %s) x' % (part(c, 'false'), part(t, 'true'))


# --------------------------------------------------------------------------- Welch
for nc, nt, shift in ((2, 2, 0), (2, 3, 5), (3, 2, -20), (5, 9, 100), (12, 12, 3), (30, 4, -1)):
    for side in SIDES:
        confidence, margin = rng.choice((0.5, 0.8, 0.95, 0.99)), rng.choice((0, 0, -1.5, 2.25))
        c, t = draw(nc, shift=shift), draw(nt, shift=shift)
        e = effect(mean_arm(c), mean_arm(t), side, confidence, margin)
        ref = st.ttest_ind(np.array(t) - margin, c, equal_var=False, alternative=side)
        assert abs(ref.statistic / float(e['statistic'][0]) - 1) < 1e-8 and abs(ref.pvalue / float(e['p_value']) - 1) < 1e-7
        check('Welch %d, %d, %s' % (nc, nt, side),
              'SELECT (rec.welch_test(v, t, %s)).* FROM %s' % (options(side, confidence, margin), rows([c], [t], 'v')), e)
        check('the same of samples', 'SELECT r.* FROM (SELECT rec.sample(v) FILTER (WHERE NOT t) AS c, rec.sample(v) FILTER (WHERE t) AS t FROM %s) s, '
              'rec.sample_test(s.c, s.t, %s) r' % (rows([c], [t], 'v'), options(side, confidence, margin)), e)
for what, c, t in (('huge', [1e150, 3e150, 2.5e150], [4e150, 7e150]), ('tiny', [1e-140, 3e-140, 2.5e-140], [4e-140, 7e-140]),
                   ('an arm without variance', [5, 5, 5, 5], [7, 8, 9.5]), ('nearly equal', [1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16], [1e9 + 5, 1e9 + 8, 1e9 + 14, 1e9 + 17.5]),
                   ('a control of 0', [-1, 1, -2, 2], [3, 4, 5])):
    check('Welch, ' + what, 'SELECT (rec.welch_test(v, t)).* FROM ' + rows([c], [t], 'v'), effect(mean_arm(c), mean_arm(t), 'two-sided', 0.95))
check('Welch, zero variance', 'SELECT (rec.welch_test(v, t)).* FROM ' + rows([[3, 3, 3]], [[4, 4]], 'v'),
      {'difference': 1, 'statistic': None, 'df': None, 'p_value': None, 'ci_low': None, 'ci_high': None, 'note': 'undefined: zero variance'})


def state(n, m, m2):
    return "'(mean,%d,%r,%r,0,,,,,,,,,,,,)'::rec.sample_state" % (n, m, m2)


def state_arm(n, m, m2):
    return Arm(n, F(m), F(m2) / (n - 1) / n, mpf(n - 1))


for what, c, t in (('1e9 units', (10 ** 9, 10.0, 9e9), (10 ** 9, 10.0001, 9e9)), ('1e9 units, p below 1e-300', (10 ** 9, 10.0, 9e9), (10 ** 9, 10.00505, 9.1e9)),
                   ('p below 1e-300, few df', (60, 0.0, 59.0), (61, 1e9, 58.0)), ('unequal', (10 ** 9, 1.0, 1e9), (50, 1.5, 70.0))):
    for side in SIDES:
        check('Welch, %s, %s' % (what, side), 'SELECT * FROM rec.welch_test(%s, %s, %s)' % (state(*c), state(*t), text(side)), effect(state_arm(*c), state_arm(*t), side, 0.95))

# ----------------------------------------------------------- ratio, cluster, CUPED
for nc, nt in ((2, 2), (3, 5), (8, 8), (20, 11)):
    for side in SIDES:
        confidence, margin = rng.choice((0.9, 0.95, 0.99)), rng.choice((0, 0.05, -0.05))
        dens = [[rng.randint(0 if n > 3 else 1, 6) for _ in range(n)] for n in (nc, nt)]
        dens = [d if sum(d) else [1] * len(d) for d in dens]
        nums = [[round(d * 3.5 + rng.gauss(0, 2), 2) for d in ds] for ds in dens]
        e = effect(ratio_arm(nums[0], dens[0]), ratio_arm(nums[1], dens[1]), side, confidence, margin)
        check('ratio %d, %d, %s' % (nc, nt, side), 'SELECT (rec.ratio_test(v, d, t, %s)).* FROM %s' % (options(side, confidence, margin), rows([nums[0], dens[0]], [nums[1], dens[1]], 'v', 'd')), e)
        pres = [[round(v * 0.8 + rng.gauss(0, 3), 2) for v in ns] for ns in nums]
        preds = [[d + rng.randint(0, 2) for d in ds] for ds in dens]
        if nc > 2:
            arms, reduction = cuped_arms([(nums[0], pres[0]), (nums[1], pres[1])])
            e = dict(effect(*arms, side, confidence, margin), variance_reduction=(reduction, 1))
            check('CUPED %d, %d, %s' % (nc, nt, side), 'SELECT (rec.cuped_test(v, p, t, %s)).* FROM %s'
                  % (options(side, confidence, margin), rows([nums[0], pres[0]], [nums[1], pres[1]], 'v', 'p')), e, 1e-9)
            arms, reduction = cuped_arms([(nums[i], dens[i], pres[i], preds[i]) for i in (0, 1)])
            e = dict(effect(*arms, side, confidence, margin), variance_reduction=(reduction, 1))
            check('CUPED of a ratio %d, %d, %s' % (nc, nt, side), 'SELECT (rec.cuped_test(v, d, p, q, t, %s)).* FROM %s'
                  % (options(side, confidence, margin), rows([nums[0], dens[0], pres[0], preds[0]], [nums[1], dens[1], pres[1], preds[1]], 'v', 'd', 'p', 'q')), e, 1e-9)
for side in SIDES:
    units = [[rng.randint(1, 7) for _ in range(25)], [rng.randint(1, 6) for _ in range(19)]]
    values = [draw(25, shift=4), draw(19, shift=5)]
    arms = []
    for u, v in zip(units, values):
        ids = sorted(set(u))
        arms.append(ratio_arm([float(sum(Fraction(str(x)) for x, i in zip(v, u) if i == k)) for k in ids], [u.count(k) for k in ids]))
    check('cluster, ' + side, 'SELECT r.* FROM (SELECT rec.sample_cluster(v, u::int) FILTER (WHERE NOT t) AS c, rec.sample_cluster(v, u::int) FILTER (WHERE t) AS t FROM %s) s, rec.ratio_test(s.c, s.t, %s) r'
          % (rows([values[0], units[0]], [values[1], units[1]], 'v', 'u'), text(side)), effect(*arms, side, 0.95), 1e-9)
for low, high in ((-3, 12.5), (None, 4), (0, None)):
    c, t = draw(9, shift=4), draw(14, shift=6)
    cap = lambda x: [min(max(v, low if low is not None else v), high if high is not None else INF) for v in x]
    check('winsorized %s to %s' % (low, high), 'SELECT r.* FROM (SELECT rec.sample_winsorized(v, %s, %s) FILTER (WHERE NOT t) AS c, rec.sample_winsorized(v, %s, %s) FILTER (WHERE t) AS t FROM %s) s, rec.welch_test(s.c, s.t) r'
          % ((('NULL' if low is None else low), ('NULL' if high is None else high)) * 2 + (rows([c], [t], 'v'),)), effect(mean_arm(cap(c)), mean_arm(cap(t)), 'two-sided', 0.95))

# --------------------------------------------------------------- post-stratification
for side in SIDES:
    strata = [(draw(rng.randint(2, 6), shift=s * 7), draw(rng.randint(2, 6), shift=s * 7 + 2)) for s in range(4)]
    total = sum(len(c) + len(t) for c, t in strata)
    pair = []
    for a in (0, 1):
        w = [mpf(len(s[0]) + len(s[1])) / total for s in strata]
        parts = [mean_arm(s[a]) for s in strata]
        v = sum(x * x * p.variance for x, p in zip(w, parts))
        pair.append(Arm(sum(p.n for p in parts), sum(x * p.estimate for x, p in zip(w, parts)), v, v * v / sum((x * x * p.variance) ** 2 / p.df for x, p in zip(w, parts))))
    values = ' UNION ALL '.join('SELECT (SELECT rec.sample(x) FROM unnest(%s) x) AS c, (SELECT rec.sample(x) FROM unnest(%s) x) AS t' % (array(c), array(t)) for c, t in strata)
    check('post-stratified, ' + side, 'SELECT (rec.post_stratified_test(c, t, %s)).* FROM (%s) s' % (options(side, 0.9, 0.25), values), effect(*pair, side, 0.9, 0.25))


# --------------------------------------------------------------------- proportions
def wilson(x, n, z):
    if n == 0:
        return None, None
    x, n = mpf(x), mpf(n)
    centre = (x + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * mp.sqrt(x * (n - x) / n + z * z / 4)
    return centre - half, centre + half


def fisher(x1, n1, x2, n2, side):
    """x2 of the treatment; exact, with rational numbers, or long ones where there are many"""
    n, marked = n1 + n2, x1 + x2
    lo, hi = max(0, n2 - (n - marked)), min(marked, n2)
    if n < 3000:
        weight = {k: math.comb(marked, k) * math.comb(n - marked, n2 - k) for k in range(lo, hi + 1)}
        all = math.comb(n, n2)
    else:
        lc = lambda a, b: mp.loggamma(a + 1) - mp.loggamma(b + 1) - mp.loggamma(a - b + 1)
        mode = (n2 + 1) * (marked + 1) // (n + 2)
        span = int(60 * math.sqrt(float(mpf(n2) * marked / n * (1 - mpf(marked) / n) * (1 - mpf(n2) / n)) + 1)) + abs(x2 - mode) + 60
        ks = range(max(lo, mode - span), min(hi, mode + span) + 1)
        weight = {}
        w = mp.exp(lc(marked, ks[0]) + lc(n - marked, n2 - ks[0]) - lc(n, n2))
        for k in ks:
            weight[k] = w
            w = w * (marked - k) * (n2 - k) / (mpf(k + 1) * (n - marked - n2 + k + 1))
        all = 1
    if side == 'greater':
        s = sum(w for k, w in weight.items() if k >= x2)
    elif side == 'less':
        s = sum(w for k, w in weight.items() if k <= x2)
    else:
        limit = weight[x2] if n < 3000 else weight[x2] * (1 + mpf('1e-20'))
        s = sum(w for w in weight.values() if w <= limit)
    return mpf(s) / all


def proportion(x1, n1, x2, n2, side, confidence, margin, method):
    p1, p2 = mpf(x1) / n1, mpf(x2) / n2
    pooled = mpf(x1 + x2) / (n1 + n2)
    c, t = Arm(n1, p1, p1 * (1 - p1) / n1, INF), Arm(n2, p2, p2 * (1 - p2) / n2, INF)
    alpha = 1 - F(confidence)
    z = n_isf(alpha / 2 if side == 'two-sided' else alpha)
    d, v = p2 - p1, c.variance + t.variance
    error = mp.sqrt(v) if margin else mp.sqrt(pooled * (1 - pooled) * (mpf(1) / n1 + mpf(1) / n2))
    low1, high1 = wilson(x1, n1, z)
    low2, high2 = wilson(x2, n2, z)
    r = {'n_control': n1, 'n_treatment': n2, 'estimate_control': p1, 'estimate_treatment': p2, 'difference': (d, p2), 'std_error': mp.sqrt(v)}
    half1, half2 = mp.sqrt((p2 - low2) ** 2 + (high1 - p1) ** 2), mp.sqrt((high2 - p2) ** 2 + (p1 - low1) ** 2)
    r['ci_low'] = -1 if side == 'less' else (d - half1, max(abs(d), half1))
    r['ci_high'] = 1 if side == 'greater' else (d + half2, max(abs(d), half2))
    if error == 0:
        return dict(r, statistic=None, p_value=None)
    stat = (d - F(margin)) / error
    r['statistic'] = (stat, p2 / error)
    small = min(n1, n2) * min(pooled, 1 - pooled) < 5
    if method == 'exact' or (method == 'auto' and small and not margin):
        r['p_value'] = fisher(x1, n1, x2, n2, side)
    else:
        r['p_value'] = 2 * n_sf(abs(stat)) if side == 'two-sided' else n_sf(stat) if side == 'greater' else n_sf(-stat)
    if p1 and v:
        lift = d / p1
        r['lift'] = (lift, p2 / p1)
        ends(r, 'lift_ci_', lift, z * mp.sqrt(t.variance + (p2 / p1) ** 2 * c.variance) / p1, side)
    return r


for counts in ((15, 100, 30, 110), (1, 2, 2, 2), (0, 2, 1, 2), (0, 10, 10, 10), (500, 100000, 580, 100000), (7, 1000, 9, 30), (99, 100, 88, 90), (0, 50, 3, 60), (3, 3, 0, 4)):
    for side in SIDES:
        for method in ('auto', 'z', 'exact'):
            confidence, margin = rng.choice((0.8, 0.95, 0.99)), 0 if method != 'z' else rng.choice((0, 0, -0.05, 0.01))
            e = proportion(*counts, side, confidence, margin, method)
            if method == 'z' and not margin:
                z, p = proportions_ztest([counts[2], counts[0]], [counts[3], counts[1]], alternative={'two-sided': 'two-sided', 'greater': 'larger', 'less': 'smaller'}[side])
                assert abs(p / float(e['p_value']) - 1) < 1e-8
            if method == 'exact' and side != 'two-sided':
                p = st.fisher_exact([[counts[2], counts[3] - counts[2]], [counts[0], counts[1] - counts[0]]], side)[1]
                assert abs(p / float(e['p_value']) - 1) < 1e-7
            if side == 'two-sided':
                low, high = confint_proportions_2indep(counts[2], counts[3], counts[0], counts[1], method='newcomb', alpha=1 - confidence)
                assert abs(low - float(e['ci_low'][0])) < 1e-8 and abs(high - float(e['ci_high'][0])) < 1e-8, (low, high, e)
            check('proportions %s, %s, %s' % (counts, side, method), "SELECT * FROM rec.proportion_test(%s, %s, %s, '%s')"
                  % (', '.join(map(str, counts)), text(side), '%r, %r' % (confidence, margin), method), e)
for counts in ((100000000, 10 ** 9, 100100000, 10 ** 9), (100000000, 10 ** 9, 100550000, 10 ** 9), (1, 10 ** 9, 30, 10 ** 9), (10 ** 9 - 5, 10 ** 9, 10 ** 9, 10 ** 9)):
    for side in SIDES:
        check('proportions %s, %s' % (counts, side), 'SELECT * FROM rec.proportion_test(%s, %s)' % (', '.join(map(str, counts)), text(side)),
              proportion(*counts, side, 0.95, 0, 'z' if min(counts[0], counts[1] - counts[0] or 0) > 1000 else 'auto'))
check('all successes', 'SELECT * FROM rec.proportion_test(10, 10, 8, 8)', dict(proportion(10, 10, 8, 8, 'two-sided', 0.95, 0, 'auto'), note='undefined: zero variance'))
check('proportions of rows', 'SELECT (rec.proportion_test(v = 1, t, %s)).* FROM %s' % (options('greater', 0.9), rows([[0] * 30 + [1] * 12], [[0] * 20 + [1] * 17], 'v')), proportion(12, 42, 17, 37, 'greater', 0.9, 0, 'auto'))
for counts in ((0, 10 ** 9, 700, 10 ** 6), (40, 80, 40, 80), (1000, 2000, 10, 1500), (0, 1100, 1100, 1100), (250000, 500000, 251500, 500000), (3, 100000, 60, 100000)):
    for side in SIDES:
        check('Fisher %s, %s' % (counts, side), 'SELECT rec.fisher_test(%s, %s) AS p' % (', '.join(map(str, counts)), text(side)), {'p': fisher(*counts, side)})
for x, n in ((0, 1), (1, 1), (1, 2), (0, 10 ** 9), (10 ** 9, 10 ** 9), (1, 10 ** 9), (500000000, 10 ** 9), (13, 37), (999999, 10 ** 6)):
    for confidence in (0.5, 0.95, 0.999999):
        low, high = wilson(x, n, n_isf((1 - F(confidence)) / 2))
        ref = proportion_confint(x, n, 1 - confidence, 'wilson')
        assert abs(ref[0] - float(low)) < 1e-7 and abs(ref[1] - float(high)) < 1e-7
        check('Wilson %d of %d, %g' % (x, n, confidence), 'SELECT * FROM rec.wilson_interval(%d, %d, %r)' % (x, n, confidence), {'estimate': mpf(x) / n, 'ci_low': mpf(0) if x == 0 else low, 'ci_high': high})

# ------------------------------------------------------------------------ the split
for counts, weights in (((1, 1), None), ((10, 30), None), ((501, 499, 480), (1, 1, 1)), ((50100, 49000, 900), (50, 49, 1)), ((10 ** 9, 10 ** 9 + 100000), None), ((10 ** 9, 10 ** 9 + 1700000), (1, 1)),
                        ((5, 0), (0.9, 0.1)), ((70000, 1000), (.5, .5)), ((12, 15, 9, 14, 11, 10, 20), None)):
    w = [F(x) for x in (weights or [1] * len(counts))]
    total = sum(counts)
    expected = [total * x / sum(w) for x in w]
    x2 = sum((c - e) ** 2 / e for c, e in zip(counts, expected))
    df = len(counts) - 1
    p = mp.gammainc(mpf(df) / 2, x2 / 2, mp.inf, regularized=True)
    assert abs(st.chisquare(counts, [float(e) for e in expected]).statistic / float(x2 or 1) - (1 if x2 else 0)) < 1e-8
    check('split %s' % (counts,), "SELECT statistic, df, p_value, mismatch FROM rec.srm_test('{%s}'::bigint[]%s)" % (','.join(map(str, counts)), ", '{%s}'" % ','.join(map(str, weights)) if weights else ''),
          {'statistic': x2, 'df': df, 'p_value': p, 'mismatch': bool(p < 0.001)})
check('split of rows', 'SELECT (r).statistic, (r).p_value FROM (SELECT rec.srm_test(i % 7 < 2, 0.25) AS r FROM generate_series(0, 699) i) x',
      {'statistic': mpf(625) / 175 + mpf(625) / 525, 'p_value': mp.gammainc(mpf(1) / 2, (mpf(625) / 175 + mpf(625) / 525) / 2, mp.inf, regularized=True)})


# ------------------------------------------------------------------- ranks, quantiles
def delong(c, t):
    m, n = len(c), len(t)
    psi = [[(1 if y > x else Fraction(1, 2) if y == x else 0) for y in t] for x in c]
    u = sum(map(sum, psi))
    theta = Fraction(u) / (m * n)
    v1 = [Fraction(sum(psi[i])) / n - theta for i in range(m)]
    v0 = [Fraction(sum(psi[i][j] for i in range(m))) / m - theta for j in range(n)]
    q = lambda x: mpf(x.numerator) / x.denominator
    return q(Fraction(u)), q(theta), q(sum(x * x for x in v1)) / (m - 1) / m if m > 1 else None, q(sum(x * x for x in v0)) / (n - 1) / n if n > 1 else None


def rank(c, t, side, confidence):
    m, n = len(c), len(t)
    u, theta, vc, vt = delong(c, t)
    ties = len(set(c + t)) < m + n
    if not ties and min(m, n) <= 8:
        order = sorted(c + t)
        us = [sum(r) - n * (n + 1) // 2 for r in combinations(range(1, m + n + 1), n)]
        tail = lambda k: Fraction(sum(1 for x in us if x >= k), len(us))
        g, l = tail(int(u)), Fraction(sum(1 for x in us if x <= int(u)), len(us))
        p = min(Fraction(1), 2 * min(g, l)) if side == 'two-sided' else g if side == 'greater' else l
        p = mpf(p.numerator) / p.denominator
    else:
        all = c + t
        s = sum(all.count(x) ** 3 - all.count(x) for x in set(all))
        sd = mp.sqrt(mpf(m) * n / 12 * ((m + n + 1) - mpf(s) / ((m + n) * (m + n - 1))))
        z = lambda k: (k - mpf(m) * n / 2 - mpf(1) / 2) / sd
        p = min(mpf(1), 2 * n_sf(z(max(u, m * n - u)))) if side == 'two-sided' else n_sf(z(u)) if side == 'greater' else n_sf(z(m * n - u))
    ref = st.mannwhitneyu(t, c, alternative=side, method='exact' if not ties and min(m, n) <= 8 else 'asymptotic')
    assert ref.statistic == float(u) and abs(ref.pvalue / float(p) - 1) < 1e-8, (ref, p)
    r = {'n_control': m, 'n_treatment': n, 'statistic': u, 'p_value': p, 'estimate_treatment': theta, 'estimate_control': 1 - theta, 'difference': (2 * theta - 1, 1)}
    if vc is not None and vt is not None and vc + vt > 0:
        r['std_error'] = 2 * mp.sqrt(vc + vt)
        alpha = 1 - F(confidence)
        ends(r, 'ci_', 2 * theta - 1, r['std_error'] * n_isf(alpha / 2 if side == 'two-sided' else alpha), side)
    return r


for m, n, digits in ((1, 2, 2), (2, 2, 2), (3, 5, 2), (5, 3, 2), (8, 7, 2), (6, 6, 0), (25, 30, 2), (40, 22, 0)):
    for side in SIDES:
        c, t = draw(m, digits, 4), draw(n, digits, 4, 1)
        while digits and len(set(c + t)) < m + n:
            c, t = draw(m, digits, 4), draw(n, digits, 4, 1)
        check('ranks %d, %d, %s' % (m, n, side), 'SELECT (rec.rank_test(v, t, %s, 0.9)).* FROM %s' % (text(side), rows([c], [t], 'v')), rank(c, t, side, 0.9))
c = [float(i) for i in range(2000)]
u = mpf(4000000)
check('ranks, p below 1e-300', 'SELECT r.statistic, r.p_value, r.difference FROM (SELECT rec.sample_quantile(i) FILTER (WHERE i < 2000) AS c, rec.sample_quantile(i) FILTER (WHERE i >= 2000) AS t FROM generate_series(0, 3999) i) s, rec.rank_test(s.c, s.t) r',
      {'statistic': u, 'p_value': 2 * n_sf((u / 2 - mpf(1) / 2) / mp.sqrt(u / 12 * 4001)), 'difference': 1})


def quantile(x, q):
    s = sorted(x)
    at = mpf(q) * (len(s) - 1)
    i = int(mp.floor(at))
    return F(s[i]) + (at - i) * (F(s[min(i + 1, len(s) - 1)]) - F(s[i]))


def quantile_arm(x, q, z):
    h = z * mp.sqrt(F(q) * (1 - F(q)) / len(x))
    return Arm(len(x), quantile(x, F(q)), ((quantile(x, F(q) + h) - quantile(x, F(q) - h)) / (2 * z)) ** 2, INF)


for q, m, n in ((0.5, 12, 9), (0.5, 60, 45), (0.9, 80, 120), (0.25, 33, 61)):
    for side in SIDES:
        c, t = draw(m, 2, 5, 20), draw(n, 2, 5, 22)
        z = n_isf((1 - F(0.9)) / 2)
        check('quantile %g of %d, %d, %s' % (q, m, n, side), 'SELECT (rec.quantile_test(v, t, %r, %s)).* FROM %s' % (q, options(side, 0.9, 0.5), rows([c], [t], 'v')),
              effect(quantile_arm(c, q, z), quantile_arm(t, q, z), side, 0.9, 0.5))

# ----------------------------------------------------------------------- sequential
def sequence_width(n, tuning, alpha):
    """Waudby-Smith and others (2024): mean +- sd sqrt(2 (n rho2 + 1) / (n^2 rho2) log(sqrt(n rho2 + 1) / alpha)), in standard errors"""
    rho2 = (-2 * mp.log(alpha) + mp.log(-2 * mp.log(alpha) + 1)) / tuning
    x = n * rho2
    return mp.sqrt(2 * (x + 1) / x * mp.log(mp.sqrt(x + 1) / alpha)), x


for n1, n2, shift in ((2, 2, 0), (5, 8, 3), (20, 20, 1)):
    for side in SIDES:
        for tuning in (5000, 30):
            confidence = rng.choice((0.9, 0.95, 0.99))
            alpha = (1 - F(confidence)) * (1 if side == 'two-sided' else 2)
            c, t = draw(n1, 2, 3, 10), draw(n2, 2, 3, 10 + 3 * shift)
            w, x = sequence_width(n1 + n2, tuning, alpha)
            e = effect(mean_arm(c), mean_arm(t), side, confidence, 0.5, w, INF)
            z = e['statistic'][0]
            # the alpha at which an interval with this rho ends at the margin
            p = min(mpf(1), mp.sqrt(x + 1) * mp.exp(-z * z / 2 * x / (x + 1)))
            e['p_value'] = p if side == 'two-sided' else p / 2 if (z > 0) == (side == 'greater') else mpf(1)
            check('always valid %d, %d, %s, tuned to %d' % (n1, n2, side, tuning), 'SELECT r.* FROM (SELECT rec.sample(v) FILTER (WHERE NOT t) AS c, rec.sample(v) FILTER (WHERE t) AS t FROM %s) s, rec.sequential_test(s.c, s.t, %s, %d) r'
                  % (rows([c], [t], 'v'), options(side, confidence, 0.5), tuning), e)
c, t = (10 ** 9, 10.0, 9e9), (10 ** 9, 10.0051, 9e9)
w, x = sequence_width(2 * 10 ** 9, 5000, mpf('0.05') if False else 1 - F(0.95))
e = effect(state_arm(*c), state_arm(*t), 'two-sided', 0.95, 0, w, INF)
z = e['statistic'][0]
e['p_value'] = mp.sqrt(x + 1) * mp.exp(-z * z / 2 * x / (x + 1))
check('always valid, 1e9 units', 'SELECT * FROM rec.sequential_test(%s, %s)' % (state(*c), state(*t)), e, 1e-9)

NODES, WEIGHTS = np.polynomial.legendre.leggauss(300)


def spent(kind, alpha, t):
    return 2 * st.norm.sf(st.norm.isf(alpha / 2) / math.sqrt(t)) if kind == 'obrien-fleming' else alpha * math.log(1 + (math.e - 1) * t)


def group(information, kind, alpha, two_sided, drift=0.0, bounds=None):
    """Boundaries in z, or, given them, the probability to cross above: the density of the score carried by Gauss-Legendre from look to look"""
    side = alpha / 2 if two_sided else alpha
    points = density = None
    out, power, before = [], 0.0, 0.0
    for k, t in enumerate(information):
        step = t - (information[k - 1] if k else 0)
        sd = math.sqrt(step)

        def above(z):
            if points is None:
                return st.norm.sf((z * math.sqrt(t) - drift * step) / sd)
            return float(np.sum(density * st.norm.sf((z * math.sqrt(t) - points - drift * step) / sd)))
        if bounds is None:
            want = (spent(kind, side, t) if t < 1 else side) - before
            before += want
            b = brentq(lambda z: math.log(max(above(z), 1e-320)) - math.log(want), -4, 20, xtol=1e-14)
            out.append(b)
        else:
            b = bounds[k]
            power += above(b)
        far = 9 * math.sqrt(t)
        high = min(b * math.sqrt(t), drift * t + far)
        low = max(-b * math.sqrt(t) if two_sided else -1e9, drift * t - far)
        x = (high + low) / 2 + (high - low) / 2 * NODES
        w = (high - low) / 2 * WEIGHTS
        f = st.norm.pdf((x - drift * step) / sd) / sd if points is None else (st.norm.pdf((x[:, None] - points[None, :] - drift * step) / sd) / sd) @ density
        points, density = x, f * w
    return out if bounds is None else power


for information, kind, alpha, side in (((1.0,), 'obrien-fleming', 0.05, 'two-sided'), ((0.5, 1.0), 'obrien-fleming', 0.05, 'two-sided'), ((0.2, 0.4, 0.6, 0.8, 1.0), 'obrien-fleming', 0.05, 'two-sided'),
                                       ((0.2, 0.4, 0.6, 0.8, 1.0), 'pocock', 0.05, 'two-sided'), ((0.3, 0.35, 0.9), 'obrien-fleming', 0.01, 'greater'), ((0.1, 0.5, 0.55, 1.0), 'pocock', 0.001, 'less'),
                                       (tuple((k + 1) / 10 for k in range(10)), 'obrien-fleming', 0.025, 'greater'), (tuple((k + 1) / 10 for k in range(10)), 'pocock', 0.1, 'two-sided')):
    bounds = group(information, kind, alpha, side == 'two-sided')
    for k, b in enumerate(bounds):
        s = 2 if side == 'two-sided' else 1
        a = alpha if information[k] == 1 else s * spent(kind, alpha / s, information[k])
        check('boundary %d of %d, %s, %g, %s' % (k + 1, len(bounds), kind, alpha, side), "SELECT boundary, alpha_spent, p_value FROM rec.group_sequential('{%s}'::float8[], %r, %s, %s) WHERE look = %d"
              % (','.join(map(str, information)), alpha, text(kind), text(side), k + 1), {'boundary': mpf(b), 'alpha_spent': mpf(a), 'p_value': mpf(s * st.norm.sf(b))}, 1e-9)
bounds = group((0.25, 0.6), 'pocock', 0.1, True)
c, t = draw(15, 2, 3, 10), draw(18, 2, 3, 12)
e = effect(mean_arm(c), mean_arm(t), 'two-sided', 0.9, 0, mpf(bounds[1]), INF)
check('group-sequential test', "SELECT r.* FROM (SELECT rec.sample(v) FILTER (WHERE NOT t) AS c, rec.sample(v) FILTER (WHERE t) AS t FROM %s) s, rec.group_sequential_test(s.c, s.t, confidence => 0.9, information => '{0.25,0.6}', spending => 'pocock') r"
      % rows([c], [t], 'v'), e, 1e-9)

# ----------------------------------------------------------------------------- Bayes
for c, t, m, sd, confidence in (((100, 10.0, 900.0), (120, 10.4, 1000.0), 0, None, 0.95), ((100, 10.0, 900.0), (120, 10.4, 1000.0), 0.1, 0.2, 0.9), ((2, 5.0, 1.0), (2, 5.5, 2.0), -1, 3, 0.99),
                                ((10 ** 9, 10.0, 9e9), (10 ** 9, 9.995, 9e9), 0, None, 0.95), ((10 ** 9, 10.0, 9e9), (10 ** 9, 10.0051, 9e9), 0, 0.001, 0.95)):
    a, b = state_arm(*c), state_arm(*t)
    d, v = b.estimate - a.estimate, a.variance + b.variance
    if sd is not None:
        v, d = 1 / (1 / v + 1 / F(sd) ** 2), (d / v + F(m) / F(sd) ** 2) / (1 / v + 1 / F(sd) ** 2)
    s = mp.sqrt(v)
    z = n_isf((1 - F(confidence)) / 2)
    loss = lambda mu: s * mp.npdf(mu / s) - mu * n_sf(mu / s)
    r = {'difference': (d, abs(b.estimate)), 'chance_to_win': n_cdf(d / s), 'loss_treatment': loss(d), 'loss_control': loss(-d), 'lift': (d / a.estimate, 1)}
    ends(r, 'ci_', d, z * s, 'two-sided')
    r['ci_low'], r['ci_high'] = (r['ci_low'][0], 1 + abs(d)), (r['ci_high'][0], 1 + abs(d))
    check('normal posterior %s %s' % (c, t), 'SELECT * FROM rec.bayes_test(%s, %s, %r, %s, %r)' % (state(*c), state(*t), m, 'NULL' if sd is None else repr(sd), confidence), r, 1e-9)


def beta_above(a1, b1, a2, b2):
    """P(beta(a2, b2) > beta(a1, b1)) for whole a2: sum over i < a2 of B(a1 + i, b1 + b2) / ((b2 + i) B(1 + i, b2) B(a1, b1))"""
    lb = lambda a, b: mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)
    return sum(mp.exp(lb(a1 + i, b1 + b2) - mp.log(b2 + i) - lb(mpf(1) + i, b2) - lb(a1, b1)) for i in range(int(a2)))


def beta_difference(a1, b1, a2, b2, d):
    """P(beta2 - beta1 > d), by quadrature"""
    logb = mp.loggamma(a1) + mp.loggamma(b1) - mp.loggamma(a1 + b1)
    f = lambda x: mp.exp((a1 - 1) * mp.log(x) + (b1 - 1) * mp.log1p(-x) - logb) * (1 if x + d <= 0 else 0 if x + d >= 1 else mp.betainc(a2, b2, x + d, 1, regularized=True))
    m, s = a1 / (a1 + b1), mp.sqrt(a1 * b1 / (a1 + b1) ** 2 / (a1 + b1 + 1))
    points = sorted(set([mpf(0), mpf(1)] + [min(max(m + j * s, mpf(0)), mpf(1)) for j in (-9, -4, -1, 1, 4, 9)] + [min(max(p, mpf(0)), mpf(1)) for p in (-d, 1 - d)]))
    old, mp.dps = mp.dps, 20
    p = mp.quad(f, points)
    mp.dps = old
    return p


for x1, n1, x2, n2, alpha, beta, confidence in ((1, 2, 2, 2, 1, 1, 0.95), (0, 0, 0, 0, 1, 1, 0.95), (15, 100, 30, 110, 1, 1, 0.95), (0, 50, 50, 50, 1, 1, 0.9), (40, 1000, 55, 1020, 2, 30, 0.99), (300, 5000, 345, 5100, 1, 1, 0.95)):
    a1, b1, a2, b2 = mpf(alpha + x1), mpf(beta + n1 - x1), mpf(alpha + x2), mpf(beta + n2 - x2)
    win = beta_above(a1, b1, a2, b2)
    m1, m2 = a1 / (a1 + b1), a2 / (a2 + b2)
    # E max(p2 - p1, 0) = m2 P(p1 < p2 with a2 + 1) - m1 P(p1 with a1 + 1 < p2)
    up = m2 * beta_above(a1, b1, a2 + 1, b2) - m1 * beta_above(a1 + 1, b1, a2, b2)
    r = {'chance_to_win': win, 'loss_control': up, 'loss_treatment': (up - (m2 - m1), max(abs(m2 - m1) / 1e3, abs(up - (m2 - m1)))), 'difference': (m2 - m1, m2), 'estimate_control': m1, 'estimate_treatment': m2}
    tail = (1 - F(confidence)) / 2
    sd = mp.sqrt(a1 * b1 / (a1 + b1) ** 2 / (a1 + b1 + 1) + a2 * b2 / (a2 + b2) ** 2 / (a2 + b2 + 1))
    for name, p, guess in (('ci_low', 1 - tail, m2 - m1 - n_isf(tail) * sd), ('ci_high', tail, m2 - m1 + n_isf(tail) * sd)):
        guess = min(max(guess, mpf('-0.98')), mpf('0.98'))
        r[name] = (mp.findroot(lambda d: beta_difference(a1, b1, a2, b2, d) - p, (guess, guess * mpf('0.97') + mpf('0.001')), solver='secant', tol=1e-15), sd)
    check('beta posteriors %s' % ((x1, n1, x2, n2, alpha, beta),), 'SELECT * FROM rec.bayes_proportion_test(%d, %d, %d, %d, %d, %d, %r)' % (x1, n1, x2, n2, alpha, beta, confidence), r, 1e-8)
# P near 0 and shapes that are no whole numbers
check('beta posteriors, a hopeless treatment', 'SELECT chance_to_win, loss_control FROM rec.bayes_proportion_test(300, 400, 5, 400)', {'chance_to_win': beta_above(mpf(301), mpf(101), mpf(6), mpf(396)),
      'loss_control': mpf(6) / 402 * beta_above(mpf(301), mpf(101), mpf(7), mpf(396)) - mpf(301) / 402 * beta_above(mpf(302), mpf(101), mpf(6), mpf(396))}, 1e-8)
check('beta posteriors, Jeffreys', 'SELECT chance_to_win FROM rec.bayes_proportion_test(3, 40, 7, 41, 0.5, 0.5)', {'chance_to_win': beta_difference(mpf('3.5'), mpf('37.5'), mpf('7.5'), mpf('34.5'), mpf(0))}, 1e-9)


def beta_trapezoid(a1, b1, a2, b2):
    """P(beta2 > beta1) for millions: trapezoids over both in the variable (x - mean) / sd of their sum, which converge at once"""
    m1, m2 = a1 / (a1 + b1), a2 / (a2 + b2)
    s1, s2 = (mp.sqrt(a * b / (a + b) ** 2 / (a + b + 1)) for a, b in ((a1, b1), (a2, b2)))
    log_density = lambda x, a, b, m: (a - 1) * mp.log(x / m) + (b - 1) * mp.log((1 - x) / (1 - m))
    grid = [mpf(i) / 8 for i in range(-100, 101)]
    f1 = [mp.exp(log_density(m1 + z * s1, a1, b1, m1)) for z in grid]
    total1 = sum(f1)
    norm2 = sum(mp.exp(log_density(m2 + z * s2, a2, b2, m2)) for z in grid) / 8
    g = lambda z: mp.exp(log_density(m2 + z * s2, a2, b2, m2)) / norm2
    out = mpf(0)
    for z, f in zip(grid, f1):
        if f < total1 * mpf('1e-25'):
            continue
        from_ = (m1 + z * s1 - m2) / s2
        tail = mpf(1) if from_ < -13 else mpf(0) if from_ > 13 else mp.quad(g, [from_, (from_ + 13) / 2, 13])
        out += f / total1 * tail
    return out


mp.dps = 30
check('beta posteriors, 1e9 units', 'SELECT chance_to_win FROM rec.bayes_proportion_test(100000000, 1000000000, 100020000, 1000000000)', {'chance_to_win': beta_trapezoid(mpf(100000001), mpf(900000001), mpf(100020001), mpf(899980001))}, 1e-8)
mp.dps = 40

# -------------------------------------------------------------------------- planning
def power(d, sd1, sd2, n1, n2, alpha, side, margin, design, tuning, looks, pooled=None, t=True):
    se = mp.sqrt(sd1 ** 2 / n1 + sd2 ** 2 / n2)
    drift = (F(d) - F(margin)) / se * (-1 if side == 'less' else 1)
    two = side == 'two-sided'
    if design == 'fixed':
        df = mpf(n1 + n2 - 2) if t else INF
        bound = t_isf(F(alpha) / (2 if two else 1), df)
        if pooled:
            bound *= pooled * mp.sqrt(mpf(1) / n1 + mpf(1) / n2) / se
        return nct_sf(bound, df, drift) + (nct_sf(bound, df, -drift) if two else 0)
    if design == 'always-valid':
        w, _ = sequence_width(n1 + n2, tuning, F(alpha) * (1 if two else 2))
        return n_sf(w - drift) + (n_sf(w + drift) if two else 0)
    information = tuple((k + 1) / looks for k in range(looks))
    bounds = group(information, 'obrien-fleming', alpha, two)
    return mpf(group(information, '', alpha, two, float(drift), bounds) + (group(information, '', alpha, two, -float(drift), bounds) if two else 0))


def plan_options(alpha, side, margin, design, tuning=5000, looks=5):
    return '%r, %s, %r, %s, %d, %d' % (alpha, text(side), margin, text(design), tuning, looks)


plans = [('two-sided', 0.05, 0, 'fixed', 5000, 5), ('greater', 0.01, 0, 'fixed', 5000, 5), ('less', 0.05, 0, 'fixed', 5000, 5), ('greater', 0.05, -0.2, 'fixed', 5000, 5), ('two-sided', 0.05, 0, 'always-valid', 5000, 5),
         ('greater', 0.05, 0, 'always-valid', 300, 5), ('two-sided', 0.05, 0, 'group-sequential', 5000, 5), ('greater', 0.025, 0, 'group-sequential', 5000, 3)]
for n1, n2 in ((2, 2), (5, 9), (200, 150), (10 ** 9, 10 ** 9)):
    for side, alpha, margin, design, tuning, looks in plans:
        scale = math.sqrt(1 / n1 + 1 / n2) * 2.5
        d = round(scale * 3 * (-1 if side == 'less' else 1), 12 if n1 > 1000 else 3)
        if n1 > 10 ** 6 and margin:
            continue
        e = power(d, mpf(2.5), mpf(2.5), n1, n2, alpha, side, margin, design, tuning, looks, t=n1 < 10 ** 6)
        if design == 'fixed' and n1 < 10 ** 6:
            ref = TTestIndPower().power((d - margin) / 2.5, n1, alpha, n2 / n1, alternative={'two-sided': 'two-sided', 'greater': 'larger', 'less': 'smaller'}[side])
            assert abs(ref / float(e) - 1) < 1e-6, (ref, e)
        check('power %d, %d, %s, %s' % (n1, n2, side, design), 'SELECT rec.power(%r, 2.5, %d, %d, %s) AS p' % (d, n1, n2, plan_options(alpha, side, margin, design, tuning, looks)), {'p': e}, 1e-9 if n1 < 10 ** 6 and design != 'group-sequential' else 1e-8)
for side, alpha, margin, design, tuning, looks in plans:
    sign = -1 if side == 'less' else 1
    f = lambda d: float(power(float(d), mpf(2.5), mpf(2.5), 60, 90, alpha, side, margin, design, tuning, looks)) - 0.8
    d = brentq(f, margin + sign * 1e-9, margin + sign * 6, xtol=1e-13, rtol=1e-13)
    check('mde %s, %s' % (side, design), 'SELECT rec.mde(2.5, 60, 90, 0.8, %s) AS d' % plan_options(alpha, side, margin, design, tuning, looks), {'d': mpf(d)}, 1e-8)
    share = rng.choice((0.5, 0.5, 0.2))
    g = lambda n: float(power(sign * 0.4, mpf(2.5), mpf(2.5), F(n) * F(1 - share), F(n) * F(share), alpha, side, margin, design, tuning, looks)) - 0.9
    n = brentq(g, 10, 1e6, xtol=1e-7)
    nc, nt = math.ceil(n * (1 - share)), math.ceil(n * share)
    check('sample size %s, %s, %g' % (side, design, share), 'SELECT * FROM rec.sample_size(%r, 2.5, 0.9, %r, %s)' % (sign * 0.4, share, plan_options(alpha, side, margin, design, tuning, looks)), {'n': nc + nt, 'n_control': nc, 'n_treatment': nt})
    check('duration %s, %s' % (side, design), 'SELECT rec.duration(37.5, %r, 2.5, 0.9, %r, %s) AS d' % (sign * 0.4, share, plan_options(alpha, side, margin, design, tuning, looks)), {'d': math.ceil((nc + nt) / 37.5)})

    def of_proportions(p1, p2, n1, n2):
        # a test without margin pools, one with a margin does not
        pooled = (n1 * F(p1) + n2 * F(p2)) / (n1 + n2)
        return power(float(F(p2) - F(p1)), mp.sqrt(F(p1) * (1 - F(p1))), mp.sqrt(F(p2) * (1 - F(p2))), n1, n2, alpha, side, margin / 10, design, tuning, looks, mp.sqrt(pooled * (1 - pooled)) if not margin else None, False)
    p2 = 0.1 + sign * 0.04
    o = plan_options(alpha, side, margin / 10, design, tuning, looks)
    check('power of proportions %s, %s' % (side, design), 'SELECT rec.power_proportion(0.1, %r, 900, 1100, %s) AS p' % (p2, o), {'p': of_proportions(0.1, p2, 900, 1100)}, 1e-8)
    if not margin:
        d = brentq(lambda d: float(of_proportions(0.1, 0.1 + d, 900, 1100)) - 0.8, sign * 1e-9, sign * 0.0999 if side == 'less' else 0.3, xtol=1e-14)
        check('mde of proportions %s, %s' % (side, design), 'SELECT rec.mde_proportion(0.1, 900, 1100, 0.8, %s) AS d' % o, {'d': mpf(d)}, 1e-8)
    n = brentq(lambda n: float(of_proportions(0.1, p2, F(n) * F(1 - share), F(n) * F(share))) - 0.9, 30, 1e6, xtol=1e-7)
    nc, nt = math.ceil(n * (1 - share)), math.ceil(n * share)
    check('sample size of proportions %s, %s, %g' % (side, design, share), 'SELECT * FROM rec.sample_size_proportion(0.1, %r, 0.9, %r, %s)' % (p2, share, o), {'n': nc + nt, 'n_control': nc, 'n_treatment': nt})
    check('duration of proportions %s, %s' % (side, design), 'SELECT rec.duration_proportion(37.5, 0.1, %r, 0.9, %r, %s) AS d' % (p2, share, o), {'d': math.ceil((nc + nt) / 37.5)})

# ------------------------------------------------------------------------ adjustment
for p in ([0.04], [0.5, 0.5], [0, 1, 1e-310, 0.03], [round(rng.random() ** 3, 5) for _ in range(12)], [0.01, 0.01, 0.02, 0.9, 0.04]):
    for method, name in (('holm', 'holm'), ('bonferroni', 'bonferroni'), ('bh', 'fdr_bh')):
        adjusted = multipletests(p, method=name)[1]
        check('%s of %d' % (method, len(p)), 'SELECT array_agg(a ORDER BY i)::text AS a FROM (SELECT i, round(rec.adjust_p(p, %s) OVER ()::numeric, 12)::float8 AS a FROM unnest(%s) WITH ORDINALITY u(p, i)) x'
              % (text(method), array(p)), {'a': '{%s}' % ','.join('%.12g' % round(a, 12) for a in adjusted)})

# -------------------------------------------------------------------------- rankings
for wins_a, wins_b, ties in ((0, 1, 3), (1, 1, 0), (7, 15, 30), (0, 2000, 10), (510, 490, 1)):
    n = wins_a + wins_b
    k = max(wins_a, wins_b)
    tail = Fraction(sum(math.comb(n, i) for i in range(k, n + 1)), 2 ** n)
    p = min(Fraction(1), 2 * tail)
    assert abs(st.binomtest(wins_b, n).pvalue - float(p)) < 1e-12
    low, high = wilson(wins_b, n, n_isf((1 - F(0.9)) / 2))
    check('interleaving %d : %d' % (wins_a, wins_b), 'SELECT (rec.interleave_test(a, b, 0.9)).* FROM (SELECT 1 AS a, 0 AS b FROM generate_series(1, %d) UNION ALL SELECT 0, 2 FROM generate_series(1, %d) UNION ALL SELECT 1, 1 FROM generate_series(1, %d)) x' % (wins_a, wins_b, ties),
          {'n': n + ties, 'wins_a': wins_a, 'wins_b': wins_b, 'ties': ties, 'preference': mpf(wins_b) / n, 'ci_low': mpf(0) if wins_b == 0 else low, 'ci_high': high, 'p_value': mpf(p.numerator) / p.denominator})
for n in (2, 5, 40):
    reward = [round(rng.random() * 4, 2) for _ in range(n)]
    old = [rng.choice((0.1, 0.25, 0.5, 0.8)) for _ in range(n)]
    new = [rng.choice((0, 0.05, 0.3, 0.9)) for _ in range(n)]
    new[0] = 0.3
    w = [F(b) / F(a) for a, b in zip(old, new)]
    for name, clip in (('ips', None), ('snips', None), ('clipped_ips', 1.1)):
        v = [min(x, F(clip)) for x in w] if clip else w
        y = [a * F(b) for a, b in zip(v, reward)]
        arm = ratio_mp = None
        if name == 'snips':
            est = sum(y) / sum(v)
            l = [(a - est * b) / (sum(v) / n) for a, b in zip(y, v)]
        else:
            est = sum(y) / n
            l = [a - est for a in y]
        se = mp.sqrt(sum(x * x for x in l) / (n - 1) / n)
        half = t_isf((1 - F(0.9)) / 2, mpf(n - 1)) * se
        r = {'n': n, 'estimate': est, 'std_error': se, 'effective_n': sum(v) ** 2 / sum(x * x for x in v), 'mean_weight': sum(v) / n, 'max_weight': max(w), 'clipped': sum(1 for x in w if clip and x > F(clip))}
        ends(r, 'ci_', est, half, 'two-sided')
        check('%s of %d' % (name, n), 'SELECT (rec.%s(r, p, q%s, 0.9)).* FROM unnest(%s, %s, %s) u(r, p, q)' % (name, ', %r' % clip if clip else '', array(reward), array(old), array(new)), r)

print("""-- Every statistical function for experiments against a second implementation, on random, tiny and extreme input.
-- Written by test/reference/experiments.py (how the numbers came about stands there): definitions in 40 digits with mpmath
-- 1.2.1, exact fractions, permutations and quadrature, agreeing with scipy 1.10.1 and statsmodels 0.13.5 where they have the
-- function. Do not edit.
SELECT plan(%d);

-- One row of a query against the expected columns: numbers to a relative tolerance, of the scale where one is given, since a
-- difference of nearly equal numbers has no more digits than they.
CREATE FUNCTION agree(what text, query text, expected jsonb, tolerance float8, scale jsonb DEFAULT '{}') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	got jsonb;
	bad text;
BEGIN
	EXECUTE format('SELECT to_jsonb(q) FROM (%%s) q', query) INTO got;
	SELECT string_agg(format('%%s is %%s, expected %%s', e.key, got ->> e.key, e.value #>> '{}'), E'\\n') INTO bad FROM jsonb_each(expected) e
	WHERE NOT coalesce(CASE
		WHEN NOT got ? e.key THEN false
		WHEN e.value = 'null' OR got -> e.key = 'null' THEN e.value = 'null' AND got -> e.key = 'null'
		WHEN jsonb_typeof(e.value) = 'number' OR e.value #>> '{}' ~ '^-?Infinity$' THEN (got ->> e.key)::float8 = (e.value #>> '{}')::float8
			OR abs((got ->> e.key)::float8 - (e.value #>> '{}')::float8) <= tolerance * greatest(abs((e.value #>> '{}')::float8), coalesce((scale ->> e.key)::float8, 0))
		ELSE got ->> e.key = e.value #>> '{}' END, false);
	RETURN NEXT ok(bad IS NULL, what);
	IF bad IS NOT NULL THEN
		RETURN NEXT diag(bad || E'\\n' || query);
	END IF;
END $$;
""" % len(cases))
print('\n'.join(cases))
print('\nSELECT * FROM finish();')
