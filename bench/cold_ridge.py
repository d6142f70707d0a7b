# Used by bench/cold.sh: ndcg@15 of cold items or users by a ridge regression from attributes onto finished factors. Reads what
# it wrote into a folder; the strength is the best of eight by cross-validation.
import sys
import numpy as np

folder, side = sys.argv[1:3]


def lines(name):
    return [line.rstrip("\n").split("|") for line in open(f"{folder}/{name}")]


def array(text):
    return np.array([float(x) for x in text.strip("{}").split(",")])


alpha, nu, users, items, columns, explicit = (float(x) for x in lines("params")[0])
design = {}
for key, c, v in lines("design"):
    row = np.zeros(int(columns))
    np.add.at(row, array(c).astype(int), array(v))
    design[key] = row
# factors, and behind them the bias (of ratings, else 0)
factors = {name: {key: array(x) for key, _, x in lines(name)} for name in ("item", "user")}
count = {key: int(n) for key, n, _ in lines(side)}
fitted = [key for key in factors[side] if key in design]
f = np.array([design[key] for key in fitted])
y = np.array([factors[side][key] for key in fitted])
w = np.array([(count[key] + alpha * (users if side == "item" else items)) ** nu for key in fitted])
w /= w.mean()


def fits(rows):
    """The map fitted to some rows, as a function of the ridge."""
    a = (f[rows] * w[rows, None]).T
    values, vectors = np.linalg.eigh(a @ f[rows])
    right = vectors.T @ (a @ y[rows])
    return lambda ridge: vectors @ (right / (np.maximum(values, 0) + ridge)[:, None])


def scored(x):
    """Factors as they meet those of the other side: the own bias counts once."""
    return np.hstack([x[:, :-1], np.ones((len(x), 1)) if explicit else np.zeros((len(x), 1))])


# the strength by five-fold cross-validation over the rows with events, in the metric of the other side's Gram matrix
other = scored(np.array(list(factors["user" if side == "item" else "item"].values())))
gram = other.T @ other
fold = np.arange(len(f)) % 5
ridges = (0.3, 1, 3, 10, 30, 100, 300, 1000)
left = dict.fromkeys(ridges, 0)
for k in range(5):
    fit = fits(fold != k)
    for ridge in ridges:
        e = y[fold == k] - f[fold == k] @ fit(ridge)
        left[ridge] += (w[fold == k] * ((e @ gram) * e).sum(1)).sum()
map = fits(fold >= 0)(min(left, key=left.get))

cold = [key for (key,) in lines("cold")]
expected = dict(zip(cold, np.array([design[key] for key in cold]) @ map))
wanted = {}
for user, item in lines("test"):
    wanted.setdefault(user, set()).add(item)
if side == "item":
    candidates = np.array(cold)
    vectors = np.array([expected[key] for key in cold])
    of_user = factors["user"]
else:
    candidates = np.array(list(factors["item"]))
    vectors = np.array(list(factors["item"].values()))
    of_user = expected
discount = 1 / np.log2(np.arange(2, 17))
total = 0
for user in wanted:
    if user in of_user:
        score = vectors @ np.append(of_user[user][:-1], 1)
        hit = np.isin(candidates[np.argsort(-score, kind="stable")[:15]], list(wanted[user]))
        total += (hit * discount).sum() / discount[: min(15, len(wanted[user]))].sum()
print(total / len(wanted))
