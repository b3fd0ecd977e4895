"""Write a made-up country to time the package on: one workbook a county, and the scheme for them.

Usage: python country.py FOLDER [--counties 2843] [--seed 2020]

FOLDER/files holds the workbooks, FOLDER/scheme the scheme: each county has 40 bodies that are
scored by the 31 county items of config/wuhu-2020; their scores are summed and the bodies averaged.
"""

import argparse
import random
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import xlsxwriter
import yaml

INDICATORS = Path(__file__).resolve().parents[1] / "config" / "wuhu-2020" / "indicators.yaml"
BODIES = 40
SCHEME = """\
id: country
title: {zh: 全国测评, en: Appraisal of a country}
document:
  title: {zh: 全国测评方案, en: Scheme for a country}
stages:
  - id: professional
    title: {zh: 专业机构测评, en: Professional assessment}
    clause: "1"
    weight: 100
    assessors: [专业机构]
    window: {from: 2020-01-01, to: 2020-12-31}
    plans:
      county:
        dimensions:
          body: {open: true, title: {zh: 测评对象, en: body}}
          indicator: {indicators: county, title: {zh: 指标, en: indicator}}
        forms:
          - id: scores
            title: {zh: 得分表, en: Scores}
            file: "{unit}"
            axes: [body, indicator]
        steps:
          - {roll_up: indicator, by: sum, missing: error, not_applicable: error}
          - {roll_up: body, by: mean, missing: error, not_applicable: error}
composite: {missing: error, not_applicable: error, digits: 2}
final: {digits: 2, rounding: half_up}
ranking: {}
"""


def write_scheme(folder: Path, counties: Sequence[str], indicators: dict[str, Any]) -> None:
    """The scheme's three files."""
    folder.mkdir(parents=True, exist_ok=True)
    units = [{"name": name} for name in counties]
    title = {"zh": "县", "en": "Counties"}
    groups = [{"id": "county", "title": title, "clause": "1", "units": units}]
    (folder / "scheme.yaml").write_text(SCHEME, encoding="utf-8")
    (folder / "units.yaml").write_text(dump({"groups": groups}), encoding="utf-8")
    (folder / "indicators.yaml").write_text(dump({"indicators": [indicators]}), encoding="utf-8")


def dump(data: dict[str, Any]) -> str:
    """The data as YAML."""
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


def without_lists(node: dict[str, Any]) -> dict[str, Any]:
    """An indicator without the units that it is assessed for, which this country has not."""
    kept = {key: value for key, value in node.items() if key not in ("assessed", "items")}
    if "items" in node:
        kept["items"] = [without_lists(item) for item in node["items"]]
    return kept


def write_county(path: Path, items: Sequence[tuple[str, int]], rng: random.Random) -> None:
    """One county's workbook: a title, a header, and a row for each body."""
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        book.set_properties({"created": datetime(2021, 2, 22)})
        sheet = book.add_worksheet("得分表")
        sheet.write_string(0, 0, f"2020年{path.stem}政务公开测评得分表")
        titles = [f"{title}({marks}分)" for title, marks in items]
        sheet.write_row(1, 0, ["序号", "测评对象", *titles, "合计"])
        for number in range(1, BODIES + 1):
            halves = [rng.randint(marks, 2 * marks) for _title, marks in items]
            scores = [half / 2 for half in halves]
            row = [number, f"单位{number:02}", *scores, sum(halves) / 2]
            sheet.write_row(number + 1, 0, row)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write a country-size input and its scheme.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--counties", type=int, default=2843)
    parser.add_argument("--seed", type=int, default=2020)
    arguments = parser.parse_args()
    text = INDICATORS.read_text(encoding="utf-8")
    indicators = without_lists(yaml.safe_load(text)["indicators"][0])
    leaves = [leaf for top in indicators["items"] for leaf in top["items"]]
    items = [(leaf["title"]["zh"], leaf["marks"]) for leaf in leaves]
    counties = [f"县{number:04}" for number in range(1, arguments.counties + 1)]
    write_scheme(arguments.folder / "scheme", counties, indicators)
    files = arguments.folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    rng = random.Random(arguments.seed)
    for county in counties:
        write_county(files / f"{county}.xlsx", items, rng)
    print(f"{len(counties)} workbooks, {len(counties) * BODIES * len(items)} scores")


if __name__ == "__main__":
    main()
