"""What a run says of a model: per data set, per domain and for the mix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from datasetmix.evaluation.journal import Answer, Key, Scored
from datasetmix.evaluation.scoring import extracted
from datasetmix.evaluation.statistics import Estimate, combined, mean_of, pass_at
from datasetmix.evaluation.testset import Row, TestSet

__all__ = ["METRICS", "primary", "results_of", "row_lines"]

METRICS = {
    "numeric": ("accuracy",),
    "formula": ("accuracy",),
    "text": ("f1", "exact_match"),
    "no-answer text": ("f1", "exact_match"),
    "yes-no text": ("f1", "exact_match"),
    "code": ("pass@1",),
}
"""The metrics of a scorer; the first one is that of its data set."""

Scores = Mapping[Key, Scored]


def primary(row: Row, score: Scored) -> float:
    """What an answer counts in the first metric of its row."""
    return score.score if "text" in row.label.scorer else score.acc


def row_lines(rows: Sequence[Row], answers: Mapping[Key, Answer], scores: Scores, samples: int) -> list[dict[str, Any]]:
    """One line for each row and sample, in the order of the test set: what a comparison of two runs needs."""
    lines = []
    for row in rows:
        for sample in range(samples):
            found = scores.get((row.id, sample))
            if found is None:
                continue
            line = {
                "id": row.id,
                "sample": sample,
                "dataset": row.dataset,
                "domain": row.domain,
                "key": row.key,
                "value": primary(row, found),
            }
            line |= {"score": found.score, "acc": found.acc, "pred": found.pred, "reason": found.reason, "scorer": found.scorer}
            lines.append(line | {"answer": answers[row.id, sample].text if (row.id, sample) in answers else None})
    return lines


def results_of(test: TestSet, answers: Mapping[Key, Answer], scores: Scores, samples: int) -> dict[str, Any]:
    """The results as they are written: `datasets`, `domains` and `mix`, each with its metric, value and 95 % interval."""
    datasets = {}
    for name in test.datasets:
        rows = [row for row in test.rows if row.dataset == name]
        datasets[name] = _dataset(rows, answers, scores, samples)
    domains: dict[str, dict[str, Any]] = {}
    for domain in dict.fromkeys(row.domain for row in test.rows):
        names = list(dict.fromkeys(row.dataset for row in test.rows if row.domain == domain))
        parts = [(test.shares[name][1], _estimate(datasets[name])) for name in names]
        domains[domain] = {**_shown("mean of data sets", combined(parts)), "share": test.shares[names[0]][0], "datasets": names}
    mix = combined([(of["share"], _estimate(of)) for of in domains.values()])
    return {"datasets": datasets, "domains": domains, "mix": _shown("mean of domains, by their shares", mix)}


def _shown(metric: str, of: Estimate) -> dict[str, Any]:
    return {"metric": metric, "value": of.value, "interval": [of.low, of.high], "distinct_rows": of.rows}


def _estimate(of: Mapping[str, Any]) -> Estimate:
    return Estimate(of["value"], of["interval"][0], of["interval"][1], of["distinct_rows"])


def _values(rows: Sequence[Row], scores: Scores, samples: int, metric: str) -> list[float]:
    """One value for each distinct row: the mean over its samples, and over rows that say the same."""
    by_key: dict[str, list[float]] = {}
    for row in rows:
        found = [scores[row.id, sample] for sample in range(samples) if (row.id, sample) in scores]
        if metric.startswith("pass@") and metric != "pass@1":
            right = sum(score.acc == 1.0 for score in found)
            value = pass_at(int(metric[5:]), len(found), right)
        else:
            each = [score.score if metric == "f1" else score.acc for score in found]
            value = math.fsum(each) / len(each)
        by_key.setdefault(row.key, []).append(value)
    return [math.fsum(values) / len(values) for values in by_key.values()]


def _dataset(rows: Sequence[Row], answers: Mapping[Key, Answer], scores: Scores, samples: int) -> dict[str, Any]:
    scored = [row for row in rows if any((row.id, sample) in scores for sample in range(samples))]
    metrics = list(METRICS[rows[0].label.scorer])
    least = min((sum((row.id, sample) in scores for sample in range(samples)) for row in scored), default=0)
    metrics += [f"pass@{2**n}" for n in range(1, 12) if 2**n <= least] + ([f"pass@{least}"] if least > 1 and least & (least - 1) else [])
    estimates = {metric: mean_of(_values(scored, scores, samples, metric)) for metric in metrics}
    keys = [(row.id, sample) for row in scored for sample in range(samples) if (row.id, sample) in scores]
    said = [answers[key] for key in keys if key in answers]
    by_id = {row.id: row for row in scored}
    out = {
        **_shown(metrics[0], estimates[metrics[0]]),
        "rows": len(scored),
        "samples": samples,
        "extraction_failures": sum(not extracted(by_id[key[0]], scores[key]) for key in keys),
        "errors": sum(bool(answer.error) for answer in said),
        "cut_off": sum(answer.finish == "length" for answer in said),
        "tokens": {"prompt": sum(a.prompt_tokens for a in said), "completion": sum(a.completion_tokens for a in said)},
        "seconds": round(math.fsum(answer.seconds for answer in said), 3),
        "scorer": sorted({scores[key].scorer for key in keys}),
        "metrics": {metric: {"value": e.value, "interval": [e.low, e.high]} for metric, e in estimates.items()},
    }
    if rows[0].label.scorer == "no-answer text":
        for name, impossible in (("HasAns", False), ("NoAns", True)):
            part = [row for row in scored if row.label.impossible is impossible]
            found = {metric: mean_of(_values(part, scores, samples, metric)) for metric in ("f1", "exact_match")}
            out[name] = {"rows": len(part), **{metric: {"value": e.value, "interval": [e.low, e.high]} for metric, e in found.items()}}
    return out
