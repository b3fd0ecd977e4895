"""The small scheme, right sheets for it, and ways to change them."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from helpers import TESTS
from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal.findings import Finding

SMALL = TESTS / "small_scheme.yaml"
Rows: TypeAlias = Sequence[Sequence[Any]]
Sheets: TypeAlias = Mapping[str, Rows]
SHEETS: Sheets = {
    "work/upper": [["单位", "A", "B one", "B two"], ["甲市", 50, 20, 10], ["乙市", 60, 25, 15]],
    "work/lower": [["单位", "A", "B one", "B two"], ["甲市", 55, 21, 11], ["乙市", 59, 24, 14]],
    "vote/甲市": [["单位", "得分"], ["甲市", 90], ["乙市", 80]],
    "vote/乙市": [["单位", "得分"], ["甲市", 85.5], ["乙市", 95]],
}


def write(folder: Path, sheets: Sheets) -> None:
    for name, rows in sheets.items():
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for row in rows:
            sheet.append(list(row))
        path = folder / f"{name}.xlsx"
        path.parent.mkdir(parents=True, exist_ok=True)
        book.save(path)


def run(folder: Path, changes: Sheets | None = None) -> Result:
    write(folder, {**SHEETS, **(changes or {})})
    return appraise(load_scheme(SMALL), [folder])


def only(found: Result) -> Finding:
    assert len(found.findings) == 1, [item.message for item in found.findings]
    return found.findings[0]


def place(item: Finding) -> str:
    return f"{item.source.file} {item.source.cell}".strip()


Change = Callable[[Worksheet], object]


def computed(folder: Path, change: Change, name: str = "vote/甲市") -> Result:
    """The small input with one workbook changed by openpyxl."""
    write(folder, SHEETS)
    path = folder / f"{name}.xlsx"
    book = openpyxl.load_workbook(path)
    change(book.worksheets[0])
    book.save(path)
    return appraise(load_scheme(SMALL), [folder])


def found_at(run: Result, code: str) -> list[str]:
    return [place(item) for item in run.findings if item.code == code]


def put(cell: str, value: Any, number_format: str = "General") -> Change:
    def change(sheet: Worksheet) -> None:
        sheet[cell] = value
        sheet[cell].number_format = number_format

    return change


def texts(rows: Any, encoding: str, delimiter: str = ",") -> bytes:
    lines = [delimiter.join("" if cell is None else str(cell) for cell in row) for row in rows]
    return "\r\n".join(lines).encode(encoding)


ADJUSTMENT = """
adjustments:
  - id: fault
    title: Fault
    clause: "5"
    kind: deduction
    groups: [city]
    form: {file: faults}
    points: {stated: true, max: 50}
"""
FAULTS: Rows = [["单位", "扣分", "原因", "依据"], ["甲市", 2, "a", "b"]]

ONE_UNIT = (
    'file: "work/{tier}", axes: [unit, indicator]',
    'file: "work/{tier}/{unit}", axes: [indicator]',
)
OURS = "work/upper/甲市"
PLAIN: Rows = [["指标", "得分"], ["A", 50], ["B one", 20], ["B two", 10]]
MARKS = {"A": 60, "B one": 25, "B two": 15}


def judged(
    folder: Path, sheets: Sheets, *scheme: tuple[str, str], change: Change | None = None
) -> Result:
    """The sheets by the small scheme with replacements; ``change`` is made in the first of them."""
    text = SMALL.read_text(encoding="utf-8")
    for before, after in scheme:
        assert before in text
        text = text.replace(before, after)
    folder.mkdir(exist_ok=True)
    (folder / "scheme.yaml").write_text(text, encoding="utf-8")
    write(folder / "in", sheets)
    if change is not None:
        path = folder / "in" / f"{next(iter(sheets))}.xlsx"
        book = openpyxl.load_workbook(path)
        change(book.worksheets[0])
        book.save(path)
    loaded = load_scheme(folder / "scheme.yaml")
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    return appraise(loaded, [folder / "in"])


def of_one_unit(
    folder: Path, rows: Rows, *scheme: tuple[str, str], change: Change | None = None
) -> Result:
    """A sheet with the items of one unit, among others that are right."""
    others = [f"work/{tier}/{unit}" for tier in ("upper", "lower") for unit in ("甲市", "乙市")]
    votes = {name: rows for name, rows in SHEETS.items() if name.startswith("vote")}
    sheets = {OURS: rows, **dict.fromkeys(others[1:], PLAIN), **votes}
    return judged(folder, sheets, ONE_UNIT, *scheme, change=change)


def of_items(header: Sequence[str], *columns: Sequence[Any]) -> Rows:
    """Items in rows, with each column's cells behind them."""
    return [list(header), *([item, *cells] for item, *cells in zip(MARKS, *columns, strict=True))]


NO_REASON = (None, None, None)
