"""The least that writing can cost: as many numbers as the country has, in one sheet, no more.

Usage: python bare_write.py FILE
"""

import sys

import xlsxwriter

ROWS, COLUMNS = 2843 * 40, 31


def main() -> None:
    """Write one large sheet row by row."""
    with xlsxwriter.Workbook(sys.argv[1], {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for row in range(ROWS):
            for column in range(COLUMNS):
                sheet.write_number(row, column, (row + column) % 20 / 2)


if __name__ == "__main__":
    main()
