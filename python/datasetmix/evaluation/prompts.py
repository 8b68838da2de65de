"""What a model is asked: the question of a row with an instruction behind it that says how the answer is to be given."""

from __future__ import annotations

from collections.abc import Mapping

from datasetmix.evaluation.testset import Row

__all__ = ["INSTRUCTIONS", "prompt_of"]

INSTRUCTIONS: Mapping[str, str] = {
    "numeric": "Think step by step, and give the final answer as one number in \\boxed{}.",
    "formula": "Think step by step, and give the final answer in \\boxed{}.",
    "text": "Give the answer alone, in as few words as possible.",
    "no-answer text": 'Give the answer alone, in the words of the text. If the text does not answer the question, say "unanswerable".',
    "yes-no text": "Give the answer alone, in as few words as possible; to a question of yes or no, say yes or no.",
    "code": "Write the whole program in Python, in one fenced block.",
}
"""By the name of the scorer."""


def prompt_of(row: Row, plain: bool = False) -> str:
    """The text that a model is asked. plain: without an instruction, for a model that only continues texts."""
    if plain:
        return row.question
    shown = row.question
    if row.task is not None and not row.task.prompt:
        shown += "\n\nIt has to pass these tests:\n" + "\n".join(row.task.tests)
    return f"{shown}\n\n{INSTRUCTIONS[row.label.scorer]}"
