"""Answers in many forms, in answers.txt, each with what it is worth: numbers, formulas, texts, and texts that may have no answer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from datasetmix import rewards

LINES = Path(__file__).with_name("answers.txt").read_text(encoding="utf-8").split("\n")
SCORERS = ("numeric", "formula", "no-answer text", "yes-no text")


def told(text: str) -> str:
    """A text as it is, or as JSON."""
    return str(json.loads(text)) if text.startswith('"') else text


def vectors(scorer: str) -> Iterator[tuple[str, dict[str, Any], float, float]]:
    """The answers of a scorer: text, label, score, and whether it is right as a whole."""
    begin = LINES.index(f"[{scorer}]")
    label: dict[str, Any] = {}
    for line in LINES[begin + 1 :]:
        sign, _, text = line.partition(" ")
        if sign.startswith("["):
            return
        if sign == "=":
            answers = [told(text)] if scorer in ("numeric", "formula") else text.split(" | ")
            label = {"scorer": scorer, "answer": answers[0], "answers": answers, "is_impossible": answers == ["unanswerable"]}
        elif sign == "?":
            label = {**label, "question": told(text)}
        elif sign:
            score = {"+": 1.0, "-": 0.0}.get(sign)
            yield told(text), label, float(sign) if score is None else score, float(sign == "+")


@pytest.mark.parametrize("scorer", SCORERS)
def test_answers(scorer: str) -> None:
    known = list(vectors(scorer))
    wrong = []
    for answer, label, score, acc in known:
        found = rewards.score(answer, label)
        if found.score != pytest.approx(score, abs=1e-3) or found.acc != acc:
            wrong.append((answer, label["answer"], score, found))
    print(f"{scorer}: {len(known) - len(wrong)} of {len(known)}")
    assert not wrong
    assert {0.0, 1.0} <= {score for _, _, score, _ in known}
    assert len(known) > 40
