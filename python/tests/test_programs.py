"""Which part of an answer is the program, by the form of the answer; and which tests a row has."""

import time

import pytest

from datasetmix import rewards, sandbox
from datasetmix.programs import Task, program_of, score_program
from datasetmix.sandbox import Sandbox

PROMPT = 'import math\n\n\ndef half(x):\n    return x / 2\n\n\ndef area(r: float) -> float:\n    """The area of a circle."""\n'
CHECK = "def check(candidate):\n    assert math.isclose(candidate(half(4)), 4 * math.pi)\n"
CIRCLE = Task.of_row({"question": PROMPT, "metadata": {"test": CHECK, "entry_point": "area"}})
SUM = Task.of_row({"reference_answer": "def total(xs): return sum(xs)", "metadata": {"test_list": ["assert total([1, 2]) == 3"]}})
GOOD = "def total(xs):\n    return sum(xs)\n"

FOUND = {
    "as it is": GOOD,
    "in a block": f"Sure!\n```python\n{GOOD}```\nDone.",
    "in a block of any language": f"```Python3 title=x\n{GOOD}```",
    "in a block of tildes": f"~~~\n{GOOD}~~~",
    "in a block that is not closed": f"```python\n{GOOD}",
    "in a block of a list": "1. So:\n\n   ```python\n   def total(xs):\n       return sum(xs)\n   ```\n",
    "in the last block that defines it": f"```\ndef total(xs): return 0\n```\nNo:\n```\n{GOOD}```\n```\nprint(total([1]))\nexit(1)\n```",
    "with the end of a fence alone": f"{GOOD}```\n\nThis adds them:\n```\nprint(total([1]))\n```",
    "with the end of a fence and no more": f"{GOOD}```",
    "between tags": f"<answer>def total(xs): return 0</answer> <answer>\n{GOOD}</answer>",
    "behind a thought": f"<think>```python\ndef total(xs): return 0\n```</think>{GOOD}",
    "between prose": f"Here it is:\n\n{GOOD}\nI hope it helps.",
    "between marks": f"[BEGIN]\n{GOOD}[DONE]\ndef total(xs): return 0",
    "with line ends of Windows": f"```python\n{GOOD}```".replace("\n", "\r\n"),
    "over two blocks": "```\nadd = lambda a, b: a + b\n```\n```\ndef total(xs):\n    t = 0\n    for x in xs: t = add(t, x)\n    return t",
    "by an import": "from builtins import sum as total",
    "in a branch": "try:\n    from nowhere import total\nexcept ImportError:\n    total = sum",
}
NOT_FOUND = {
    "nothing": "",
    "prose": "I would add them.",
    "another name": "def totals(xs):\n    return sum(xs)",
    "a method": "class S:\n    def total(self, xs):\n        return sum(xs)",
    "another language": "function total(xs) { return xs.reduce((a, b) => a + b); }",
    "a body": "    return sum(xs)",
    "a null byte": GOOD + "\0",
    "half a character": GOOD + "# \ud800",
    "brackets": "total = " + "(" * 5000,
    "signs": "total = " + "-" * 60000 + "1",
    "attributes": "total = a" + ".a" * 30000,
    "calls": "total = a" + "()" * 30000,
    "conditions": "total = " + "1 if 1 else " * 5000,
    "indents": "\n".join(" " * n + "if 1:" for n in range(300)),
}


@pytest.mark.parametrize("form", FOUND)
def test_the_program_is_found(form: str) -> None:
    sources = program_of(FOUND[form], SUM)
    space: dict[str, object] = {}
    for source in sources:
        exec(source, space)
    total = space["total"]
    assert callable(total)
    assert total([1, 2, 4]) == 7


@pytest.mark.parametrize("form", NOT_FOUND)
def test_no_program_is_found(form: str) -> None:
    sources = program_of(NOT_FOUND[form], SUM)
    assert not sources or form in ("signs", "attributes", "calls", "conditions")


@pytest.mark.skipif(not sandbox.isolation().complete, reason=f"no isolation here: {sandbox.isolation().missing}")
@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("    return math.pi * r ** 2", 1.0),
        ("```python\n    return math.pi * r ** 2\n```", 1.0),
        ("    return math.pi * r ** 2\n```\nThat is all.", 1.0),
        ("def area(r):\n    from fractions import Fraction\n    return Fraction(2 * math.pi * r)", 1.0),
        ("def area(r):\n    return half(2) * math.pi * r * r", 1.0),
        (PROMPT + "    return math.pi * r ** 2\n\nThat is all.", 1.0),
        ("    return math.pi * r ** 2\n\nprint('an example'", 1.0),
        ("import math\nmath.isclose = lambda *a: True\ndef area(r): return 0", 0.0),
        ("def half(x): return 0\ndef area(r): return 0", 0.0),
        ("return math.pi * r ** 2", 0.0),
        ("", 0.0),
        (None, 0.0),
    ],
)
def test_a_program_is_scored(answer: object, right: float) -> None:
    found = score_program(answer, CIRCLE, Sandbox())
    assert (found.score, found.acc) == (right, right), found


def test_tests_of_a_row() -> None:
    assert CIRCLE.names == ("area",)
    assert "half" in CIRCLE.prepare[0]
    assert "area" not in CIRCLE.prepare[0]
    task = Task.of_row(
        {
            "reference_answer": "import math\ndef check(n): return n",
            "metadata": {"test_list": ["assert set([check(1)]) == {1}"], "test_imports": ["import math"], "test_setup_code": "k = 1"},
        }
    )
    assert task == Task(("check",), ("assert set([check(1)]) == {1}",), prepare=("import math", "k = 1"))


@pytest.mark.parametrize("metadata", [None, {}, {"test_list": []}, {"test_list": ["assert 1"]}, {"test": "x = 1", "entry_point": "f"}])
def test_a_row_without_tests(metadata: object) -> None:
    with pytest.raises(ValueError, match="tests"):
        Task.of_row({"question": "", "metadata": metadata})


def test_tests_of_a_label() -> None:
    of = {"scorer": "code", "tests": [CHECK], "entry_point": "area", "question": PROMPT}
    assert Task.of_label(rewards.Label.of(of)) == CIRCLE
    of = {"scorer": "code", "setup": ["import math"], "tests": ["assert math.isclose(total([1]), 1)"], "answer": "total = sum"}
    assert Task.of_label(rewards.Label.of(of)) == Task(("total",), ("assert math.isclose(total([1]), 1)",), prepare=("import math",))


def test_a_long_answer_ends_soon() -> None:
    for part in ("```\n", "def total(", "x = 1\n", "    x\n", "((", '"""', "\n", "@x\n"):
        for task in (SUM, CIRCLE):
            begin = time.process_time()
            program_of(part * (1_000_000 // len(part)), task)
            assert time.process_time() - begin < 5
