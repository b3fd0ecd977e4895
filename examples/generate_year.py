"""Write the year after the example of 2020: its scheme, and its workbooks as offices would hand them in.

The scheme is that of 2020 with a unit renamed, two weights changed and an item added to the appraisal
content of the counties. All scores are invented, and the same seed gives the same bytes.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from generate import CONFIG, HERE, Generator, Page, books_of, save

HEAD = "# The scheme of 2020 a year later: an example, made by examples/generate_year.py.\n\n"
NEXT = (("2021", "2022"), ("2020", "2021"))
RENAMED = ("市扶贫办", "市乡村振兴局")
ITEM = """            marks: 5
            deadlines:
              - {of: {zh: 规范性文件梳理, en: review of normative documents}, by: 2021-12-31}
"""
WITH_ITEM = (
    ITEM.replace("marks: 5", "marks: 3")
    + """          - id: 一(四)
            title: {zh: 推进基层政务公开标准化, en: Standardise openness at the grass roots}
            marks: 2
"""
)
CHANGES = {
    "scheme": (
        *NEXT,
        ("    weight: 45\n", "    weight: 40\n"),
        ("    weight: 10\n", "    weight: 15\n"),
    ),
    "units": (
        RENAMED,
        (
            f"      - name: {RENAMED[1]}\n",
            f"      - name: {RENAMED[1]}\n        former:\n"
            f'          - {{name: {RENAMED[0]}, until: "2021-06"}}\n',
        ),
    ),
    "indicators": (*NEXT, RENAMED, (ITEM, WITH_ITEM)),
}


def write_scheme(folder: Path) -> None:
    """Write the three files, without the comments of the old ones."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, changes in CHANGES.items():
        text = (CONFIG / "wuhu-2020" / f"{name}.yaml").read_text(encoding="utf-8")
        lines = [line for line in text.splitlines(keepends=True) if not line.startswith("#")]
        text = "".join(lines).lstrip()
        for before, after in changes:
            # An item of the counties is the first of its kind; names and years are changed everywhere.
            once = 1 if before in (ITEM, CHANGES["units"][1][0]) else -1
            text = text.replace(before, after, once)
        (folder / f"{name}.yaml").write_text(HEAD + text, encoding="utf-8")


def a_year_later(page: Page) -> Page:
    """The page with the year in its texts."""
    later = (text.replace("2020年", "2021年") for text in (page.title, page.line, page.foot))
    title, line, foot = later
    return replace(page, title=title, line=line, foot=foot)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Write the example of the next year.")
    parser.add_argument("--seed", type=int, default=2022)
    parser.add_argument("--out", type=Path, default=HERE / "next-year")
    arguments = parser.parse_args()
    write_scheme(arguments.out / "scheme")
    make = Generator(arguments.seed, arguments.out / "scheme")
    before = Generator(2020).quality
    for unit in make.quality:
        old = RENAMED[0] if unit == RENAMED[1] else unit
        make.quality[unit] = min(0.95, before[old] + make.random.uniform(-0.05, 0.06))
    for path, pages in books_of(make):
        place = arguments.out / "stage-files" / f"{path}.xlsx"
        save(place, [a_year_later(page) for page in pages])


if __name__ == "__main__":
    main()
