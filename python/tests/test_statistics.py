"""The arithmetic of results, against values that are known, and against counting."""

import math
import random
from itertools import combinations

import pytest

from datasetmix.evaluation.statistics import Estimate, combined, mean_of, paired, pass_at


def test_wilson() -> None:
    assert mean_of([1.0] * 10) == pytest.approx((1.0, 0.7224672, 1.0, 10), abs=1e-6)
    assert mean_of([1.0, 0.0, 0.0, 0.0]) == pytest.approx((0.25, 0.0455873, 0.6993582, 4), abs=1e-6)
    assert mean_of([]) == (0.0, 0.0, 1.0, 0)
    assert mean_of([0.5] * 3).low < 0.5 < mean_of([0.5] * 3).high


def test_an_interval_holds_the_truth_as_often_as_it_says() -> None:
    draw = random.Random(1)
    for share in (0.1, 0.5, 0.97):
        hits = sum((e := mean_of([float(draw.random() < share) for _ in range(60)])).low <= share <= e.high for _ in range(1000))
        assert hits > 910


def test_pass_at_k_is_the_share_of_samples() -> None:
    for n in range(1, 7):
        for right in range(n + 1):
            for k in range(1, n + 1):
                draws = list(combinations([True] * right + [False] * (n - right), k))
                assert pass_at(k, n, right) == pytest.approx(sum(map(any, draws)) / len(draws))
    with pytest.raises(ValueError, match="pass@3"):
        pass_at(3, 2, 1)


def test_a_combination() -> None:
    one = Estimate(0.8, 0.7, 0.9, 10)
    assert combined([(1, one)]) == pytest.approx(one)
    half = combined([(1, one), (1, one)])
    assert half == pytest.approx((0.8, 0.8 - 0.1 / math.sqrt(2), 0.8 + 0.1 / math.sqrt(2), 20))


def test_mcnemar() -> None:
    a, b = [1.0] * 9 + [0.0] * 11, [1.0] * 8 + [0.0] + [1.0] * 8 + [0.0] * 3
    found = paired(a, b)
    assert (found.better, found.worse, found.rows) == (8, 1, 20)
    assert found.p == pytest.approx(2 * (1 + 9) / 512)
    assert found.difference == pytest.approx(7 / 20)
    assert paired(a, a).p == 1.0


def test_a_permutation_of_signs() -> None:
    a = [0.5, 0.1, 0.3, 0.9, 0.2]
    assert paired(a, [x + 0.05 for x in a]).p == pytest.approx(2 / 32, abs=0.01)
    assert paired(a, [x + 0.05 for x in a]) == paired(a, [x + 0.05 for x in a])
    assert paired(a, a).p == 1.0
