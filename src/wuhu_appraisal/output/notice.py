"""The notice of the result (考评结果通报) for an office's approval.

It leaves the building: whoever asks for it, it says what the public may know.
"""

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from wuhu_appraisal.language import _
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output.docx import fill_in, table_values
from wuhu_appraisal.output.redact import WHOLE, redacted
from wuhu_appraisal.output.tables import Table
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import Audience, Detail

TEMPLATE = "notice.docx"
"""The file in a scheme's folder that is used in place of the package's own template."""
_CHINA = timezone(timedelta(hours=8))


def render(result: Result, *, final: bool, template: bytes | None = None) -> bytes:
    """The notice as .docx, by the package's template or another one's content.

    It bears the stamp of a draft unless it is ``final``. Raises ValueError for a final notice of a
    provisional result, and for a copy of less than the whole result that is not the public's;
    TemplateError if the template cannot be filled in.
    """
    if final and result.provisional:
        raise ValueError("there is no final notice of a provisional result")
    marker = view.marker(result)
    if result.copy.shows == WHOLE:
        result = redacted(result, Audience.PUBLIC, result.copy.recipient)
    elif result.copy.audience is not Audience.PUBLIC:
        raise ValueError("this copy lacks what the public may be shown")
    scheme, moment = result.scheme, datetime.fromisoformat(result.computed_at)
    groups = _groups(result)
    local = moment.astimezone(_CHINA)
    values = {
        "scheme": str(scheme.title),
        "document": str(scheme.document.title),
        "office": scheme.document.issued_by,
        "computed": {
            "date": f"{local:%Y-%m-%d}",
            "year": local.year,
            "month": local.month,
            "day": local.day,
            "time": f"{local:%H:%M}",
        },
        "stamp": view.stamp(result, final=final),
        "marker": marker,
        "warnings": view.banner(result),
        "provisional": result.provisional,
        "shows_scores": Detail.SCORES in result.copy.shows,
        "count": sum(group["count"] for group in groups),
        "groups": groups,
        "adjustments": any(group["adjustments"]["rows"] for group in groups),
        "annexes": [table_values(table) for table in _annexes(result) if table.rows],
    }
    return fill_in("notice", values, moment, template)


def _groups(result: Result) -> list[dict[str, Any]]:
    """Each group's title, number of units, ranking, and records of bonuses and deductions."""
    records = view.adjustments(result)
    groups: list[dict[str, Any]] = []
    for group_id, ranking in zip(result.standings, view.rankings(result), strict=True):
        group = result.scheme.group(group_id)
        title = str(result.scheme.group_titles[group_id])
        own = replace(records, rows=[row for row in records.rows if row[0] == title])
        titles = (_("Unit"), _("Adjustment"), _("Points"), _("Reason"), _("Evidence"), _("Clause"))
        groups.append(
            {
                "title": str(group.title),
                "count": len(group.units),
                "ranking": table_values(ranking),
                "adjustments": table_values(_only(own, *titles)),
            }
        )
    return groups


def _annexes(result: Result) -> list[Table]:
    """What the document leaves open, and the weights of the stages."""
    assumptions, weights = view.assumptions(result.scheme), view.weights(result.scheme)
    rows = [row for row in weights.rows if row[2] == _("stage")]
    stages = replace(weights, title=_("Weights of the stages"), rows=rows)
    return [
        _only(assumptions, _("No."), _("Silent clause"), _("Assumption")),
        _only(stages, _("Part"), _("Weight or marks"), _("Clause")),
    ]


def _only(table: Table, *titles: str) -> Table:
    """The columns with these titles; ValueError if one is not there."""
    known = [column.title for column in table.columns]
    places = [known.index(title) for title in titles]
    return replace(
        table,
        columns=[table.columns[place] for place in places],
        rows=[[row[place] for place in places] for row in table.rows],
    )
