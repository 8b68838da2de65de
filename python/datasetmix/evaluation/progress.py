"""How far a run is, on standard error: a bar with the time that is left on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import threading
import time
from typing import TextIO

__all__ = ["Progress"]

_WIDTH = 30
_EVERY = (0.2, 30.0)  # seconds between two lines, on a terminal and elsewhere


class Progress:
    """Counts answers. done: those that are there before it begins, which say nothing of the speed."""

    def __init__(self, what: str, total: int, done: int = 0, out: TextIO | None = None) -> None:
        self.what, self.total, self.done, self.begun = what, total, done, done
        self.out = sys.stderr if out is None else out
        self.bar = self.out.isatty()
        self.started = time.monotonic()
        self._shown = 0.0
        self._lock = threading.Lock()

    def advance(self, count: int = 1) -> None:
        """Says that some more are there."""
        with self._lock:
            self.done += count
            now = time.monotonic()
            if now - self._shown >= _EVERY[0 if self.bar else 1] or self.done >= self.total:
                self._shown = now
                self._show(now)

    def _show(self, now: float) -> None:
        speed = (self.done - self.begun) / max(now - self.started, 1e-9)
        left = (self.total - self.done) / speed if speed else 0.0
        line = f"{self.what} {self.done}/{self.total} {self.done / max(self.total, 1):4.0%}  {speed:.2f}/s  {_time(left)} left"
        if self.bar:
            full = _WIDTH * self.done // max(self.total, 1)
            self.out.write(f"\r\x1b[K[{'#' * full}{'.' * (_WIDTH - full)}] {line}")
        else:
            self.out.write(line + "\n")
        self.out.flush()

    def close(self) -> None:
        """Ends the line."""
        if self.bar and self.done > self.begun:
            self.out.write("\n")


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
