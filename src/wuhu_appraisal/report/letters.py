"""What goes back to one unit, whatever the kind of file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wuhu_appraisal.report import feedback, view
from wuhu_appraisal.report.editions import edition
from wuhu_appraisal.report.view import Sheet
from wuhu_appraisal.run import Edition, Run
from wuhu_appraisal.scheme.confidentiality import Audience, Detail


@dataclass(frozen=True, slots=True)
class Letter:
    """Its heading, what every page bears, what stands above the tables, and the tables."""

    heading: str
    edition: Edition
    marker: str
    stamp: str
    banner: Sequence[str]
    sheets: Sequence[Sheet]


def letter(run: Run, unit: str, *, final: bool) -> Letter:
    """What one unit is told; it bears the run's stamp unless the run is approved.

    Whose copy it is, it says: the unit's own where nobody else is named as its recipient. Raises
    KeyError if the unit is not in the run, ValueError if ``final`` is asked of a provisional run.
    """
    if final and run.provisional:
        raise ValueError("nothing final goes back of a provisional result")
    shows = run.scheme.confidentiality.shown_to(Audience.UNIT)
    own = Edition(Audience.UNIT, run.edition.recipient or unit, run.id, shows)
    sheets = feedback.sheets(run, unit)
    if Detail.SCORES in shows:
        sheets += _ranking(run, unit)
    return Letter(
        feedback.heading(run, unit),
        own,
        view.marker(replace(run, edition=own)),
        view.stamp(run, final=final),
        feedback.banner(run, unit),
        sheets,
    )


def _ranking(run: Run, unit: str) -> list[Sheet]:
    """The ranking of the unit's group."""
    whole = edition(replace(run, edition=Edition()), Audience.UNIT)
    members = [[item.unit for item in found] for found in run.standings.values()]
    tables = zip(view.rankings(whole), members, strict=True)
    return [sheet for sheet, units in tables if unit in units]
