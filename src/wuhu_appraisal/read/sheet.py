"""What a sheet holds: its scores or its records, and what is to be known of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from wuhu_appraisal.findings import Finding, Source
from wuhu_appraisal.model import Absent, Axis, Block, LedgerEntry, Record, Remark, Score
from wuhu_appraisal.numbers import plain
from wuhu_appraisal.read.cells import Answer, held
from wuhu_appraisal.read.forms import SheetMatch
from wuhu_appraisal.read.layout import Layout
from wuhu_appraisal.read.unread import Misnamed, Unread
from wuhu_appraisal.scheme.models import Indicator, Scheme
from wuhu_appraisal.workbooks.cell import Look, Raw, Sheet


@dataclass(slots=True)
class SheetContent:
    """The scores or the records of a sheet, with findings, the ledger and remarks.

    ``unread`` are the scores that findings explain already, ``misnamed`` the names that the form
    does not know; ``inside`` tells whether the sheet's date is in its stage's window. ``stated`` has
    the number in the cell of each record.
    """

    block: Block | None = None
    records: list[Record] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    misnamed: list[Misnamed] = field(default_factory=list)
    inside: bool = False
    stated: dict[Source, Decimal] = field(default_factory=dict)

    def enter(self, where: Source, answer: Answer, raw: Raw, look: Look) -> None:
        """Enter into the ledger what a cell counts as, if that is not simply what it holds."""
        if answer.rules and not isinstance(answer.value, Absent):
            value = plain(answer.value) if isinstance(answer.value, Decimal) else str(answer.value)
            self.ledger.append(LedgerEntry(where, held(raw), look.format, value, answer.rules))


class SheetScores(SheetContent):
    """A sheet of scores whose layout is known, with its scores as far as they are read and checked.

    ``rows`` and ``columns`` are the 0-based places of its scores; ``values`` has one list for each
    row. Each row and each column has an indicator and full marks, or None.
    """

    def __init__(
        self,
        scheme: Scheme,
        match: SheetMatch,
        sheet: Sheet,
        layout: Layout,
        findings: list[Finding],
    ) -> None:
        super().__init__(findings=findings)
        self.scheme, self.sheet, self.layout = scheme, sheet, layout
        self.match, self.entry, self.plan = match, match.entry, match.entry.plan
        self.rows = [position - 1 for position in layout.rows.positions]
        self.columns = [position - 1 for position in layout.columns.positions]
        self.row_items, self.column_items = self._items(layout.rows), self._items(layout.columns)
        self.row_marks = list(map(self.plan.marks_of, self.row_items))
        self.column_marks = list(map(self.plan.marks_of, self.column_items))
        self.values: list[list[Score]] = []
        self.incomplete: set[str] = set()
        """The dimensions along which members are lacking, which is an error of its own."""

    def source(self, row: int, column: int) -> Source:
        """Return the cell of the score at these indexes in ``values``."""
        return self.sheet.source(self.rows[row], self.columns[column])

    def _items(self, axis: Axis) -> Sequence[Indicator | None]:
        indicators = self.scheme.indicators_in(self.plan)
        if indicators is None or axis.dimension != self.plan.indicator_dimension:
            return [None] * len(axis.members)
        return [indicators.nodes[member] for member in axis.members]
