"""The library math_verify, where it is installed: its verdicts arrive, and one that takes too long costs no more than its time."""

from pathlib import Path

import pytest
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
        monkeypatch.setattr(mathverify, "SECONDS", 0.0)
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
