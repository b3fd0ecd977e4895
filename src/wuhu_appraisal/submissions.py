"""What a scheme expects to be sent, held against what came: each ballot, sheet and round."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from wuhu_appraisal.findings import Source
from wuhu_appraisal.i18n import N_, Bilingual
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Form, Plan


class State(StrEnum):
    """Whether an expected sheet came; the values are message ids."""

    CAME = N_("came")
    MISSING = N_("not sent")
    TWICE = N_("came twice")


@dataclass(frozen=True, slots=True)
class Place:
    """One sheet that is expected: an adjustment's has no group and no members."""

    stage: str
    group: str
    form: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Submission:
    """An expected sheet with what it is called, and the sheets that came for it."""

    place: Place
    stage: Bilingual
    form: Bilingual
    members: Bilingual
    sources: Sequence[Source]

    @property
    def state(self) -> State:
        """Missing, come, or come more than once."""
        if not self.sources:
            return State.MISSING
        return State.CAME if len(self.sources) == 1 else State.TWICE


def place_of(stage: str, group: str, form: Form, fixed: Mapping[str, str]) -> Place:
    """The place of a sheet that was recognised as a form, by the members that its name gives."""
    return Place(stage, group, form.id, tuple(fixed[name] for name in form.named))


def submissions(scheme: Scheme, came: Mapping[Place, Sequence[Source]]) -> list[Submission]:
    """Every sheet that the scheme expects, in its order, with the sheets that came for it."""
    found: list[Submission] = []
    for stage in scheme.stages:
        for group, plan in stage.plans.items():
            for form in plan.forms:
                for members in _combinations(scheme, group, plan, form):
                    place = Place(stage.id, group, form.id, members)
                    called = scheme.titles_of(plan, form.named, members)
                    found.append(
                        Submission(
                            place, stage.title.pair, form.title.pair, called, came.get(place, [])
                        )
                    )
    for adjustment in scheme.adjustments:
        place = Place(adjustment.id, "", adjustment.id)
        title = adjustment.title.pair
        found.append(Submission(place, title, title, Bilingual("", ""), came.get(place, [])))
    return found


def _combinations(scheme: Scheme, group: str, plan: Plan, form: Form) -> Iterator[tuple[str, ...]]:
    """Every combination of members that a form's name can give; an open dimension gives none."""
    units = [unit.name for unit in scheme.group(group).units]
    yield from product(
        *(
            units if name == "unit" else scheme.members(plan.dimensions[name]) or ()
            for name in form.named
        )
    )
