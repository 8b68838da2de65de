"""The score of a formula by math_verify, for who wants to compare with others who use it.

It runs in a process of its own, which is ended when an answer takes too long: its own limits of time are signals, which do nothing in
a thread.
"""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
import threading
from importlib import metadata, util

from datasetmix.rewards import Label, Score

__all__ = ["MathVerify"]

SECONDS = 20.0
"""For one answer, after which it scores 0."""

_SCRIPT = """
import json, sys
from math_verify import parse, verify
print("{}", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    try:
        gold, said = parse("$" + asked["gold"] + "$"), parse(asked["said"])
        found = {"right": bool(verify(gold, said)), "pred": str(said[-1]) if said else "", "gold": bool(gold)}
    except Exception as error:
        found = {"right": False, "pred": "", "gold": True, "error": type(error).__name__}
    print(json.dumps(found), flush=True)
"""


class MathVerify:
    """Asks math_verify. Safe to use from several threads, which take turns."""

    def __init__(self, python: str = sys.executable) -> None:
        """Raises ImportError where math_verify is not there."""
        if util.find_spec("math_verify") is None:
            raise ImportError("--math-verify needs the library math_verify: pip install 'math-verify[antlr4_13_2]'")
        self.version = f"math_verify {metadata.version('math-verify')}"
        self._python = python
        self._process: subprocess.Popen[str] | None = None
        self._lock = threading.Lock()

    def score(self, answer: str, label: Label) -> Score:
        """What an answer is worth: 1 where math_verify holds it for the reference."""
        with self._lock:
            found = self._ask(json.dumps({"gold": label.answer, "said": answer[-(1 << 17) :]}))
        if found is None:
            return Score(0.0, 0.0, "", f"math_verify gives no verdict within {SECONDS:g} seconds")
        right = float(found.get("right") is True)
        return Score(
            right, right, str(found.get("pred", ""))[:200], "math_verify holds it for the reference" if right else "math_verify does not"
        )

    def _ask(self, line: str) -> dict[str, object] | None:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 (Python itself, with the script above)
                [self._python, "-c", _SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            )
            if self._line(120.0) is None:
                return None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except OSError:
            self.close()
            return None
        return self._line(SECONDS)

    def _line(self, seconds: float) -> dict[str, object] | None:
        """What it says within a time; where it says nothing, it is ended, and begun again for the next answer."""
        assert self._process is not None
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], seconds)
        said = self._process.stdout.readline() if ready else ""
        if not said:
            self.close()
            return None
        value = json.loads(said)
        return value if isinstance(value, dict) else None

    def close(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    if stream is not None:
                        stream.close()
