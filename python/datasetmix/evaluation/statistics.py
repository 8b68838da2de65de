"""The arithmetic of results: intervals, combinations of data sets, pass@k, and tests of two runs on the same rows.

Rows that say the same count once: a test set that repeats its rows does not know more for it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

__all__ = ["Estimate", "Paired", "combined", "mean_of", "paired", "pass_at"]

_Z = NormalDist().inv_cdf(0.975)
_DRAWS = 10_000


class Estimate(NamedTuple):
    """A value from 0 to 1 with its 95 % interval, and the number of distinct rows that it rests on."""

    value: float
    low: float
    high: float
    rows: int


def mean_of(values: Sequence[float]) -> Estimate:
    """The mean of one value for each distinct row.

    Where all values are 0 or 1, the interval is Wilson's (1927), which holds for few rows and near 0 and 1; else it is that of the normal
    distribution with the sample's variance, but never narrower than Wilson's for a variance of 0.
    """
    n = len(values)
    if not n:
        return Estimate(0.0, 0.0, 1.0, 0)
    mean = math.fsum(values) / n
    spread = math.fsum((value - mean) ** 2 for value in values)
    if not spread or all(value in (0.0, 1.0) for value in values):
        return Estimate(mean, *_wilson(mean, n), n)
    half = _Z * math.sqrt(spread / (n - 1) / n)
    return Estimate(mean, max(0.0, mean - half), min(1.0, mean + half), n)


def _wilson(p: float, n: int) -> tuple[float, float]:
    center = (p + _Z * _Z / (2 * n)) / (1 + _Z * _Z / n)
    half = _Z / (1 + _Z * _Z / n) * math.sqrt(p * (1 - p) / n + _Z * _Z / (4 * n * n))
    return min(p, max(0.0, center - half)), max(p, min(1.0, center + half))


def combined(parts: Sequence[tuple[float, Estimate]]) -> Estimate:
    """The weighted mean of independent estimates.

    The interval is made of theirs (Zou and Donner 2008), so that a data set whose answers are all right has a width as well.
    """
    whole = math.fsum(weight for weight, _ in parts)
    if not whole:
        return Estimate(0.0, 0.0, 1.0, 0)
    weighed = [(weight / whole, estimate) for weight, estimate in parts]
    value = math.fsum(w * e.value for w, e in weighed)
    below = math.sqrt(math.fsum((w * (e.value - e.low)) ** 2 for w, e in weighed))
    above = math.sqrt(math.fsum((w * (e.high - e.value)) ** 2 for w, e in weighed))
    return Estimate(value, max(0.0, value - below), min(1.0, value + above), sum(e.rows for _, e in weighed))


def pass_at(k: int, samples: int, right: int) -> float:
    """The chance that one of k samples is right, when so many of all samples are (Chen et al. 2021, without bias)."""
    if not 1 <= k <= samples:
        raise ValueError(f"pass@{k} needs at least {k} samples, and there are {samples}")
    return 1.0 - math.comb(samples - right, k) / math.comb(samples, k)


class Paired(NamedTuple):
    """B against A on the same rows. difference: of B's mean to A's. better, worse: rows. p: of no difference, two-sided. test: its name."""

    difference: float
    low: float
    high: float
    better: int
    worse: int
    rows: int
    p: float
    test: str


def paired(a: Sequence[float], b: Sequence[float]) -> Paired:
    """Compares two runs by one value each for the same distinct rows.

    Values of 0 and 1 alone: McNemar's exact test (1947). Else a permutation test of signs, with draws that are always the same.
    """
    differences = [y - x for x, y in zip(a, b, strict=True)]
    n = len(differences)
    better, worse = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    mean = math.fsum(differences) / n if n else 0.0
    spread = math.fsum((d - mean) ** 2 for d in differences) / (n - 1) if n > 1 else 0.0
    half = _Z * math.sqrt(spread / n) if n else 0.0
    if all(value in (0.0, 1.0) for value in (*a, *b)):
        p, test = _mcnemar(better, worse), "McNemar, exact"
    else:
        p, test = _signs([d for d in differences if d]), f"permutation of signs, {_DRAWS} draws"
    return Paired(mean, max(-1.0, mean - half), min(1.0, mean + half), better, worse, n, p, test)


def _mcnemar(better: int, worse: int) -> float:
    n, least = better + worse, min(better, worse)
    return min(1.0, 2 * sum(math.comb(n, i) for i in range(least + 1)) / float(2**n))


def _signs(differences: Sequence[float]) -> float:
    if not differences:
        return 1.0
    seen = abs(math.fsum(differences)) - 1e-12
    draw = random.Random(0)  # noqa: S311 (no secret)
    hits = 0
    for _ in range(_DRAWS):
        signs = draw.getrandbits(len(differences))
        hits += abs(sum(d if signs >> i & 1 else -d for i, d in enumerate(differences))) >= seen
    return (hits + 1) / (_DRAWS + 1)
