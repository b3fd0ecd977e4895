"""What tests share: where things are, inputs to build, other programs to ask."""

from collections.abc import Callable
from pathlib import Path

from click.testing import Result

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
EXAMPLES = ROOT / "examples"
STAGE_FILES = EXAMPLES / "stage-files"

Appraise = Callable[..., Result]
"""Runs the command line with the given arguments."""
