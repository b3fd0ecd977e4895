"""Heights of rows: spreadsheet programs do not all fit a row to its wrapped text when they open a file."""

from wuhu_appraisal.output.excel import LINE, count_lines
from wuhu_appraisal.output.templates.page import Page

ROW = 20
NARROW = 8
"""A column narrower than this has its header in smaller letters."""
_MARGIN = 5


def header_height(page: Page) -> float:
    """The height of the header."""
    return _MARGIN + max(
        12.5 * count_lines(column.head, column.width * 11 / 9)
        if column.width < NARROW
        else LINE * count_lines(column.head, column.width)
        for column in page.columns
    )


def row_heights(page: Page) -> list[float]:
    """The height of each row, where cells are merged enough of them together."""
    merged = {
        (row, at)
        for top, left, bottom, right in page.merges
        for row in range(top, bottom + 1)
        for at in range(left, right + 1)
    }
    widths = [column.width for column in page.columns]
    heights: list[float] = [ROW] * len(page.rows)
    for row, cells in enumerate(page.rows):
        texts = (
            (str(cell.content), at) for at, cell in enumerate(cells) if (row, at) not in merged
        )
        most = max(count_lines(text, widths[at]) for text, at in texts)
        heights[row] = max(ROW, LINE * most + _MARGIN)
    for top, left, bottom, right in page.merges:
        needed = count_lines(str(page.rows[top][left].content), sum(widths[left : right + 1]))
        lacking = LINE * needed + _MARGIN - sum(heights[top : bottom + 1])
        for row in range(top, bottom + 1):
            heights[row] += max(0.0, lacking / (bottom + 1 - top))
    return heights
