"""What the scorer pays for, by kind."""

import importlib.util
import sys
import time
from typing import Any

import pytest

from datasetmix import rewards


def numeric(answer: str) -> dict[str, Any]:
    return {"scorer": "numeric", "answer": answer}


def formula(answer: str, question: str = "") -> dict[str, Any]:
    return {"scorer": "formula", "answer": answer, "question": question}


def text(answer: str, *answers: str) -> dict[str, Any]:
    return {"scorer": "text", "answer": answer, "answers": answers}


SPAN: dict[str, Any] = {"scorer": "no-answer text", "answer": "Paris", "answers": ["Paris", "Paris, France"]}
NONE = {"scorer": "no-answer text", "answer": "unanswerable", "is_impossible": True}
NO = {"scorer": "yes-no text", "answer": "no"}

RIGHT = [
    ("Some steps.\n#### 1,250", numeric("1250")),
    ("#### **15** apples in all.", numeric("15")),
    ("The answer is $31.00.", numeric("31")),
    ("<think>\\boxed{3}</think> So \\boxed{ 4 }", numeric("4")),
    ("It falls to \u22128 degrees", numeric("-8")),
    ("\\boxed{\\frac{30}{2}}", numeric("15")),
    ("\\boxed{2.5 \\times 10^2}", numeric("250")),
    ("#### 1. First\n#### 2. Second\nAnswer: 9", numeric("9")),
    ("\\boxed{\\tfrac34}", formula("\\frac{3}{4}")),
    ("\\boxed{0.75}", formula("\\frac{3}{4}")),
    ("\\boxed{2\\frac{1}{3}}", formula("\\frac{7}{3}")),
    ("$x = 5$", formula("5")),
    ("\\boxed{1+\\sqrt{3}}", formula("\\sqrt{3}+1")),
    ("\\boxed{(x+4)(x-1)}", formula("(x-1)(x+4)")),
    ("\\boxed{\\pm 3}", formula("-3, 3")),
    ("\\boxed{\\{3, 1, 2\\}}", formula("\\{1,2,3\\}")),
    ("\\boxed{(2, \\infty) \\cup (-\\infty, 0)}", formula("(-\\infty,0)\\cup(2,\\infty)")),
    ("\\boxed{60^\\circ}", formula("60")),
    ("\\boxed{\\text{Monday}}", formula("\\text{monday}")),
    ("\\boxed{\\begin{pmatrix} 1 & 2 \\\\ 0.5 & 0 \\end{pmatrix}}", formula("\\begin{pmatrix}1&2\\\\\\frac12&0\\end{pmatrix}")),
    ("The Eiffel tower.", text("Eiffel Tower")),
    ("paris", SPAN),
    ("There is no answer.", NONE),
    ("No, they are not.", NO),
]

WRONG = [
    ("#### 15 or 16", numeric("15")),
    ("#### 1,25", numeric("125")),
    ("#### 15-16", numeric("15")),
    ("\\boxed{}, and 15 is in the text", numeric("15")),
    ("15 is right.\n#### 16", numeric("15")),
    ("#### 15.01", numeric("15")),
    ("\\boxed{1e999999999}", numeric("1")),
    ("\\boxed{0.333}", formula("\\frac13")),
    ("\\boxed{[1,2]}", formula("(1,2)")),
    ("\\boxed{(2,1)}", formula("(1,2)")),
    ("\\boxed{11_3}", formula("11_2")),
    ("\\boxed{x^2-9}", formula("(x-3)(x+3)", "Factor $x^2-9$.")),
    ("\\boxed{\\frac{4}{\\sqrt{8}}}", formula("\\sqrt{2}", "Simplify $\\frac{4}{\\sqrt{8}}$.")),
    ("\\boxed{1, 2, 3}", formula("3")),
    ("\\boxed{9^{9^{9^9}}}", formula("9")),
    ("", formula("1")),
    ("no answer", SPAN),
    ("Paris", NONE),
    ("unanswerable, or Paris", NONE),
    ("yes", NO),
]


@pytest.mark.parametrize(("answer", "label"), RIGHT)
def test_right(answer: str, label: dict[str, Any]) -> None:
    assert rewards.score(answer, label).acc == 1.0


@pytest.mark.parametrize(("answer", "label"), WRONG)
def test_wrong(answer: str, label: dict[str, Any]) -> None:
    assert rewards.score(answer, label).acc == 0.0


def test_text_shares_its_words() -> None:
    got = rewards.score("in Paris", {"scorer": "text", "answer": "Paris"})
    assert got.score == pytest.approx(2 / 3)
    assert got.acc == 0.0


@pytest.mark.parametrize("label", ["{", "[]", '{"scorer": "luck"}', "{}"])
def test_a_label_that_is_none(label: str) -> None:
    with pytest.raises(ValueError, match=r"label|scorer"):
        rewards.score("1", label)


HOSTILE = [
    "1\\frac{",
    *("{", "\\boxed{", "####", "answer is ", "$", "\\frac", "9", "(", "1,", "\\text{", "a", " ", "\\["),
    *("<answer>", "\ud800", "</think>", "2^"),
]


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_answers_end_soon(part: str) -> None:
    for label in (numeric("1"), formula("1"), formula(part * 500), SPAN, NO):
        begin = time.process_time()
        rewards.score(part * (1_000_000 // len(part)), label)
        assert time.process_time() - begin < 1.0


@pytest.mark.parametrize("end", ["-2x+1}", "9 x", "a 1 x"])
@pytest.mark.parametrize("begin", ["", "answer is ", "Hence \\(", "#### "])
def test_blanks_inside_of_a_line_end_soon(begin: str, end: str) -> None:
    answer = begin + " " * 5_000 + end
    for label in (numeric("1"), formula("1"), formula(" " * 2_000 + end), SPAN, NO):
        start = time.process_time()
        rewards.score(answer, label)
        assert time.process_time() - start < 1.0


LABEL = '{"answer": "4", "scorer": "numeric"}'


def test_trl() -> None:
    said = [{"role": "assistant", "content": "\\boxed{4}"}]
    assert rewards.reward([said, "#### 5", ""], [LABEL, LABEL, '{"scorer": "code"}']) == [1.0, 0.0, None]


def test_verl() -> None:
    got = rewards.compute_score("datasetmix/sums", "#### 4", LABEL, {"question": "2+2?"})
    assert got == {"score": 1.0, "acc": 1.0, "pred": "4"}
    with pytest.warns(UserWarning, match="code"):
        got = rewards.compute_score("datasetmix/code", "def f(): pass", '{"scorer": "code"}')
    assert got == {"score": 0.0, "acc": 0.0, "pred": ""}


def test_openrlhf(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenRLHF asks the result for its keys, and catches the error of one that has none: nothing is rewarded then."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with pytest.warns(UserWarning, match="sandbox"):
        got = rewards.reward_func(["2+2? #### 4", "2+2? #### 5", "def"], ["2+2? ", "2+2? ", ""], [LABEL, LABEL, '{"scorer": "code"}'])
    assert got == {"rewards": [1.0, 0.0, 0.0], "scores": [1.0, 0.0, 0.0], "extra_logs": {"acc": [1.0, 0.0, 0.0]}}


def test_openrlhf_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    got = rewards.reward_func(["2+2? #### 4"], ["2+2? "], [LABEL])
    for value in (got["rewards"], got["scores"], got["extra_logs"]["acc"]):
        assert torch.equal(value, torch.tensor([1.0]))


def test_a_file_that_is_no_module_of_anybody() -> None:
    """verl executes the file and tells nobody of the module: what looks for it among the modules would find none."""
    spec = importlib.util.spec_from_file_location("somebody_elses_name", rewards.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    label = '{"answer":"72","answer_type":"numeric","scorer":"numeric"}'
    assert module.compute_score("datasetmix/gsm8k", r"\boxed{72}", label, extra_info={"question": "How many?"})["score"] == 1.0
