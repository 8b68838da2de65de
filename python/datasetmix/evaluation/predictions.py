"""Answers that a model gave elsewhere, read from the files of those who asked it.

Known are, by what the file holds:

* ours: JSON Lines of `{"id", "prediction"}`, several lines of one id are samples,
* lm-evaluation-harness: `samples_<task>_<date>.jsonl` with `doc` and `resps`,
* HumanEval: JSON Lines of `{"task_id", "completion"}`,
* SQuAD: one object of id and text, or lines or a list of `{"id", "prediction_text"}`,
* HotpotQA: one object with `answer`, itself an object of id and text,
* verl: JSON Lines of `{"input", "output", "gts"}`, as its rollouts and validations are dumped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasetmix.evaluation.testset import Row

__all__ = ["Predictions", "read_predictions"]


@dataclass
class Predictions:
    """answers: by the id of a row, its samples in the order of the file. form: whose file it is. unmatched: answers to no row."""

    form: str
    answers: dict[str, list[str]] = field(default_factory=dict)
    unmatched: int = 0


class _Rows:
    """The rows of a test set, by everything that a file may know them by."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.by_id: dict[str, Row] = {}
        self.by_original: dict[str, list[Row]] = {}
        self.by_question: dict[str, list[Row]] = {}
        self.by_answer: dict[str, list[Row]] = {}
        for row in rows:
            self.by_id[row.id] = row
            self.by_original.setdefault(row.original_id, []).append(row)
            self.by_question.setdefault(_same(row.question), []).append(row)
            self.by_answer.setdefault(row.label.answer, []).append(row)

    def original(self, key: object, *scorers: str) -> list[Row]:
        """The row of the source's own id, of a data set with one of the scorers; none where several data sets have the id."""
        found = [row for row in self.by_original.get(str(key), ()) if not scorers or row.label.scorer in scorers]
        return found if len({row.dataset for row in found}) == 1 else []

    def question(self, text: object) -> list[Row]:
        return self.by_question.get(_same(str(text)), [])


def _same(text: str) -> str:
    return " ".join(text.split())


Found = tuple[list[Row], list[str]]


def _ours(line: Mapping[str, Any], rows: _Rows) -> Found:
    row = rows.by_id.get(str(line.get("id")))
    return [row] if row else [], [str(line.get("prediction") or "")]


def _human_eval(line: Mapping[str, Any], rows: _Rows) -> Found:
    return rows.original(line.get("task_id"), "code"), [str(line.get("completion") or "")]


def _squad(line: Mapping[str, Any], rows: _Rows) -> Found:
    return rows.original(line.get("id")), [str(line.get("prediction_text") or "")]


def _harness(line: Mapping[str, Any], rows: _Rows) -> Found:
    """A line of lm-evaluation-harness. Its document is the row of the source, whose id or question is looked for."""
    doc = line.get("doc") or {}
    answers = [str(text) for request in line.get("resps") or () for text in (request if isinstance(request, list) else [request])]
    for member, scorers in (("task_id", ("code",)), ("id", ()), ("_id", ())):
        if member in doc and (found := rows.original(doc[member], *scorers)):
            return found, answers
    asked = [doc.get(member) for member in ("question", "problem", "prompt", "text") if doc.get(member)]
    if doc.get("context"):
        asked.append(f"{doc['context']}\n\n{doc.get('question', '')}")
    return next((found for text in asked if (found := rows.question(text))), []), answers


def _verl(line: Mapping[str, Any], rows: _Rows) -> Found:
    """A line of verl's dumps. The input is the whole prompt, in which the question stands; the ground truth is a label, or the answer."""
    truth = line.get("gts")
    try:
        label = json.loads(truth) if isinstance(truth, str) else truth
        answer = str(label["answer"]) if isinstance(label, dict) else str(truth)
    except (ValueError, KeyError):
        answer = str(truth)
    asked = _same(str(line.get("input", "")))
    found = [row for row in rows.by_answer.get(answer, ()) if _same(row.question) in asked]
    longest = max((len(row.question) for row in found), default=0)
    return [row for row in found if len(row.question) == longest], [str(line.get("output") or "")]


_FORMS: tuple[tuple[str, frozenset[str], Callable[[Mapping[str, Any], _Rows], Found]], ...] = (
    ("lm-evaluation-harness", frozenset({"doc", "resps"}), _harness),
    ("verl", frozenset({"input", "output", "gts"}), _verl),
    ("HumanEval", frozenset({"task_id", "completion"}), _human_eval),
    ("SQuAD", frozenset({"id", "prediction_text"}), _squad),
    ("DatasetMix", frozenset({"id", "prediction"}), _ours),
)


def read_predictions(path: str | Path, rows: Iterable[Row]) -> Predictions:
    """Reads a file of answers to the rows of a test set.

    Errors: OSError where it cannot be read, ValueError where its form is not known or no answer is one to a row.
    """
    known = _Rows(rows)
    lines, form = _lines(Path(path))
    found, read = Predictions(""), _FORMS[0][2]
    for line in lines:
        if not found.form:
            for name, members, reader in _FORMS:
                if members <= line.keys():
                    found.form, read = form or name, reader
                    break
            else:
                raise ValueError(
                    f"{path} is of no known form: its first record has {', '.join(sorted(line)[:12])}; a file of your own has lines of"
                    ' {"id": "…", "prediction": "…"}'
                )
        matched, answers = read(line, known)
        for row in matched:
            found.answers.setdefault(row.id, []).extend(answers)
        found.unmatched += not matched
    if not found.answers:
        raise ValueError(f"{path} has no answer to any test row: its ids and questions are those of other rows than the revision's")
    return found


def _lines(path: Path) -> tuple[Iterator[Mapping[str, Any]], str]:
    """The records of a file, and its form where the whole file tells it."""
    text = path.read_text(encoding="utf-8", errors="surrogatepass")
    if not text.strip():
        raise ValueError(f"{path} is empty")
    try:
        whole = json.loads(text)
    except ValueError:
        return _each_line(path, text), ""
    if isinstance(whole, list):
        return iter([item for item in whole if isinstance(item, dict)]), ""
    if not isinstance(whole, dict):
        raise ValueError(f"{path} holds neither an object, nor a list, nor lines of them")
    answers = whole.get("answer")
    if isinstance(answers, dict):
        return iter([{"id": key, "prediction_text": value} for key, value in answers.items()]), "HotpotQA"
    if any(members <= whole.keys() for _, members, _ in _FORMS):
        return iter([whole]), ""  # a file of one line
    if all(isinstance(value, str) for value in whole.values()):
        return iter([{"id": key, "prediction_text": value} for key, value in whole.items()]), "SQuAD"
    raise ValueError(f"{path} is of no known form: it is one object with {', '.join(sorted(whole)[:12])}")


def _each_line(path: Path, text: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}, is no JSON: {error}") from error
        if not isinstance(value, dict):
            raise ValueError(f"{path}, line {number}, is no JSON object")
        yield value
