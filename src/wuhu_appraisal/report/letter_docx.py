"""What one unit gets back, as a paper in .docx (ECMA-376)."""

from datetime import UTC, datetime

from wuhu_appraisal.i18n import _
from wuhu_appraisal.report.document import Paper
from wuhu_appraisal.report.letters import letter
from wuhu_appraisal.run import Run


def render(run: Run, unit: str, *, final: bool) -> bytes:
    """The paper of one unit; raises as ``letter`` does."""
    found = letter(run, unit, final=final)
    paper = Paper(
        _("Feedback on the result:\n{scheme}").format(scheme=run.scheme.title),
        stamp=found.stamp,
        moment=datetime.fromisoformat(run.computed_at).astimezone(UTC),
        warnings=found.banner,
        marker=found.marker,
    )
    paper.paragraph(_("To {unit}:").format(unit=unit), indented=False)
    paper.paragraph(
        _(
            "This is how you came out in {scheme}. What others gave or got is confidential and is"
            " told as far as it can be without naming them."
        ).format(scheme=run.scheme.title)
    )
    for sheet in found.sheets:
        paper.heading(1, sheet.name)
        if run.provisional:
            paper.note(_("Provisional result: the first page says what is missing."))
        paper.table(sheet)
    paper.closing(run.scheme.document.issued_by or _("(issuing office)"))
    return paper.save()
