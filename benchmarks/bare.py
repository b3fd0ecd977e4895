"""The least that reading can cost: every numeric cell of every workbook, counted and summed.

Usage: python bare.py FOLDER
"""

import sys
from pathlib import Path

from python_calamine import CalamineWorkbook


def main() -> None:
    """Read all workbooks below the folder one after another."""
    cells, total = 0, 0.0
    paths = sorted(Path(sys.argv[1]).rglob("*.xlsx"))
    for path in paths:
        book = CalamineWorkbook.from_path(str(path))
        for name in book.sheet_names:
            for row in book.get_sheet_by_name(name).to_python():
                for value in row:
                    if isinstance(value, int | float) and not isinstance(value, bool):
                        cells += 1
                        total += value
    print(f"{len(paths)} workbooks, {cells} numeric cells, sum {total:.2f}")


if __name__ == "__main__":
    main()
