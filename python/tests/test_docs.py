"""The pages: the one of the package is made from its docstrings, and what the guide shows runs."""

import re
from pathlib import Path

import pytest

import mixes
import pages

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCKS = re.findall(r"^```python\n(.*?)^```", (DOCS / "training.md").read_text(), re.MULTILINE | re.DOTALL)
BLOCKS = [block for block in BLOCKS if "from trl import" not in block]  # test_models runs that one


def test_the_page_is_that_of_the_docstrings() -> None:
    assert (DOCS / "python.md").read_text() == pages.page(), "run: cd python && python pages.py > ../docs/python.md"


@pytest.mark.parametrize("block", BLOCKS)
def test_the_guide_runs(block: str, tmp_path: Path) -> None:
    assert '"/mix"' in block
    exec(compile(block.replace('"/mix"', repr(str(mixes.made(tmp_path)))), "docs/training.md", "exec"), {})


def test_the_guide_has_examples() -> None:
    assert len(BLOCKS) >= 4
