#!/usr/bin/env python3
"""Writes test/unit/dist_table.h: reference values of distribution functions, from mpmath with 50 digits.

    python3 test/unit/dist_table.py > test/unit/dist_table.h        (Debian: python3-mpmath)

Arguments are taken as the doubles they are. Tails come from mpmath's own functions, or, for shapes too large for these, from
mpmath.quad over the density. Quantiles: a value of mpmath's tail, rounded to double, and the root of the tail there.
"""
import random

from mpmath import (betainc, erfc, exp, findroot, gammainc, inf, log, log1p, loggamma, mp, mpf, pi, quad, quadgl, sqrt)

mp.dps = 50
random.seed(20261124)
TINY = mpf(2) ** -1022


def log_beta(a, b):
    return loggamma(a) + loggamma(b) - loggamma(a + b)


def tail_of(log_density, start, direction, scale, limit):
    """Integral of a log-concave density away from its mean."""
    top, h = log_density(start), scale
    while h < limit and top - log_density(start + direction * h) < 120:
        h *= mpf(3) / 2
    while h < limit and top - log_density(start + direction * h / 2) > 120:
        h /= 2
    h = min(h, limit)
    points = [start + direction * h * k / 30 for k in range(31)]
    return abs(quad(lambda u: exp(log_density(u) - top), points)) * exp(top)


def beta_lower(x, y, a, b):
    if a * y < b * x:
        return 1 - beta_lower(y, x, b, a)
    if max(a, b) > 20000 and not (a < 50 and x < 0.75):
        return tail_of(lambda u: -inf if u <= 0 else (a - 1) * log(u) + (b - 1) * log(y + x - u) - log_beta(a, b), x, -1,
                       sqrt(a * b / (a + b) ** 3), x)
    if x >= 0.9:
        return betainc(a, b, 0, x, regularized=True)
    term = total = mpf(1)
    n = 0
    while term > total * y * mpf(10) ** -45:
        term *= (a + b + n) / (a + 1 + n) * x
        total += term
        n += 1
    return exp(a * log(x) + b * log(y) - log_beta(a, b)) / a * total


def gamma_tails(a, x):
    if a < 20000:
        return gammainc(a, 0, x, regularized=True), gammainc(a, x, inf, regularized=True)
    lower = x < a
    tail = tail_of(lambda u: -inf if u <= 0 else (a - 1) * log(u) - u - loggamma(a), x, -1 if lower else 1, sqrt(a),
                   x if lower else inf)
    return (tail, 1 - tail) if lower else (1 - tail, tail)


def normal_sf(z):
    return erfc(z / sqrt(mpf(2))) / 2


def t_sf(t, df):
    n = df + t * t
    half = beta_lower(df / n, t * t / n, df / 2, mpf(1) / 2) / 2
    return half if t >= 0 else 1 - half


def nct_sf(t, df, delta):
    a = df / 2
    density = lambda v: 2 * exp(a * log(a) + (df - 1) * log(v) - a * v * v - loggamma(a))
    width = 14 / sqrt(2 * df)
    ends = sorted({max(mpf(0), 1 - width), mpf(1), 1 + width, 1 + 2 * width, 1 + 4 * width})
    cuts = [c for c in ((delta + k) / t for k in (-12, -6, -3, 0, 3, 6, 12)) if 0 < c < ends[-1]] if t else []
    points = sorted(set(ends + cuts + [ends[0] + (ends[-1] - ends[0]) * k / 20 for k in range(21)]))
    mp.dps = 30
    value = quadgl(lambda v: normal_sf(t * v - delta) * (density(v) if v > 0 else 0), points)
    mp.dps = 50
    return value


def show(v):
    v = mpf(v)
    return '0' if v == 0 else mp.nstr(v, 17, min_fixed=0, max_fixed=0) if abs(v) >= TINY else repr(float(v))


def table(name, rows):
    print('static const DistCase %s[] = {' % name)
    for row in rows:
        print('\t{' + ', '.join(repr(float(v)) for v in row[:-1]) + ', ' * (len(row) > 1) + '0, ' * (4 - len(row)) + show(row[-1]) + '},')
    print('};\n')


def inverse(tail, p, start):
    """Root of log tail(exp s) = log p, as exp s."""
    return exp(findroot(lambda s: log(tail(exp(s)) / p), log(start), tol=mpf(10) ** -60, maxsteps=60))


def rounded(v):
    return mpf(float(v))


print('/* Written by dist_table.py: mpmath %s, 50 digits. */' % __import__('mpmath').__version__)

z = [mpf(v) for v in ('0', '1e-300', '1e-5', '0.5', '1', '1.959963984540054', '3', '5', '8.2', '20', '37.5', '38.4')]
z = [rounded(v) for v in z]
table('normal_sf_cases', [(v, normal_sf(v)) for v in z + [-v for v in z]])
table('normal_isf_cases', [(p, findroot(lambda v: log(normal_sf(v) / mpf(p)), sqrt(-2 * log(mpf(p))) * mpf('0.9')))
                           for p in (0.25, 0.1, 0.025, 1e-5, 1e-17, 1e-100, 1e-307)] +
      [(0.5 + d, findroot(lambda v: (normal_sf(v) - mpf(0.5 + d)) / mpf(abs(d)), -d * 2.5066)) for d in (1e-9, -1e-9, 0.2, 0.49)])

rows = [(t, df) for df in (0.1, 1, 2, 3.7, 30, 1000.5, 1e6, 1e9, 1e14) for t in (1e-8, 0.3, 1.2, 2.5, 9, 37)]
rows += [(-2.0, 5.0), (10.0, 1e6), (1e5, 3.0), (1e150, 2.0)]
table('t_sf_cases', [(t, df, t_sf(mpf(t), mpf(df))) for t, df in rows])
cases = []
for df in (0.5, 1, 2.5, 17, 1e4, 1e9):
    for t in (0.01, 0.7, 2.1, 12, 33):
        p = rounded(t_sf(mpf(t), mpf(df)))
        if p > TINY:
            cases.append((p, df, inverse(lambda v: t_sf(v, mpf(df)), p, mpf(t)) if t > 0.5 else
                          findroot(lambda v: (t_sf(v, mpf(df)) - p) * 1000, mpf(t))))
table('t_isf_cases', cases)

cases, quantiles = [], []
for a in (0.001, 0.5, 1, 2.5, 30, 1234.5, 9e4, 1.1e5, 5e8):
    for k in (-30, -6, -1, 0.01, 1, 6, 38):
        x = rounded(mpf(a) * exp(mpf(k) / sqrt(mpf(a)) if a > 1 else mpf(k) / 4))
        lower, upper = gamma_tails(mpf(a), x)
        cases.append((a, x, 0, lower))
        cases.append((a, x, 1, upper))
        p, up = (rounded(lower), 0) if lower < upper else (rounded(upper), 1)
        if p > TINY and a < 1e5 and p < 0.4:
            quantiles.append((p, a, up, inverse(lambda v: gamma_tails(mpf(a), v)[up], p, x)))
table('gamma_cases', cases)
table('gamma_quantile_cases', quantiles)

cases, quantiles = [], []
shapes = [(0.001, 0.5), (0.5, 0.5), (1, 1), (1, 400), (2.5, 0.1), (5, 3), (12.5, 1e7), (1e7, 12.5), (33, 44), (1e8, 0.5),
          (700.25, 13000), (9e4, 5), (9e4, 9.5e4), (2e5, 500), (1e9, 1e9), (3e7, 9e8), (5e8, 101)]
for a, b in shapes:
    for k in (-25, -4, -0.5, 0.7, 5, 36):
        odds = log(mpf(a) / b) + k * sqrt(1 / mpf(a) + 1 / mpf(b)) / (1 if a > 1 and b > 1 else 3)
        x = rounded(1 / (1 + exp(-odds)))
        if not 0 < x < 1:
            continue
        lower, upper = beta_lower(x, 1 - x, mpf(a), mpf(b)), beta_lower(1 - x, x, mpf(b), mpf(a))
        cases.append((x, a, b, lower))
        cases.append((x, a, -b, upper))
        p, up = (rounded(lower), 0) if lower < upper else (rounded(upper), 1)
        if mpf(10) ** -250 < p < 0.4 and max(a, b) < 20000:
            f = lambda s: log((beta_lower(1 / (1 + exp(-s)), 1 / (1 + exp(s)), mpf(a), mpf(b)) if not up else
                               beta_lower(1 / (1 + exp(s)), 1 / (1 + exp(-s)), mpf(b), mpf(a))) / p)
            quantiles.append((p, a, -b if up else b, 1 / (1 + exp(-findroot(f, log(x / (1 - x)), tol=mpf(10) ** -60)))))
table('beta_cases', cases)
table('beta_quantile_cases', quantiles)

cases = []
for f, d1, d2 in ((1e-3, 1, 1), (0.9, 3, 7.5), (4.2, 2, 30), (60, 5, 1e6), (1400, 1, 1e9), (250, 12, 12), (1.01, 1e6, 1e6)):
    n = mpf(d1) * mpf(f) + d2
    cases.append((f, d1, d2, beta_lower(d2 / n, mpf(d1) * mpf(f) / n, mpf(d2) / 2, mpf(d1) / 2)))
table('f_sf_cases', cases)

table('nct_sf_cases', [(t, df, d, nct_sf(mpf(t), mpf(df), mpf(d))) for t, df, d in
                       ((1.96, 50, 2.8), (12.7, 1, 5), (-1.96, 50, 2.8), (2.1, 18, 0), (2.0, 1e6, 3.3), (0, 10, 1), (4.3, 2, -3), (63.6, 1, 40))])

table('log_beta_cases', [(a, b, log_beta(mpf(a), mpf(b))) for a, b in ((1e-5, 2), (0.5, 0.5), (3, 4000), (1e9, 1e9), (1e9, 0.5), (150.5, 7))])

choose = lambda n, k: loggamma(n + 1) - loggamma(k + 1) - loggamma(n - k + 1)
cases = []
for x, n, p in ((0, 10, 0.3), (10, 10, 0.3), (3, 10, 0.3), (0, 1000, 1e-12), (1000, 2000000, 0.0005), (1200, 2000000, 0.0005), (5e8, 1e9, 0.49)):
    cases.append((x, n, p, exp(choose(mpf(n), mpf(x)) + (x * log(mpf(p)) if x else 0) + (n - x) * log1p(-mpf(p)))))
table('binomial_cases', cases)
print('/* x, n, marked; drawn is a third of n, rounded down */')
cases = []
for x, n, marked in ((0, 10, 4), (3, 12, 4), (200, 1000, 500), (30, 2000000, 100), (400000, 2000000, 1000001)):
    drawn = n // 3
    cases.append((x, n, marked, exp(choose(mpf(marked), mpf(x)) + choose(mpf(n - marked), mpf(drawn - x)) - choose(mpf(n), mpf(drawn)))))
table('hypergeometric_cases', cases)
