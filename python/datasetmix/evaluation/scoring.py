"""The score of an answer to a test row, by whichever scorer its row wants."""

from __future__ import annotations

from datasetmix import rewards, sandbox
from datasetmix.evaluation.journal import Answer, Scored
from datasetmix.evaluation.mathverify import MathVerify
from datasetmix.evaluation.testset import Row
from datasetmix.programs import score_program
from datasetmix.sandbox import Sandbox

__all__ = ["Scorer", "extracted"]


class Scorer:
    """Scores answers. Safe to use from several threads."""

    def __init__(self, box: Sandbox | None, math_verify: MathVerify | None = None) -> None:
        """Takes a sandbox, without which programs cannot be scored, and math_verify for formulas where that is wished."""
        self.box, self.math_verify = box, math_verify
        self.version = f"datasetmix {rewards.VERSION}"

    def score(self, row: Row, answer: Answer) -> Scored:
        """The score of an answer. Never raises for an answer; one that is an error scores 0."""
        if answer.error:
            return Scored(0.0, 0.0, "", answer.error[:300], self.version)
        if row.label.scorer == "code":
            if row.task is None or self.box is None:
                return Scored(0.0, 0.0, "", "the row has no tests that can be run", self.version)
            by = f"{self.version}, sandbox {sandbox.VERSION}: {self.box.isolation}"
            return Scored.of(score_program(answer.text, row.task, self.box), by)
        if row.label.scorer == "formula" and self.math_verify is not None:
            return Scored.of(self.math_verify.score(answer.text, row.label), self.math_verify.version)
        return Scored.of(rewards.score(answer.text, row.label), self.version)


def extracted(row: Row, score: Scored) -> bool:
    """Whether an answer was found in what the model said. Of a row that may have no answer, saying nothing is one."""
    return bool(score.pred) or (row.label.scorer == "no-answer text" and score.acc == 1.0)
