"""The test rows of a revision, each with what its answers are scored by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasetmix.programs import Task
from datasetmix.rewards import SCORERS, Label

__all__ = ["Row", "TestSet", "label_of"]

_SCORER_OF_RECORD = {
    "Numeric": "numeric",
    "Formula": "formula",
    "Text": "text",
    "NoAnswerText": "no-answer text",
    "YesNoText": "yes-no text",
    "Code": "code",
}
_SCORER_OF_PRESET = {"math": "formula", "squad2": "no-answer text", "hotpotqa": "yes-no text", "hotpotqa-context": "yes-no text"}


@dataclass(frozen=True)
class Row:
    """A test row. key: the same for rows that say the same, by which rows are counted as distinct. task: of a program."""

    id: str
    original_id: str
    dataset: str
    domain: str
    question: str
    label: Label
    key: str
    task: Task | None = None


class TestSet:
    """The test rows of a revision, in the order of its files."""

    __test__ = False  # no test, for pytest

    def __init__(self, data_dir: str | Path, datasets: Iterable[str] = (), limit: int | None = None) -> None:
        """Opens a revision, its link `current`, or its folder test/.

        datasets: the names of those to read, all if there are none. limit: rows of each data set, of which the first ones are a fair
        sample.
        Errors: FileNotFoundError where there are no test rows, ValueError where a file is damaged or a data set is not there.
        """
        folder = Path(data_dir).resolve()
        if folder.name == "test" and not (folder / "test").is_dir():
            folder = folder.parent
        index = folder / "test" / "test_index.json"
        if not index.is_file():
            raise FileNotFoundError(f"{data_dir} has no test/test_index.json: name a folder that was published, such as <path>/current")
        self.folder = folder
        whole = folder / "manifest.json"
        manifest = _read(whole) if whole.is_file() else {}
        # Of a whole revision, this is status.published.digest of its mix.
        self.digest = hashlib.sha256((whole if manifest else index).read_bytes()).hexdigest()
        self.name = str(manifest.get("name", ""))
        files = {name: folder / "test" / Path(str(path)).name for name, path in _read(index).items()}
        wanted = list(datasets) or list(files)
        if missing := [name for name in wanted if name not in files]:
            raise ValueError(f"{folder} has no test rows of {', '.join(missing)}: it has {', '.join(files) or 'none'}")
        records = {d["name"]: d.get("record") or {} for domain in _recipe(manifest) for d in domain.get("datasets") or ()}
        self.rows = [row for name in files if name in wanted for row in _rows(files[name], records.get(name) or {"preset": name}, limit)]
        self.shares = _shares(manifest, self.rows)

    @property
    def datasets(self) -> list[str]:
        """The names of the data sets, in the order of the index."""
        return list(dict.fromkeys(row.dataset for row in self.rows))


def _recipe(manifest: Mapping[str, Any]) -> list[dict[str, Any]]:
    return list((manifest.get("recipe") or {}).get("domains") or ())


def _shares(manifest: Mapping[str, Any], rows: Iterable[Row]) -> dict[str, tuple[float, float]]:
    """For each data set its domain's share of the mix and its own share of the domain, by the plan of the last split.

    Where there is no plan, all domains weigh the same, and all data sets of a domain.
    """
    domains: dict[str, list[str]] = {}
    for row in rows:
        if row.dataset not in domains.setdefault(row.domain, []):
            domains[row.domain].append(row.dataset)
    splits = (manifest.get("plan") or {}).get("splits") or [{}]
    planned = {domain["name"]: domain for domain in splits[-1].get("domains") or ()}
    found = {}
    for domain, names in domains.items():
        of = planned.get(domain) or {}
        parts = {d["name"]: d.get("rows", 0) for d in of.get("datasets") or ()}
        whole = sum(parts.get(name, 0) for name in names)
        for name in names:
            found[name] = (float(of.get("rows") or 1), parts.get(name, 0) / whole if whole else 1 / len(names))
    total = sum({domain: found[names[0]][0] for domain, names in domains.items()}.values())
    return {name: (domain / total, own) for name, (domain, own) in found.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"{path} is damaged: it holds no JSON object")
    return value


def _rows(path: Path, record: Mapping[str, Any], limit: int | None) -> Iterable[Row]:
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there: let output.keep of the mix name Test, and mount the whole revision")
    with path.open("rb") as lines:
        for number, line in enumerate(lines):
            if limit is not None and number >= limit:
                return
            try:
                yield _row(json.loads(line), record)
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}, line {number + 1}, is no row of the unified format: {error!r}") from error


def _row(raw: Mapping[str, Any], record: Mapping[str, Any]) -> Row:
    metadata = raw.get("metadata") or {}
    label = label_of(raw, record)
    try:
        task = Task.of_row(raw) if label.scorer == "code" else None
    except ValueError:
        task = None
    key = hashlib.sha256(json.dumps([raw["question"], raw["reference_answer"]]).encode()).hexdigest()[:16]
    original = str(metadata.get("original_id", ""))
    return Row(str(raw["id"]), original, str(raw["dataset"]), str(raw["domain"]), str(raw["question"]), label, key, task)


def label_of(raw: Mapping[str, Any], record: Mapping[str, Any]) -> Label:
    """The label of a row in the unified format. The record of its data set names the scorer or the preset, else its answer type does."""
    metadata = raw.get("metadata") or {}
    scorer = _SCORER_OF_RECORD.get(str(record.get("scorer"))) or _SCORER_OF_PRESET.get(str(record.get("preset")))
    answer_type = str(raw.get("answer_type", ""))
    scorer = scorer or (answer_type if answer_type in SCORERS else "text")
    answers = metadata.get("answers")
    return Label(
        scorer=scorer,
        answer=str(raw.get("reference_answer", "")),
        answers=tuple(map(str, answers)) if isinstance(answers, list) else (),
        impossible=str(metadata.get("is_impossible", "")).lower() == "true",
        question=str(raw.get("question", "")) if scorer == "formula" else "",
    )
