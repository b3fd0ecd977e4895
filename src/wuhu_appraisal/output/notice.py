"""The notice of the result (考评结果通报) for an office's approval: facts of the run, nothing else.

It leaves the building: whoever asks for it, it tells what the public is told.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from wuhu_appraisal.language import _, listed
from wuhu_appraisal.output import tables as view
from wuhu_appraisal.output.docx import Paper
from wuhu_appraisal.output.redact import WHOLE, redacted
from wuhu_appraisal.output.tables import Table
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.audiences import Audience, Detail

_CHINA = timezone(timedelta(hours=8))


def render(result: Result, *, final: bool) -> bytes:
    """The notice of a run as .docx; it bears the run's stamp unless the run is approved.

    Raises ValueError for a final notice of a provisional run, and for an edition of less than the
    whole run that is not the public's.
    """
    if final and result.provisional:
        raise ValueError("there is no final notice of a provisional result")
    own = view.marker(result)
    if result.copy.shows == WHOLE:
        result = redacted(result, Audience.PUBLIC, result.copy.recipient)
    elif result.copy.audience is not Audience.PUBLIC:
        raise ValueError("this edition lacks what the public may be shown")
    paper = Paper(
        _("Notice of the result:\n{scheme}").format(scheme=result.scheme.title),
        stamp=view.stamp(result, final=final),
        moment=datetime.fromisoformat(result.computed_at).astimezone(UTC),
        warnings=view.banner(result),
        marker=own,
    )
    _opening(paper, result)
    for sheet in view.rankings(result):
        paper.heading(1, _("Result: {group}").format(group=sheet.name))
        _table(paper, result, sheet)
    if Detail.SCORES in result.copy.shows:
        _adjustments(paper, result)
    annexes = {
        sheet.title: sheet for sheet in (_assumptions(result), _stage_weights(result)) if sheet.rows
    }
    document = result.scheme.document
    paper.closing(document.issued_by or _("(issuing office)"), list(annexes))
    for title, sheet in annexes.items():
        paper.annex(title)
        _table(paper, result, sheet)
    return paper.save()


def _opening(paper: Paper, result: Result) -> None:
    """Whom it is for, and what was appraised, by which document and when."""
    groups = [result.scheme.group(group) for group in result.standings]
    titles = listed(str(group.title) for group in groups)
    paper.paragraph(_("To the units of: {groups}").format(groups=titles), indented=False)
    sizes = [
        _("{group} {count}").format(group=group.title, count=len(group.units)) for group in groups
    ]
    paper.paragraph(
        _(
            "{scheme} was carried out by '{document}'. Units appraised: {count} ({groups})."
            " The scores were computed at {time}. The result is as follows."
        ).format(
            scheme=result.scheme.title,
            document=result.scheme.document.title,
            count=sum(len(group.units) for group in groups),
            groups=listed(sizes),
            time=_time(result),
        )
    )


def _adjustments(paper: Paper, result: Result) -> None:
    sheet = view.adjustments(result)
    paper.heading(1, sheet.title)
    if not sheet.rows:
        paper.paragraph(_("No bonus or deduction is on record."))
        return
    for title in dict.fromkeys(str(result.scheme.group(group).title) for group in result.standings):
        rows = [row for row in sheet.rows if row[0] == title]
        paper.heading(2, title)
        if rows:
            own = replace(sheet, rows=rows)
            titles = (_("Unit"), _("Adjustment"), _("Points"), _("Reason"), _("Evidence"))
            _table(paper, result, _only(own, *titles, _("Clause")))
        else:
            paper.paragraph(_("No bonus or deduction is on record."))


def _assumptions(result: Result) -> Table:
    sheet = view.assumptions(result.scheme)
    return _only(sheet, _("No."), _("Silent clause"), _("Assumption"))


def _stage_weights(result: Result) -> Table:
    sheet = view.weights(result.scheme)
    rows = [row for row in sheet.rows if row[2] == _("stage")]
    found = replace(sheet, title=_("Weights of the stages"), rows=rows)
    return _only(found, _("Part"), _("Weight or marks"), _("Clause"))


def _table(paper: Paper, result: Result, sheet: Table) -> None:
    if result.provisional:
        paper.note(_("Provisional result: the first page says what is missing."))
    paper.table(sheet)


def _only(sheet: Table, *titles: str) -> Table:
    """The columns with these titles; ValueError if one is not there."""
    known = [column.title for column in sheet.columns]
    places = [known.index(title) for title in titles]
    return replace(
        sheet,
        columns=[sheet.columns[place] for place in places],
        rows=[[row[place] for place in places] for row in sheet.rows],
    )


def _time(result: Result) -> str:
    """When the run was computed, by the clocks of China, which has one time zone."""
    moment = datetime.fromisoformat(result.computed_at).astimezone(_CHINA)
    return _("{year}-{month:02}-{day:02}, {time}, UTC+8").format(
        year=moment.year, month=moment.month, day=moment.day, time=f"{moment:%H:%M}"
    )
