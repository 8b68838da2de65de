"""The score of an answer that is a program: which part of the answer is the program, and whether it passes the tests of its row.

Two kinds of rows are known by their metadata, whatever their data set is called:

* HumanEval's (Chen et al. 2021): `entry_point` and `test`, which defines `check`; the question is the beginning of the program.
* MBPP's (Austin et al. 2021): `test_list`, `test_imports`, `test_setup_code`, and further tests in `challenge_test_list`.

A label of an export (`rewards.Label`) holds the same in `setup`, `tests` and `entry_point`, and the question.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datasetmix.rewards import Label, Score
from datasetmix.sandbox import Job, Sandbox

__all__ = ["MAX_PROGRAM", "Task", "program_of", "score_program"]

MAX_PROGRAM = 1 << 15
"""Characters of an answer that are looked at: of a longer one, its end."""


@dataclass(frozen=True)
class Task:
    """What a program is to do, by what it is judged by.

    names: the functions that the tests call. prompt: the beginning of the program that an answer may continue, "" where there is none.
    prepare: sources that the tests need. tests: sources. check: the function of the tests that is called with the first name.
    """

    names: tuple[str, ...]
    tests: tuple[str, ...]
    prompt: str = ""
    prepare: tuple[str, ...] = ()
    check: str = ""

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Task:
        """The task of a row in the unified format. Raises ValueError where the row has no tests that can be run."""
        known = row.get("metadata")
        known = known if isinstance(known, Mapping) else {}
        if known.get("test") and known.get("entry_point"):
            return cls._of_check(str(row.get("question", "")), str(known["test"]), str(known["entry_point"]))
        tests = _texts(known.get("test_list")) + _texts(known.get("challenge_test_list"))
        if not tests:
            raise ValueError("the row has no tests: its metadata hold neither test and entry_point nor test_list")
        prepare = (*_texts(known.get("test_imports")), *_texts(known.get("test_setup_code")))
        return cls._of_asserts(tests, prepare, str(row.get("reference_answer", "")))

    @classmethod
    def of_label(cls, label: Label) -> Task:
        """The task of a label. Raises ValueError where it has no tests that can be run."""
        if not label.tests:
            raise ValueError("the label has no tests")
        if label.entry_point and len(label.tests) == 1 and "check" in _bound(_parsed(label.tests[0])):
            return cls._of_check(label.question, label.tests[0], label.entry_point)
        if label.entry_point:
            return cls((label.entry_point,), label.tests, prepare=label.setup)
        return cls._of_asserts(label.tests, label.setup, label.answer)

    @classmethod
    def _of_check(cls, prompt: str, test: str, name: str) -> Task:
        tree = _parsed(test)
        if "check" not in _bound(tree):
            raise ValueError("the tests of the row define no function check")
        return cls((name,), (test,), prompt, (_preamble(prompt, name),), "check")

    @classmethod
    def _of_asserts(cls, tests: Sequence[str], prepare: tuple[str, ...], reference: str) -> Task:
        called = [name for test in tests for name in _called(_parsed(test))]
        defined = _bound(_parsed(reference))
        prepared = {name for source in prepare for name in _bound(_parsed(source))}
        names = [name for name in called if name in defined] or [
            name for name in called if not hasattr(builtins, name) and name not in prepared
        ]
        if not names:
            raise ValueError("the tests of the row call no function of a program")
        used = {name for test in tests for name in _loaded(_parsed(test))} - prepared - {*names} - {*dir(builtins)}
        modules = tuple(f"import {name}" for name in sorted(used & sys.stdlib_module_names))
        return cls(tuple(dict.fromkeys(names)), tuple(tests), prepare=(*modules, *prepare))


def _texts(value: Any) -> list[str]:
    """The texts of a list, or the one text that is no list; none where there is nothing."""
    if isinstance(value, str):
        return [value] if value.strip() else []
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else []


# --- Reading Python --------------------------------------------------------------------------------------------------------------

_DEEP = re.compile(r"[(\[{]{90}|(?:[-+~]|not\s){200}")


def _parsed(source: str) -> ast.Module | None:
    """The tree of a source; None where it does not compile."""
    return _tried(source)[0]


def _tried(source: str) -> tuple[ast.Module | None, int]:
    """The tree of a source, or None and the line of the first error."""
    if _DEEP.search(source):
        return None, 0
    try:
        source.encode()
        return ast.parse(source), 0
    except SyntaxError as error:
        return None, error.lineno or 0
    except (ValueError, RecursionError, MemoryError):  # null bytes, lone surrogates, what is nested too deeply
        return None, 0


def _bound(tree: ast.AST | None) -> set[str]:
    """The names that a module binds at its top level, inside of if, try, with and for as well."""
    names: set[str] = set()
    rest: list[ast.AST] = [] if tree is None else list(ast.iter_child_nodes(tree))
    while rest:
        node = rest.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            rest.extend(ast.iter_child_nodes(node))
    return names


def _called(tree: ast.AST | None) -> list[str]:
    """The names that a test calls, in order."""
    calls = (node.func for node in ast.walk(tree or ast.Module([], [])) if isinstance(node, ast.Call))
    return list(dict.fromkeys(func.id for func in calls if isinstance(func, ast.Name)))


def _loaded(tree: ast.AST | None) -> set[str]:
    """The names that a program reads."""
    return {node.id for node in ast.walk(tree or ast.Module([], [])) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _preamble(prompt: str, name: str) -> str:
    """What a prompt has but the function that is to be written: imports and functions that help."""
    tree = _parsed(prompt) or _parsed(prompt + "\n    pass\n")
    if tree is None:
        return ""
    lines = prompt.splitlines(keepends=True)
    parts = []
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
        parts.append("".join(lines[first - 1 : node.end_lineno]))
    return "\n".join(parts)


# --- Which part of an answer is the program --------------------------------------------------------------------------------------

_FENCE = re.compile(r"^([ \t]*)(`{3,}|~{3,})([^`\n]*)$", re.MULTILINE)
_BEGINS = re.compile(r"^(?:def|async|class|import|from|@|\w+\s*(?::[^=\n]*)?=[^=])", re.MULTILINE)
_MAX_CUTS, _MAX_BEGINS, _MAX_BODIES = 5, 8, 4


def _blocks(text: str) -> list[str]:
    """The contents of the fenced blocks, without the indentation of their fence. One that is never closed goes to the end."""
    found = []
    opened: tuple[str, str, int] | None = None
    for match in _FENCE.finditer(text):
        indent, sign, info = match.groups()
        if opened is None:
            opened = (indent, sign, match.end() + 1)
        elif indent == opened[0] and sign.startswith(opened[1]) and not info.strip():
            found.append(_outdented(text[opened[2] : match.start()], indent))
            opened = None
    if opened is not None:
        found.append(_outdented(text[opened[2] :], opened[0]))
    return found


def _before_fence(text: str) -> str:
    """The text before the first fence."""
    first = _FENCE.search(text)
    return text[: first.start()] if first else text


def _outdented(text: str, indent: str) -> str:
    return re.sub(rf"^{re.escape(indent)}", "", text, flags=re.MULTILINE) if indent else text


def _compiling(text: str, before: str = "") -> str:
    """The longest beginning of a text, in whole lines, that compiles behind another text; "" where none does."""
    skipped = before.count("\n")
    lines = text.splitlines(keepends=True)
    for _ in range(_MAX_CUTS):
        tree, line = _tried(before + "".join(lines))
        if tree is not None:
            return "".join(lines)
        line -= skipped
        if not 1 <= line <= len(lines):
            return ""
        lines = lines[: line - 1]
    return ""


def _defining(text: str, names: Iterable[str]) -> str:
    """The part of a text without fences, between lines of prose, that binds all names; "" where there is none."""
    if _bound(_parsed(text)).issuperset(names):
        return text
    for begin in itertools.islice(_BEGINS.finditer(text), _MAX_BEGINS):
        part = _compiling(text[begin.start() :])
        if part and _bound(_parsed(part)).issuperset(names):
            return part
    return ""


def _with_earlier(blocks: Sequence[str], at: int) -> str:
    """A block, with the blocks before it that bind what it needs and does not define."""
    whole, tree = blocks[at], _parsed(blocks[at])
    missing = {name for name in _loaded(tree) - _bound(tree) if not hasattr(builtins, name)}
    for block in reversed(blocks[:at]):
        bound = _bound(_parsed(block))
        if missing & bound and not bound & _bound(_parsed(whole)):
            whole, missing = f"{block}\n{whole}", missing - bound
    return whole


def program_of(answer: str, task: Task) -> tuple[str, ...]:
    """The sources of the program that an answer gives, to be run in order into one module; none where it gives no program.

    Of several fenced blocks the last one counts that binds the names that the tests call. Where nothing binds them and the task has a
    beginning, the answer or its last block continues that.
    """
    text = answer[-MAX_PROGRAM:].rpartition("</think>")[2].replace("\r\n", "\n")
    if "[BEGIN]" in text or "[DONE]" in text:
        text = text.rpartition("[BEGIN]")[2].partition("[DONE]")[0]
    if tagged := re.findall(r"<answer>(.*?)(?:</answer>|\Z)", text, re.DOTALL):
        text = tagged[-1]
    blocks = _blocks(text)
    own = (_preamble(task.prompt, task.names[0]),) if task.prompt else ()
    for at in range(len(blocks) - 1, -1, -1):
        if _bound(_parsed(blocks[at])).issuperset(task.names):
            return (*own, _with_earlier(blocks, at))
    # Of a program whose fence was begun by the question, only the end of the fence is left.
    bare = text if not blocks else _before_fence(text)
    if found := _defining(bare, task.names):
        return (*own, found)
    if task.prompt:
        for body in [bare, *blocks][: -_MAX_BODIES - 1 : -1]:
            if re.match(r"\s*\n?[ \t]+\S", body) and (body := _compiling(body, _ended(task.prompt))).strip():
                return (_ended(task.prompt) + body,)
    return ()


def _ended(prompt: str) -> str:
    return prompt if prompt.endswith("\n") else prompt + "\n"


# --- The score -------------------------------------------------------------------------------------------------------------------


def score_program(answer: Any, task: Task, sandbox: Sandbox) -> Score:
    """Returns what an answer is worth by the tests of its task: 1 where every test holds, else 0. Never raises for an answer."""
    text = answer if isinstance(answer, str) else "" if answer is None else str(answer)
    program = program_of(text, task)
    if not program:
        return Score(0.0, 0.0, "", f"the answer gives no program that compiles and defines {', '.join(task.names)}")
    verdict = sandbox.run(Job(program, task.names, task.tests, task.prepare, task.check))
    return Score(float(verdict.passed), float(verdict.passed), program[-1][:2000], verdict.reason)
