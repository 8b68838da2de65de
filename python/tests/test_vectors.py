"""Answers over real rows of the six data sets, each with the score that is right: the scorer gives it to every one that is certain."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import realdata

from datasetmix import rewards, sandbox
from datasetmix.programs import Task, score_program
from datasetmix.sandbox import Limits, Sandbox


@pytest.mark.parametrize(("dataset", "key"), [("gsm8k", "acc"), ("math", "acc"), ("squad2", "f1"), ("hotpotqa", "f1")])
def test_answers(dataset: str, key: str) -> None:
    certain = [vector for vector in realdata.vectors(dataset) if vector["certain"]]
    wrong, slowest = [], 0.0
    for vector in certain:
        begin = time.process_time()
        found = rewards.score(vector["prediction"], realdata.label(dataset, vector))
        slowest = max(slowest, time.process_time() - begin)
        right = vector["right"] if key == "acc" else vector["right"]["f1"]
        exact = vector["right"] if key == "acc" else vector["right"]["em"]
        if found.score != pytest.approx(right, abs=1e-6) or found.acc != exact:
            wrong.append((vector["id"], vector["kind"], right, found))
    print(f"{dataset}: {len(certain) - len(wrong)} of {len(certain)} certain answers right, the slowest took {slowest:.3f} s")
    assert not wrong
    assert len(certain) > 100
    assert slowest < 1.0


@pytest.mark.skipif(not sandbox.isolation().complete, reason=f"no isolation here: {sandbox.isolation().missing}")
@pytest.mark.parametrize("dataset", ["humaneval", "mbpp"])
def test_programs(dataset: str) -> None:
    rows, certain = realdata.code_rows(dataset), [vector for vector in realdata.vectors(dataset) if vector["certain"]]
    box = Sandbox(Limits(seconds=30.0))
    with ThreadPoolExecutor(2) as pool:
        tasks = [Task.of_row(rows[vector["reference"]["original_id"]]) for vector in certain]
        scores = list(pool.map(lambda pair: score_program(pair[0]["prediction"], pair[1], box), zip(certain, tasks, strict=True)))
    wrong = [(v["id"], v["kind"], v["right"], found) for v, found in zip(certain, scores, strict=True) if found.acc != v["right"]]
    print(f"{dataset}: {len(certain) - len(wrong)} of {len(certain)} certain answers right")
    assert not wrong
    assert len(certain) > 50


AGREEMENT = {
    ("gsm8k", "lm-eval gsm8k strict"): (83, 74, 12),
    ("gsm8k", "lm-eval gsm8k flexible"): (131, 27, 11),
    ("gsm8k", "math-verify"): (142, 19, 8),
    ("math", "lm-eval hendrycks_math"): (203, 242, 0),
    ("math", "lm-eval minerva exact"): (199, 246, 0),
    ("math", "lm-eval minerva math_verify"): (385, 41, 19),
    ("math", "math-verify"): (389, 37, 19),
    ("squad2", "squad_v2 script"): (138, 39, 1),
    ("squad2", "evaluate squad_v2"): (138, 39, 1),
    ("squad2", "lm-eval squadv2"): (138, 39, 1),
    ("hotpotqa", "hotpot_evaluate_v1"): (131, 20, 0),
    ("humaneval", "human-eval"): (78, 32, 12),
    ("humaneval", "lm-eval humaneval"): (79, 40, 3),
    ("mbpp", "lm-eval mbpp"): (54, 27, 7),
}


@pytest.mark.parametrize(("dataset", "reference"), AGREEMENT)
def test_agreement_with_others(dataset: str, reference: str) -> None:
    """The table of docs/evaluation.md: how often others agree, give less, and give more. Programs have the score of the label here."""
    agrees = less = more = 0
    for vector in realdata.vectors(dataset):
        theirs = vector["references"][reference]
        if theirs is None:
            continue
        if dataset in ("humaneval", "mbpp"):
            ours = vector["right"]
        else:
            found = rewards.score(vector["prediction"], realdata.label(dataset, vector))
            ours = found.score
            theirs = theirs["f1"] if isinstance(theirs, dict) else theirs
        agrees += theirs == pytest.approx(ours, abs=1e-6)
        less += theirs < ours - 1e-6
        more += theirs > ours + 1e-6
    assert (agrees, less, more) == AGREEMENT[dataset, reference]
