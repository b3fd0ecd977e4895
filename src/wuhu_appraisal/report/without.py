"""The ranking beside the one that there would be without the decisions; nothing is computed."""

from wuhu_appraisal.i18n import _
from wuhu_appraisal.report.view import Column, Sheet
from wuhu_appraisal.run import Run


def rankings_without(run: Run, other: Run, group_id: str) -> Sheet:
    """The ranking of a group beside the one that there would be without the decisions.

    The rows are in the order of rank with them; ``other`` is the run without.
    """
    scheme = run.scheme
    there = {item.unit: item for item in other.standings[group_id]}
    digits = scheme.final.digits
    rows = [
        (
            item.rank,
            item.unit,
            item.final,
            there[item.unit].rank,
            there[item.unit].final,
            _change(item.rank, there[item.unit].rank),
        )
        for item in run.standings[group_id]
    ]
    columns = (
        Column(_("Rank"), "count"),
        Column(_("Unit")),
        Column(_("Final"), "number", digits),
        Column(_("Rank without"), "count"),
        Column(_("Final without"), "number", digits),
        Column(_("Rank change without")),
    )
    title = f"{scheme.title} · {scheme.group(group_id).title}"
    return Sheet(str(scheme.group(group_id).title), title, columns, rows)


def _change(rank: int | None, without: int | None) -> str:
    """How many ranks a unit would rise or fall without the decisions."""
    if rank == without:
        return "="
    if rank is None or without is None:
        return "?"
    return f"{'↑' if without < rank else '↓'}{abs(rank - without)}"
