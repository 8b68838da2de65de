"""Finds what is no part of the repository: published files of the six public data sets, and answers with their right scores.

A test that wants them passes over where they are not, and says so.
"""

import functools
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def _folder(variable: str, name: str, one: str) -> Path:
    """The folder that a variable names, or one of that name in a folder beside the checkout, which holds a certain file."""
    given = os.environ.get(variable)
    for folder in [Path(given)] if given else sorted(CHECKOUT.parent.glob(f"*/{name}")):
        if (folder / one).is_file():
            return folder
    pytest.skip(f"{variable} names no folder, and none beside the checkout has {name}/{one}")


def data() -> Path:
    return _folder("DATASETMIX_REAL_ROWS", "data", "gsm8k/train.jsonl")


def vectors(name: str) -> list[dict[str, Any]]:
    """Answers of a data set, each with its reference, its right score, and whether that is certain."""
    with (_folder("DATASETMIX_SCORING", "scoring", "gsm8k.jsonl") / f"{name}.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@functools.cache
def math_problems() -> list[str]:
    with (data() / "math/train.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line)["problem"] for line in lines]


@functools.cache
def code_rows(name: str) -> dict[str, dict[str, Any]]:
    """The rows of humaneval or mbpp in the unified format, as the presets make them, by their ids at the source."""
    if name == "humaneval":
        with gzip.open(data() / "humaneval/HumanEval.jsonl.gz", "rt", encoding="utf-8") as lines:
            originals = [json.loads(line) for line in lines]
        return {r["task_id"]: _row(name, r["task_id"], r["prompt"], r["canonical_solution"], r, "test", "entry_point") for r in originals}
    originals = json.loads((data() / "mbpp/sanitized-mbpp.json").read_text(encoding="utf-8"))
    return {str(r["task_id"]): _row(name, str(r["task_id"]), r["prompt"], r["code"], r, "test_list", "test_imports") for r in originals}


def _row(dataset: str, key: str, question: str, answer: str, original: dict[str, Any], *kept: str) -> dict[str, Any]:
    metadata = {"source": dataset, "original_id": key, **{name: original[name] for name in kept}}
    row = {"id": f"{dataset}_{key}", "dataset": dataset, "domain": "code", "question": question, "reference_answer": answer}
    return {**row, "answer_type": "code", "metadata": metadata}


def label(dataset: str, vector: dict[str, Any]) -> dict[str, Any]:
    """The label of an answer's row, of the data sets that are no code."""
    reference = vector["reference"]
    found: dict[str, Any] = {"answer": reference["reference_answer"]}
    metadata = reference.get("metadata") or {}
    if dataset == "gsm8k":
        return {**found, "scorer": "numeric"}
    if dataset == "math":
        return {**found, "scorer": "formula", "question": math_problems()[int(reference["original_id"])]}
    if dataset == "hotpotqa":
        return {**found, "scorer": "yes-no text"}
    impossible = metadata.get("is_impossible") == "true"
    return {**found, "scorer": "no-answer text", "answers": metadata.get("answers") or [], "is_impossible": impossible}
