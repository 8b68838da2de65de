"""Asks for what is not answered yet, scores what is not scored yet, and keeps each at once."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from typing import NamedTuple

from datasetmix.evaluation.checkpoint import Checkpoint
from datasetmix.evaluation.endpoint import Endpoint, EndpointError
from datasetmix.evaluation.journal import Answer, Journal, Key
from datasetmix.evaluation.progress import Progress
from datasetmix.evaluation.prompts import prompt_of
from datasetmix.evaluation.scoring import Scorer
from datasetmix.evaluation.testset import Row

__all__ = ["Work", "ask_checkpoint", "ask_endpoint", "score_all", "take_predictions", "work_of"]

_ALL_REFUSED = 10
"""Answers, all of them errors, after which no other question is asked."""


class Work(NamedTuple):
    """A question for a model: one sample of one row."""

    row: Row
    sample: int

    @property
    def key(self) -> Key:
        """What the journal knows it by."""
        return self.row.id, self.sample


def work_of(rows: Sequence[Row], samples: int) -> list[Work]:
    """All questions of a run, in the order in which they are asked: every row once before any row again."""
    return [Work(row, sample) for sample in range(samples) for row in rows]


def ask_endpoint(work: Sequence[Work], endpoint: Endpoint, journal: Journal, concurrency: int, progress: Progress) -> None:
    """Asks a server, with some questions at the same time.

    Errors: EndpointError where the server answers nothing, or refuses each of the first questions.
    """
    asked = refused = 0

    def one(of: Work) -> None:
        nonlocal asked, refused
        answer = endpoint.ask(prompt_of(of.row, endpoint.plain), of.sample)
        journal.answered([(of.key, answer)])
        progress.advance()
        asked, refused = asked + 1, refused + bool(answer.error)
        if asked == refused >= _ALL_REFUSED:
            raise EndpointError(f"the first {asked} questions were all refused: {answer.error}")

    _in_threads([of for of in work if of.key not in journal.answers], one, concurrency)


def ask_checkpoint(work: Sequence[Work], model: Checkpoint, journal: Journal, batch_size: int, progress: Progress) -> None:
    """Asks a model in batches, which are the same whenever it is asked, so that a run that goes on has the same answers."""
    for number, begin in enumerate(range(0, len(work), batch_size)):
        batch = work[begin : begin + batch_size]
        if all(of.key in journal.answers for of in batch):
            continue
        answers = model.ask([prompt_of(of.row, model.plain) for of in batch], number)
        journal.answered([(of.key, answer) for of, answer in zip(batch, answers, strict=True)])
        progress.advance(len(batch))


def take_predictions(rows: Sequence[Row], answers: Mapping[str, Sequence[str]], journal: Journal, skip_missing: bool) -> None:
    """Takes answers that are there already. A row without any is answered by nothing, unless such rows are left out."""
    found: list[tuple[Key, Answer]] = []
    for row in rows:
        texts = answers.get(row.id, ())
        found += [((row.id, sample), Answer(text)) for sample, text in enumerate(texts)]
        if not texts and not skip_missing:
            found.append(((row.id, 0), Answer("", error="there is no prediction for the row")))
    journal.answered([(key, answer) for key, answer in found if key not in journal.answers])


def score_all(work: Sequence[Work], journal: Journal, scorer: Scorer, boxes: int, progress: Progress) -> None:
    """Scores every answer that has no score: programs in several sandboxes at once, all others one after another."""

    def one(of: Work) -> None:
        journal.scored(of.key, scorer.score(of.row, journal.answers[of.key]))
        progress.advance()

    left = [of for of in work if of.key in journal.answers and of.key not in journal.scores]
    for of in left:
        if of.row.label.scorer != "code":
            one(of)
    _in_threads([of for of in left if of.row.label.scorer == "code"], one, boxes or os.cpu_count() or 1)


def _in_threads(work: Sequence[Work], one: Callable[[Work], None], threads: int) -> None:
    """Does all the work, or stops at the first error, after what is being done."""
    if not work:
        return
    with _pool(threads) as pool:
        futures: set[Future[None]] = {pool.submit(one, of) for of in work}
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()


@contextlib.contextmanager
def _pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    pool = ThreadPoolExecutor(max(1, threads))
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
