"""Write the example workbooks of the schemes that score facts: counts of faults and of items.

All numbers are invented, and the same seed gives the same bytes. As generate.py, it reads the
schemes' YAML as plain text and imports nothing from the package.
"""

import argparse
import random
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from generate import CONFIG, HERE, Column, Page, Score, load, numbered, save

Facts: TypeAlias = dict[str, dict[str, Score]]
"""For each unit the number of every fact, by "item/fact", or the score of an item without facts."""

FAULTY = "临江街道"
# A unit that loses marks of one item by three faults.
THREE_FAULTS = {"过早或超期公开": 1, "要素不规范": 2, "正文不显示": 1}
CHANCES = {"未更新": 0.5, "不规范": 0.5, "不显示": 0.35, "超期公开": 0.3}
SEEN_IN = ("通知公告", "政策文件", "财政预决算", "人事任免", "规划计划")
COMMENDED = (
    ("市级表扬", "市政府通报", 3),
    ("公开办表扬", "市信息公开办通报", 5),
    ("市级批评", "市政府通报", 1),
    ("公开办批评", "市信息公开办通报", 2),
)
BONUSES = (
    ("信息发布", 10, "主动发布重要信息及时"),
    ("办事服务", 12, "一网通办"),
    ("互动交流", 12, "常见问题知识库"),
)


def items_of(nodes: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The items of a tree that are scored, in order."""
    for node in nodes:
        yield from items_of(node["items"]) if "items" in node else (node,)


def columns_of(items: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """A column for every fact below the title of its item, or for the score of an item."""
    found = {}
    for item in items:
        title = item["title"]["zh"]
        for fact, rule in item.get("facts", {}).items():
            column = Column(rule["title"]["zh"], 10, title, scores=True)
            found[f"{item['id']}/{fact}"] = column
        if "facts" not in item:
            over = "其他指标得分" if any("facts" in other for other in items) else ""
            found[item["id"]] = Column(f"{title}({item['marks']}分)", 12, over, scores=True)
    return found


def sheet(name: str, title: str, columns: Mapping[str, Column], facts: Facts) -> Page:
    """Units in rows and facts in columns."""
    rows = numbered([[unit, *(row[key] for key in columns)] for unit, row in facts.items()])
    heads = [Column("序号", 6), Column("单位名称", 20), *columns.values()]
    return Page(name, title, "", heads, rows)


def records(name: str, title: str, head: str | None, rows: Sequence[Sequence[Score]]) -> Page:
    """Records of units with what they state, where they state anything, reason and evidence."""
    columns = [Column("序号", 8), Column("单位名称", 20)]
    columns += [Column(head, 14)] if head else []
    columns += [Column("事由", 30, left=True), Column("依据", 36, left=True)]
    return Page(name, title, "", columns, numbered(rows))


def names_in(scheme: Mapping[str, Any]) -> list[str]:
    """The units of a scheme with one group."""
    return [unit["name"] for unit in scheme["groups"][0]["units"]]


def faults(draw: random.Random, item: Mapping[str, Any]) -> dict[str, Score]:
    """Some cases of an item's faults: mostly none."""
    found: dict[str, Score] = {}
    for fact in item["facts"]:
        chance = next((share for word, share in CHANCES.items() if word in fact), 0.12)
        count = draw.choice((1, 1, 1, 2, 3)) if draw.random() < chance else 0
        found[f"{item['id']}/{fact}"] = Decimal(count)
    return found


def fault_list(draw: random.Random, item: Mapping[str, Any], title: str, facts: Facts) -> Page:
    """A list with one fault of an item a row: when it was seen, what it was, and where."""
    rows: list[list[Score]] = []
    for unit, row in facts.items():
        for fact, rule in item["facts"].items():
            for _case in range(int(row[f"{item['id']}/{fact}"] or 0)):
                day = f"2020-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}"
                paper = f"{draw.randint(2018, 2020)}年第{draw.randint(1, 90)}号文件"
                rows.append([unit, rule["title"]["zh"], day, paper, f"{draw.choice(SEEN_IN)}栏目"])
    heads = [Column("序号", 6), Column("单位名称", 20, merged=True), Column("问题类型", 26)]
    heads += [Column("检查日期", 14), Column("具体情况", 24), Column("所在栏目", 20)]
    return Page("问题清单", title, "", heads, numbered(rows))


def write_licheng(draw: random.Random, out: Path) -> int:
    """The faults of a district's units, which lose marks for each case; those of one item as a list."""
    scheme = load(CONFIG / "licheng-2020")
    items = list(items_of(scheme["indicators"][0]["items"]))
    facts: Facts = {unit: {} for unit in names_in(scheme)}
    for row in facts.values():
        for item in items:
            row |= faults(draw, item)
    facts[FAULTY] |= {f"主动公开/{name}": Decimal(count) for name, count in THREE_FAULTS.items()}
    listed, *counted = items
    title = "2020年主动公开问题清单"
    save(out / f"{title}.xlsx", [fault_list(draw, listed, title, facts)])
    title = "2020年政务公开扣分情形统计表"
    return save(out / f"{title}.xlsx", [sheet("统计表", title, columns_of(counted), facts)])


def write_townships(draw: random.Random, out: Path) -> int:
    """Numbers of items by month, scores, and praise and criticism of the townships."""
    scheme = load(CONFIG / "townships-2010")
    units = names_in(scheme)
    online, on_site = (list(items_of(content["items"])) for content in scheme["indicators"])
    facts: Facts = {}
    sums: dict[str, int] = {}
    for unit in units:
        level = draw.choice((34, 42, 46, 50, 62, 80))
        months = [max(0, round(draw.gauss(level, 6))) for _month in range(12)]
        if draw.random() < 0.2:
            months[draw.randrange(12)] = 0
        sums[unit] = sum(months)
        numbers: list[Score] = [Decimal(count) for count in months]
        numbers += [Decimal(draw.choice((0, 1, 2, 5))) for _fault in range(3)]
        numbers += [Decimal(draw.randint(8, 16)) / 2, Decimal(draw.randint(7, 14)) / 2]
        facts[unit] = dict(zip(columns_of(online), numbers, strict=True))
    title = "2010年网上考评情况表"
    count = save(out / f"{title}.xlsx", [sheet("网上考评", title, columns_of(online), facts)])
    site: Facts = {}
    for unit in units:
        full = [Decimal(item["marks"]) for item in on_site]
        scores: list[Score] = [marks - Decimal(draw.randint(0, 12)) / 2 for marks in full]
        site[unit] = dict(zip(columns_of(on_site), scores, strict=True))
    title = "2010年实地考评得分表"
    count += save(out / f"{title}.xlsx", [sheet("实地考评", title, columns_of(on_site), site)])
    above = {unit: (total - 480) * 100 // 480 for unit, total in sums.items()}
    rows: list[list[Score]] = [
        [unit, Decimal(share), "全年公开数量超额", "网上公开系统统计"]
        for unit, share in above.items()
        if share >= 10
    ]
    pages = [records("超额公开", "2010年公开数量超额情况", "超额百分比", rows)]
    for name, paper, number in COMMENDED:
        named = enumerate(draw.choices(units, k=number), 1)
        rows = [[unit, "信息公开工作", f"{paper}第{issue}期"] for issue, unit in named]
        pages.append(records(name, f"2010年{name}情况", None, rows))
    return count + save(out / "2010年加扣分情况.xlsx", pages)


def write_websites(draw: random.Random, out: Path) -> int:
    """Faults of websites, some without services, and bonuses."""
    scheme = load(CONFIG / "website-check-2019")
    items = list(items_of(scheme["indicators"][0]["items"]))
    facts: Facts = {unit: {} for unit in names_in(scheme)}
    for unit, row in facts.items():
        careless = draw.choice((0.1, 0.2, 0.4, 0.9))
        for item in items:
            for fact in item["facts"]:
                cases = Decimal(draw.choice((1, 1, 2, 3, 4)) if draw.random() < careless else 0)
                left_out = "assessed" in item and unit not in item["assessed"]["units"]
                row[f"{item['id']}/{fact}"] = "/" if left_out else cases
    title = "2019年政府网站扣分情形统计表"
    count = save(out / f"{title}.xlsx", [sheet("统计表", title, columns_of(items), facts)])
    pages = []
    for name, most, reason in BONUSES:
        rows: list[list[Score]] = [
            [unit, Decimal(draw.randint(most, 2 * most)) / 2, reason, "检查记录"]
            for unit in draw.sample(list(facts), 12)
        ]
        pages.append(records(name, f"2019年政府网站{name}加分", "加分", rows))
    return count + save(out / "2019年政府网站加分情况.xlsx", pages)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write the example workbooks of facts.")
    parser.add_argument("--seed", type=int, default=2020)
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    for name, write in (
        ("licheng-2020", write_licheng),
        ("townships-2010", write_townships),
        ("website-check-2019", write_websites),
    ):
        numbers = write(random.Random(arguments.seed), arguments.out / name)
        print(f"{name}: {numbers} numbers")


if __name__ == "__main__":
    main()
