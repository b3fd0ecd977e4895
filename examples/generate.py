"""Write full-size example workbooks, as offices would hand them in, from the schemes' YAML.

All scores and grounds are invented, and the same seed gives the same bytes. The one exception is
the Sichuan workbook, which shows the published table kept in examples/sichuan-2011.csv. This
script is independent of the package: it reads the YAML as plain text and imports nothing from it.
"""

import argparse
import csv
import io
import random
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, groupby, product
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.writer.excel import ExcelWriter

HERE = Path(__file__).resolve().parent
CONFIG = HERE.parent / "config"
WRITTEN = datetime(2021, 2, 22, 9, 0, 0)
FOOT = "填表人:" + " " * 24 + "审核人:" + " " * 24
GROUPS = {"county": "县(市)区", "municipal": "市直单位"}
TOWNSHIPS = "甲镇 乙镇 丙镇 丁镇 戊镇 甲乡 甲街道 乙街道 丙街道"
DEPARTMENTS = (
    "发改 教育 科技 经信 公安 民政 司法行政 财政 人社 自然资源 生态环境 住建 交通运输 农业农村 "
    "水务 商务 文旅 卫健 退役军人事务 应急管理 审计 市场监管 统计 医保 城管 信访 扶贫 数据资源"
)
GROUNDS = (
    "部分栏目更新不及时",
    "个别文件缺少解读材料",
    "目录要素不全",
    "少量链接失效",
    "答复超过时限",
)
GAZETTE, NARROW_RATER = "七(四)", "市民政局"
# Items that the document leaves open and every example unit is assessed on.
FOR_ALL = {"三(三)", "五(一)", "七(四)", "七(五)"}
# Units that the professional sheet calls by an alias, and which of their aliases it takes.
ALIASED = {"市发改委": 0, "市卫健委": 0, "市市场监管局": 0, "中国国际贸促会芜湖市支会": -1}
ROUND_ENDS = ("2020-03-31", "2020-06-30", "2020-09-30", "2020-12-31")
# Sheet, head of the points, number of counties, then the points and reason of each record.
RECORDS = (
    ("优秀政策解读", "加分", 2, "1 一等奖|0.5 二等奖|1 一等奖|1 一等奖|0.5 二等奖|0.5 二等奖"),
    ("标准化规范化专项", "扣分", 2, "1 目录未按期发布|0.5 专题未与平台对接|0.5 目录审核不及时"),
    ("权力配置专项", "扣分", 1, "0.5 目录汇总不全|2 未编制内设机构目录|1 派出机构目录链接失效"),
)

Score: TypeAlias = str | int | Decimal | None
Stage: TypeAlias = dict[str, Any]

THIN, FONT = Side(style="thin"), Font(name="宋体", size=11)
BORDER = Border(left=THIN, right=THIN, top=THIN, bottom=THIN)
CENTRE = Alignment(horizontal="center", vertical="center", wrap_text=True)
LEFT = Alignment(horizontal="left", vertical="center", wrap_text=True)
HEAD_FONT, TITLE_FONT = (Font(name="宋体", size=size, bold=True) for size in (11, 16))


@dataclass(frozen=True)
class Item:
    """A scored line of the appraisal content with the title of its category."""

    id: str
    title: str
    marks: Decimal
    category: str
    listed: Sequence[str] | None
    open: bool

    def skipped(self, unit: str) -> float:
        """How likely it is not assessed for a unit."""
        named = self.listed is None or unit in self.listed or self.id in FOR_ALL
        return 0.0 if named else 0.75 if self.open else 1.0


@dataclass(frozen=True)
class Column:
    """A column of a sheet; ``over`` is the heading that it shares with its neighbours."""

    title: str
    width: float
    over: str = ""
    left: bool = False
    merged: bool = False
    scores: bool = False


@dataclass(frozen=True)
class Page:
    """What one sheet shows."""

    name: str
    title: str
    line: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Score]]
    foot: str = FOOT


Books: TypeAlias = Iterator[tuple[str, list[Page]]]


class Generator:
    """What the scheme names, and everything that is drawn at random."""

    def __init__(self, seed: int, folder: Path = CONFIG / "wuhu-2020") -> None:
        """Draw how good each unit of a scheme is and which bodies each county has."""
        self.random = random.Random(seed)
        scheme = load(folder)
        self.stages: list[Stage] = scheme["stages"]
        self.items = {found["id"]: list(items_of(found)) for found in scheme["indicators"]}
        units = {group["id"]: group["units"] for group in scheme["groups"]}
        self.units = {group: [unit["name"] for unit in found] for group, found in units.items()}
        self.raters = {"county": scheme["raters"][0]["units"], "municipal": self.units["county"]}
        everyone = [*self.units["county"], *self.units["municipal"]]
        self.quality = {unit: self.random.uniform(0.72, 0.95) for unit in everyone}
        named = {unit["name"]: unit for unit in units["municipal"]}
        self.aliases = {name: named[name]["aliases"][place] for name, place in ALIASED.items()}
        self.bodies: dict[str, dict[str, list[str]]] = {}
        for county in self.units["county"]:
            chosen = sorted(self.random.sample(range(9), self.random.randint(6, 9)))
            departments = DEPARTMENTS.split()[: self.random.randint(20, 28)]
            self.bodies[county] = {
                "乡镇(街道)": [TOWNSHIPS.split()[place] for place in chosen],
                "县(市)区直单位": [f"{name}部门" for name in departments],
            }

    def stage_items(self, stage: Stage, group: str) -> list[Item]:
        """The items that a stage scores for a group."""
        chosen = stage["plans"][group]["dimensions"]["indicator"].get("items")
        return [item for item in self.items[group] if chosen is None or item.id in chosen]

    def cell(self, item: Item, quality: float, step: str, skipped: float) -> Score:
        """A score in whole steps, near the quality of the marks, or '/' with a probability."""
        if self.random.random() < skipped:
            return "/"
        share = min(1.0, max(0.3, quality + self.random.uniform(-0.18, 0.14)))
        return int(float(item.marks / Decimal(step)) * share + 0.5) * Decimal(step)

    def near(self, centre: float, reach: float, places: int) -> Decimal:
        """A number near the centre with so many decimals."""
        scale = int(10**places)
        return Decimal(round(self.random.uniform(centre - reach, centre + reach) * scale)) / scale

    def ballot(self, units: Sequence[str], spread: Decimal) -> dict[str, Decimal]:
        """A rater's scores, better units mostly higher, the highest ``spread`` above the lowest."""
        opinion = [self.quality[unit] + self.random.uniform(-0.06, 0.06) for unit in units]
        low, high = min(opinion), max(opinion)
        bottom, scale = self.near(82, 2, 1), self.random.choice((10, 100))
        shares = [round((value - low) / (high - low) * float(spread) * scale) for value in opinion]
        return {u: bottom + Decimal(n) / scale for u, n in zip(units, shares, strict=True)}


def load(folder: Path) -> dict[str, Any]:
    """A scheme's YAML files as one mapping whose scalars are all text."""
    files = [folder / f"{part}.yaml" for part in ("scheme", "units", "indicators")]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return dict(yaml.load(text, Loader=yaml.BaseLoader))  # noqa: S506


def items_of(indicators: dict[str, Any]) -> Iterator[Item]:
    """The items of the two-level appraisal content, in order."""
    for top in indicators["items"]:
        for node in top["items"]:
            assessed, category = node.get("assessed", {}), f"{top['id']}、{top['title']['zh']}"
            words = node["id"], node["title"]["zh"], Decimal(node["marks"]), category
            listed = assessed.get("units", []) if assessed else None
            yield Item(*words, listed, assessed.get("open") == "true")


def save(path: Path, pages: Sequence[Page]) -> int:
    """Write a workbook whose bytes depend on its content alone; returns its number of scores."""
    book = Workbook()
    del book["Sheet"]
    book.properties.creator = "芜湖市政务公开办公室"
    book.properties.created = book.properties.modified = WRITTEN
    count = sum(fill(book.create_sheet(page.name), page) for page in pages)
    raw = io.BytesIO()
    # Workbook.save would put the present time into the properties.
    ExcelWriter(book, zipfile.ZipFile(raw, "w")).save()
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, (2021, 2, 22, 9, 0, 0))
            info.compress_type, info.create_system = zipfile.ZIP_DEFLATED, 0
            target.writestr(info, source.read(name))
    return count


def fill(sheet: Worksheet, page: Page) -> int:
    """Lay a page out on a sheet; returns how many scores it holds."""
    width, first = len(page.columns), header(sheet, page.columns)
    for row, values in enumerate(page.rows, first):
        sheet.row_dimensions[row].height = 20
        for place, (column, value) in enumerate(zip(page.columns, values, strict=True), 1):
            cell = sheet.cell(row, place, value)
            cell.font, cell.border = FONT, BORDER
            cell.alignment = LEFT if column.left else CENTRE
    for place, column in enumerate(page.columns):
        row = first
        for _value, run in groupby(page.rows if column.merged else (), key=itemgetter(place)):
            row += merge(sheet, row, place + 1, down=len(list(run)))
    for row, text in ((1, page.title), (2, page.line), (first + len(page.rows), page.foot)):
        merge(sheet, row, 1, across=width)
        sheet.cell(row, 1, text or None).font = TITLE_FONT if row == 1 else FONT
        sheet.cell(row, 1).alignment = CENTRE if row == 1 else LEFT
        sheet.row_dimensions[row].height = 36 if row == 1 else 24
    sheet.freeze_panes = f"C{first}"
    wide, setup = width > 10, sheet.page_setup
    setup.orientation, setup.paperSize = ("landscape", 8) if wide else ("portrait", 9)
    setup.fitToPage, setup.fitToHeight = True, 0
    scored = [place for place, column in enumerate(page.columns) if column.scores]
    rows = [row for row in page.rows if row[0] != "合计"]
    return sum(isinstance(row[place], Decimal) for row in rows for place in scored)


def merge(sheet: Worksheet, row: int, column: int, down: int = 1, across: int = 1) -> int:
    """Merge a block of cells where it is more than one; returns how many rows it has."""
    if down * across > 1:
        sheet.merge_cells(None, row, column, row + down - 1, column + across - 1)
    return down


def header(sheet: Worksheet, columns: Sequence[Column]) -> int:
    """The header from row 3, of two rows where columns share headings; returns the row after it."""
    depth = 2 if any(column.over for column in columns) else 1
    for place, column in enumerate(columns, 1):
        for row in range(3, 3 + depth):
            cell = sheet.cell(row, place)
            cell.font, cell.border, cell.alignment = HEAD_FONT, BORDER, CENTRE
            sheet.row_dimensions[row].height = 48 if row == 3 else 112
        sheet.column_dimensions[get_column_letter(place)].width = column.width
        sheet.cell(4 if column.over else 3, place, column.title)
    place = 1
    for over, run in groupby(column.over or column.title for column in columns):
        across = len(list(run))
        sheet.cell(3, place, over)
        merge(sheet, 3, place, down=1 if columns[place - 1].over else depth, across=across)
        place += across
    return 3 + depth


def total(values: Sequence[Score]) -> Decimal:
    """The sum of the scores in a row."""
    return sum((value for value in values if isinstance(value, Decimal)), Decimal(0))


def dated(pages: Sequence[Page], day: str) -> list[Page]:
    """The pages with the day on which they were signed at their foot."""
    signed = date.fromisoformat(day)
    words = f"日期:{signed.year}年{signed.month}月{signed.day}日"
    return [replace(page, foot=FOOT + words) for page in pages]


def numbered(rows: Sequence[Sequence[Score]]) -> list[list[Score]]:
    """The rows with a running number before each."""
    return [[number, *row] for number, row in enumerate(rows, 1)]


def subline(stage: Stage, rater: str = "") -> str:
    """Who assesses and when."""
    start, end = (date.fromisoformat(stage["window"][key]) for key in ("from", "to"))
    days = "至".join(f"{day.year}年{day.month}月{day.day}日" for day in (start, end))
    return f"测评单位:{rater or stage['assessors'][0]['zh']}    测评时间:{days}"


def matrix(
    name: str, title: str, line: str, head: str, items: Sequence[Item], rows: Sequence[list[Score]]
) -> Page:
    """Bodies in rows, each beginning with its name, and items in columns under their categories."""
    columns = [Column(f"{i.title}({i.marks}分)", 11, i.category, scores=True) for i in items]
    columns = [Column("序号", 6), Column(head, 24), *columns, Column("合计", 9), Column("备注", 12)]
    return Page(name, title, line, columns, numbered([[*row, total(row), None] for row in rows]))


def listing(name: str, title: str, line: str, head: str, scores: dict[str, Decimal]) -> Page:
    """Units in rows with one score each."""
    columns = [Column("序号", 8), Column(head, 34), Column("得分", 14, scores=True)]
    rows = numbered([[unit, score, None] for unit, score in scores.items()])
    return Page(name, title, line, [*columns, Column("备注", 24)], rows)


def government_page(make: Generator, stage: Stage, county: str, title: str) -> Page:
    """The county government alone, its items in rows."""
    columns = [Column("序号", 6), Column("一级指标", 30, left=True, merged=True)]
    columns += [Column("指标", 44, left=True), Column("分值", 8)]
    columns += [Column("得分", 8, scores=True), Column("扣分", 8)]
    columns += [Column("扣分原因", 30, left=True), Column("备注", 12)]
    rows: list[list[Score]] = []
    for item in make.stage_items(stage, "county"):
        cell = make.cell(item, make.quality[county], "0.1", item.skipped(county))
        remark = "不涉及" if cell == "/" else None
        short = item.marks - cell if isinstance(cell, Decimal) else None
        reason = GROUNDS[len(rows) % len(GROUNDS)] if short else None
        named: list[Score] = [len(rows) + 1, item.category, item.title]
        rows.append([*named, item.marks, cell, short, reason, remark])
    full, scored, lost = (total([row[place] for row in rows]) for place in (3, 4, 5))
    rows.append(["合计", None, None, full, scored, lost, None, None])
    title = f"{title}(县(市)区政府本级)"
    return Page("县(市)区政府本级", title, subline(stage), columns, rows)


def county_books(make: Generator, stage: Stage) -> Books:
    """A workbook a county with its government, townships and departments."""
    items, line = make.stage_items(stage, "county"), subline(stage)
    for county, own in make.bodies.items():
        title = f"2020年{county}政务公开{stage['title']['zh']}得分表"
        pages = [government_page(make, stage, county, title)]
        for sheet, names in own.items():
            rows: list[list[Score]] = [[name] for name in names]
            for row in rows:
                quality = make.quality[county] + make.random.uniform(-0.12, 0.04)
                for item in items:
                    skipped = max(0.02, item.skipped(county), float(item.id == GAZETTE))
                    row.append(make.cell(item, quality, "0.5", skipped))
            shown = f"{title}({sheet.replace('(街道)', '、街道')})"
            pages.append(matrix(sheet, shown, line, "测评对象", items, rows))
        yield f"{stage['title']['zh']}/县市区/{county}", dated(pages, stage["window"]["to"])


def municipal_book(make: Generator, stage: Stage) -> Books:
    """One workbook with all municipal units, in one stage a few of them by an alias."""
    items = make.stage_items(stage, "municipal")
    rows: list[list[Score]] = []
    for unit in make.units["municipal"]:
        name = make.aliases.get(unit, unit) if stage["id"] == "professional" else unit
        quality = make.quality[unit]
        rows.append([name, *(make.cell(i, quality, "0.1", i.skipped(unit)) for i in items)])
    title = f"2020年市直单位政务公开{stage['title']['zh']}得分表"
    page = matrix("市直单位", title, subline(stage), "单位名称", items, rows)
    yield f"{stage['title']['zh']}/市直单位", dated([page], stage["window"]["to"])


def mutual_books(make: Generator, stage: Stage) -> Books:
    """A ballot a rater: leading-group members on the counties, counties on the municipal units."""
    for group, shown in GROUPS.items():
        title = f"2020年政务公开工作双向互评评分表(测评{shown})"
        for rater in make.raters[group]:
            spread = Decimal(8) if rater == NARROW_RATER else make.near(12.5, 1.5, 1)
            scores = make.ballot(make.units[group], spread)
            page = listing("评分表", title, subline(stage, rater), "测评对象", scores)
            pages = dated([page], stage["window"]["to"])
            yield f"双向互评/测评{shown.replace('(市)', '市')}/{rater}", pages


def daily_books(make: Generator, stage: Stage) -> Books:
    """A workbook a round with a sheet for each group."""
    for number, end in enumerate(ROUND_ENDS, 1):
        window = {"from": f"2020-{3 * number - 2:02}-01", "to": end}
        line, pages = subline(stage | {"window": window}), []
        for group, shown in GROUPS.items():
            title = f"2020年{shown}政府信息公开网上测评成绩表(第{number}轮)"
            centres = {unit: 100 * make.quality[unit] + number - 3 for unit in make.units[group]}
            scores = {unit: make.near(centre, 2.5, 2) for unit, centre in centres.items()}
            pages.append(listing(shown, title, line, "单位名称", scores))
        yield f"日常测评/第{number}轮", dated(pages, end)


def adjustment_book(make: Generator) -> Books:
    """Bonuses and deductions with their grounds."""
    line = "填报单位:市政务公开办    统计时间:2020年度"
    lead, tail = [Column("序号", 8), Column("单位", 30)], Column("依据", 42)
    drawn = zip(make.random.sample(make.units["county"], 3), (6, 15, 27), strict=True)
    rows: list[list[Score]] = [[unit, rank, "全省政务公开工作情况通报"] for unit, rank in drawn]
    columns, name = [*lead, Column("全省名次", 14), tail], "全省先进单位名单"
    pages = [Page(name, f"2020年政务公开{name}", line, columns, numbered(rows))]
    for name, head, counties, text in RECORDS:
        stated = [entry.split(" ") for entry in text.split("|")]
        units = make.random.sample(make.units["county"], counties)
        units += make.random.sample(make.units["municipal"], len(stated) - counties)
        ground, paper = ("事由", "评选结果通报") if head == "加分" else ("原因", "检查记录")
        columns = [*lead, Column(head, 10), Column(ground, 34), tail]
        found = zip(units, stated, strict=True)
        rows = [[unit, Decimal(points), why, f"{name}{paper}"] for unit, (points, why) in found]
        pages.append(Page(name, f"2020年{name}{head}表", line, columns, numbered(rows)))
    yield "加扣分/加扣分情况", pages


def books_of(make: Generator) -> Books:
    """Every workbook of the year with its path."""
    professional, mutual, daily, social = make.stages
    scored = product((professional, social), (county_books, municipal_book))
    rest = mutual_books(make, mutual), daily_books(make, daily), adjustment_book(make)
    return chain(*(write(make, stage) for stage, write in scored), *rest)


def write_sichuan(out: Path) -> int:
    """The published Sichuan table as a workbook; returns how many scores it holds."""
    scheme = load(CONFIG / "sichuan-2011")
    title, parts = scheme["document"]["title"]["zh"], scheme["indicators"][0]["items"]
    columns = [Column("排名", 8), Column("地市名称", 16), Column("总得分", 12)]
    columns += [Column(f"{p['title']['zh']}({p['marks']}分)", 20, scores=True) for p in parts]
    text = (HERE / "sichuan-2011.csv").read_text(encoding="utf-8")
    rows: list[list[Score]] = []
    for rank, city, *numbers in list(csv.reader(text.splitlines()))[1:]:
        rows.append([int(rank), city, *map(Decimal, numbers)])
    page = Page("排名表", title, scheme["document"]["issued_by"], columns, rows, foot="")
    return save(out / f"{title}.xlsx", [page])


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write the example workbooks.")
    parser.add_argument("--seed", type=int, default=2020)
    parser.add_argument("--out", type=Path, default=HERE / "stage-files")
    arguments = parser.parse_args()
    books = books_of(Generator(arguments.seed))
    count = [save(arguments.out / f"{path}.xlsx", pages) for path, pages in books]
    scores = write_sichuan(arguments.out.parent / "sichuan-2011")
    print(f"stage-files: {len(count)} workbooks, {sum(count)} scores")
    print(f"sichuan-2011: 1 workbook, {scores} scores")


if __name__ == "__main__":
    main()
