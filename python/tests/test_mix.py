"""The arithmetic comes to the numbers of the operator, and orders hold their ratio."""

import json
import random
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from datasetmix.mix import Key, Weave, integers, interleaved
from datasetmix.pool import identity

INTERNAL = Path(__file__).resolve().parents[2] / "internal"
VECTORS: dict[str, list[dict[str, Any]]] = json.loads((INTERNAL / "mix/testdata/vectors.json").read_bytes())


@pytest.mark.parametrize("vector", VECTORS["keys"])
def test_keys(vector: dict[str, Any]) -> None:
    assert Key(vector["seed"], vector["purpose"]).of(bytes.fromhex(vector["value"])) == int(vector["place"])


@pytest.mark.parametrize("vector", VECTORS["draws"])
def test_draws(vector: dict[str, Any]) -> None:
    assert Key(vector["seed"], vector["purpose"]).below(int(vector["n"]), int(vector["position"])) == int(vector["drawn"])


@pytest.mark.parametrize("vector", VECTORS["integers"])
def test_integers(vector: dict[str, Any]) -> None:
    named = {f"{i:02}": Fraction(weight) for i, weight in enumerate(vector["weights"])}
    assert list(integers(named).values()) == [int(n) for n in vector["integers"]]


@pytest.mark.parametrize("vector", VECTORS["interleaved"])
def test_interleaved(vector: dict[str, Any]) -> None:
    assert list(interleaved(vector["counts"])) == vector["order"]


@pytest.mark.parametrize("of", (INTERNAL / "record/testdata/identities.txt").read_bytes().splitlines())
def test_identities(of: bytes) -> None:
    want, row = of.split(b" ", 1)
    assert identity(row).hex() == want.decode()


@pytest.mark.parametrize(
    "ratios",
    [
        {"math": 0.4, "qa": 0.3, "code": 0.3},
        {"math": Fraction(4, 10), "qa": Fraction(3, 10), "code": Fraction(3, 10)},
        {"math": 40, "qa": 30, "code": 30},
        {"math": Decimal("0.4"), "qa": "0.3", "code": "3/10"},
    ],
)
def test_a_ratio_is_exact(ratios: Any) -> None:
    assert integers(ratios) == {"code": 3, "math": 4, "qa": 3}


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), "four", "1/0", None])
def test_what_is_no_ratio(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"the ratio of math is .*: it must"):
        integers({"math": wrong, "qa": 1})


def test_a_ratio_of_nothing() -> None:
    with pytest.raises(ValueError, match="all 0"):
        integers({"math": 0, "qa": 0.0})


def test_a_weave_holds_its_ratio_from_every_position() -> None:
    choice = random.Random(1)
    for _ in range(60):
        weights = [choice.choice([0, 1, 2, 5, 11, 40]) for _ in range(choice.randint(1, 9))]
        weights[choice.randrange(len(weights))] += 1
        weave = Weave(weights)
        given = [0] * len(weights)
        for position in range(3 * weave.period):
            assert weave.count(position) == given
            assert all(abs(n * weave.period - position * w) < weave.period for n, w in zip(given, weave.weights, strict=True))
            entry, before = weave.at(position)
            assert before == given[entry]
            given[entry] += 1
        order = [weave.at(position)[0] for position in range(3 * weave.period)]
        for start in range(2 * weave.period):
            window = Counter(order[start : start + weave.period])
            assert [window[i] for i in range(len(weights))] == weave.weights


def test_a_weave_is_found_at_once() -> None:
    weave = Weave([3, 1])
    assert weave.at(4 * 10**15 + 2)[1] == weave.at(2)[1] + 10**15 * weave.weights[weave.at(2)[0]]


def test_a_weave_of_many() -> None:
    weave = Weave([1] * 1000)
    assert [weave.at(position) for position in range(2000)][-1] == (999, 1)
