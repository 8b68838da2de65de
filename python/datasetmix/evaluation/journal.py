"""What was answered and scored, kept line by line, so that a run that was killed goes on where it was.

The first line says what the run is: the revision, the model, how it is asked. A run that is another one does not go on with it. A line that
was cut off by a kill is dropped.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from datasetmix.rewards import Score

__all__ = ["Answer", "Journal", "Scored"]


@dataclass(frozen=True)
class Answer:
    """What a model said. prompt_tokens, completion_tokens: as it counts them, 0 where it does not say. error: why there is no text."""

    text: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    finish: str = ""
    error: str = ""


@dataclass(frozen=True)
class Scored:
    """A score, and what it was made by."""

    score: float
    acc: float
    pred: str
    reason: str
    scorer: str

    @classmethod
    def of(cls, found: Score, scorer: str) -> Scored:
        """A score that says nothing is one of 0."""
        return cls(found.score or 0.0, found.acc or 0.0, found.pred, found.reason, scorer)


Key = tuple[str, int]


class Journal:
    """The file of a run. Safe to use from several threads; one process at a time has it."""

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        """Opens the file of a run, or begins it.

        Errors: ValueError where it is that of another run, BlockingIOError where another process has it, OSError where it cannot be
        written.
        """
        self.answers: dict[Key, Answer] = {}
        self.scores: dict[Key, Scored] = {}
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            try:
                fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BlockingIOError(f"{path} is written by another evaluation, which still runs") from error
            self._open(path, json.loads(json.dumps(header)))
        except BaseException:
            os.close(self._fd)
            raise

    def _open(self, path: Path, header: dict[str, Any]) -> None:
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.ftruncate(self._fd, len(whole))
        lines = whole.splitlines()
        if not lines:
            self._write([{"run": header}])
            return
        begun = json.loads(lines[0]).get("run", {})
        differing = sorted(name for name in {*begun, *header} if begun.get(name) != header.get(name))
        if differing:
            was = "; ".join(f"{name} was {begun.get(name)!r:.60} and is {header.get(name)!r:.60}" for name in differing)
            raise ValueError(f"{path.parent} holds another run: {was}. Name another --output, or remove it")
        for line in lines[1:]:
            self._take(json.loads(line))

    def _take(self, line: Mapping[str, Any]) -> None:
        key = (str(line["id"]), int(line["sample"]))
        if "answer" in line:
            self.answers[key] = Answer(**line["answer"])
        else:
            self.scores[key] = Scored(**line["score"])

    def answered(self, found: Iterable[tuple[Key, Answer]]) -> None:
        """Keeps answers, all of them or, where the process ends in the middle, none."""
        pairs = list(found)
        self._write([{"id": key[0], "sample": key[1], "answer": asdict(answer)} for key, answer in pairs])
        self.answers.update(pairs)

    def scored(self, key: Key, score: Scored) -> None:
        """Keeps a score."""
        self._write([{"id": key[0], "sample": key[1], "score": asdict(score)}])
        self.scores[key] = score

    def _write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        data = b"".join(json.dumps(line).encode("ascii") + b"\n" for line in lines)
        with self._lock:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._fd, rest) :]

    def close(self) -> None:
        """Lets another process have the file."""
        with contextlib.suppress(OSError):
            os.close(self._fd)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
