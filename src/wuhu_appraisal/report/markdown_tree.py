"""A tree of sentences as Markdown: nested lists by CommonMark 0.31, each sentence an item."""

import re
from collections.abc import Iterable, Iterator

from wuhu_appraisal.report.markdown_report import inline
from wuhu_appraisal.report.nodes import Node

_LIST_MARK = re.compile(r"^(\d{0,9})([-+.)])(?=[-+\s]|$)")


def render(node: Node, banner: Iterable[str]) -> str:
    """The tree below the banner of a provisional result, with a line's end behind the last line."""
    paragraphs = [f"> **{inline(line)}**" for line in banner]
    return "\n\n".join([*paragraphs, "\n".join(_items(node, 0))]) + "\n"


def _items(node: Node, level: int) -> Iterator[str]:
    text = _LIST_MARK.sub(r"\1\\\2", inline(node.line.strip()))
    yield f"{'  ' * level}- {text}"
    for child in node.children:
        yield from _items(child, level + 1)
