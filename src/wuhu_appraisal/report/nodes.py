"""A tree of sentences: what an explanation is made of before it is shown or written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

from wuhu_appraisal.findings import Source
from wuhu_appraisal.ledger import LedgerEntry
from wuhu_appraisal.numbers import Number, exact_text
from wuhu_appraisal.report.result import ledger_json

Sides: TypeAlias = tuple[Fraction | None, Fraction | None]


@dataclass(slots=True)
class Node:
    """A sentence and what stands behind it.

    A node's ``value`` is the sum of its children's values, each times its ``coefficient``, over
    the children that have a coefficient; a value of None counts as 0 there. Children without a
    coefficient say something of the node. A node whose children were not asked for has none.

    ``lead`` is a number that stands before the text; ``digits`` are those that ``published`` was
    rounded to; ``sides`` are the values that a difference is between.
    """

    text: str
    children: list["Node"] = field(default_factory=list)
    kind: str = "text"
    value: Number | None = None
    coefficient: Fraction | None = None
    published: str = ""
    digits: int | None = None
    clause: str = ""
    sources: Sequence[Source] = ()
    reading: LedgerEntry | None = None
    lead: str = ""
    sides: Sides | None = None

    @property
    def sentence(self) -> str:
        """The text with where it stands and the clause behind it."""
        places = "".join(f" · {source}" for source in self.sources)
        return self.text + places + (f"  [{self.clause}]" if self.clause else "")

    @property
    def line(self) -> str:
        """All of it on one line."""
        return f"{self.lead}  {self.sentence}" if self.lead else self.sentence


def data(node: Node) -> dict[str, Any]:
    """The tree as JSON data; every node has all the keys.

    - ``kind``: unit, final, rank, step, rounding, assumption, composite, stage, score, cell,
      adjustment, record, bound, reading, remark; of a comparison: comparison, stage, member,
      adjustment, cap, adjusting, final, rounding, note
    - ``text``: the sentence, without its sources and clause
    - ``value``: the exact number as text, '86.25' or 'p/q'; of a comparison the difference, first
      less second; null where there is none
    - ``coefficient``: how often the node's value counts in its parent's, as exact text; null for a
      node that only says something. A node's value is the sum of coefficient times value over
      its children with a coefficient, where a value of null counts as 0 (no such children: the
      tree was cut off at a depth, or the node is a cell)
    - ``published`` and ``rounding``: the value as published, and {"digits", "rule"} of its rounding
    - ``clause``: of the published document; null where the text rests on none
    - ``sources``: the cells, [{"file", "sheet", "cell"}]
    - ``reading``: how the cell was read, where it holds other than a plain number: an entry of the
      result's ledger
    - ``sides``: of a comparison, the two exact values as text in points of the final, null for a
      unit that has no such part; else null
    - ``children``: the nodes behind it
    """
    rounding = {"digits": node.digits, "rule": "half_up"}
    return {
        "kind": node.kind,
        "text": f"{node.lead} {node.text}" if node.lead else node.text,
        "value": _exact(node.value),
        "coefficient": _exact(node.coefficient),
        "published": node.published or None,
        "rounding": rounding if node.digits is not None else None,
        "clause": node.clause or None,
        "sources": [{"file": at.file, "sheet": at.sheet, "cell": at.cell} for at in node.sources],
        "reading": ledger_json(node.reading) if node.reading else None,
        "sides": [_exact(side) for side in node.sides] if node.sides else None,
        "children": [data(child) for child in node.children],
    }


def _exact(value: Number | None) -> str | None:
    return None if value is None else exact_text(value)
