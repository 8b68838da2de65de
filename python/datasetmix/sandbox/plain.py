"""Plain data between two processes that do not trust each other: frames of JSON on a pipe, read without running anything.

None, truth values and text are themselves; everything else is a list that begins with its kind. Values come back with exactly the types
that are listed here; one of a subclass, which could bring an `__eq__` of its own, comes back as its base. A value of any other type
comes back as Opaque.
"""

from __future__ import annotations

import collections
import collections.abc
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

MAX_FRAME = 16 << 20
"""Bytes of one frame."""
MAX_DEPTH = 100
"""Values inside of one another."""


class UnplainError(Exception):
    """A value that cannot be sent, or bytes that are no frame."""


class Opaque:
    """A value of which only its truth is known: it equals nothing but itself, and can do nothing."""

    def __init__(self, truth: bool, kind: str) -> None:
        self._truth, self._kind = truth, kind

    def __bool__(self) -> bool:
        return self._truth

    def __repr__(self) -> str:
        return f"<a {self._kind}>"


# What a value of a subclass is as its base alone: a named tuple is a tuple, and what a class adds or overrides is gone.
_BASES: dict[type, Callable[[Any], Any]] = {
    str: str.__str__,
    int: int.__index__,
    float: float.__float__,
    tuple: lambda value: tuple(tuple.__iter__(value)),
    list: lambda value: list(list.__iter__(value)),
    set: lambda value: set(set.__iter__(value)),
    frozenset: lambda value: frozenset(frozenset.__iter__(value)),
    dict: lambda value: dict(dict.items(value)),
}
_ATOMS: dict[type, Callable[[Any], list[Any]]] = {
    int: lambda value: ["int", hex(value)],
    float: lambda value: ["float", value.hex()],
    complex: lambda value: ["complex", value.real.hex(), value.imag.hex()],
    bytes: lambda value: ["bytes", value.hex()],
    bytearray: lambda value: ["bytearray", value.hex()],
    range: lambda value: ["range", hex(value.start), hex(value.stop), hex(value.step)],
}
_CONTAINERS: dict[type, str] = {
    list: "list",
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    collections.deque: "deque",
    type({}.keys()): "keys",
    type({}.values()): "values",
}


def encode(value: Any, depth: int = 0) -> Any:
    """Returns a value as JSON's types. An iterator is sent as what it yields. Raises UnplainError for one that is nested too deeply."""
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind in _ATOMS:
        return _ATOMS[kind](value)
    if depth >= MAX_DEPTH:
        raise UnplainError("values are nested too deeply")
    if kind in _CONTAINERS:
        return [_CONTAINERS[kind], *(encode(item, depth + 1) for item in value)]
    if kind is dict:
        return ["dict", *([encode(key, depth + 1), encode(item, depth + 1)] for key, item in value.items())]
    for base, plain in _BASES.items():
        if issubclass(kind, base):
            return encode(plain(value), depth)
    if issubclass(kind, collections.abc.Iterator):
        return ["iterator", *(encode(item, depth + 1) for item in value)]
    if kind.__module__ in ("decimal", "fractions") and kind.__name__ in ("Decimal", "Fraction"):
        return [kind.__name__.lower(), str(value)]
    return ["opaque", bool(value), kind.__name__[:60]]


def _int(text: str) -> int:
    return int(text, 16)


def _decimal(text: str) -> Any:
    import decimal

    return decimal.Decimal(text)


def _fraction(text: str) -> Any:
    import fractions

    return fractions.Fraction(text)


_SCALARS: dict[str, Callable[..., Any]] = {
    "int": _int,
    "float": float.fromhex,
    "complex": lambda real, imag: complex(float.fromhex(real), float.fromhex(imag)),
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "decimal": _decimal,
    "fraction": _fraction,
    "opaque": lambda truth, kind: Opaque(truth is True, str(kind)[:60]),
    "range": lambda *ends: range(*map(_int, ends)),
}
_MANY: dict[str, Callable[[Iterator[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "deque": collections.deque,
    "keys": lambda items: dict.fromkeys(items).keys(),
    "values": lambda items: dict(enumerate(items)).values(),
    "iterator": lambda items: iter(list(items)),
}


def decode(value: Any, depth: int = 0) -> Any:
    """Returns the value that encode made JSON's types of. Raises UnplainError for anything that it does not make."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if not isinstance(value, list) or not value or not isinstance(value[0], str) or depth > MAX_DEPTH:
        raise UnplainError("this is not what a value is sent as")
    kind, parts = value[0], value[1:]
    try:
        if kind in _SCALARS:
            return _SCALARS[kind](*parts)
        if kind in _MANY:
            return _MANY[kind](decode(part, depth + 1) for part in parts)
        if kind == "dict":
            return {decode(key, depth + 1): decode(item, depth + 1) for key, item in parts}
    except (ArithmeticError, TypeError, ValueError) as error:
        raise UnplainError(f"this is not what a {kind[:20]} is sent as") from error
    raise UnplainError(f"{kind[:20]} is no kind of value")


def send(fd: int, message: Any) -> None:
    """Writes one frame. Raises UnplainError where it is too long, OSError where nobody reads."""
    body = json.dumps(message).encode("ascii")
    if len(body) > MAX_FRAME:
        raise UnplainError("the value is too long")
    rest = memoryview(len(body).to_bytes(4, "big") + body)
    while rest:
        rest = rest[os.write(fd, rest) :]


def receive(fd: int) -> Any:
    """Reads one frame. Raises EOFError where there is none any more, UnplainError where it is none."""
    length = int.from_bytes(_exactly(fd, 4), "big")
    if length > MAX_FRAME:
        raise UnplainError("a frame is too long")
    try:
        return json.loads(_exactly(fd, length))
    except (ValueError, RecursionError) as error:
        raise UnplainError("a frame is no JSON") from error


def _exactly(fd: int, count: int) -> bytes:
    parts = []
    while count:
        part = os.read(fd, min(count, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        count -= len(part)
    return b"".join(parts)
