"""A comparison of two-layer networks computed anew from weights and data, with numpy and scipy alone."""

import numpy as np
from scipy import stats
from scipy.optimize import brentq, linear_sum_assignment


def layers_of(state, act, x):
    """Hidden values and outputs, which are distances: the activation after each layer, the last negated."""
    w, b, v, c = state
    hidden = act(x @ w.T + b)
    return hidden, -act(hidden @ v.T + c)


def interval(right, total):
    """95 % interval of a share whose tails hold two thirds of the chance of the count itself."""

    def beyond(share, count):
        return stats.binom.cdf(count, total, share) - stats.binom.pmf(count, total, share) / 3 - 0.025

    def upper(count):
        return 1.0 if count == total else brentq(beyond, count / total, 1, (count,), xtol=1e-15)

    return 1 - upper(total - right), upper(right)


def hsic(k, other):
    """Song et al.'s unbiased estimator, equation 5, of two kernel matrices."""
    n, k, other = len(k), k - np.diag(np.diag(k)), other - np.diag(np.diag(other))
    ones = np.ones(n)
    whole = (ones @ k @ ones) * (ones @ other @ ones) / ((n - 1) * (n - 2))
    return (np.trace(k @ other) + whole - 2 / (n - 2) * ones @ k @ other @ ones) / (n * (n - 3))


def cka(x, y):
    k, other = x @ x.T, y @ y.T
    return hsic(k, other) / np.sqrt(hsic(k, k) * hsic(other, other))


def matched(x, y):
    """Mean correlation of the best matching of nodes that vary."""
    x, y = (part[:, part.std(axis=0) > 0] for part in (x, y))
    r = np.corrcoef(x.T, y.T)[: x.shape[1], x.shape[1] :]
    return r[linear_sum_assignment(-r)].mean()


def pair(first, second, labels):
    """Difference of accuracies, samples that one alone gets right, McNemar's exact p-value and agreement."""
    a, b = first.argmax(1) == labels, second.argmax(1) == labels
    lost, gained = int((a & ~b).sum()), int((b & ~a).sum())
    p = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    return b.mean() - a.mean(), lost, gained, p, (first.argmax(1) == second.argmax(1)).mean()


def errors(outputs, labels):
    """Table 5's metrics of one group."""
    wrong = np.sum([one.argmax(1) != labels for one in outputs], axis=0)
    l2 = (np.sum([one**2 for one in outputs], axis=0).argmin(1) != labels).sum()
    return (wrong >= 1).sum(), (wrong == len(outputs)).sum(), (2 * wrong >= len(outputs)).sum(), l2


def class_accuracy(outputs, labels, label):
    return (outputs[labels == label].argmax(1) == label).mean()


def assert_equal_to(found, networks, x, labels, slack=0):
    """Hold a comparison against what is computed here.

    `networks` is a list of (folder, state, activation) in the comparison's order; `slack` is the number of samples that
    ties of outputs may move.
    """
    made = [layers_of(state, act, x) for _, state, act in networks]
    n, share = len(labels), slack / len(labels) + 1e-9
    names = found.networks["network"].tolist()
    for row, (_, outputs) in zip(found.networks.itertuples(), made, strict=True):
        right = int((outputs.argmax(1) == labels).sum())
        assert abs(row.score - right / n) <= share
        low, high = interval(round(row.score * n), n)
        assert np.allclose([row.low, row.high], [low, high], atol=1e-6)
    for row in found.pairs.itertuples():
        first, second = (made[names.index(name)][1] for name in (row.first, row.second))
        difference, lost, gained, p, agree = pair(first, second, labels)
        assert abs(row.difference - difference) <= 2 * share
        assert abs(row.only_first - lost) <= slack
        assert abs(row.only_second - gained) <= slack
        assert abs(row.agreement - agree) <= 2 * share
        if (row.only_first, row.only_second) == (lost, gained):
            assert np.isclose(row.p_value, p, rtol=1e-9)
    for row in found.groups.itertuples():
        outputs = [one for (_, one), (folder, _, _) in zip(made, networks, strict=True) if folder == row.group]
        counted = [row.unique, row.consistent, row.voting, row.l2]
        assert np.abs(np.subtract(counted, errors(outputs, labels))).max() <= slack
    for row in found.classes.to_dict("records"):
        wanted = class_accuracy(made[names.index(row["second"])][1], labels, row["class"])
        assert abs(row["second_accuracy"] - wanted) <= slack / row["samples"] + 1e-9
    hidden = found.layers["layer"].iloc[0]
    for row in found.layers[found.layers["layer"] == hidden].itertuples():
        a, b = (made[names.index(name)][0] for name in (row.first, row.second))
        assert abs(row.correlation - matched(a, b)) < 1e-4
        assert abs(row.cka - cka(a, b)) < 1e-4
