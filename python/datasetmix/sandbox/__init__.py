"""Runs a program against tests that it cannot see, in processes that can do next to nothing.

The program and the tests are two processes without network, files, other processes or signals, with limits of memory, CPU and time; they
exchange plain data alone. The program never sees a test or the verdict, the tests run with builtins that the program cannot touch, and
what a program prints, writes or returns as its exit code means nothing.

    Sandbox().run(Job(program=("add = lambda a, b: a + b",), names=("add",), tests=("assert add(1, 2) == 3",)))

Linux only: what isolates is seccomp, Landlock, resource limits and, where the system lets a process have them, namespaces.
`isolation()` says which of them there are.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

__all__ = ["Isolation", "Job", "Limits", "NotIsolatedError", "Sandbox", "Verdict", "isolation"]

VERSION = "1"
"""Raised with every change after which any program is judged otherwise."""

LAYERS = ("namespaces", "rlimits", "landlock", "seccomp")
NEEDED = ("rlimits", "landlock", "seccomp")
"""The layers without which a program is not isolated. Namespaces are one more wall around the same things."""

_MAX_VERDICT = 1 << 16
_SCRIPT = str(Path(__file__).with_name("box.py"))


class NotIsolatedError(RuntimeError):
    """A program would run with more rights than it may have."""


@dataclass(frozen=True)
class Limits:
    """What a program may take. memory: bytes of address space. cpu_seconds: of the process. seconds: from start to verdict."""

    memory: int = 512 << 20
    cpu_seconds: int = 3
    seconds: float = 15.0


@dataclass(frozen=True)
class Job:
    """A program, and what it is judged by.

    program: sources that are run into one module, in order. names: its functions that the tests call. prepare: sources that the tests
    need, run before them, out of the program's reach. tests: sources, each of which raises where it does not hold. check: a
    function that the tests define, called with the first of names.
    """

    program: tuple[str, ...]
    names: tuple[str, ...]
    tests: tuple[str, ...]
    prepare: tuple[str, ...] = ()
    check: str = ""


class Verdict(NamedTuple):
    """passed: every test held. reason: for people. seconds: of wall time. fault: "tests" where they, not the program, are at fault."""

    passed: bool
    reason: str
    seconds: float
    fault: str = ""


@dataclass(frozen=True)
class Isolation:
    """layers: those that hold. missing: the others, each with the reason."""

    layers: tuple[str, ...]
    missing: tuple[tuple[str, str], ...] = ()

    @property
    def complete(self) -> bool:
        """Whether a program can reach nothing but its own memory."""
        return all(layer in self.layers for layer in NEEDED)

    def __str__(self) -> str:
        return ", ".join(self.layers) or "none"


@functools.cache
def isolation(python: str = "") -> Isolation:
    """Tries once in a process of its own which layers there are. python: its program, by default this one's."""
    if sys.platform != "linux":
        return Isolation((), tuple((layer, f"{sys.platform} has none") for layer in LAYERS))
    try:
        body = _body({"limits": asdict(Limits()), "layers": LAYERS})
        with _Pipe() as pipe, _started("probe", body, (pipe.into,), python or sys.executable):
            pipe.into.close()
            found = json.loads(_read(pipe.out.fileno(), time.monotonic() + 30)[4:])
    except (OSError, ValueError) as error:
        return Isolation((), tuple((layer, str(error)) for layer in LAYERS))
    layers = tuple(layer for layer in LAYERS if found.get(layer) == "")
    return Isolation(layers, tuple((layer, found.get(layer, "it was not tried")) for layer in LAYERS if layer not in layers))


class Sandbox:
    """Runs jobs. Safe to use from several threads at once; each run has processes of its own.

    trust: "isolated" refuses where the isolation is not complete; "container" runs with whatever there is, because the whole process is in
    a container that holds nothing of worth; "anything" does the same anywhere.
    Raises NotIsolatedError.
    """

    def __init__(
        self, limits: Limits = Limits(), trust: Literal["isolated", "container", "anything"] = "isolated", python: str = ""
    ) -> None:
        self.limits, self.trust, self.python = limits, trust, python or sys.executable
        self.isolation = isolation(python)
        if trust == "isolated" and not self.isolation.complete:
            missing = "; ".join(f"{layer}: {why}" for layer, why in self.isolation.missing)
            raise NotIsolatedError(f"programs cannot be isolated here ({missing})")

    def run(self, job: Job) -> Verdict:
        """The verdict on a program. Never raises for what the program or the tests do; nothing of them is left when it returns."""
        begin = time.monotonic()
        deadline = begin + self.limits.seconds
        shared = {"limits": asdict(self.limits), "layers": self.isolation.layers, "needed": self.isolation.layers}
        program = _body({**shared, "sources": job.program})
        tests = _body({**shared, "sources": job.prepare, "names": job.names, "tests": job.tests, "check": job.check})
        with contextlib.ExitStack() as stack:
            calls, results, verdict = (stack.enter_context(_Pipe()) for _ in range(3))
            stack.enter_context(_started("program", program, (calls.out, results.into), self.python))
            stack.enter_context(_started("tests", tests, (calls.into, results.out, verdict.into), self.python))
            for end in (calls.out, calls.into, results.out, results.into, verdict.into):
                end.close()
            said = _read(verdict.out.fileno(), deadline)
        return _verdict(said, time.monotonic() - begin, self.limits)


def _verdict(said: bytes, seconds: float, limits: Limits) -> Verdict:
    try:
        told = json.loads(said[4:])
        return Verdict(told["passed"] is True, str(told["reason"]), seconds, str(told.get("fault", "")))
    except (ValueError, KeyError, TypeError, RecursionError):
        reason = f"no verdict within {limits.seconds:g} seconds" if seconds >= limits.seconds else "the tests ended without a verdict"
        return Verdict(False, reason, seconds)


def _body(job: dict[str, Any]) -> bytes:
    return json.dumps({"needed": [], **job}).encode("ascii")


class _Pipe:
    """A pipe, whose ends close when this does, if not before."""

    def __init__(self) -> None:
        out, into = os.pipe()
        self.out, self.into = FileIO(out, "rb"), FileIO(into, "wb")

    def __enter__(self) -> _Pipe:
        return self

    def __exit__(self, *_: object) -> None:
        self.out.close()
        self.into.close()


@contextlib.contextmanager
def _started(role: str, body: bytes, ends: tuple[FileIO, ...], python: str) -> Iterator[None]:
    """A process in its role. When this ends, so have it and all that came of it."""
    fds = [end.fileno() for end in ends]
    process = subprocess.Popen(  # noqa: S603 (Python itself, with a script of this package)
        [python, "-I", "-S", "-B", "-X", "utf8", _SCRIPT, role, *map(str, fds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=fds,
        env={},
        cwd="/",
        start_new_session=True,
    )
    try:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(body)
            process.stdin.close()
        yield
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()  # with namespaces, the process that waits outside of them ends the one inside and takes it from the system
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(2)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _read(fd: int, deadline: float) -> bytes:
    """What is written into a pipe until it is closed or the time has come."""
    poll = select.poll()
    poll.register(fd, select.POLLIN | select.POLLHUP)
    said = b""
    while (left := deadline - time.monotonic()) > 0 and len(said) < _MAX_VERDICT:
        if not poll.poll(left * 1000):
            break
        part = os.read(fd, 1 << 16)
        if not part:
            break
        said += part
        if len(said) >= 4 and len(said) >= 4 + int.from_bytes(said[:4], "big"):
            break
    return said
