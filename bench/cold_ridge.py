# Used by bench/cold.sh: ndcg@15 of cold items by a ridge regression from attributes onto finished factors. Reads what it
# wrote into a folder; the strength is the best of seven by cross-validation.
import sys
import numpy as np

folder = sys.argv[1]


def lines(name):
    return [line.rstrip("\n").split("|") for line in open(f"{folder}/{name}")]


def array(text):
    return np.array([float(x) for x in text.strip("{}").split(",")])


alpha, nu, users, columns = (float(x) for x in lines("params")[0])
design = {}
for item, c, v in lines("design"):
    row = np.zeros(int(columns))
    np.add.at(row, array(c).astype(int), array(v))
    design[int(item)] = row
items = [(int(i), int(n), array(f)) for i, n, f in lines("plain.item_factors") if int(i) in design]
user = {int(u): array(f) for u, f in lines("plain.user_factors")}
wanted = {}
for u, i in lines("test"):
    wanted.setdefault(int(u), set()).add(int(i))
cold = np.array([int(i) for (i,) in lines("cold")])
f = np.array([design[i] for i, _, _ in items])
y = np.array([x for _, _, x in items])
w = np.array([(n + alpha * users) ** nu for _, n, _ in items])
w /= w.mean()
discount = 1 / np.log2(np.arange(2, 17))
known = [u for u in wanted if u in user]
x = np.array([user[u] for u in known])
g = np.array([design[i] for i in cold])


def fit(rows, ridge):
    a = (f[rows] * w[rows, None]).T
    return np.linalg.solve(a @ f[rows] + ridge * np.eye(len(f[0])), a @ y[rows])


# the strength by five-fold cross-validation over the items with events, in the metric of the users' Gram matrix
gram = np.array(list(user.values())).T @ np.array(list(user.values()))
fold = np.arange(len(f)) % 5
left = {}
for ridge in (0.3, 1, 3, 10, 30, 100, 300):
    left[ridge] = 0
    for k in range(5):
        e = y[fold == k] - f[fold == k] @ fit(fold != k, ridge)
        left[ridge] += (w[fold == k] * np.einsum("ij,jk,ik->i", e, gram, e)).sum()
score = x @ (g @ fit(fold >= 0, min(left, key=left.get))).T
total = 0
for k, u in enumerate(known):
    hit = np.isin(cold[np.argsort(-score[k], kind="stable")[:15]], list(wanted[u]))
    total += (hit * discount).sum() / discount[: min(15, len(wanted[u]))].sum()
print(total / len(wanted))
