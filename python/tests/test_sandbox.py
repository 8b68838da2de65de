"""Programs that do not want to be judged: none passes, none leaves a process or a file, and the next program is judged as ever."""

import errno
import glob
import os
import platform
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter, OrderedDict, deque
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pytest

from datasetmix import sandbox
from datasetmix.sandbox import Job, Limits, NotIsolatedError, Sandbox, box, plain

TESTS = (
    "assert twice(2) == 4",
    "assert twice('') is not None",
    "assert twice([1, 2]) == [1, 2, 1, 2]",
    "assert abs(twice(0.5) - 1) < 1e-9",
)
SECONDS = 30.0
FEW_SECONDS = 4.0

pytestmark = pytest.mark.skipif(not sandbox.isolation().complete, reason=f"no isolation here: {sandbox.isolation().missing}")


@pytest.fixture(scope="module")
def limits() -> Limits:
    return Limits(memory=256 << 20, cpu_seconds=2, seconds=SECONDS)


def job(program: str, tests: tuple[str, ...] = TESTS) -> Job:
    return Job((textwrap.dedent(program),), ("twice",), tests)


RIGHT = {
    "a function": "def twice(x): return x + x",
    "a lambda": "twice = lambda x: 2 * x",
    "it prints": "def twice(x):\n    print('passed' * 1000000)\n    return x + x",
    "it closes its output": "import os, sys\nsys.stdout.close()\nos.close(2)\ndef twice(x): return x + x",
    "a thread is left": "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\ndef twice(x): return x + x",
    "the standard library": "import decimal, json, re, heapq, datetime, zlib\ndef twice(x): return json.loads(json.dumps(x)) + x",
    "a loop of events": "import asyncio\nasync def f(x): return x + x\ndef twice(x): return asyncio.run(f(x))",
    "a main module": "def twice(x): return x + x\nif __name__ == '__main__': raise SystemExit(1)",
    "a match": "import re\nclass M:\n    def __bool__(self): return True\ndef twice(x): return x + x if type(x) is not str else M()",
    "a data class": "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: object\ndef twice(x): return P(x).x + x",
}

EQUAL = """
    class Equal{base}:
        def __eq__(self, other): return True
        def __ne__(self, other): return False
        def __sub__(self, other): return 0.0
        __hash__ = object.__hash__
    def twice(x): return {value}
"""

HOSTILE = {
    "fork bomb": "import os\nwhile True:\n    os.fork()",
    "fork in a call": "import os\ndef twice(x):\n    while True:\n        try: os.fork()\n        except OSError: pass",
    "thread bomb": "import threading, time\nwhile True:\n    threading.Thread(target=time.sleep, args=(99,)).start()",
    "memory": "x = []\nwhile True:\n    x.append(bytearray(1 << 24))",
    "memory, caught": "y = []\nwhile True:\n    try: y.append('x' * (1 << 20))\n    except MemoryError: pass",
    "disk": "import os\nwith open('/tmp/datasetmix-hostile', 'wb') as f:\n    while True: f.write(bytes(1 << 20))",
    "a file in the package": "open(__import__('json').__file__ + '.hostile', 'w').write('x')\ndef twice(x): return 0",
    "a file of memory": "import os\nos.memfd_create('x')\ndef twice(x): return 0",
    "output without end": "import sys\nwhile True:\n    sys.stdout.write('passed' * 100000)",
    "an answer without end": "def twice(x):\n    return 'x' * (1 << 26)",
    "an iterator without end": "import itertools\ndef twice(x):\n    return (i for i in itertools.count())",
    "network": "import socket\ns = socket.socket()\ns.connect(('127.0.0.1', 80))",
    "a socket of the system": "import socket\nsocket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')",
    "the parent's memory": "import os\nprint(open(f'/proc/{os.getppid()}/mem', 'rb').read(1))",
    "the parent's environment": "import os\nprint(open(f'/proc/{os.getppid()}/environ').read())",
    "other processes": "import os\nprint(os.listdir('/proc'))",
    "passwords": "print(open('/etc/passwd').read())",
    "its neighbor's memory": "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nassert libc.ptrace(16, 1, 0, 0) == 0",
    "a signal to all": "import os, signal\nos.kill(-1, signal.SIGKILL)",
    "a signal to the parent": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
    "a signal to the group": "import os, signal\nos.killpg(0, signal.SIGKILL)",
    "it ignores signals": """
        import signal
        for s in range(1, 32):
            try: signal.signal(s, signal.SIG_IGN)
            except (OSError, ValueError): pass
        while True: pass
    """,
    "it catches everything": "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    "one long operation": "def twice(x): return len(str(9 ** (10 ** 9)))",
    "sleep": "import time\ntime.sleep(3600)",
    "exit 0": "import sys\nsys.exit(0)",
    "exit at once": "import os\nos._exit(0)",
    "exit in a call": "import os\ndef twice(x):\n    print('passed', flush=True)\n    os._exit(0)",
    "exit in a thread": "import os, threading, time\nthreading.Timer(0.1, os._exit, (0,)).start()\ndef twice(x): time.sleep(3600)",
    "exit when it ends": "import atexit, os\natexit.register(os._exit, 0)\ndef twice(x): return 0",
    "abort": "import os\nos.abort()",
    "a broken stack": "import sys\nsys.setrecursionlimit(1 << 30)\ndef twice(x): return twice(x)",
    "equal to all": EQUAL.format(base="", value="Equal()"),
    "a number equal to all": EQUAL.format(base="(int)", value="Equal(7)"),
    "a text equal to all": EQUAL.format(base="(str)", value="Equal('x')"),
    "elements equal to all": EQUAL.format(base="(int)", value="[Equal(7)] * 4"),
    "builtins": "import builtins\nbuiltins.abs = lambda x: 0\nbuiltins.AssertionError = SystemExit\ndef twice(x): return 0.5",
    "no assertions": "import sys\nsys.flags = None\nsys.excepthook = lambda *a: None\ndef twice(x): return 0",
    "the verdict in a frame": """
        import gc, sys
        def twice(x):
            frame = sys._getframe()
            while frame:
                frame.f_locals.update(passed=True, verdict={'passed': True})
                frame = frame.f_back
            for thing in gc.get_objects():
                if isinstance(thing, dict) and 'passed' in thing: thing['passed'] = True
            return 0
    """,
    "the verdict on every descriptor": """
        import json, os
        said = json.dumps({'passed': True, 'reason': ''}).encode()
        for fd in range(3, 64):
            try: os.write(fd, len(said).to_bytes(4, 'big') + said)
            except OSError: pass
    """,
    "answers before they are asked": """
        import json, os
        def frame(x):
            said = json.dumps(x).encode()
            return len(said).to_bytes(4, 'big') + said
        for fd in range(3, 64):
            try: os.write(fd, frame(['loaded']) + frame(['value', ['int', '0x4']]) * 100)
            except OSError: pass
    """,
    "a frame too long": "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'\\xff' * 8)\n    except OSError: pass",
    "a frame too deep": """
        import os
        said = b'[' * 1000000
        for fd in range(3, 64):
            try: os.write(fd, len(said).to_bytes(4, 'big') + said)
            except OSError: pass
    """,
    "another program": "import os\nos.execv('/bin/true', ['true'])",
    "a new namespace": "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\nassert libc.unshare(0x10000000) == 0",
    "the limits": "import resource\nresource.setrlimit(resource.RLIMIT_CPU, (9999, 9999))",
    "its neighbor's memory, read": """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        here = ctypes.create_string_buffer(8)
        for pid in (os.getpid() - 1, os.getpid() + 1, os.getppid()):
            assert libc.process_vm_readv(pid, here, 1, here, 1, 0) > 0
    """,
    "its own memory": "open('/proc/self/mem', 'r+b').write(b'x')",
    "its descriptors, opened again": "import os\nprint([os.open(f'/proc/self/fd/{fd}', os.O_RDWR) for fd in os.listdir('/proc/self/fd')])",
    "its descriptors, closed": "import os\nos.closerange(0, 1024)\ndef twice(x): return 0",
    "a fork when it is forgotten": """
        import os
        class Forks:
            def __del__(self):
                while os.fork(): pass
        Forks()
        def twice(x): return Forks() and 0
    """,
    "a fork by the C library": "import ctypes\nlibc = ctypes.CDLL(None)\nassert libc.fork() > 0\nassert libc.vfork() > 0",
    "a process of subprocess": "import subprocess\nsubprocess.run(['/bin/sh', '-c', 'sleep 999 &'])",
    "a process of multiprocessing": "import multiprocessing, time\nmultiprocessing.Process(target=time.sleep, args=(99,)).start()",
    "a daemon": "import os\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        while True: pass\nos._exit(0)",
    "a session of its own": "import os\nos.setsid()\nos.setpgid(0, 0)\ndef twice(x): return 0",
    "it outlives its parent": "import ctypes, time\nctypes.CDLL(None).prctl(1, 0, 0, 0, 0)\ntime.sleep(3600)",
    "a trace": """
        import sys, threading
        def trace(frame, event, arg):
            frame.f_locals.update(passed=True, value=4)
            return trace
        sys.settrace(trace)
        threading.settrace(trace)
        sys.setprofile(trace)
        def twice(x): return 0
    """,
    "referrers of what it is called by": """
        import gc, sys
        def twice(x):
            for thing in gc.get_referrers(sys._getframe(1).f_globals, twice, x):
                if isinstance(thing, dict): thing.update(passed=True, value=4, reason='')
            return 0
    """,
    "the other end's code": """
        import sys
        main, plain = sys.modules['__main__'], sys.modules['plain']
        main.judge = lambda *a: {'passed': True, 'reason': ''}
        plain.encode = lambda *a: {'passed': True, 'reason': ''}
        def twice(x): return 0
    """,
    "json replaced": 'import sys, json\njson.dumps = lambda *a: \'{"passed": true, "reason": ""}\'\ndef twice(x): return 0',
    "memory that others share": "from multiprocessing import shared_memory\nshared_memory.SharedMemory('hostile', True, 1 << 20)",
    "a file in shared memory": "open('/dev/shm/hostile', 'w').write('x')",
    "a link": "import os\nos.symlink('/etc/passwd', '/tmp/hostile')",
    "a hard link": "import os\nos.link(os.__file__, os.__file__ + '.hostile')",
    "a folder": "import os\nos.makedirs('/tmp/hostile/a')",
    "a pipe with a name": "import os\nos.mkfifo('/tmp/hostile')",
    "a file taken away": "import os\nos.unlink(os.__file__)",
    "rights": "import os\nos.chmod('/tmp', 0o777)\nos.setuid(0)",
    "signals blocked": "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
    "an alarm without end": "import signal\nsignal.signal(14, lambda *a: None)\nsignal.setitimer(0, 1e-6, 1e-6)\nwhile True: pass",
    "a crash": "import ctypes\nctypes.string_at(0)",
    "a truth that never ends": "class T:\n    def __bool__(self):\n        while True: pass\ndef twice(x): return T()",
    "a truth that calls itself": "class T:\n    def __bool__(self): return bool(self)\ndef twice(x): return T()",
    "a list in itself": "def twice(x):\n    a = []\n    a.append(a)\n    return a",
    "a number of many digits": "def twice(x): return 1 << (1 << 26)",
    "numbers that collide": "def twice(x): return {k * ((1 << 61) - 1): 0 for k in range(40000)}",
    "an exception of many words": "def twice(x): raise AssertionError('x' * (1 << 27))",
    "an exception that ends the tests": "def twice(x): raise type('SystemExit', (BaseException,), {})(0)",
    "an error whose text never ends": "class E(Exception):\n    def __str__(self):\n        while True: pass\ndef twice(x): raise E",
    "not a number": "def twice(x): return float('nan')",
    "a class that says it is another": "class L:\n    __class__ = int\n    def __eq__(self, other): return True\ndef twice(x): return L()",
    "nothing to import": "import sys\nsys.meta_path.clear()\nsys.modules.clear()\ndef twice(x): return 0",
    "the allocator": "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.mallopt(1, 1)\nlibc.free(1)",
}
QUICK = {"sleep", "exit in a thread", "a signal to all", "it ignores signals", "it outlives its parent"}


def processes() -> set[str]:
    """The processes of sandboxes that there are, wherever they come from, by number."""
    found = set()
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            line = Path(path).read_bytes()
        except OSError:
            continue
        if box.__file__.encode() in line:
            found.add(path.split("/")[2])
    return found


def files() -> set[str]:
    """What lies where a program might write."""
    folders = (tempfile.gettempdir(), "/dev/shm", "/", os.path.dirname(os.__file__))
    return {name for folder in folders if os.path.isdir(folder) for name in os.listdir(folder) if "hostile" in name}


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_program_passes(name: str, limits: Limits) -> None:
    verdict = Sandbox(limits).run(job(RIGHT[name]))
    assert verdict.passed, verdict


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_program_does_not(name: str, limits: Limits) -> None:
    bounded = Limits(limits.memory, limits.cpu_seconds, FEW_SECONDS if name in QUICK else limits.seconds)
    verdict = Sandbox(bounded).run(job(HOSTILE[name]))
    assert not verdict.passed
    assert verdict.fault == ""
    assert verdict.reason
    assert verdict.seconds < bounded.seconds + 10


def test_nothing_is_left_and_the_evaluation_goes_on(limits: Limits) -> None:
    before, lying = processes(), files()
    left = [
        "fork bomb",
        "thread bomb",
        "it ignores signals",
        "a signal to all",
        "a thread is left",
        "disk",
        "a daemon",
        "a folder",
        "a link",
    ]
    left += ["a fork when it is forgotten", "it outlives its parent", "signals blocked", "memory that others share"]
    for name in left:
        Sandbox(Limits(limits.memory, 1, FEW_SECONDS)).run(job((HOSTILE | RIGHT)[name]))
    deadline = time.monotonic() + 5
    while processes() - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes() <= before
    assert files() <= lying
    assert Sandbox(limits).run(job(RIGHT["a function"])).passed


def test_tests_are_not_the_programs_fault(limits: Limits) -> None:
    assert Sandbox(limits).run(job(RIGHT["a function"], ("1",))).fault == "tests"
    assert Sandbox(limits).run(Job(("x = 1",), ("x",), ("x()",), prepare=("import nowhere",))).fault == "tests"


def test_an_exception_of_python_is_raised_in_the_tests(limits: Limits) -> None:
    tests = ("try:\n    twice(1)\nexcept ValueError as error:\n    assert 'odd' in str(error)\nelse:\n    assert False",)
    assert Sandbox(limits).run(job("def twice(x): raise ValueError('odd')", tests)).passed
    assert not Sandbox(limits).run(job("def twice(x): raise SystemExit('odd')", tests)).passed


def test_it_refuses_to_run_without_isolation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "isolation", lambda python: sandbox.Isolation(("rlimits",), (("seccomp", "none"),)))
    with pytest.raises(NotIsolatedError, match="seccomp: none"):
        Sandbox()
    assert Sandbox(Limits(seconds=SECONDS), trust="container").run(job(RIGHT["a function"])).passed


def test_each_layer_alone_is_tried(limits: Limits) -> None:
    """What the layers hold back is held back by each of them that claims it, not by the others."""
    reads = {"landlock": "open('/etc/passwd')", "seccomp": "import socket; socket.socket()"}
    for layer, source in reads.items():
        script = f"import sys; sys.path.insert(0, {str(Path(box.__file__).parent)!r})\nimport confine\n"
        script += f"assert confine.confine([{layer!r}], {{}}) == {{{layer!r}: ''}}\n"
        script += f"try:\n    {source}\nexcept PermissionError:\n    raise SystemExit(42)\n"
        assert subprocess.run([sys.executable, "-I", "-S", "-c", script], check=False).returncode == 42, layer


CALLS = {
    "x86_64": {"fork": 57, "execve": 59, "kill": 62, "ptrace": 101, "mount": 165, "unshare": 272, "memfd_create": 319, "bpf": 321},
    "aarch64": {"kill": 129, "execve": 221, "ptrace": 117, "mount": 40, "unshare": 97, "memfd_create": 279, "bpf": 280},
}
NEWER = {"io_uring_setup": 425, "pidfd_open": 434, "pidfd_getfd": 438, "landlock_create_ruleset": 444, "memfd_secret": 447}


def test_calls_that_are_not_listed_fail() -> None:
    """Each of them, with arguments of zero, is not permitted; none is merely unknown."""
    calls = {**CALLS.get(platform.machine(), {}), **NEWER}
    script = f"import ctypes, sys; sys.path.insert(0, {str(Path(box.__file__).parent)!r})\nimport confine\n"
    script += "libc = ctypes.CDLL(None, use_errno=True)\nassert confine.confine(['seccomp'], {}) == {'seccomp': ''}\n"
    script += f"for name, number in {calls!r}.items():\n"
    script += "    result = libc.syscall(number, 0, 0, 0, 0, 0, 0)\n    print(name, result, ctypes.get_errno(), flush=True)\n"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert run.stdout.splitlines() == [f"{name} -1 {errno.EPERM}" for name in calls], run.stderr


VALUES = [
    None,
    True,
    0,
    -(1 << 80),
    0.1,
    float("inf"),
    1j,
    "ä\ud800",
    b"\0",
    [1, (2, {3})],
    {"a": [1], (1, 2): None},
    frozenset({1}),
    range(1, 9, 2),
    bytearray(b"ab"),
    Decimal("1.50"),
    Fraction(2, 3),
    deque([1, 2]),
    {"a": 1}.keys(),
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_plain_data_comes_back(value: object) -> None:
    back = plain.decode(plain.encode(value))
    assert back == value
    assert type(back) is type(value)


class Sly(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class Point(NamedTuple):
    x: int
    y: list[int]


@pytest.mark.parametrize(
    ("value", "base"),
    [
        (Sly(7), 7),
        (Point(1, [2]), (1, [2])),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (type("Text", (str,), {"__str__": lambda self: "b", "__eq__": lambda self, other: True, "__hash__": None})("a"), "a"),
    ],
    ids=repr,
)
def test_a_value_of_a_subclass_comes_back_as_its_base(value: object, base: object) -> None:
    back = plain.decode(plain.encode([value]))[0]
    assert back == base
    assert type(back) is type(base)


@pytest.mark.parametrize("value", [iter({1}), (x for x in [1]), iter([1]), islice([1], 1), iter(range(1, 2))], ids=repr)
def test_an_iterator_comes_back_as_one(value: object) -> None:
    assert list(plain.decode(plain.encode(value))) == [1]


@pytest.mark.parametrize("value", [object(), int, len], ids=repr)
def test_other_data_comes_back_as_its_truth(value: object) -> None:
    for back in (plain.decode(plain.encode(value)), plain.decode(plain.encode([value]))[0], plain.decode(plain.encode({1: value}))[1]):
        assert back
        assert back != value
        assert type(back) is plain.Opaque
    assert not plain.decode(plain.encode(type("Empty", (), {"__len__": lambda self: 0})()))


@pytest.mark.parametrize(
    "value", [1, [], [1], ["int", 1], ["int"], ["float", "x"], ["set", ["list"]], ["dict", 1], ["dict", ["a"]], ["object", 1]], ids=repr
)
def test_what_is_no_plain_data_is_refused(value: object) -> None:
    with pytest.raises(plain.UnplainError):
        plain.decode(value)
