"""Writes docs/python.md from the docstrings: python pages.py > ../docs/python.md."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from typing import Any

_LOADING = ("datasetmix.data_manager", "datasetmix.revision", "datasetmix.rows", "datasetmix.pool", "datasetmix.mix")
MODULES = (*_LOADING, "datasetmix.rewards", "datasetmix.programs", "datasetmix.sandbox")


def page() -> str:
    """The whole page."""
    lines = [
        "# The Python package",
        "",
        "Made from the docstrings by `python/pages.py`; a test compares it. [training.md](training.md) and",
        "[evaluation.md](evaluation.md) say how to use them.",
    ]
    for name in MODULES:
        lines += ["", *module(importlib.import_module(name))]
    return "\n".join(lines) + "\n"


def module(of: Any) -> Iterator[str]:
    """The section of a module: what it exports."""
    yield f"## {of.__name__}"
    yield ""
    yield text(of)
    for name in of.__all__:
        member = getattr(of, name)
        if inspect.isclass(member):
            yield from class_(name, member)
        elif inspect.isfunction(member):
            yield from ("", f"### {name}{signature(member)}", "", text(member))


def class_(name: str, of: type) -> Iterator[str]:
    """The part of a class: its constructor, its methods and its properties, in the order of the source."""
    made = of.__init__ if "__init__" in vars(of) else None  # type: ignore[misc]
    yield from ("", f"### {name}{signature(made) if made else ''}", "", text(of))
    if made and made.__doc__:
        yield from ("", text(made))
    for method, member in vars(of).items():
        member = member.__func__ if isinstance(member, staticmethod) else member
        shown = not method.startswith("_") or method in ("__len__", "__getitem__", "__iter__")
        if shown and isinstance(member, property):
            yield from ("", f"**{method}**: {text(member)}")
        elif shown and inspect.isfunction(member):
            yield from ("", f"**{method}{signature(member)}**: {text(member)}")


def signature(of: Any) -> str:
    """A signature as it is written, without self."""
    written = inspect.signature(of)
    shown = written.replace(parameters=[p for p in written.parameters.values() if p.name != "self"])
    return re.sub(r"(: |-> )'([^']*)'", r"\1\2", str(shown)).replace("*", r"\*").replace("[", r"\[")


def text(of: Any) -> str:
    """A docstring."""
    return inspect.cleandoc(of.__doc__ or "").replace("<", r"\<")


if __name__ == "__main__":
    sys.stdout.write(page())
