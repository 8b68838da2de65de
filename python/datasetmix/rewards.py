"""The score of a model's answer: one file, standard library alone.

It lies beside a mix without anything else, and every trainer calls it in its own way:

* TRL and Axolotl call `reward(completions, label, ...)`,
* verl calls `compute_score(data_source, solution_str, ground_truth, ...)`,
* OpenRLHF calls `reward_func(queries, prompts, labels, ...)`.

All of them hand a label over, the JSON text of what is known of a row (`Label`), and all come to `score`. Nothing here raises on any
answer, runs any of it, or looks at more than `MAX_ANSWER` characters of it: the time is bounded by the length of the text.

What is compared, by the name of the scorer:

* `numeric`: one number, exactly, as a fraction; currency, units, percent signs and separators of thousands mean nothing.
* `formula`: LaTeX, as a small tree; constants by value to 1e-12, polynomials by their structure, so that an unsolved problem is no answer.
* `text`: token F1 with the normalization of SQuAD (Rajpurkar et al. 2016); an exact match counts as `acc`.
* `no-answer text`: the same, where a row may have no answer (SQuAD 2.0, Rajpurkar et al. 2018).
* `yes-no text`: the same, where yes and no are answers of their own (HotpotQA, Yang et al. 2018).
* `code`: needs a sandbox, which this file is not: the score is None.
"""

from __future__ import annotations

import cmath
import json
import math
import re
import string
import sys
import unicodedata
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

__all__ = ["SCORERS", "VERSION", "Label", "Score", "compute_score", "reward", "reward_func", "score"]

VERSION = "1"
"""Raised with every change after which any answer scores otherwise."""

SCORERS = ("numeric", "formula", "text", "no-answer text", "yes-no text", "code")
"""The names of the scorers, as a label gives them."""

MAX_ANSWER = 1 << 17
"""Characters of an answer that are looked at: of a longer one, its end."""


class Score(NamedTuple):
    """What an answer is worth.

    score: from 0 to 1; None where this scorer cannot tell.
    acc: 1.0 where the answer is right as a whole, else 0.0; None where this scorer cannot tell.
    pred: what was taken for the answer, "" where nothing was.
    reason: why the score is what it is, for people.
    """

    score: float | None
    acc: float | None
    pred: str
    reason: str


class Label(NamedTuple):
    """What is known of a row: JSON with sorted keys, in a column of its own or as verl's `reward_model.ground_truth`.

    scorer: one of SCORERS. answer: the reference. answers: every reference that is right, where there are several. impossible: the
    row has no answer, and saying so is right. question: with which an answer is compared that only repeats the problem. setup,
    tests, entry_point: of a program, for a sandbox; the question is what it may continue.
    """

    scorer: str
    answer: str = ""
    answers: tuple[str, ...] = ()
    impossible: bool = False
    question: str = ""
    setup: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    entry_point: str = ""

    @classmethod
    def of(cls, given: str | Mapping[str, Any] | Label) -> Label:
        """Reads a label. Raises ValueError if it is none: a data set without labels is a mistake, not a wrong answer."""
        if isinstance(given, Label):
            return given
        try:
            members = json.loads(given) if isinstance(given, str) else dict(given)
        except (TypeError, ValueError) as error:
            raise ValueError(f"a label is a JSON object with a scorer and an answer; this is {given!r:.80}") from error
        scorer = members.get("scorer") or _SCORER_OF.get(str(members.get("answer_type")), "") if isinstance(members, dict) else ""
        if scorer not in SCORERS:
            raise ValueError(f"a label names its scorer, one of {', '.join(SCORERS)}; this is {given!r:.80}")
        return cls(
            scorer=scorer,
            answer=str(members.get("answer", "")),
            answers=tuple(str(a) for a in members.get("answers") or ()),
            impossible=bool(members.get("is_impossible", False)),
            question=str(members.get("question", "")),
            setup=tuple(str(t) for t in members.get("setup") or ()),
            tests=tuple(str(t) for t in members.get("tests") or ()),
            entry_point=str(members.get("entry_point", "")),
        )


_SCORER_OF = {"numeric": "numeric", "text": "text", "code": "code"}


def score(answer: Any, label: str | Mapping[str, Any] | Label) -> Score:
    """Returns what an answer is worth by a label.

    answer: text; anything else is its str. Raises ValueError where the label is none; never for an answer.
    """
    known = Label.of(label)
    text = answer if isinstance(answer, str) else "" if answer is None else str(answer)
    text = _final(text[-MAX_ANSWER:])
    try:
        return _SCORE[known.scorer](text, known)
    except Exception as error:  # no answer may stop a training, whatever it is
        return Score(0.0, 0.0, "", f"the answer cannot be read ({type(error).__name__})")


def _final(text: str) -> str:
    """The text behind the last closing tag of a thought."""
    return text.rpartition("</think>")[2]


# --- Where the answer stands -----------------------------------------------------------------------------------------------------

_BOX = re.compile(r"\\(?:boxed|fbox|framebox)(?![A-Za-z])\s*")
_BARE = re.compile(r"[-+]?\d[\d.,]*|\w")
_SAYS = re.compile(r"\banswers?\b\W{0,3}\s*(?:is|are|was|[:=：])\s*[:：]?|答案\s*(?:是|为|[:：])\s*[:：]?", re.IGNORECASE)
# A lookahead and its repetition take what they can and give nothing back: blanks in a row would be divided in every way otherwise.
_HEADING = re.compile(r"(?=(\s*\**\s*))\1(?:\d+\s*[.)]\s+\S|[^\W\d_][^\d=]*\d+(?=(\s*[:.]?\s*\**\s*))\2$|[^\d]*$)")
_DELIMITER = re.compile(r"\\\\|\\\$|\$\$|\$|\\[\[\]()]")
_CLOSING = {"$$": "$$", "$": "$", r"\[": r"\]", r"\(": r"\)"}


def _boxes(text: str) -> list[str]:
    """The contents of the closed boxes, in the order of their ends. Braces are balanced in one pass, whatever is nested."""
    starts = {match.end() for match in _BOX.finditer(text)}
    opens: list[tuple[int, bool]] = []
    found: list[str] = []
    at = 0
    while at < len(text):
        sign = text[at]
        if sign == "{":
            opens.append((at + 1, at in starts))
        elif sign == "}" and opens:
            begin, boxed = opens.pop()
            if boxed:
                found.append(text[begin:at])
        elif at in starts and (bare := _BARE.match(text, at)):
            found.append(bare.group())
        at += 2 if sign == "\\" and text[at + 1 : at + 2] in ("{", "}", "\\") and at + 1 not in starts else 1
    return found


def _hashed(text: str) -> tuple[int, str]:
    """What follows the last #### on its line that is not a heading of Markdown, and where that is; -1 where there is none."""
    at = len(text)
    for _ in range(64):  # of more headings than that, the last ones decide
        at = text.rfind("####", 0, at)
        if at < 0:
            break
        line, _, below = text[at + 4 :].partition("\n")
        heads_nothing = text[:at].endswith("\n") and not below.strip() and not re.search(r"\d", line)
        if heads_nothing or (not _HEADING.match(line) and not line.startswith("#")):
            return at, line
    return -1, ""


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """The last match, None where there is none."""
    matches = deque(pattern.finditer(text), maxlen=1)
    return matches[0] if matches else None


def _said(text: str) -> tuple[int, str]:
    """What follows the last "the answer is" or "Answer:", and where that is; -1 where there is none."""
    last = _last(_SAYS, text)
    return (-1, "") if last is None else (last.end(), text[last.end() :])


def _sentence(text: str) -> str:
    """The first line of a text, up to its first full stop. Marks that only set an announcement apart are no line."""
    line = text.lstrip("*_ \n\r\t").rstrip().split("\n", 1)[0]
    return re.split(r"(?<=[.!?。])(?:\s|$)|(?<=。)", line, maxsplit=1)[0]


def _formulas(text: str) -> list[tuple[int, str]]:
    """The formulas of a text, between dollar signs or brackets, with the places where they begin. One pass, whatever is never closed."""
    found: list[tuple[int, str]] = []
    opened, begin = "", 0
    for match in _DELIMITER.finditer(text):
        sign = match.group()
        if opened and sign == _CLOSING[opened] and not (sign == "$" and "\n" in text[begin : match.start()]):
            if text[begin : match.start()].strip():
                found.append((begin, text[begin : match.start()]))
            opened = ""
        elif sign in _CLOSING and (not opened or sign == opened or opened == "$"):
            opened, begin = sign, match.end()
    return found


def _marked(text: str) -> str | None:
    """What is marked as the answer: the last closed box, else the later of the last #### and of the last words that say so.

    None where nothing is marked. A mark without an answer is "": nothing else may be put in its place.
    """
    boxes = _boxes(text)
    if boxes:
        return boxes[-1]
    if _BOX.search(text):
        return ""  # never closed: the output was cut off
    hashed, said = _hashed(text), _said(text)
    if max(hashed[0], said[0]) < 0:
        return None
    return hashed[1] if hashed[0] > said[0] else said[1]


# --- Numbers ---------------------------------------------------------------------------------------------------------------------

MAX_DIGITS = 60
"""A number of more digits is refused before it is converted."""

_SCALES = {"hundred": 100, "k": 1000, "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12, "M": 10**6, "B": 10**9}
_GAP = "['’\u00a0\u2009\u202f]"
_PLAIN = r"\d+(?:\.\d+)?|\.\d+"
_GROUPS = re.compile(rf"(?<![\d.,])\d{{1,3}}(?:(?:,|\{{,\}}|,\\!|\\,|{_GAP})\d{{3}})+(?![\d,]|\{{,\}}\d)", re.ASCII)
_SIGNS = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "—": "-",
        "﹣": "-",
        "－": "-",
        "⁄": "/",
        "∕": "/",
        "％": "%",
        "＋": "+",
        "＝": "=",
        "½": " 1/2",
        "¼": " 1/4",
        "¾": " 3/4",
        "\u200b": None,
        "\ufeff": None,
    }
)
_MARKUP = re.compile(r"\*\*|__|[`~*$€£¥₹≈°]|\\(?:[$%&#()\[\]]|approx(?![A-Za-z])|(?:circ|degree)(?![A-Za-z]))|\^\{?\s*\\circ\s*\}?|%")
_STYLE = re.compile(
    r"\\(?:text(?:bf|it|rm|tt|sf|normal)?|math(?:rm|bf|it|sf|tt)|[mhf]?box|framebox|boxed|bf|rm|displaystyle|left|right)(?![A-Za-z])"
)
_BLANK = re.compile(r"\\[ ;:!>,]|\\q?quad(?![A-Za-z])|[{}\s]+")
_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}|(\d)\s*(\d))", re.ASCII)
_MIXED = re.compile(r"(?<![\d.,/])(\d+) (\d+) ?/ ?(\d+)(?![\d.,/])", re.ASCII)
_ONE = re.compile(
    rf"(\D*?)((?:[-+]|\b(?:minus|negative)\b)\s*)?({_PLAIN})(?:\s*/\s*(\d+)|\s*[eE]([-+]?\d{{1,2}}))?(?![\d/])([^\d]*)",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)
_UNSURE = re.compile(r"\b(?:or|not)\b|n['’]t\b", re.IGNORECASE)
_POWER_OF_TEN = re.compile(r"(?:\\times|\\cdot|[×x*·])\s*\{?10\}?\s*\^\s*(?:\{\s*([-+]?\d+)\s*\}|([-+]?\d))")
_AREA = re.compile(
    r"(\b(?:[cdkm]?m|ft|in|yd|mi|units?|feet|foot|inch(?:es)?|yards?|miles?|(?:centi|kilo|milli)?met(?:er|re)s?)\.?(?:\s*\})?)"
    r"\s*\$?\^\s*(?:\{\s*[23]\s*\}|[23])\$?",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*>")
# What makes another value of a number, or a set of values.
_WORKED = re.compile(
    r"\\(?:sqrt|pi|log|ln|exp|sin|cos|tan|binom|lfloor|lceil|pm|mp|overline|bar|infty|ne|neq|le|leq|leqslant|ge|geq|geqslant|lt|gt)(?![A-Za-z])"
    r"|[√π∞±≠≤≥|]|[<>]\s*$"
)


def _ascii_digits(text: str) -> str:
    """The text with the decimal digits of every script, and typographic signs, as ASCII."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text.translate(_SIGNS))


def _ungrouped(text: str) -> str:
    """The text without the separators of thousands, which stand between full groups of three digits only."""
    return _GROUPS.sub(lambda match: re.sub(r"\D", "", match.group()), text)


def _number(text: str) -> Fraction | None:
    """The one number that a text gives; None where it gives none, several, or one that is too long."""
    text = _ungrouped(re.sub(r"[=-]>", " ", _ascii_digits(text)).rpartition("=")[2])
    text = _AREA.sub(r"\1", _POWER_OF_TEN.sub(r"e\1\2", _TAG.sub(" ", text)))
    text = _FRACTION.sub(r" \1\3/\2\4", _MARKUP.sub(" ", text))
    text = _MIXED.sub(_improper, _BLANK.sub(" ", _STYLE.sub(" ", text)).strip())
    one = _ONE.fullmatch(text)
    if one is None:
        return None
    before, sign, digits, below, exponent, after = one.groups()
    if re.search(r"[\w.,^/:+]$" if sign else r"[^\W_]$|[.,^/:_]\s*$", before) and not re.search(r"[^\x00-\x7f]$|[.,:]\s+$", before):
        return None
    if (
        re.match(r"\s*[\^:/!²³⁰¹⁴-⁹]|_|[bijnox]\b|\s*[xyz]\b", after)
        or _WORKED.search(before)
        or _WORKED.search(after)
        or _UNSURE.search(before)
        or _UNSURE.search(after)
        or max(len(digits), len(below or "")) > MAX_DIGITS
    ):
        return None
    if below is not None and int(below) == 0:
        return None
    value = Fraction(digits) / int(below or 1) * Fraction(10) ** int(exponent or 0)
    scale = re.match(r"([MB])\b|\s*([A-Za-z]+)", after)
    value *= _SCALES.get(scale[1] or scale[2].lower(), 1) if scale else 1
    return -value if sign and sign[0] in "-mMnN" else value


def _improper(mixed: re.Match[str]) -> str:
    """A whole number and the proper fraction behind it as one fraction; anything else as it is."""
    if max(map(len, mixed.groups())) > MAX_DIGITS // 2:
        return mixed.group()
    whole, above, below = map(int, mixed.groups())
    return f"{whole * below + above}/{below}" if above < below else mixed.group()


def _last_number(text: str) -> Fraction | None:
    """The last number of a text, whatever stands before it."""
    text = _ungrouped(_ascii_digits(text[-4096:]))
    ends = [match.end() for match in re.finditer(rf"{_PLAIN}", text, re.ASCII)]
    if not ends:
        return None
    return _number(text[ends[-2] if len(ends) > 1 else 0 :].lstrip(".,;:)"))


def _numeric(text: str, label: Label) -> Score:
    want = _number(label.answer)
    marked = _marked(text)
    if marked is None:
        got, shown = _last_number(text), "the last number"
    else:
        got, shown = _number(_sentence(marked) if _BOX.search(text) else _sentence(marked).rstrip("!")), "the marked answer"
    if got is None:
        return Score(0.0, 0.0, "", "no number is given as the answer, or more than one")
    right = want is not None and got == want
    return Score(float(right), float(right), str(got), f"{shown} is {'' if right else 'not '}the reference")


# --- Formulas: from LaTeX to a tree ----------------------------------------------------------------------------------------------

MAX_TOKENS = 2000
"""A formula of more tokens is compared as text."""
MAX_DEPTH = 40
"""A formula nested more deeply is compared as text."""


class _UnreadableError(ValueError):
    """What is not understood as a formula."""


Node = tuple[Any, ...]  # (kind, ...): nested, hashable; the kinds are those that _Parser makes

_UNICODE = {
    "π": r"\pi ",
    "√": r"\sqrt ",
    "∞": r"\infty ",
    "×": r"\times ",
    "·": r"\cdot ",
    "⋅": r"\cdot ",
    "÷": r"\div ",
    "≤": r"\le ",
    "≥": r"\ge ",
    "≠": r"\ne ",
    "∪": r"\cup ",
    "∩": r"\cap ",
    "∈": r"\in ",
    "±": r"\pm ",
    "∅": r"\emptyset ",
    "½": r"\frac{1}{2}",
    "¼": r"\frac{1}{4}",
    "¾": r"\frac{3}{4}",
    "\u00a0": " ",
    "\u202f": " ",
    "\u2009": " ",
}
_WORDS = re.compile(r"\\(?:text(?:bf|it|rm|tt|sf|normal)?|math(?:rm|bf|it|sf|tt)|operatorname|[mh]box)(?![A-Za-z])\s*\{")
_LETTERS = re.compile(r"\s*[A-Z](?:\s*(?:,|\band\b|\bor\b)\s*[A-Z])+\s*")
_STYLED = re.compile(r"\s*(?:[ie]\s*\}|[^{}]*\\(?:[dt]?frac|sqrt|pi)(?![A-Za-z]))")
_DROPPED = re.compile(
    r"(\\\\)(?:\s*\[[\d.]+(?:pt|em|ex|mm|cm|in)\])?|\\(?:boxed|fbox|framebox|left|right|big|Big|bigg|Bigg|displaystyle|textstyle|limits|mathopen|mathclose)(?![A-Za-z])\.?"
    r"|\\[!,;:> ]|\\q?quad(?![A-Za-z])|\^\s*\{?\s*\\(?:circ|degree)\s*\}?|\\(?:degree|circ)(?![A-Za-z])|°|\\?\$|\\phantom\{[^{}]*\}|[~€£¥]"
)
_TOKEN = re.compile(r"\\?%|\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\.\d+|\"[^\"]*\"|[A-Za-z]+|\S", re.ASCII)
_UNITS = frozenset(["cm", "mm", "km", "kg", "mg", "ft", "lb", "lbs", "oz", "hr", "hrs", "ml", "mi", "yd", "mph", "kph", "in", "min", "sec"])
_NUMBER_WORDS = {
    w: i for i, w in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"])
} | {"sixteen": 16}
_SAME = {
    r"\dfrac": r"\frac",
    r"\tfrac": r"\frac",
    r"\cfrac": r"\frac",
    r"\leq": r"\le",
    r"\leqslant": r"\le",
    r"\geq": r"\ge",
    r"\geqslant": r"\ge",
    r"\neq": r"\ne",
    r"\lt": "<",
    r"\gt": ">",
    r"\ast": r"\cdot",
    "*": r"\cdot",
    r"\times": r"\cdot",
    r"\colon": ":",
    r"\lbrace": r"\{",
    r"\rbrace": r"\}",
    r"\lbrack": "[",
    r"\rbrack": "]",
    r"\varnothing": r"\emptyset",
    r"\dbinom": r"\binom",
    r"\tbinom": r"\binom",
    r"\lvert": "|",
    r"\rvert": "|",
    r"\mid": "|",
    r"\vert": "|",
    r"\div": "/",
    r"\land": ",",
    r"\lor": ",",
}


def _matching(text: str, at: int) -> int:
    """The place of the brace that closes the group which begins before a place; the end of the text if none does."""
    depth = 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if depth == 0:
                return at
        at += 1
    return at


def _quoted(text: str) -> str:
    r"""The text with the words of \text{…} and the like between quotation marks; digits and formulas in them stand as they are."""
    out, at = [], 0
    for _ in range(MAX_TOKENS):
        match = _WORDS.search(text, at)
        if not match:
            break
        if "math" in match.group() and _STYLED.match(text[match.end() : match.end() + 64]):
            out.append(text[at : match.start()] + " {")
            at = match.end()
            continue
        end = _matching(text, match.end())
        words = re.sub(r"\\.|[\"{}]", " ", text[match.end() : end])
        plain = any(c.isdigit() for c in words) or not any(c.isalpha() for c in words) or bool(_LETTERS.fullmatch(words))
        out.append(text[at : match.start()] + (f" {words} " if plain else f' "{words}" '))
        at = end + 1
    return "".join(out) + text[at:]


def _cleaned(text: str) -> str:
    """A formula in one spelling: no sizes, spaces, signs of units; the separators of thousands outside of brackets gone."""
    if not text.isascii():
        text = re.sub(r"√\s*(\d+(?:\.\d+)?|[A-Za-z])", r"\\sqrt{\1}", _ascii_digits(text))
        text = re.sub(r"[⁰¹²³⁴-⁹]+", lambda match: "^{" + "".join(str(unicodedata.digit(c)) for c in match.group()) + "}", text)
        text = "".join(_UNICODE.get(c, c) for c in text)
    text = re.sub(r"(?<=\d)(?:,\\!|\{,\}|\\,|\\ )(?=\d{3}(?!\d))", "\x00", text)
    text = re.sub(r"^\*\*|\*\*$|^`+|`+$", "", text.strip())
    text = _DROPPED.sub(lambda match: match.group(1) or " ", _quoted(text))
    depth, out = 0, []
    for part in re.split(r"(\\[{}]|[()\[\]])", text):
        depth += (part in ("(", "[", r"\{")) - (part in (")", "]", r"\}"))
        out.append(_ungrouped(part) if depth <= 0 else part)
    return "".join(out).replace("\x00", "").strip().rstrip(".").strip()


def _tokens(text: str) -> list[str]:
    """The tokens of a cleaned formula. A word of three letters, or a unit behind a digit, is a word; other letters are variables."""
    out: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token[0].isalpha() and token.isascii() and len(token) > 1:
            unit = token in _UNITS and text[: match.start()].rstrip()[-1:].isdigit()
            out += [f'"{token}"'] if len(token) > 2 or unit or token in ("or", "up") else list(token)
        else:
            out.append('"%"' if token.endswith("%") else _SAME.get(token, token))
        if len(out) > MAX_TOKENS:
            raise _UnreadableError("too long")
    return out


def _num(value: int | Fraction) -> Node:
    return ("num", Fraction(value))


_MINUS = _num(-1)
_JOINS = frozenset({"or", "and", "or also", "and also"})
_PROPER = re.compile(r"\\frac(?:\{\d+\}|\d)(?:\{\d+\}|\d)")
_RELATIONS = {"=", "<", ">", r"\le", r"\ge", r"\ne", r"\in", ":", r"\equiv", r"\sim"}
_ORDERS = {"<", ">", r"\le", r"\ge"}
_FUNCTIONS = {
    r"\sin",
    r"\cos",
    r"\tan",
    r"\cot",
    r"\sec",
    r"\csc",
    r"\arcsin",
    r"\arccos",
    r"\arctan",
    r"\ln",
    r"\log",
    r"\exp",
    r"\gcd",
    r"\max",
    r"\min",
}
_CLOSES = {
    "(": (")", "]"),
    "[": ("]", ")"),
    r"\{": (r"\}",),
    "|": ("|",),
    r"\lfloor": (r"\rfloor",),
    r"\lceil": (r"\rceil",),
    r"\langle": (r"\rangle",),
}


class _Parser:
    """Reads the tokens of one answer into a tree."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.percent = False

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    def word(self) -> str:
        """The words of the next token, "" where it has none."""
        token = self.peek()
        return token.strip('"').lower().strip(" .,;:") if token.startswith('"') else ""

    def whole(self) -> Node:
        node = self.over(self.listed())
        if self.peek():
            raise _UnreadableError(f"{self.peek()} was not expected")
        return node

    def over(self, above: Node) -> Node:
        r"""A group with TeX's \over or \choose behind its first half."""
        if self.peek() == r"\over":
            self.take()
            return ("frac", above, self.listed())
        if self.peek() == r"\choose":
            self.take()
            return ("call", r"\binom", above, self.listed())
        return above

    def listed(self) -> Node:
        """Values between commas, "or" and "and"; ranges of an unknown with "or" between them are a union."""
        items, ranges, begin = [self.relation()], True, 0
        while self.peek() in (",", ";") or self.word() in _JOINS:
            ranges = ranges and self.word() == "or" and not _ORDERS.isdisjoint(self.tokens[begin : self.at])
            self.take()
            if self.peek() in (",", ";") or self.word() in _JOINS:
                continue
            begin = self.at
            items.append(self.relation())
        if len(items) == 1:
            return items[0]
        ranges = ranges and not _ORDERS.isdisjoint(self.tokens[begin : self.at]) and all(item[0] == "tuple" for item in items)
        return ("union" if ranges else "list", *items)

    def relation(self) -> Node:
        parts: list[Any] = [self.percentage()]
        while self.peek() in _RELATIONS or self.word() == "to":
            sign = self.take()
            parts += [sign if sign in _RELATIONS else ":", self.percentage()]
        return parts[0] if len(parts) == 1 else _related(parts)

    def percentage(self) -> Node:
        """A value, and whether it is said in percent: that matters only where a reference says it both ways."""
        before, self.percent = self.percent, False
        node = self.union()
        if self.percent:
            node = ("percent", node)
        self.percent = before
        return node

    def union(self) -> Node:
        parts = [self.sum()]
        while self.peek() in (r"\cup", r"\cap", r"\setminus"):
            sign = self.take()
            if sign != r"\cup":
                raise _UnreadableError(sign)
            parts.append(self.sum())
        return parts[0] if len(parts) == 1 else ("union", *parts)

    def sum(self) -> Node:
        terms: list[Node] = []
        sign = "+"
        if self.peek() in ("+", "-", r"\pm", r"\mp"):
            sign = self.take()
        while True:
            term = self.product()
            if sign in (r"\pm", r"\mp"):
                term = ("pm", term)
            terms.append(("prod", _MINUS, term) if sign == "-" else term)
            if self.peek() not in ("+", "-", r"\pm", r"\mp"):
                break
            sign = self.take()
        return terms[0] if len(terms) == 1 else ("sum", *terms)

    def product(self) -> Node:
        factors = [self.factor()]
        while True:
            token = self.peek()
            if token == r"\cdot":
                self.take()
                factors.append(self.signed())
            elif token == "/":
                self.take()
                factors.append(("pow", self.signed(), _MINUS))
            elif token.startswith('"') and self.word() not in _JOINS and self.word() != "to":
                if (scale := _SCALES.get(self.word().partition(" ")[0])) is not None:
                    factors.append(_num(scale))
                self.unit()
            elif token.isdigit() and self.tokens[self.at - 1].isdigit():
                factors[-1] = ("mixed", factors[-1], self.proper())
            elif token and (
                token == "{"
                or (token in _CLOSES and token != "|")
                or token[0].isalnum()
                or token[0] == "."
                or token in _PRIMARY
                or token in _FUNCTIONS
            ):
                factors.append(self.mixed(factors) or self.factor())
            else:
                break
        factors = [f for f in factors if f != ("unit",)] or [("unit",)]
        return factors[0] if len(factors) == 1 else ("prod", *factors)

    def proper(self) -> Node:
        """The fraction behind a whole number and a space: 10 1/12."""
        parts = self.tokens[self.at : self.at + 3]
        if len(parts) < 3 or parts[1] != "/" or not parts[2].isdigit() or max(map(len, parts)) > MAX_DIGITS:
            raise _UnreadableError("two numbers stand beside each other")
        self.at += 3
        return ("frac", _num(int(parts[0])), _num(int(parts[2])))

    def signed(self) -> Node:
        if self.peek() == "-":
            self.take()
            return ("prod", _MINUS, self.factor())
        return self.factor()

    def mixed(self, factors: list[Node]) -> Node | None:
        """A fraction behind a whole number, which is added to it: 6 2/3 is 20/3."""
        before = self.tokens[self.at - 1]
        if not _PROPER.match("".join(self.tokens[self.at : self.at + 7])) or not before.isdigit() or len(factors) > 2:
            return None  # looked at, and not tried: what is tried at every depth takes twice the time with each
        here = self.at
        fraction = self.factor()
        if fraction[0] != "frac" or any(part[0] != "num" for part in fraction[1:]):
            self.at = here
            return None
        factors[-1] = ("mixed", factors[-1], fraction)
        return ("unit",)

    def unit(self) -> None:
        """A word behind a value, which is a unit, with its power."""
        if self.take() == '"%"':
            self.percent = True
        if self.peek() in ("^", "_"):
            self.take()
            self.argument()
        if self.peek() == "/" and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1].startswith('"'):
            self.at += 2

    def factor(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _UnreadableError("nested too deeply")
        node = self.primary()
        while self.peek() in ("^", "_", "!", "'"):
            sign = self.take()
            if sign == "^":
                node = ("pow", node, self.argument())
            elif sign == "_":
                node = self.subscripted(node)
            else:
                node = ("call", sign, node)
        self.depth -= 1
        return node

    def subscripted(self, node: Node) -> Node:
        below = self.argument()
        if below[0] == "word":
            below = _num(_NUMBER_WORDS[below[1]]) if below[1] in _NUMBER_WORDS else below
        return ("base", node, below)

    def argument(self) -> Node:
        """What a command, a power or a subscript takes: a group, or one digit, letter or command."""
        token = self.peek()
        if token == "{":
            return self.group()
        if token[:1].isdigit() and len(token) > 1:
            self.tokens[self.at] = token[1:]
            return _num(int(token[0]))
        if token == "-" or not token:
            raise _UnreadableError("an argument is missing")
        return self.primary()

    def group(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _UnreadableError("nested too deeply")
        self.take()
        node = ("unit",) if self.peek() == "}" else self.over(self.listed())
        if self.take() != "}":
            raise _UnreadableError("a brace is not closed")
        self.depth -= 1
        return node

    def primary(self) -> Node:
        token = self.take()
        if token == "{":
            self.at -= 1
            return self.group()
        if token.startswith('"'):
            words = token.strip('"').strip().strip(".,;:").strip()
            return ("word", " ".join(words.lower().split()))
        if token[:1].isdigit() or (token[:1] == "." and token[1:2].isdigit()):
            return self.number(token)
        if len(token) == 1 and token.isalpha():
            return ("sym", token)
        if token in _CLOSES:
            return self.bracketed(token)
        if token in _PRIMARY:
            return _PRIMARY[token](self)
        if token in _FUNCTIONS:
            return self.function(token)
        if re.fullmatch(r"\\[A-Za-z]+", token) and token not in (r"\end", r"\right", r"\rfloor", r"\rceil", r"\rangle"):
            return ("sym", token)
        raise _UnreadableError(f"{token or 'the end'} was not expected")

    def number(self, token: str) -> Node:
        if len(token) > MAX_DIGITS:
            raise _UnreadableError("a number is too long")
        digits = token
        if self.peek() == "." and self.at + 1 < len(self.tokens) and self.tokens[self.at + 1] in (r"\overline", r"\bar"):
            self.take()
            digits += "."
        if self.peek() in (r"\overline", r"\bar") and "." in digits:
            self.take()
            again = self.argument()
            if again[0] == "num" and again[1].denominator == 1 and again[1] > 0:
                period, places = str(again[1]), len(digits.split(".")[1])
                return _num(Fraction(digits.rstrip(".")) + Fraction(int(period), (10 ** len(period) - 1) * 10**places))
        return _num(Fraction(digits))

    def bracketed(self, opening: str) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _UnreadableError("nested too deeply")
        if self.peek() in _CLOSES[opening]:
            self.take()
            return ("set",)
        inner = self.listed()
        closing = self.take()
        if closing not in _CLOSES[opening]:
            raise _UnreadableError("brackets do not match")
        self.depth -= 1
        items = inner[1:] if inner[0] == "list" else (inner,)
        if opening == r"\{":
            return ("set", *items)
        if opening in ("|", r"\lfloor", r"\lceil"):
            return ("call", opening, inner)
        if len(items) == 1 and opening + closing in ("()", "[]"):
            return inner
        return ("tuple", opening + closing, *items)

    def function(self, name: str) -> Node:
        base = power = None
        for _ in range(2):
            if self.peek() == "_":
                self.take()
                base = self.argument()
            elif self.peek() == "^":
                self.take()
                power = self.argument()
        of = self.factor()
        node: Node = ("call", name, of) if base is None else ("call", name, of, base)
        return node if power is None else ("pow", node, power)

    def fraction(self) -> Node:
        return ("frac", self.argument(), self.argument())

    def root(self) -> Node:
        order = _num(2)
        if self.peek() == "[":
            self.take()
            order = self.sum()
            if self.take() != "]":
                raise _UnreadableError("a bracket is not closed")
        return ("pow", self.argument(), ("frac", _num(1), order))

    def matrix(self) -> Node:
        """The rows of an environment such as pmatrix, or of an array in brackets. Between bars they are a determinant."""
        bars = '"vmatrix"' in self.tokens[self.at : self.at + 2]
        self.environment()
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []
        while self.peek() != r"\end":
            row.append(self.listed())
            token = self.peek()
            if token == "&":
                self.take()
            elif token == r"\\":
                self.take()
                rows.append(tuple(row))
                row = []
            elif token != r"\end":
                raise _UnreadableError("a matrix is not closed")
        self.take()
        self.environment()
        if row:
            rows.append(tuple(row))
        return ("call", "vmatrix", ("matrix", *rows)) if bars else ("matrix", *rows)

    def environment(self) -> None:
        """The name of an environment, and the columns of an array."""
        for _ in range(2):
            if self.peek() != "{":
                return
            while self.take() not in ("}", ""):
                pass
            if self.tokens[self.at - 2] != '"array"':
                return

    def binomial(self) -> Node:
        return ("call", r"\binom", self.argument(), self.argument())


_PRIMARY: dict[str, Callable[[_Parser], Node]] = {
    r"\frac": _Parser.fraction,
    r"\sqrt": _Parser.root,
    r"\binom": _Parser.binomial,
    r"\begin": _Parser.matrix,
    r"\pi": lambda parser: ("sym", r"\pi"),
    r"\infty": lambda parser: ("sym", r"\infty"),
    r"\emptyset": lambda parser: ("set",),
}


def _related(parts: list[Any]) -> Node:
    """What values between signs of relations come to."""
    values, signs = parts[0::2], parts[1::2]
    if set(signs) == {":"}:
        return ("ratio", *values)
    if all(sign in ("=", r"\in") for sign in signs):
        return _assigned(values)
    if all(sign in ("<", r"\le") for sign in signs):
        return _between(values, signs)
    if all(sign in (">", r"\ge") for sign in signs):
        return _between(values[::-1], [{">": "<", r"\ge": r"\le"}[sign] for sign in signs[::-1]])
    return ("relation", *signs, *values)


def _assigned(values: list[Node]) -> Node:
    """X = 2 is the value 2 of x; 0.56 = 56 is a value said twice; anything else is an equation."""
    named = values[0]
    if named[0] == "tuple" and all(part[0] == "sym" for part in named[2:]):
        return values[-1]
    if named[0] in ("sym", "base") or (named[0] == "prod" and named[1][0] == "sym" and len(named) == 3 and named[2][0] in ("sym", "tuple")):
        return ("value", named, values[-1])
    if named[0] == "word":
        return values[-1]
    if all(_exact(value) is not None for value in values):
        return ("either", *values)
    return ("equation", *values)


def _between(values: list[Node], signs: list[str]) -> Node:
    """A chain of ascending values with one unknown is the interval of the unknown."""
    known = [_exact(value) is not None or value == ("prod", _MINUS, ("sym", r"\infty")) for value in values]
    low, high = ("prod", _MINUS, ("sym", r"\infty")), ("sym", r"\infty")
    kinds = ["(" if signs[0] == "<" else "[", ")" if signs[-1] == "<" else "]"]
    if known == [True, False, True]:
        return ("tuple", "".join(kinds), values[0], values[2])
    if known == [False, True]:
        return ("tuple", "(" + kinds[1], low, values[1])
    if known == [True, False]:
        return ("tuple", kinds[0] + ")", values[0], high)
    return ("relation", *signs, *values)


# --- Formulas: trees compared ----------------------------------------------------------------------------------------------------

MAX_BITS = 1 << 15
"""A power or a factorial of more bits is not worked out."""
CLOSE = 1e-12
"""Constants that are no fractions are equal within this, relatively."""
_SETS = ("list", "set", "union")


def _exact(node: Node) -> Fraction | None:
    """The value of a constant that is a fraction, None where it is not one."""
    value = _value(node)
    return value if isinstance(value, Fraction) else None


def _value(node: Node) -> Fraction | complex | None:
    """The value of a constant: a Fraction where it is exact, else a complex number; None where it is none, or too large."""
    try:
        value = _VALUES.get(node[0])
        return None if value is None else value(node)
    except (ArithmeticError, ValueError):
        return None


def _values(nodes: Iterable[Node]) -> list[Fraction | complex] | None:
    values = []
    for node in nodes:
        value = _value(node)
        if value is None:
            return None
        values.append(value)
    return values


def _value_of_sum(node: Node) -> Fraction | complex | None:
    values = _values(node[1:])
    return None if values is None else sum(values[1:], values[0])


def _value_of_product(node: Node) -> Fraction | complex | None:
    values = _values(node[1:])
    if values is None:
        return None
    product = values[0]
    for value in values[1:]:
        product = product * value
        if isinstance(product, Fraction) and max(product.numerator.bit_length(), product.denominator.bit_length()) > MAX_BITS:
            return None
    return product


def _value_of_fraction(node: Node) -> Fraction | complex | None:
    values = _values(node[1:])
    return None if values is None or values[1] == 0 else values[0] / values[1]


def _value_of_power(node: Node) -> Fraction | complex | None:
    values = _values(node[1:])
    if values is None:
        return None
    base, exponent = values
    if isinstance(base, Fraction) and isinstance(exponent, Fraction):
        if exponent.denominator == 1:
            bits = max(base.numerator.bit_length(), base.denominator.bit_length())
            return None if abs(exponent) * bits > MAX_BITS else base**exponent.numerator
        root = _root(base, exponent.denominator)
        if root is not None:
            return _value_of_power(("pow", ("num", root), ("num", Fraction(exponent.numerator))))
    return complex(base) ** complex(exponent) if base != 0 else None


def _root(base: Fraction, order: int) -> Fraction | None:
    """The root of a fraction where that is a fraction."""
    if base < 0 or order > 64:
        return None
    parts = []
    for part in (base.numerator, base.denominator):
        root = math.isqrt(part) if order == 2 else round(part ** (1 / order)) if part.bit_length() < 1000 else 0
        if root**order != part:
            return None
        parts.append(root)
    return Fraction(parts[0], parts[1])


def _value_of_call(node: Node) -> Fraction | complex | None:
    name, values = node[1], _values(node[2:])
    if values is None:
        return None
    exact = [v for v in values if isinstance(v, Fraction)]
    if name == "!" and exact and exact[0].denominator == 1 and 0 <= exact[0] <= 500:
        return Fraction(math.factorial(exact[0].numerator))
    if name == r"\binom" and len(exact) == 2 and all(v.denominator == 1 and 0 <= v <= 2000 for v in exact):
        return Fraction(math.comb(exact[0].numerator, exact[1].numerator))
    if name == "|":
        return abs(exact[0]) if exact else complex(abs(complex(values[0])))
    if name in (r"\lfloor", r"\lceil") and exact:
        return Fraction(math.floor(exact[0]) if name == r"\lfloor" else math.ceil(exact[0]))
    if name in (r"\ln", r"\log") and values[0] != 0:
        below = complex(values[1]) if len(values) > 1 else complex(math.e if name == r"\ln" else 10)
        return cmath.log(complex(values[0])) / cmath.log(below)
    return None


_CONSTANTS = {r"\pi": complex(math.pi), "i": 1j}
_VALUES: dict[str, Callable[[Node], Fraction | complex | None]] = {
    "percent": lambda node: _value(node[1]),
    "num": lambda node: node[1],
    "sym": lambda node: _CONSTANTS.get(node[1]),
    "mixed": lambda node: _value_of_sum(("sum", node[1], node[2])),
    "sum": _value_of_sum,
    "prod": _value_of_product,
    "frac": _value_of_fraction,
    "pow": _value_of_power,
    "call": _value_of_call,
}


def _folded(node: Node) -> Node:
    """The tree in one form: sums and products sorted, constants worked out, nothing multiplied out."""
    kind = node[0]
    value = _value(node) if kind in _VALUES else None
    if value is not None:
        return _constant(value)
    if kind in ("sum", "mixed"):
        return _folded_sum(node[1:])
    if kind in ("prod", "frac"):
        below = [("pow", node[2], _MINUS)] if kind == "frac" else []
        return _folded_product([*(node[1:] if kind == "prod" else node[1:2]), *below])
    if kind == "pow":
        return _folded_power(_folded(node[1]), _folded(node[2]))
    if kind == "matrix":
        return (kind, *(tuple(_folded(cell) for cell in row) for row in node[1:]))
    return (kind, *(_folded(part) if isinstance(part, tuple) else part for part in node[1:]))


def _constant(value: Fraction | complex) -> Node:
    if isinstance(value, Fraction):
        return ("num", value)
    if abs(value.imag) <= CLOSE * abs(value) and value.real == round(value.real):
        return ("num", Fraction(round(value.real)))
    return ("real", f"{value.real:.11e}", f"{value.imag:.11e}" if abs(value.imag) > CLOSE * abs(value) else "0")


def _folded_sum(parts: Sequence[Node]) -> Node:
    terms: list[Node] = []
    constants: list[Node] = []
    for part in parts:
        if _value(part) is not None:
            constants.append(part)
        elif (term := _folded(part))[0] == "sum":
            terms += term[1:]
        else:
            terms.append(term)
    like: dict[Node, Fraction] = {}
    for term in terms:
        by, rest = _coefficient(term)
        like[rest] = like.get(rest, Fraction(0)) + by
    terms = [_folded_product([("num", by), rest]) for rest, by in like.items() if by != 0]
    constant = _value(("sum", *constants)) if constants else None
    if constant is not None and constant != 0:
        terms.append(_constant(constant))
    if not terms:
        return _num(0)
    return terms[0] if len(terms) == 1 else ("sum", *sorted(terms, key=repr))


def _coefficient(term: Node) -> tuple[Fraction, Node]:
    if term[0] == "prod" and term[1][0] == "num":
        rest = term[2:]
        return term[1][1], rest[0] if len(rest) == 1 else ("prod", *rest)
    return Fraction(1), term


def _folded_product(parts: Sequence[Node]) -> Node:
    constants: list[Node] = []
    powers: dict[Node, Node] = {}
    todo = list(parts)
    while todo:
        part = todo.pop()
        if _value(part) is not None:
            constants.append(part)
            continue
        node = _folded(part)
        if node[0] == "prod":
            todo += node[1:]
            continue
        if node[0] in ("num", "real"):
            constants.append(part)
            continue
        base, exponent = (node[1], node[2]) if node[0] == "pow" else (node, _num(1))
        before = powers.get(base)
        powers[base] = exponent if before is None else _folded_sum([before, exponent])
    constant = _value(("prod", *constants)) if constants else Fraction(1)
    factors = [node for base, exponent in powers.items() if (node := _folded_power(base, exponent)) != _num(1)]
    if constant is None:
        raise _UnreadableError("a constant is too large")
    if constant == 0:
        return _num(0)
    shown = _constant(constant)
    factors = ([] if shown == _num(1) else [shown]) + sorted(factors, key=repr)
    if not factors:
        return _num(1)
    return factors[0] if len(factors) == 1 else ("prod", *factors)


def _folded_power(base: Node, exponent: Node) -> Node:
    whole = exponent[0] == "num" and exponent[1].denominator == 1
    if exponent == _num(1):
        return base
    if whole and exponent[1] == 0:
        return _num(1)
    if base[0] == "prod" and whole:
        return _folded_product([("pow", factor, exponent) for factor in base[1:]])
    if base[0] == "pow" and whole:
        return _folded_power(base[1], _folded_product([base[2], exponent]))
    return ("pow", base, exponent)


def _alike(a: Node, b: Node) -> bool:
    """Whether two trees say the same value."""
    if a[0] == "either" or b[0] == "either":
        one, other = (a, b) if a[0] == "either" else (b, a)
        if other[0] == "either":
            return a == b
        kinds = ("percent",) if other[0] == "percent" else tuple(value[0] for value in one[1:])
        return any(_alike(value, other) for value in one[1:] if value[0] in kinds)
    a, b = (node[1] if node[0] == "percent" else node for node in (a, b))
    if a[0] == "value" and b[0] == "value":
        return _folded(a[1]) == _folded(b[1]) and _alike(a[2], b[2])
    if a[0] == "value" or b[0] == "value":
        return _alike(a[2] if a[0] == "value" else a, b[2] if b[0] == "value" else b)
    a, b = _scaled(_widened(a)), _scaled(_widened(b))
    if "ratio" in (a[0], b[0]) and a[0] != b[0]:
        one, other = (a, b) if a[0] == "ratio" else (b, a)
        return len(one) == 3 and other[0] in ("frac", "prod") and _same_value(("frac", one[1], one[2]), other)
    if {a[0], b[0]} == {"set", "list"} or (a[0] != b[0] and (a[0] in _GROUPS_OF or b[0] in _GROUPS_OF)):
        return False
    if a[0] in _SETS:
        return len(a) == len(b) and _paired(list(a[1:]), list(b[1:]))
    if a[0] == "tuple":
        return a[1] == b[1] and len(a) == len(b) and all(_alike(x, y) for x, y in zip(a[2:], b[2:], strict=True))
    if a[0] == "matrix":
        same = [len(row) for row in a[1:]] == [len(row) for row in b[1:]]
        return same and all(_alike(x, y) for p, q in zip(a[1:], b[1:], strict=True) for x, y in zip(p, q, strict=True))
    if a[0] == "ratio" and b[0] == "ratio":
        return len(a) == len(b) and all(_alike(x, y) for x, y in zip(a[1:], b[1:], strict=True))
    return _same_value(a, b)


_GROUPS_OF = (*_SETS, "tuple", "matrix", "equation", "relation", "ratio")


def _same_value(a: Node, b: Node) -> bool:
    x, y = _value(a), _value(b)
    if x is None or y is None:
        return x is None and y is None and _folded(a) == _folded(b)
    if isinstance(x, Fraction) and isinstance(y, Fraction):
        return x == y
    return abs(complex(x) - complex(y)) <= CLOSE * max(1.0, abs(complex(x)))


def _scaled(node: Node) -> Node:
    """A matrix with the factor before it in every place."""
    matrices = [part for part in node[1:] if isinstance(part, tuple) and part[0] == "matrix"] if node[0] == "prod" else []
    if len(matrices) != 1:
        return node
    by = [part for part in node[1:] if part != matrices[0]]
    return ("matrix", *(tuple(("prod", *by, cell) for cell in row) for row in matrices[0][1:]))


def _widened(node: Node) -> Node:
    """A value with plus-minus as the two values that it stands for; in a list, among its values."""
    if node[0] == "list":
        items: list[Node] = []
        for item in node[1:]:
            wide = _widened(item[2] if item[0] == "value" else item)
            items += wide[1:] if wide[0] == "list" else (wide,)
        return ("list", *items)
    if not _has_choice(node):
        return node
    return ("list", _chosen(node, 1), _chosen(node, -1))


def _has_choice(node: Any) -> bool:
    return isinstance(node, tuple) and (node[:1] == ("pm",) or any(_has_choice(part) for part in node))


def _chosen(node: Any, sign: int) -> Any:
    if not isinstance(node, tuple):
        return node
    if node[:1] == ("pm",):
        return ("prod", _num(sign), _chosen(node[1], sign))
    return tuple(_chosen(part, sign) for part in node)


def _paired(left: list[Node], right: list[Node]) -> bool:
    """Whether the values of two lists can be paired, in any order."""
    if len(left) > 64:
        return left == right
    for one in left:
        at = next((i for i, other in enumerate(right) if _alike(one, other)), None)
        if at is None:
            return False
        del right[at]
    return not right


# --- Formulas: the score ---------------------------------------------------------------------------------------------------------

_LETTER = re.compile(r"[\s$]*(?:\"|\\text(?:bf|rm)?\{)?\s*\(?([A-Z])\)?\s*(?:\"|\})?[\s.$]*")
_LETTERED = re.compile(r"^(?:\"\s*\(?([A-Z])\)?\s*\"|\(([A-Z])\))\s*(?=\S)")
_ANNOUNCED = re.compile(r"^\"[^\"]*(?:\bis|[:=])\s*\"\s*(?=\S)")


def _tree(text: str) -> Node:
    """The tree of an answer in LaTeX. Raises _UnreadableError where it is none."""
    cleaned = _cleaned(text)
    letter = _LETTER.fullmatch(cleaned)
    if letter:
        return ("word", letter.group(1).lower())
    cleaned = _LETTERED.sub("", _ANNOUNCED.sub("", cleaned))
    if not cleaned:
        raise _UnreadableError("it is empty")
    parser = _Parser(_tokens(cleaned))
    words = re.fullmatch(r"\s*\"([^\"]*)\"\s*", cleaned) or re.fullmatch(r"([A-Za-z][A-Za-z' -]*[A-Za-z])", cleaned)
    if words and len(parser.tokens) != 2 and not _LETTERS.fullmatch(cleaned) and (cleaned.startswith('"') or len(cleaned) > 2):
        return ("word", " ".join(words.group(1).lower().strip(" .,;:()").split()))
    return parser.whole()


def _summed(got: Node, want: Node) -> Node:
    """What m + n = 13 says where a number is wanted: the number."""
    names = got[1] if got[0] == "equation" and len(got) == 3 else ("",)
    named = names[0] == "sum" and all(part[0] == "sym" for part in names[1:])
    return got[2] if named and _exact(want) is not None else got


def _lettered(answer: str, want: Node) -> bool:
    """Whether an answer is the letter of a choice that is wanted, with the text of the choice behind it."""
    letter = _LETTERED.match(_cleaned(answer))
    return letter is not None and want == ("word", (letter[1] or letter[2]).lower())


def _plain(text: str) -> str:
    """A formula without what only sets it apart: spaces, sizes, dollar signs, kinds of fractions."""
    text = re.sub(r"\\[dtc]frac", r"\\frac", _DROPPED.sub("", text))
    return re.sub(r"[\s${}]|\\[a-z]*box(?![A-Za-z])", "", text)


def _sorted(node: Any) -> Any:
    """The tree with sums and products in one order, and nothing worked out."""
    if not isinstance(node, tuple):
        return node
    parts = [_sorted(part) for part in node]
    return (parts[0], *sorted(parts[1:], key=repr)) if node[:1] in (("sum",), ("prod",)) else tuple(parts)


def _echo(answer: str, tree: Node, question: str) -> bool:
    """Whether an answer is an expression that stands in the question as it is."""
    if tree[0] in ("num", "word", "sym", "real") or (tree[0] == "prod" and len(tree) == 3 and tree[1] == _MINUS and tree[2][0] == "num"):
        return False
    shown = _plain(answer)
    return bool(shown) and shown in _plain(question)


def _candidate(text: str) -> str | None:
    """The formula that a text gives as its answer."""
    marked = _marked(text)
    if marked is not None:
        if _boxes(text) or not marked.strip():
            return marked
        near = marked.lstrip()[:4096]
        formulas, sentence = _formulas(near), _sentence(near)
        return formulas[0][1] if formulas and formulas[0][0] <= len(sentence) + 2 else sentence
    formulas = _formulas(text)
    if formulas:
        return formulas[-1][1]
    number = _last_number(text)
    return None if number is None else str(number)


def _formula(text: str, label: Label) -> Score:
    answer = _candidate(text)
    if answer is None or not answer.strip():
        return Score(0.0, 0.0, "", "no formula is given as the answer")
    shown = answer.strip()[:200]
    try:
        got, want = _tree(answer), _tree(label.answer)
        right = _alike(_summed(got, want), want) or _lettered(answer, want)
        if right and label.question and _sorted(got) != _sorted(want) and _echo(answer, got, label.question):
            return Score(0.0, 0.0, shown, "the answer repeats an expression of the question, which is not worked out")
    except (_UnreadableError, RecursionError):
        right = _plain(answer) != "" and _plain(answer).rstrip(".") == _plain(label.answer).rstrip(".")
    return Score(float(right), float(right), shown, f"the answer is {'' if right else 'not '}the reference")


# --- Texts -----------------------------------------------------------------------------------------------------------------------

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_PLACE = r"(?:passage|context|text|paragraph|article|question)"
_SILENT = re.compile(
    r"(?:(?:it|question|this question|answer|correct answer|this) is |(?:question|this question|it|answer) )?"
    r"(?:unanswerable|impossible to answer"
    r"|(?:not|cannot|can not|cant)(?: be)? (?:answer|answered|answerable|determined|found|possible to answer)"
    r"|(?:not|isnt) (?:enough information|(?:given|mentioned|stated|specified|provided|available|in)(?: in| by)?))"
    rf"(?: (?:in |from |by |based on |using )?(?:this |provided |given )?(?:information in )?{_PLACE})?"
    r"|(?:i )?(?:dont|do not) know|(?:there is )?(?:insufficient|not enough|no) information(?: (?:given|available))?"
    r"|(?:there is )?no (?:correct )?answer(?: (?:is )?(?:found|available|possible|exists|given|provided|in passage|in context|in text))?"
    rf"|{_PLACE} (?:does not|doesnt) (?:say|mention|state|specify|provide|answer)(?: (?:it|this|question|answer))?"
    r"|noanswer|none|null|na|unknown|nothing"
)
"""What says, as a whole and normalized, that there is no answer."""
_TAGGED = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.DOTALL | re.IGNORECASE)
_ANSWERS = re.compile(r"(?:^|[\n.!?]\s*)(?:the\s+)?(?:final\s+)?answer(?:\s+is\s*:?\s+|\s*:\s*)", re.IGNORECASE)


def _normal(text: str) -> str:
    """The normalization of SQuAD's own script: lower case, no ASCII punctuation, no articles, single spaces."""
    text = text.lower().translate(_PUNCTUATION)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def _f1(got: str, want: str) -> float:
    left, right = got.split(), want.split()
    if not left or not right:
        return float(left == right)
    common = sum((Counter(left) & Counter(right)).values())
    return 0.0 if common == 0 else 2 * common / (len(left) + len(right))


def _short(text: str, golds: Sequence[str]) -> str:
    """The answer inside of a text: without tags, the words that announce it, and what follows on further lines."""
    if any(_normal(gold) == _normal(text) for gold in golds):
        return text
    tagged = _last(_TAGGED, text)
    if tagged:
        return str(tagged[1])
    boxes = _boxes(text)
    if boxes:
        return _STYLE.sub("", boxes[-1]).replace("~", " ").strip("{} ")
    text = text.replace("**", "")
    last = _last(_ANSWERS, text)
    if last:
        text = text[last.end() :]
    first = text.strip().split("\n", 1)[0]
    return re.sub(r"^(?:\*\*|[\"“`])+|(?:\*\*|[\"”`])+$", "", first.strip()) if first else text


def _golds(label: Label) -> list[str]:
    golds = list(label.answers) or [label.answer]
    speaking = [gold for gold in golds if _normal(gold)]
    return speaking or golds


def _text(text: str, label: Label) -> Score:
    golds = _golds(label)
    return _best(unicodedata.normalize("NFC", _short(text, golds)), golds, _f1)


def _best(answer: str, golds: Sequence[str], measure: Callable[[str, str], float]) -> Score:
    best, exact = 0.0, 0.0
    for gold in golds:
        gold = unicodedata.normalize("NFC", gold)
        if not _normal(gold):
            same = float(answer.strip().rstrip(".").lower() == gold.strip().rstrip(".").lower())
            best, exact = max(best, same), max(exact, same)
            continue
        exact = max(exact, float(_normal(answer) == _normal(gold)))
        best = max(best, measure(_normal(answer), _normal(gold)))
    return Score(best, exact, answer.strip()[:200], "the share of words in common with the nearest reference (F1)")


def _no_answer_text(text: str, label: Label) -> Score:
    golds = _golds(label)
    impossible = label.impossible or (not label.answers and label.answer.strip().lower() == "unanswerable")
    answer = unicodedata.normalize("NFC", _short(text, [] if impossible else golds))
    silent = not _normal(answer) or bool(_SILENT.fullmatch(_normal(answer)))
    if impossible:
        return Score(float(silent), float(silent), "" if silent else answer.strip()[:200], "the row has no answer, and saying so is right")
    found = _best(answer, golds, _f1)
    if found.acc == 1.0 or not silent:
        return found
    return Score(0.0, 0.0, "", "it says that there is no answer, and there is one")


_DECIDED = ("yes", "no", "noanswer")


def _decided_f1(got: str, want: str) -> float:
    return 0.0 if got != want and (got in _DECIDED or want in _DECIDED) else _f1(got, want)


def _yes_no_text(text: str, label: Label) -> Score:
    golds = _golds(label)
    answer = unicodedata.normalize("NFC", _short(text, golds))
    first = re.match(r"\s*(yes|no)\b\s*(?:[.,;:!(—–-]|$)", answer, re.IGNORECASE)
    if first and any(_normal(gold) in ("yes", "no") for gold in golds):
        other = {"yes": "no", "no": "yes"}[first.group(1).lower()]
        if not re.search(rf"\b{other}\b", answer[first.end() :], re.IGNORECASE):
            answer = first.group(1)
    return _best(answer, golds, _decided_f1)


def _code(text: str, label: Label) -> Score:
    return Score(None, None, "", "a program is scored in a sandbox, which this file is not")


_SCORE: dict[str, Callable[[str, Label], Score]] = {
    "numeric": _numeric,
    "formula": _formula,
    "text": _text,
    "no-answer text": _no_answer_text,
    "yes-no text": _yes_no_text,
    "code": _code,
}


# --- Trainers --------------------------------------------------------------------------------------------------------------------


def compute_score(data_source: str, solution_str: str, ground_truth: Any, extra_info: Any = None, **_: Any) -> dict[str, Any]:
    """The score for verl (`reward.custom_reward_function.path`): always the keys score, acc and pred.

    ground_truth: the label. extra_info: its `question` serves a label that has none. A row of code scores 0 with a warning: this file
    runs nothing.
    """
    label = Label.of(ground_truth)
    found = score(solution_str, _with_question(label, extra_info))
    if found.score is None or found.acc is None:
        warnings.warn(f"{data_source}: {found.reason}; its rows score 0", stacklevel=2)
        return {"score": 0.0, "acc": 0.0, "pred": found.pred}
    return {"score": found.score, "acc": found.acc, "pred": found.pred}


def reward(completions: Sequence[Any], label: Sequence[Any], **columns: Any) -> list[float | None]:
    """The scores for TRL and Axolotl, in the order of the completions; None where a row is of code, which takes no part then.

    completions: texts, or conversations of messages, of which the last one counts. label: the column of that name.
    """
    if len(completions) != len(label):
        raise ValueError(f"there are {len(completions)} completions and {len(label)} labels")
    return [score(_said_last(completion), of).score for completion, of in zip(completions, label, strict=True)]


def reward_func(queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **_: Any) -> dict[str, Any]:
    """The scores for OpenRLHF (`--reward.remote_url rewards.py`): rewards, scores, which is the same, and extra_logs with acc.

    queries: each a prompt with its answer behind it. Each of the three is a list in the order of the queries, or a tensor where the
    process has loaded PyTorch, as that of OpenRLHF has. A row of code scores 0 with a warning: this file runs nothing.
    """
    found = [score(query.removeprefix(prompt), label) for query, prompt, label in zip(queries, prompts, labels, strict=True)]
    for reason in {one.reason: None for one in found if one.score is None}:
        warnings.warn(f"{reason}; its rows score 0", stacklevel=2)
    torch = sys.modules.get("torch")
    listed = torch.tensor if torch else list
    scores = listed([one.score or 0.0 for one in found])
    return {"rewards": scores, "scores": scores, "extra_logs": {"acc": listed([one.acc or 0.0 for one in found])}}


def _with_question(label: Label, extra_info: Any) -> Label:
    question = extra_info.get("question") if isinstance(extra_info, Mapping) else None
    return label if label.question or not question else label._replace(question=str(question))


def _said_last(completion: Any) -> str:
    """The text of a completion: itself, or what the last of its messages says, whose parts are joined."""
    if isinstance(completion, Sequence) and not isinstance(completion, str):
        completion = completion[-1] if completion else ""
    if isinstance(completion, Mapping):
        completion = completion.get("content") or ""
    if isinstance(completion, Sequence) and not isinstance(completion, str):
        completion = "".join(str(part.get("text", "")) for part in completion if isinstance(part, Mapping))
    return str(completion)
