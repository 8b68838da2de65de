"""Two runs on the same rows: whether one is better, or whether chance explains it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasetmix.evaluation.statistics import Paired, paired

__all__ = ["compare", "table"]


def _run(folder: str | Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    path = Path(folder)
    if not (path / "results.json").is_file():
        raise FileNotFoundError(f"{folder} holds no finished evaluation: it has no results.json")
    results = json.loads((path / "results.json").read_bytes())
    with (path / "rows.jsonl").open(encoding="utf-8") as lines:
        return results, [json.loads(line) for line in lines]


def _values(lines: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], float]:
    """One value for each distinct row of a data set: the mean over samples, and over rows that say the same."""
    by_key: dict[tuple[str, str, str], list[float]] = {}
    for line in lines:
        by_key.setdefault((line["domain"], line["dataset"], line["key"]), []).append(line["value"])
    return {key: math.fsum(values) / len(values) for key, values in by_key.items()}


def compare(a: str | Path, b: str | Path) -> dict[str, Any]:
    """Compares the folders of two runs, on the distinct rows that both have.

    Errors: FileNotFoundError where a folder holds no finished run, ValueError where the runs have no row in common.
    """
    (of_a, lines_a), (of_b, lines_b) = _run(a), _run(b)
    values_a, values_b = _values(lines_a), _values(lines_b)
    common = [key for key in values_a if key in values_b]
    if not common:
        raise ValueError(f"{a} and {b} have no row in common")
    notes = []
    if of_a["run"]["revision"] != of_b["run"]["revision"]:
        notes.append("The runs are of two revisions; the rows that both have are compared.")
    if alone := len(values_a) + len(values_b) - 2 * len(common):
        notes.append(f"{alone} rows are in one of the runs alone, and are left out.")
    scorers = [{line["dataset"]: line["scorer"] for line in lines} for lines in (lines_a, lines_b)]
    if differing := sorted(name for name in scorers[0] if name in scorers[1] and scorers[0][name] != scorers[1][name]):
        notes.append(f"The runs were scored by different scorers: {', '.join(differing)}.")

    def part(keys: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
        x, y = [values_a[key] for key in keys], [values_b[key] for key in keys]
        return {"a": math.fsum(x) / len(x), "b": math.fsum(y) / len(y), **paired(x, y)._asdict()}

    datasets = {name: part([key for key in common if key[1] == name]) for name in dict.fromkeys(key[1] for key in common)}
    return {"a": str(a), "b": str(b), "notes": notes, "datasets": datasets, "all rows": part(common)}


def table(found: Mapping[str, Any]) -> str:
    """The comparison for a terminal."""
    lines = [f"A: {found['a']}", f"B: {found['b']}", ""]
    lines.append(f"{'':14} {'rows':>7} {'A':>8} {'B':>8} {'B - A':>8}  {'95 % interval':>18} {'better':>7} {'worse':>6} {'p':>8}")
    for name, of in [*found["datasets"].items(), ("all rows", found["all rows"])]:
        pair = Paired(**{key: of[key] for key in Paired._fields})
        interval = f"{pair.low:+.4f} to {pair.high:+.4f}"
        lines.append(
            f"{name:14} {pair.rows:>7} {of['a']:>8.4f} {of['b']:>8.4f} {pair.difference:>+8.4f}  {interval:>18}"
            f" {pair.better:>7} {pair.worse:>6} {pair.p:>8.4f}"
        )
    lines += ["", f"p: {found['all rows']['test']} (all rows); the test of a data set depends on its values.", *found["notes"]]
    return "\n".join(lines)
