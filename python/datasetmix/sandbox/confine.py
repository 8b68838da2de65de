"""What a process may do, taken away by the kernel of Linux: namespaces, resource limits, Landlock and seccomp.

Nothing here needs rights, nor anything but Python's standard library: a process confines itself, and cannot undo it. What may be called is
a list; everything else fails with "operation not permitted", as a program would see it that lacks the rights.

* namespaces: a user without rights, no network but an unconnected loopback, process ids and System V objects of its own.
* rlimits: memory, CPU time, no bytes in any file, no core dump, few open files.
* landlock: files can be read only below Python's standard library and the system's libraries.
* seccomp: no sockets, no new processes, no programs, no files opened for writing, no signals to others, no tracing, no mounts.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable, Mapping

LAYERS = ("namespaces", "rlimits", "landlock", "seccomp")

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_NEW = {"user": 0x10000000, "net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000, "pid": 0x20000000}
_NOBODY = 65534


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _called(name: str, result: int) -> int:
    """The result of a call into the C library. Raises OSError with its error."""
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return result


def _prctl(option: int, *values: int) -> None:
    padded = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    _called("prctl", _libc().prctl(option, *padded))


def die_with_parent() -> None:
    """Makes the process end with the one that started it."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def separate() -> int:
    """Moves into namespaces of its own. Returns twice: 0 in the process that is to go on there, its id in the one that waits for it.

    Raises OSError where the system does not let a process do so.
    """
    uid, gid = os.geteuid(), os.getegid()
    flags = 0
    for flag in _NEW.values():
        flags |= flag
    _called("unshare", _libc().unshare(flags))
    with contextlib.suppress(OSError):
        _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{_NOBODY} {uid} 1")
    _write("/proc/self/gid_map", f"{_NOBODY} {gid} 1")
    child = os.fork()
    if child == 0:
        die_with_parent()
        _drop_capabilities()
    return child


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def _drop_capabilities() -> None:
    header = struct.pack("Ii", 0x20080522, 0)
    _called("capset", _libc().capset(header, bytes(24)))


def limit(memory: int, cpu_seconds: int) -> None:
    """Sets the limits of resources: bytes of address space, and seconds of CPU time."""
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(what, (most, most))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


# --- Landlock --------------------------------------------------------------------------------------------------------------------

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same numbers on every architecture
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FS_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # version of the interface: how many rights over files it knows
_SYSTEM = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
_FILES = ("/dev/null", "/dev/zero", "/dev/urandom", "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo")
_PACKAGES = ("site-packages", "dist-packages", "test")


def _readable() -> Iterable[str]:
    """What a program may read: Python's standard library without installed packages, and the system's libraries."""
    for folder in sys.path:
        if os.path.isdir(folder):
            yield from (os.path.join(folder, name) for name in os.listdir(folder) if name not in _PACKAGES)
        elif folder:
            yield folder
    for folder in _SYSTEM:
        if os.path.isdir(folder):
            yield from (os.path.join(folder, name) for name in os.listdir(folder) if not name.startswith("python"))
    yield from _FILES


def lock_files() -> None:
    """Lets the process read what _readable names, and open nothing else. Raises OSError where the kernel has no Landlock."""
    libc = _libc()
    version = _called("landlock", libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), 1))
    everything = (1 << _FS_RIGHTS.get(version, 16)) - 1
    network, scopes = (3 if version >= 4 else 0), (3 if version >= 6 else 0)
    attributes = struct.pack("QQQ", everything, network, scopes)[: 8 if version < 4 else 16 if version < 6 else 24]
    rules = _called("landlock", libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0))
    listed = [folder for folder in sys.path if os.path.isdir(folder)]
    for path, rights in [(folder, _READ_DIR) for folder in listed] + [(path, _READ_FILE | _READ_DIR) for path in _readable()]:
        with contextlib.suppress(OSError):  # what is not there needs no right
            fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                granted = rights if os.path.isdir(path) else rights & ~_READ_DIR
                _called("landlock", libc.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", granted, fd), 0))
            finally:
                os.close(fd)
    _called("landlock", libc.syscall(_RESTRICT_SELF, rules, 0))
    os.close(rules)


# --- seccomp ---------------------------------------------------------------------------------------------------------------------

# name: numbers on x86-64 and on ARM64, -1 where there is no such call
# fmt: off
_CALLS = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "newfstatat": (262, 79), "stat": (4, -1), "lstat": (6, -1),
    "statx": (332, 291), "poll": (7, -1), "ppoll": (271, 73), "lseek": (8, 62), "mmap": (9, 222), "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214), "mremap": (25, 216), "madvise": (28, 233), "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136), "rt_sigtimedwait": (128, 137), "sigaltstack": (131, 132), "pread64": (17, 67),
    "readv": (19, 65), "writev": (20, 66), "access": (21, -1), "faccessat": (269, 48), "faccessat2": (439, 439), "select": (23, -1),
    "pselect6": (270, 72), "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "dup": (32, 23), "dup2": (33, -1), "dup3": (292, 24),
    "nanosleep": (35, 101), "clock_nanosleep": (230, 115), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "gettimeofday": (96, 169), "time": (201, -1), "times": (100, 153), "getpid": (39, 172), "getppid": (110, 173), "gettid": (186, 178),
    "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "uname": (63, 160), "getcwd": (79, 17),
    "readlink": (89, -1), "readlinkat": (267, 78), "getrusage": (98, 165), "getrlimit": (97, 163), "sysinfo": (99, 179),
    "arch_prctl": (158, -1), "futex": (202, 98), "set_robust_list": (273, 99), "set_tid_address": (218, 96), "rseq": (334, 293),
    "membarrier": (324, 283), "getdents64": (217, 61), "getrandom": (318, 278), "restart_syscall": (219, 128), "exit": (60, 93),
    "exit_group": (231, 94), "pause": (34, -1), "alarm": (37, -1), "setitimer": (38, 103), "getitimer": (36, 102), "pipe": (22, -1),
    "pipe2": (293, 59), "eventfd2": (290, 19), "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, -1),
    "epoll_pwait": (281, 22), "recvfrom": (45, 207), "getsockname": (51, 204), "getsockopt": (55, 209), "setsockopt": (54, 208),
    "shutdown": (48, 210),
}
# fmt: on
_WRITING = 0o3 | 0o100 | 0o1000 | 0o20000000  # O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE
_THREAD = 0x10100  # CLONE_THREAD, CLONE_VM

# name: numbers, argument, the test of its lower half, and the values or bits for it
_CHECKED: dict[str, tuple[tuple[int, int], int, str, tuple[int, ...]]] = {
    "open": ((2, -1), 1, "without", (_WRITING,)),
    "openat": ((257, 56), 2, "without", (_WRITING,)),
    "clone": ((56, 220), 0, "with", (_THREAD,)),
    "fcntl": ((72, 25), 1, "among", (0, 1, 2, 3, 4, 1030)),
    "ioctl": ((16, 29), 1, "among", (0x5401, 0x5421, 0x5451)),  # is it a terminal, do not block, close on exec
    "tgkill": ((234, 131), 0, "self", ()),
    "sendto": ((44, 206), 4, "zero", ()),  # to whom a socket pair belongs, not to an address
    "socketpair": ((53, 199), 0, "among", (1,)),
    "prlimit64": ((302, 261), 2, "zero", ()),
}
_CLONE3 = (435, 435)
_AUDIT_ARCH = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

_LOAD, _EQUAL, _SET, _AND, _RETURN = 0x20, 0x15, 0x45, 0x54, 0x06
_ALLOW, _KILL, _NOT_PERMITTED, _NO_SUCH_CALL = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026

_Instruction = tuple[int, int, int, int]


def _check(argument: int, test: str, values: tuple[int, ...]) -> list[_Instruction]:
    """The instructions that allow a call by one of its arguments."""
    low = 16 + 8 * argument
    allow, refuse = (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _NOT_PERMITTED)
    if test == "without":
        return [(_LOAD, 0, 0, low), (_SET, 1, 0, values[0]), allow, refuse]
    if test == "with":
        return [(_LOAD, 0, 0, low), (_AND, 0, 0, values[0]), (_EQUAL, 0, 1, values[0]), allow, refuse]
    if test == "zero":
        return [(_LOAD, 0, 0, low), (_EQUAL, 0, 3, 0), (_LOAD, 0, 0, low + 4), (_EQUAL, 0, 1, 0), allow, refuse]
    among = (os.getpid(),) if test == "self" else values
    return [(_LOAD, 0, 0, low), *((_EQUAL, len(among) - i, 0, value) for i, value in enumerate(among)), refuse, allow]


def _filter(machine: str) -> bytes:
    """The program of the filter for a machine."""
    column, arch = _AUDIT_ARCH[machine]
    program: list[_Instruction] = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, arch), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, 0)]
    for numbers in _CALLS.values():
        if numbers[column] >= 0:
            program += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _ALLOW)]
    for numbers, argument, test, values in _CHECKED.values():
        if numbers[column] >= 0:
            checks = _check(argument, test, values)
            program += [(_EQUAL, 0, len(checks), numbers[column]), *checks]
    program += [(_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _NO_SUCH_CALL), (_RETURN, 0, 0, _NOT_PERMITTED)]
    return b"".join(struct.pack("HBBI", *instruction) for instruction in program)


def filter_calls() -> None:
    """Lets the process make only the system calls of the list. Raises OSError where the kernel or the machine is another one."""
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    if machine not in _AUDIT_ARCH or sys.byteorder != "little" or struct.calcsize("P") != 8:
        raise OSError(f"the system calls of {machine} are not known")
    program = _filter(machine)
    code = ctypes.create_string_buffer(program, len(program))
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code)))
    _prctl(_PR_SET_SECCOMP, 2, ctypes.addressof(header))


def confine(wanted: Iterable[str], limits: Mapping[str, int]) -> dict[str, str]:
    """Applies the layers that are wanted, but for namespaces, which come before. Returns for each of them "" or why it cannot be."""
    found = {}
    _prctl(_PR_SET_DUMPABLE, 0)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    steps = {"rlimits": lambda: limit(limits["memory"], limits["cpu_seconds"]), "landlock": lock_files, "seccomp": filter_calls}
    for layer, step in steps.items():
        if layer not in wanted:
            continue
        try:
            step()
            found[layer] = ""
        except (OSError, ValueError) as error:
            found[layer] = str(error)
    return found
