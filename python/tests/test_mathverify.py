"""The library math_verify, where it is installed: its verdicts arrive, and one that takes too long costs no more than its time."""

import signal
from pathlib import Path

import pytest
import realdata
import testsets

from datasetmix import __main__ as program
from datasetmix.evaluation import mathverify
from datasetmix.evaluation.mathverify import MathVerify
from datasetmix.rewards import Label

pytest.importorskip("math_verify", reason="math_verify is not installed: its verdicts are not tried")


def test_verdicts(monkeypatch: pytest.MonkeyPatch) -> None:
    library, label = MathVerify(), Label("formula", "\\frac{1}{2}")
    try:
        assert library.score("So it is $\\boxed{0.5}$.", label).acc == 1.0
        assert library.score("So it is $\\boxed{0.6}$.", label).acc == 0.0
        assert library._process is not None
        library._process.send_signal(signal.SIGSTOP)
        monkeypatch.setattr(mathverify, "SECONDS", 0.1)
        assert "no verdict" in library.score("$\\boxed{1}$", label).reason
        monkeypatch.undo()
        assert library.score("$\\boxed{\\frac{2}{4}}$", label).acc == 1.0
    finally:
        library.close()


def test_the_results_say_who_scored(tmp_path: Path) -> None:
    data = testsets.revision(tmp_path / "data", {"algebra": 2})
    with testsets.serving(testsets.rows({"algebra": 2})) as server:
        options = ["--base-url", server.url, "--model", "m", "--data", str(data), "--output", str(tmp_path / "run")]
        assert program.main(["evaluate", *options, "--math-verify"]) == 0
    assert '"math_verify ' in (tmp_path / "run" / "results.json").read_text()


@pytest.mark.parametrize("dataset", ["gsm8k", "math"])
def test_it_says_what_is_recorded_of_it(dataset: str) -> None:
    """The table of docs/evaluation.md counts verdicts that were recorded: of every sixth, nearly all are those of the library here."""
    known = [vector for vector in realdata.vectors(dataset)[::6] if vector["references"].get("math-verify") is not None]
    library = MathVerify()
    try:
        found = [library.score(vector["prediction"], Label.of(realdata.label(dataset, vector))).acc for vector in known]
    finally:
        library.close()
    same = sum(acc == vector["references"]["math-verify"] for acc, vector in zip(found, known, strict=True))
    print(f"{dataset}: {same} of {len(known)} as recorded")
    assert len(known) > 20
    assert same >= 0.95 * len(known)
