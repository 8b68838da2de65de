"""One side of a run, in a process of its own: the program, or the tests that call it. `Sandbox` starts it as a script; nobody imports it.

It reads its job, JSON, from standard input, gives up what it needs no more (confine), and then plays its role:

* program: loads the sources, then answers calls. It never sees a test, nor the verdict.
* tests: runs the tests, in which the names of the program are stand-ins that call the other process, and writes the verdict.
* probe: writes which layers of isolation there are.
"""

from __future__ import annotations

import builtins
import json
import os
import signal
import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasetmix.sandbox import confine, plain
else:
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import confine
    import plain

    del sys.path[0]

MAX_REASON = 300


class ProgramGone(BaseException):
    """The program gives no answer any more, or none that is plain data. No test can catch it as an Exception."""


def described(error: BaseException) -> str:
    """The kind of an error and what it says, in at most MAX_REASON characters."""
    try:
        text = str(error)
    except BaseException:  # an error of the program's own may do anything
        text = ""
    return f"{type(error).__name__[:60]}: {text}"[:MAX_REASON].rstrip(": ")


# --- The program -----------------------------------------------------------------------------------------------------------------


def play_program(job: dict[str, Any], calls: int, results: int) -> None:
    """Loads the sources into one module, in their order, and answers calls until nobody asks any more."""
    module = types.ModuleType("program")
    sys.modules["program"] = module
    try:
        for source in job["sources"]:
            exec(compile(source, "<program>", "exec", dont_inherit=True), module.__dict__)  # noqa: S102 (what this process is for)
    except BaseException as error:
        plain.send(results, ["gone", f"the program cannot be loaded: {described(error)}"])
        return
    plain.send(results, ["loaded"])
    while True:
        try:
            name, args, kwargs = plain.decode(plain.receive(calls))
        except EOFError:
            return
        plain.send(results, _answer(module.__dict__, name, args, kwargs))


def _answer(names: dict[str, Any], name: str, args: list[Any], kwargs: dict[str, Any]) -> list[Any]:
    if name not in names:
        return ["gone", f"the program does not define {name}"]
    try:
        value = names[name](*args, **kwargs)
    except BaseException as error:
        return ["raised", type(error).__name__, described(error)]
    try:
        return ["value", plain.encode(value)]
    except BaseException as error:
        return ["gone", f"{name} returns no plain data: {described(error)}"]


# --- The tests -------------------------------------------------------------------------------------------------------------------


class Caller:
    """Calls the functions of the program in the other process."""

    def __init__(self, calls: int, results: int) -> None:
        self.calls, self.results, self.count = calls, results, 0

    def wait(self) -> None:
        """Waits until the program is loaded."""
        if self._reply()[:1] != ["loaded"]:
            raise ProgramGone("the program does not say that it is loaded")

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a function returns for plain data. An Exception of Python's own is raised here as well; anything else ends the tests."""
        self.count += 1
        try:
            plain.send(self.calls, plain.encode([name, list(args), kwargs]))
        except OSError as error:
            raise ProgramGone("the program has ended") from error
        reply = self._reply()
        if reply[0] == "value" and len(reply) == 2:
            try:
                return plain.decode(reply[1])
            except (plain.UnplainError, RecursionError, MemoryError) as error:
                raise ProgramGone(f"{name} returns no plain data") from error
        if reply[0] == "raised" and len(reply) == 3:
            kind = getattr(builtins, str(reply[1]), None)
            if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, UnicodeError):
                raise kind(str(reply[2])[:MAX_REASON])
            raise ProgramGone(f"{name} raises {str(reply[2])[:MAX_REASON]}")
        raise ProgramGone("the program's answer is none")

    def _reply(self) -> list[Any]:
        try:
            reply = plain.receive(self.results)
        except EOFError as error:
            raise ProgramGone("the program has ended before it answered") from error
        except (plain.UnplainError, MemoryError) as error:
            raise ProgramGone(f"the program's answer cannot be read: {error}") from error
        if not isinstance(reply, list) or not reply:
            raise ProgramGone("the program's answer is none")
        if reply[0] == "gone":
            raise ProgramGone(str(reply[-1])[:MAX_REASON])
        return reply

    def stand_in(self, name: str) -> Callable[..., Any]:
        """A function that calls the one of a name in the other process."""

        def called(*args: Any, **kwargs: Any) -> Any:
            return self.call(name, args, kwargs)

        called.__name__ = called.__qualname__ = name
        return called


def judge(job: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """The verdict: whether every test holds, and if not, which one and why."""
    space: dict[str, Any] = {"__name__": "tests"}
    try:
        for source in job["sources"]:
            exec(compile(source, "<tests>", "exec", dont_inherit=True), space)  # noqa: S102
    except Exception as error:
        return {"passed": False, "reason": f"the tests cannot be prepared: {described(error)}", "fault": "tests"}
    for name in job["names"]:
        space[name] = caller.stand_in(name)
    at = 0
    try:
        caller.wait()
        for test in job["tests"]:
            at += 1
            exec(compile(test, "<tests>", "exec", dont_inherit=True), space)  # noqa: S102
        if job["check"]:
            space[job["check"]](space[job["names"][0]])
    except AssertionError as error:
        return {"passed": False, "reason": f"test {at} does not hold {str(error)[:MAX_REASON]}".rstrip()}
    except ProgramGone as error:
        return {"passed": False, "reason": str(error)}
    except BaseException as error:
        return {"passed": False, "reason": f"test {at} ends with {described(error)}"}
    if not caller.count:
        return {"passed": False, "reason": "the tests never call the program", "fault": "tests"}
    return {"passed": True, "reason": f"every test holds, in {caller.count} calls"}


# --- Starting --------------------------------------------------------------------------------------------------------------------


def _stand_by(child: int, fds: list[int]) -> None:
    """Waits for the process in the namespaces, which ends with this one, and hands a request to end on to it."""
    for fd in fds:
        os.close(fd)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGKILL))
    while True:
        try:
            os.waitpid(child, 0)
        except ChildProcessError:
            os._exit(0)


def main(role: str, *numbers: str) -> None:
    """Plays a role, with the numbers of its file descriptors."""
    fds = [int(number) for number in numbers]
    parts = []
    while part := os.read(0, 1 << 20):
        parts.append(part)
    job = json.loads(b"".join(parts))
    quiet = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(quiet, fd)
    wanted, found = job["layers"], {}
    confine.die_with_parent()
    if "namespaces" in wanted:
        try:
            child = confine.separate()
            found["namespaces"] = ""
            if child:
                _stand_by(child, fds)
        except OSError as error:
            found["namespaces"] = str(error)
    found.update(confine.confine(wanted, job["limits"]))
    if role == "probe":
        plain.send(fds[0], found)
        os._exit(0)
    if any(found.get(layer, "missing") for layer in job["needed"]):
        os._exit(1)  # what was there when it was probed is not there any more
    if role == "program":
        play_program(job, *fds)
    else:
        plain.send(fds[2], judge(job, Caller(fds[0], fds[1])))
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
