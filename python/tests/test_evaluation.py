"""An evaluation from its command on: asked of a server, read from files, killed and gone on with, and compared with another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import testsets

from datasetmix import __main__ as program
from datasetmix.evaluation import journal, predictions, testset

COUNTS = {"sums": 9, "algebra": 6, "spans": 6, "hops": 5, "completions": 3, "functions": 3}
TEXTS = {"sums": 9, "algebra": 6, "spans": 6, "hops": 5}
PACKAGE = Path(program.__file__).parents[1]


def evaluated(*arguments: object) -> int:
    return program.main(["evaluate", *map(str, arguments)])


def read(folder: Path) -> dict[str, Any]:
    """The results of a run, without what is of its time."""
    found: dict[str, Any] = json.loads((folder / "results.json").read_bytes())
    found.pop("seconds")
    for of in found["datasets"].values():
        of.pop("seconds")
    return found


def test_of_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    data = testsets.revision(tmp_path / "data", COUNTS)
    monkeypatch.setenv("OPENAI_API_KEY", "sesame")
    with testsets.serving(testsets.rows(COUNTS)) as server:
        server.failures = [503, 429, 500]
        server.headers = {"Retry-After": "0.01"}
        assert evaluated("--base-url", server.url, "--model", "m", "--data", data, "--output", tmp_path / "run", "--concurrency", 3) == 0
    assert set(server.answered.values()) == {1}
    assert len(server.answered) == 32
    assert server.keys == {"Bearer sesame"}
    assert server.most_at_once <= 3
    found = read(tmp_path / "run")
    right = {name: sum(1 for n, row in enumerate(testsets.rows(COUNTS)) if row["dataset"] == name and n % 4) for name in COUNTS}
    for name, of in found["datasets"].items():
        value = of["metrics"].get("exact_match", of)["value"]
        assert value == pytest.approx(right[name] / COUNTS[name]), name
        assert of["interval"][0] <= of["value"] <= of["interval"][1]
        assert (of["rows"], of["distinct_rows"], of["samples"]) == (COUNTS[name], COUNTS[name], 1)
        assert of["tokens"]["completion"] == 7 * COUNTS[name]
        assert "datasetmix" in of["scorer"][0]
    assert {name: found["datasets"]["spans"][name]["rows"] for name in ("HasAns", "NoAns")} == {"HasAns": 3, "NoAns": 3}
    assert found["datasets"]["sums"]["extraction_failures"] == COUNTS["sums"] - right["sums"]
    domains = {name: of["value"] for name, of in found["domains"].items()}
    assert domains["math"] == pytest.approx((found["datasets"]["sums"]["value"] + found["datasets"]["algebra"]["value"]) / 2)
    assert found["mix"]["value"] == pytest.approx(0.4 * domains["math"] + 0.3 * domains["qa"] + 0.3 * domains["code"])
    assert "mix" in capsys.readouterr().out
    page = (tmp_path / "run" / "results.html").read_text()
    assert "<script" not in page
    assert "src=" not in page
    assert "I lost count." in page


@pytest.mark.parametrize("plain", [False, True])
def test_of_a_server_that_sends_pieces_or_continues_texts(tmp_path: Path, plain: bool) -> None:
    data = testsets.revision(tmp_path / "data", TEXTS)
    with testsets.serving(testsets.rows(TEXTS)) as server:
        server.stream = not plain
        more = ["--plain"] if plain else []
        assert evaluated("--base-url", server.url, "--model", "m", "--data", data, "--output", tmp_path / "run", *more) == 0
        assert all((prompt in server.answers) is plain for prompt, _ in server.asked)
    assert read(tmp_path / "run")["datasets"]["sums"]["value"] == pytest.approx(6 / 9)


def test_samples_have_pass_at_k(tmp_path: Path) -> None:
    data = testsets.revision(tmp_path / "data", {"sums": 4})
    with testsets.serving(testsets.rows({"sums": 4})) as server:
        options = ["--samples", 3, "--seed", 10, "--datasets", "sums", "--limit", 2]
        assert evaluated("--base-url", server.url, "--model", "m", "--data", data, "--output", tmp_path / "run", *options) == 0
    assert {seed for _, seed in server.asked} == {10, 11, 12}
    found = read(tmp_path / "run")
    assert {name: of["value"] for name, of in found["datasets"]["sums"]["metrics"].items()} == {
        "accuracy": 0.5,
        "pass@2": 0.5,
        "pass@3": 0.5,
    }
    assert found["run"]["temperature"] == 0.8


def test_a_server_that_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = testsets.revision(tmp_path / "data", {"sums": 30})
    options = ["--model", "m", "--data", data, "--concurrency", 1]
    with testsets.serving(testsets.rows({"sums": 30})) as server:
        server.failures = [401]
        assert evaluated("--base-url", server.url, *options, "--output", tmp_path / "a") == 1
        assert "401" in capsys.readouterr().err
        server.failures = [400] * 30
        assert evaluated("--base-url", server.url, *options, "--output", tmp_path / "b") == 1
        assert "first 10 questions were all refused" in capsys.readouterr().err
    with testsets.serving(testsets.rows({"sums": 30})) as server:
        server.failures = [400]
        assert evaluated("--base-url", server.url, *options, "--output", tmp_path / "c") == 0
    assert read(tmp_path / "c")["datasets"]["sums"]["errors"] == 1
    assert evaluated("--base-url", "http://127.0.0.1:9", *options, "--retries", 0, "--output", tmp_path / "d") == 1
    assert "does not answer" in capsys.readouterr().err


def test_a_rate_is_held(tmp_path: Path) -> None:
    data = testsets.revision(tmp_path / "data", {"sums": 5})
    with testsets.serving(testsets.rows({"sums": 5})) as server:
        begin = time.monotonic()
        options = ["--data", data, "--output", tmp_path / "run", "--requests-per-minute", 600]
        assert evaluated("--base-url", server.url, "--model", "m", *options) == 0
    assert time.monotonic() - begin >= 0.4


def started(*arguments: object) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    line = [sys.executable, "-m", "datasetmix", "evaluate", *map(str, arguments)]
    return subprocess.Popen(line, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_run_that_is_killed_goes_on(tmp_path: Path) -> None:
    """It is killed at three places: while it asks, again while it asks, and while it scores programs."""
    counts = {"sums": 20, "completions": 8, "functions": 8}
    data = testsets.revision(tmp_path / "data", counts)
    with testsets.serving(testsets.rows(counts)) as server:
        options = ["--base-url", server.url, "--model", "m", "--data", data, "--concurrency", 2, "--sandboxes", 1]
        assert evaluated(*options, "--output", tmp_path / "whole") == 0
        server.answered.clear()
        server.delay = 0.02
        lines = tmp_path / "killed" / "journal.jsonl"
        for count in (5, 20, 40):
            process = started(*options, "--output", tmp_path / "killed")
            deadline = time.monotonic() + 120
            while not (lines.exists() and lines.read_bytes().count(b"\n") > count) and time.monotonic() < deadline:
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
            process.wait()
            assert process.returncode == -signal.SIGKILL
            assert not (tmp_path / "killed" / "results.json").exists()
        with lines.open("ab") as torn:
            torn.write(b'{"id": "sums_0", "sam')
        kept = sum("answer" in json.loads(line) for line in lines.read_bytes().splitlines()[1:-1])
        assert kept == 36
        before = server.answered.total()
        assert evaluated(*options, "--output", tmp_path / "killed") == 0
        assert server.answered.total() == before
    # At most those that were under way at a kill are asked again.
    assert sum(count - 1 for count in server.answered.values()) <= 2 * 2
    assert read(tmp_path / "killed") == read(tmp_path / "whole")
    assert (tmp_path / "killed" / "rows.jsonl").read_bytes() == (tmp_path / "whole" / "rows.jsonl").read_bytes()


def test_a_folder_of_another_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = testsets.revision(tmp_path / "data", {"sums": 2})
    with testsets.serving(testsets.rows({"sums": 2})) as server:
        options = ["--base-url", server.url, "--data", data, "--output", tmp_path / "run"]
        assert evaluated(*options, "--model", "m") == 0
        assert evaluated(*options, "--model", "m", "--max-tokens", 5) == 1
        assert "max_tokens was 2048 and is 5" in capsys.readouterr().err
        with journal.Journal(tmp_path / "held" / "journal.jsonl", {}):
            assert evaluated(*options[:-1], tmp_path / "held", "--model", "m") == 1
    assert "still runs" in capsys.readouterr().err


def _file(form: str, rows: list[dict[str, Any]], path: Path) -> Path:
    """The right answers to rows as a file of somebody else's."""
    said = {row["id"]: testsets.right_answer(row) for row in rows}
    key = {row["id"]: row["metadata"]["original_id"] for row in rows}
    lines: list[dict[str, Any]] = []
    if form == "DatasetMix":
        lines = [{"id": row["id"], "prediction": said[row["id"]]} for row in rows for _ in range(2)]
    elif form == "lm-evaluation-harness":
        names = {"sums": "question", "algebra": "problem", "completions": "prompt"}
        lines = [{"doc_id": 0, "doc": {names[row["dataset"]]: row["question"]}, "resps": [[said[row["id"]], "?"]]} for row in rows]
    elif form == "verl":
        asked = [f"user\n{row['question']}\n\nGive the answer.\nassistant\n" for row in rows]
        truths = [json.dumps({"scorer": "numeric", "answer": row["reference_answer"]}) for row in rows]
        lines = [{"input": i, "output": said[row["id"]], "gts": t, "score": 0.0} for i, t, row in zip(asked, truths, rows, strict=True)]
    elif form == "HumanEval":
        lines = [{"task_id": key[row["id"]], "completion": said[row["id"]]} for row in rows]
    elif form == "SQuAD lines":
        lines = [{"id": key[row["id"]], "prediction_text": said[row["id"]], "no_answer_probability": 0.0} for row in rows]
    whole: object = {key[row["id"]]: said[row["id"]] for row in rows}
    if form == "HotpotQA":
        whole = {"answer": whole, "sp": {}}
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) or json.dumps(whole))
    return path


@pytest.mark.parametrize(
    ("form", "datasets"),
    [
        ("DatasetMix", "sums,algebra,spans,hops,functions"),
        ("lm-evaluation-harness", "sums,algebra,completions"),
        ("verl", "sums"),
        ("HumanEval", "completions"),
        ("SQuAD", "spans"),
        ("SQuAD lines", "spans"),
        ("HotpotQA", "hops"),
    ],
)
def test_of_the_predictions_of_others(form: str, datasets: str, tmp_path: Path) -> None:
    data = testsets.revision(tmp_path / "data", COUNTS)
    rows = [row for row in testsets.rows(COUNTS) if row["dataset"] in datasets.split(",")]
    path = _file(form, rows, tmp_path / "said.jsonl")
    assert evaluated("--predictions", path, "--data", data, "--datasets", datasets, "--output", tmp_path / "run") == 0
    found = read(tmp_path / "run")
    assert found["run"]["form"] == form.removesuffix(" lines")
    for name, of in found["datasets"].items():
        assert of["rows"] == COUNTS[name]
        assert of["value"] == pytest.approx(0.5 if form == "lm-evaluation-harness" else 1.0), name
        assert of["errors"] == 0


def test_rows_without_a_prediction(tmp_path: Path) -> None:
    data = testsets.revision(tmp_path / "data", {"sums": 4})
    path = _file("DatasetMix", testsets.rows({"sums": 1}), tmp_path / "said.jsonl")
    for missing, value, rows in (("wrong", 0.25, 4), ("skip", 1.0, 1)):
        assert evaluated("--predictions", path, "--data", data, "--missing", missing, "--output", tmp_path / missing) == 0
        of = read(tmp_path / missing)["datasets"]["sums"]
        assert (of["value"], of["rows"]) == (value, rows)


@pytest.mark.parametrize("content", ["", "[]", "1", "{", '{"a": 1}', '{"a": 1}\n{"a": 2}', '{"id": "x", "prediction": "y"}', "[1]\n[2]"])
def test_a_file_that_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "said").write_text(content)
    rows = testset.TestSet(testsets.revision(tmp_path / "data", {"sums": 1})).rows
    with pytest.raises(ValueError, match="said"):
        predictions.read_predictions(tmp_path / "said", rows)


def test_a_repeated_row_counts_once(tmp_path: Path) -> None:
    data = testsets.revision(tmp_path / "data", {"sums": 2})
    file = data / "test" / "sums_test.jsonl"
    first, second = file.read_text().splitlines()
    again = first.replace("sums_0", "sums_7")
    file.write_text(f"{first}\n{second}\n{again}\n")
    said = [{"id": "sums_0", "prediction": "1"}, {"id": "sums_1", "prediction": "0"}, {"id": "sums_7", "prediction": "1"}]
    (tmp_path / "said").write_text("".join(json.dumps(line) + "\n" for line in said))
    assert evaluated("--predictions", tmp_path / "said", "--data", data, "--output", tmp_path / "run") == 0
    of = read(tmp_path / "run")["datasets"]["sums"]
    assert (of["rows"], of["distinct_rows"], of["value"]) == (3, 2, 0.5)


def test_two_runs_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = testsets.revision(tmp_path / "data", TEXTS)
    rows = testsets.rows(TEXTS)
    for name, every in (("a", 2), ("b", 5)):
        with testsets.serving(rows, every) as server:
            assert evaluated("--base-url", server.url, "--model", name, "--data", data, "--output", tmp_path / name) == 0
    capsys.readouterr()
    assert program.main(["compare", str(tmp_path / "a"), str(tmp_path / "b"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    of = found["datasets"]["sums"]
    assert (of["rows"], of["better"], of["worse"]) == (9, 4, 1)
    assert of["test"] == "McNemar, exact"
    assert of["p"] == pytest.approx(0.375)
    assert found["all rows"]["rows"] == 26
    assert found["notes"] == []
    assert program.main(["compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert "all rows" in capsys.readouterr().out
    assert program.main(["compare", str(tmp_path / "a"), str(tmp_path)]) == 1
    assert "no finished evaluation" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--predictions", "nowhere"], "nowhere"),
        (["--base-url", "http://localhost/v1"], "--model"),
        (["--base-url", "localhost", "--model", "m"], "address of a server"),
        (["--checkpoint", "nowhere", "--datasets", "sums"], "nowhere|torch"),
        (["--predictions", "nowhere", "--datasets", "x"], "no test rows of x"),
        (["--predictions", "nowhere", "--data", "/nowhere"], "test_index.json"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = testsets.revision(tmp_path / "data", {"sums": 1})
    assert evaluated("--data", data, "--output", tmp_path / "run", *arguments) == 1
    error = capsys.readouterr().err
    assert any(part in error for part in said.split("|"))
    assert "Traceback" not in error
