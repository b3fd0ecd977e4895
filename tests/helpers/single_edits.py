"""One change in one workbook of the example, and what the tool and a plain reading make of it.

The other workbooks are read once. ``EXCUSED`` lists the changes that may pass in silence, because a
person could have meant them; those in ``LATER`` wait for checks that are still to come.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

import openpyxl
from openpyxl import Workbook
from openpyxl.worksheet.cell_range import CellRange

from helpers import STAGE_FILES, plain_2020
from wuhu_appraisal import Result, load_scheme
from wuhu_appraisal.appraisal import ReadOptions, read_sources, run_of
from wuhu_appraisal.findings import Finding
from wuhu_appraisal.read.reading import Reading

EXCUSED: Mapping[str, str] = {
    "a score is another plausible one": "nobody else can know what the office meant",
    "a record is another unit's": "nobody else can know whom the office meant",
    "a record states other points": "nobody else can know what the office meant",
    "the last record is deleted": "a list without it is a right one",
    "two rows change places": "the order of rows says nothing",
}
"""The kinds of changes that may change finals in silence, with the reason."""

LATER: Mapping[str, str] = {}
"""The kinds that are still silent; taking a line out of here puts the kind to the test."""

FOLDERS = ("专业机构测评", "双向互评", "日常测评", "社会评议", "加扣分")
Worksheet: TypeAlias = Any
"""A worksheet of openpyxl; its stubs know too many kinds of cells."""

Finals: TypeAlias = Mapping[str, str | None]


@dataclass(frozen=True)
class Table:
    """A table in a sheet: 1-based first and last row of its body, and its columns."""

    first: int
    last: int
    header: int
    name: int
    scores: Sequence[int]
    records: bool


@dataclass(frozen=True)
class Outcome:
    """What became of a change: the finals, what the plain reading gives, what is said of the sheet."""

    kind: str
    what: str
    finals: Finals
    plain: Finals | None
    said: Sequence[Finding]
    before: Finals

    @property
    def is_silent(self) -> bool:
        """Whether nothing is said of the sheet although something is otherwise than it was meant."""
        changed = self.finals != self.before and self.kind not in EXCUSED
        return not self.said and (changed or self.plain != self.finals)


def table_of(file: str, place: int, sheet: Worksheet) -> Table:
    """Where the table is, as the generator of the example lays it out."""
    assessed = file.startswith(("专业机构测评", "社会评议"))
    items_down = assessed and "县市区" in file and place == 0
    first = 5 if assessed and not items_down else 4
    last = first
    while not str(sheet.cell(last + 1, 1).value).startswith(("合计", "填表人")):
        last += 1
    scores = [5] if items_down else [3]
    if assessed and not items_down:
        scores = list(range(3, sheet.max_column - 1))
    name = 3 if items_down else 2
    return Table(first, last, first - 1, name, scores, file.startswith("加扣分"))


class Example:
    """The example as it is, each workbook read for itself."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loaded = load_scheme("wuhu-2020")
        assert self.loaded.scheme is not None
        self.scheme = self.loaded.scheme
        paths = sorted(STAGE_FILES.rglob("*.xlsx"))
        self.contents = {
            path.relative_to(STAGE_FILES).as_posix(): path.read_bytes() for path in paths
        }
        self.readings = {file: self.read(file, content) for file, content in self.contents.items()}
        self.facts = {
            file: plain_2020.facts(file, openpyxl.load_workbook(STAGE_FILES / file))
            for file in self.contents
            if file.startswith(FOLDERS)
        }
        self.right = self.run({})
        self.finals = plain_2020.finals(self.facts)

    def read(self, file: str, content: bytes) -> Reading:
        """A workbook alone, as it would be read among the others."""
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        try:
            return read_sources(self.scheme, [self.folder], ReadOptions())
        finally:
            path.unlink()

    def run(self, changed: Mapping[str, Reading]) -> Result:
        """The appraisal of all workbooks, some of them changed."""
        whole = Reading()
        for reading in {**self.readings, **changed}.values():
            for part in fields(Reading):
                ours, theirs = getattr(whole, part.name), getattr(reading, part.name)
                if isinstance(theirs, list):
                    ours += theirs
                    continue
                for key, value in theirs.items():
                    ours[key] = [*ours.get(key, ()), *value] if isinstance(value, list) else value
        return run_of(self.loaded, whole, [])

    def outcome(self, seed: int) -> Outcome:
        """Make the change that a seed draws, and see what comes of it."""
        chance = random.Random(seed)
        kind = chance.choice([kind for kind in KINDS if kind not in LATER])
        while True:
            folder = "加扣分" if "record" in kind else chance.choice(FOLDERS)
            file = chance.choice([file for file in self.contents if file.startswith(folder)])
            book = openpyxl.load_workbook(STAGE_FILES / file)
            place = chance.randrange(len(book.worksheets))
            sheet = book.worksheets[place]
            name = sheet.title
            what = KINDS[kind](chance, book, sheet, table_of(file, place, sheet))
            if what:
                break
        return self._judge(kind, (file, name), what, book)

    def _judge(self, kind: str, at: tuple[str, str], what: str, book: Workbook) -> Outcome:
        file, name = at
        path = self.folder / "changed.xlsx"
        book.save(path)
        content = path.read_bytes()
        path.unlink()
        run = self.run({file: self.read(file, content)})
        known = set(map(_whole, self.right.findings))
        new = [item for item in run.findings if _whole(item) not in known]
        names = {name, *book.sheetnames}
        return Outcome(
            kind,
            f"{file} › {name}: {kind}: {what}",
            finals_of(run),
            self._plain(file, book),
            [item for item in new if _is_about(item, file, names)],
            finals_of(self.right),
        )

    def _plain(self, file: str, book: Workbook) -> Finals | None:
        try:
            facts = plain_2020.facts(file, book)
        except plain_2020.RefusedError:
            return None
        old = self.facts[file]
        differing = {key for key in old.keys() | facts.keys() if old.get(key) != facts.get(key)}
        units = {key[1] for key in differing}
        return {**self.finals, **plain_2020.finals({**self.facts, file: facts}, units)}


def _whole(item: Finding) -> tuple[object, ...]:
    return item.source, item.code, *map(str, item.params.values())


def _is_about(item: Finding, file: str, names: set[str]) -> bool:
    """Whether a finding is about a sheet, or names it; or about its file, or what did not come."""
    source = item.source
    if not source.file or (source.file == file and (not source.sheet or source.sheet in names)):
        return True
    return any(f"{file} › {name}" in str(text) for name in names for text in item.params.values())


def finals_of(run: Result) -> dict[str, str | None]:
    """The final of each unit as text."""
    return {
        item.unit: None if item.final is None else str(item.final)
        for ranked in run.standings.values()
        for item in ranked
    }


# --- the changes: each makes one and says which, or '' if there is none to make in this sheet ------

Change: TypeAlias = Callable[[random.Random, Workbook, Worksheet, Table], str]


def _cell_at(chance: random.Random, sheet: Worksheet, table: Table) -> Any:
    row = chance.randint(table.first, table.last)
    return sheet.cell(row, chance.choice(table.scores))


def _score_at(chance: random.Random, sheet: Worksheet, table: Table) -> Any:
    cells = [
        sheet.cell(row, column)
        for row in range(table.first, table.last + 1)
        for column in table.scores
    ]
    return chance.choice([cell for cell in cells if isinstance(cell.value, int | float)])


def _put(cell: Any, value: Any) -> str:
    before, cell.value = cell.value, value
    return "" if before == value else f"{cell.coordinate} {before!r} -> {value!r}"


def another_score(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    if table.records:
        return ""
    cell = _score_at(chance, sheet, table)
    column = [
        sheet.cell(row, cell.column).value
        for row in range(table.first, table.last + 1)
        if isinstance(sheet.cell(row, cell.column).value, int | float)
    ]
    marks = sheet.cell(cell.row, 4).value if table.scores == [5] else max(column)
    return _put(cell, chance.choice([value for value in column if value <= marks]))


def other_points(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    if not table.records:
        return ""
    return _put(_score_at(chance, sheet, table), chance.choice([0.5, 1]))


def slipped(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    """A point or a digit goes astray, so that the score is of another size."""
    if table.records:
        return ""
    cell = _score_at(chance, sheet, table)
    text = str(cell.value)
    ways = [text.replace(".", ""), text[1:], f"{text[0]}{text}"]
    ways += [str(float(text) / 10), str(float(text) * 10)]
    slips = [float(way) for way in ways if way.replace(".", "", 1).isdigit()]
    return _put(cell, chance.choice(slips))


def not_applicable(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    return _put(_score_at(chance, sheet, table), "/")


def blanked(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    return _put(_score_at(chance, sheet, table), None)


def not_a_number(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    ways = [
        "O",
        "8O",
        "缺",
        "九十",
        "85 3",
        "85,3",
        "-",
        "?",
        True,
        "85-86",
        "约85",
        "8..5",
    ]
    return _put(_score_at(chance, sheet, table), chance.choice(ways))


def moved(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    cell = _score_at(chance, sheet, table)
    down, right = chance.choice([(0, 1), (0, -1), (1, 0), (-1, 0), (0, 2), (2, 0)])
    row, column = cell.row + down, cell.column + right
    target = sheet.cell(row, column)
    if isinstance(target, openpyxl.cell.cell.MergedCell):
        return ""
    target.value, value = cell.value, cell.value
    cell.value = None
    return f"{value!r} from {cell.coordinate} to {target.coordinate}"


def _name_at(chance: random.Random, sheet: Worksheet, table: Table) -> Any:
    return sheet.cell(chance.randint(table.first, table.last), table.name)


WORDS = (
    *("合计", "汇总", "小计", "平均", "均分", "总体", "全市", "Total", "满分", "得分率"),
    *("备注", "说明", "填表人", "日期", "无", "/", "？", "某某街道"),
)


def renamed(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    words = [
        *WORDS,
        None,
        0,
        "序号",
        "测评对象",
        "得分",
        " ",
        chance.choice(list(plain_2020.NAMES)),
        sheet.cell(chance.randint(table.first, table.last), table.name).value,
    ]
    cell, word = _name_at(chance, sheet, table), chance.choice(words)
    if table.records and word in plain_2020.NAMES:
        return ""
    return _put(cell, word)


def mistyped(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    cell = _name_at(chance, sheet, table)
    text = str(cell.value)
    at = chance.randrange(len(text))
    typed = chance.choice([text[:at] + text[at + 1 :], text[:at] + "某" + text[at + 1 :], text * 2])
    return "" if table.records and typed in plain_2020.NAMES else _put(cell, typed)


def of_another(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    if not table.records:
        return ""
    return _put(_name_at(chance, sheet, table), chance.choice(list(plain_2020.NAMES)))


def header_changed(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    cells = [cell for cell in sheet[table.header] if cell.value is not None]
    texts = [str(cell.value) for cell in cells]
    cell = chance.choice(cells)
    words = [
        None,
        "某项",
        "合计",
        "备注",
        "得分",
        "扣分",
        *texts,
        f"{cell.value}某",
        str(cell.value)[1:],
    ]
    return _put(cell, chance.choice(words))


def deleted(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    last = table.last - table.records
    return _delete(sheet, chance.randint(table.first, last)) if table.first <= last else ""


def last_deleted(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    return _delete(sheet, table.last) if table.records else ""


def _delete(sheet: Worksheet, row: int) -> str:
    rows = _values(sheet)
    del rows[row - 1]
    _rewrite(sheet, rows, lambda at: at - (at > row), lambda at: at - (at >= row))
    return f"row {row}"


def doubled(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    row, rows = chance.randint(table.first, table.last), _values(sheet)
    rows.insert(row, rows[row - 1])
    _rewrite(sheet, rows, lambda at: at + (at > row), lambda at: at + (at > row))
    return f"row {row}"


def swapped(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    if table.name == 3 or table.first == table.last:
        return ""
    one, other = chance.sample(range(table.first, table.last + 1), 2)
    rows = _values(sheet)
    rows[one - 1], rows[other - 1] = rows[other - 1], rows[one - 1]
    if chance.random() < 0.5:
        rows[one - 1][0], rows[other - 1][0] = rows[other - 1][0], rows[one - 1][0]
    _rewrite(sheet, rows, lambda at: at, lambda at: at)
    return f"rows {one} and {other}"


def sheet_renamed(chance: random.Random, book: Workbook, sheet: Worksheet, _table: Table) -> str:
    names = [
        "Sheet1",
        "乡镇",
        "县区",
        "市直",
        "本级",
        "填表说明",
        "优秀政策解读",
        f"{sheet.title}2",
    ]
    name = chance.choice(names)
    before = sheet.title
    if name in book.sheetnames:
        return ""
    sheet.title = name
    return f"{before} -> {name}"


def any_cell(chance: random.Random, _book: Workbook, sheet: Worksheet, table: Table) -> str:
    """Any cell but those of the scores and the names."""
    cells = [
        cell
        for row in sheet.iter_rows()
        for cell in row
        if cell.value is not None
        and not (
            table.first <= cell.row <= table.last and cell.column in (*table.scores, table.name)
        )
    ]
    return _put(
        chance.choice(cells), chance.choice([None, "合计", 1, 99.5, "某", "无为市", "得分"])
    )


KINDS: Mapping[str, Change] = {
    "a score is another plausible one": another_score,
    "a score slips": slipped,
    "a score is not applicable": not_applicable,
    "a score is blanked": blanked,
    "a score is no number": not_a_number,
    "a score is moved": moved,
    "a name is another": renamed,
    "a name is mistyped": mistyped,
    "a record is another unit's": of_another,
    "a record states other points": other_points,
    "a header is another": header_changed,
    "a row is deleted": deleted,
    "the last record is deleted": last_deleted,
    "a row is doubled": doubled,
    "two rows change places": swapped,
    "a sheet is renamed": sheet_renamed,
    "any other cell is another": any_cell,
}


def _values(sheet: Worksheet) -> list[list[Any]]:
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def _rewrite(
    sheet: Worksheet,
    rows: Sequence[Sequence[Any]],
    top: Callable[[int], int],
    bottom: Callable[[int], int],
) -> None:
    """Put rows in place of those in a sheet, and move what is merged as a spreadsheet program does."""
    areas = [CellRange(area.coord) for area in sheet.merged_cells.ranges]
    for area in areas:
        sheet.unmerge_cells(area.coord)
    sheet.delete_rows(1, sheet.max_row)
    for at, row in enumerate(rows, 1):
        for column, value in enumerate(row, 1):
            if value is not None:
                sheet.cell(at, column, value)
    for area in areas:
        first, last = top(area.min_row), bottom(area.max_row)
        if first <= last and (first, area.min_col) != (last, area.max_col):
            sheet.merge_cells(None, first, area.min_col, last, area.max_col)
