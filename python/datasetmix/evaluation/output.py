"""The results for people: a table for a terminal, and one HTML page without scripts or anything from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

__all__ = ["page", "table"]

_SHOWN_FAILURES = 10


def table(results: Mapping[str, Any]) -> str:
    """The results for a terminal."""
    head = f"{'':16} {'metric':>12} {'value':>8}  {'95 % interval':>18} {'rows':>7} {'distinct':>8}"
    lines = [f"{head} {'no answer':>9} {'errors':>7} {'tokens':>9}"]
    for domain, of in results["domains"].items():
        for name in of["datasets"]:
            d = results["datasets"][name]
            lines.append(
                f"{name:16} {d['metric']:>12} {d['value']:>8.4f}  {_interval(d):>18} {d['rows']:>7} {d['distinct_rows']:>8}"
                f" {d['extraction_failures']:>9} {d['errors']:>7} {d['tokens']['completion']:>9}"
            )
            lines += [f"  {what:14} {metric:>12} {value:>8.4f}  {interval:>18}" for what, metric, value, interval in _further(d)]
        lines.append(f"{domain + ' (domain)':16} {'':>12} {of['value']:>8.4f}  {_interval(of):>18}")
    mix = results["mix"]
    lines.append(f"{'mix':16} {'':>12} {mix['value']:>8.4f}  {_interval(mix):>18}")
    return "\n".join(lines)


def _interval(of: Mapping[str, Any]) -> str:
    return f"{of['interval'][0]:.4f} to {of['interval'][1]:.4f}"


def _further(of: Mapping[str, Any]) -> Iterator[tuple[str, str, float, str]]:
    """The other metrics of a data set: of which rows, name, value, interval."""
    for metric, value in of["metrics"].items():
        if metric != of["metric"]:
            yield "", metric, value["value"], _interval(value)
    for part in ("HasAns", "NoAns"):
        for metric in ("f1", "exact_match"):
            if part in of and of[part]["rows"]:
                yield f"{part} ({of[part]['rows']})", metric, of[part][metric]["value"], _interval(of[part][metric])


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
table{border-collapse:collapse;margin:1rem 0;width:100%}th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid #d5dae0}
th:first-child,td:first-child{text-align:left}tr.domain td{font-weight:600}tr.part td{color:#57606a}
.bar{display:inline-block;position:relative;width:10rem;height:.8rem;background:#eaeef2;vertical-align:middle}
.bar i{position:absolute;top:0;bottom:0;background:#8fb8e8}.bar b{position:absolute;top:-.1rem;bottom:-.1rem;width:2px;background:#0b4f9e}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f8fa;padding:.6rem;margin:.3rem 0}dt{font-weight:600;margin-top:.8rem}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}pre,.bar{background:#21262d}th,td{border-color:#30363d}
.bar i{background:#1f4b7a}.bar b{background:#79b8ff}tr.part td{color:#9198a1}}
"""


def page(results: Mapping[str, Any], lines: Sequence[Mapping[str, Any]], questions: Mapping[str, tuple[str, str]]) -> str:
    """The results as one HTML page, with some wrong answers of each data set.

    lines: of the rows. questions: question and reference by the id of a row.
    """
    run = results["run"]
    title = f"{escape(run['model'])} on {escape(run['mix'] or 'a mix')}"
    rows = [
        _line(name, results["datasets"][name], of, n == 0) for of in results["domains"].values() for n, name in enumerate(of["datasets"])
    ]
    domains = [_row("domain", name, "", of) for name, of in results["domains"].items()]
    facts = "".join(f"<dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd>" for name, value in run.items())
    failures = "".join(_failures(name, lines, questions) for name in results["datasets"])
    head = "".join(
        f"<th>{name}</th>" for name in ("", "metric", "value", "95 % interval", "", "rows", "distinct", "no answer", "errors", "tokens")
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1><table><thead><tr>{head}</tr></thead><tbody>"
        f"{_row('domain', 'mix', '', results['mix'])}{''.join(domains)}{''.join(rows)}</tbody></table>"
        f"<h2>Wrong answers</h2>{failures}<h2>The run</h2><dl>{facts}</dl></body></html>\n"
    )


def _bar(of: Mapping[str, Any]) -> str:
    low, high = (100 * end for end in of["interval"])
    return f'<span class="bar"><i style="left:{low:.1f}%;width:{high - low:.1f}%"></i><b style="left:{100 * of["value"]:.1f}%"></b></span>'


def _row(kind: str, name: str, metric: str, of: Mapping[str, Any]) -> str:
    counts = "".join(
        f"<td>{of[key]}</td>" if key in of else "<td></td>" for key in ("rows", "distinct_rows", "extraction_failures", "errors")
    )
    tokens = of["tokens"]["completion"] if "tokens" in of else ""
    return (
        f'<tr class="{kind}"><td>{escape(name)}</td><td>{escape(metric)}</td><td>{of["value"]:.4f}</td><td>{_interval(of)}</td>'
        f"<td>{_bar(of)}</td>{counts}<td>{tokens}</td></tr>"
    )


def _line(name: str, of: Mapping[str, Any], domain: Mapping[str, Any], first: bool) -> str:
    further = "".join(
        f'<tr class="part"><td>{escape(what)}</td><td>{escape(metric)}</td><td>{value:.4f}</td><td>{interval}</td>{6 * "<td></td>"}</tr>'
        for what, metric, value, interval in _further(of)
    )
    return _row("", name, of["metric"], of) + further


def _failures(name: str, lines: Sequence[Mapping[str, Any]], questions: Mapping[str, tuple[str, str]]) -> str:
    wrong = [line for line in lines if line["dataset"] == name and line["acc"] != 1.0]
    shown = "".join(_failure(line, *questions[line["id"]]) for line in wrong[:_SHOWN_FAILURES])
    return f"<h3>{escape(name)}: {len(wrong)}</h3>{shown}" if wrong else ""


def _failure(line: Mapping[str, Any], question: str, reference: str) -> str:
    answer = line["answer"] if line["answer"] is not None else ""
    return (
        f"<details><summary>{escape(line['id'])}: {escape(line['reason'])}</summary><pre>{_cut(question)}</pre>"
        f"<p>Reference</p><pre>{_cut(reference)}</pre><p>Answer</p><pre>{_cut(answer)}</pre></details>"
    )


def _cut(text: str) -> str:
    shown = text if len(text) <= 2000 else text[:1000] + "\n…\n" + text[-1000:]
    return escape(shown.encode("utf-8", "replace").decode("utf-8"))
