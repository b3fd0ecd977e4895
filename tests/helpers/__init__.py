"""What tests share: where things are, inputs to build, other programs to ask."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from click.testing import Result

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
EXAMPLES = ROOT / "examples"
STAGE_FILES = EXAMPLES / "stage-files"

Appraise = Callable[..., Result]
"""Runs the command line with the given arguments."""


def slow_but(values: Iterable[object], *quick: object) -> list[object]:
    """The values of a parameter, all but a few of them marked slow."""
    return [v if v in quick else pytest.param(v, marks=pytest.mark.slow) for v in values]
