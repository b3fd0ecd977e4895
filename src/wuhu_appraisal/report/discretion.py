"""What one unit may be told of a run.

These rules hold whatever the input:

- No other unit and no rater is named. A remark or ground that names one, by any way its name is
  written, is withheld, and so is a source whose file or sheet does; that a text was withheld is
  said. The unit's own name and those of its own bodies may hold another's (无为市教育局 holds 市教育局),
  and the scheme's own texts stand as they are.
- A stage that is rolled up over raters is told as a whole only: no score, remark or source of it.
- Its score is withheld where it is made of fewer raters' scores than the scheme's
  ``confidentiality.fewest_raters``: absent ones do not count, nor do those that a step leaves out.
  A median leaves out none, because all of them settle which one is in the middle.
- So that it cannot be worked out from the rest, other scores are withheld with it
  (``scoring.statistics.withheld``), each with all that adds up to it or may be it: what it adds to
  the composite, its items, its categories, the group's numbers that it is one of. Where no other
  score can be, the composite and the final are.
- A group's mean, best and median of a stage are those of the units whose own stage has enough
  raters, and told from so many units on that one that knows its own score cannot work out another's
  (``scoring.statistics``). Composites and finals have none: with those of the stages they would
  give away what was left out there, and with the distance to the next rank a single final.
- The distance to the next rank tells a final without its name; in a group of two it is not told.
- Of what a provisional result lacks, a unit is told how much it is, and what stands in sheets that
  are its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from unicodedata import category

from wuhu_appraisal.findings import Finding, Source
from wuhu_appraisal.i18n import _
from wuhu_appraisal.names import normalise
from wuhu_appraisal.run import Run
from wuhu_appraisal.scheme.compose import Grain, PlannedStep, initial, planned
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.stages import Plan, Stage
from wuhu_appraisal.scheme.steps import RollUp
from wuhu_appraisal.scoring.contributions import Contribution, contributions, telling_dimension
from wuhu_appraisal.scoring.evaluate import GroupTrace, StageTrace
from wuhu_appraisal.scoring.rank import Standing
from wuhu_appraisal.scoring.statistics import counted, veil
from wuhu_appraisal.table import Absent, Block

_SLICE = 1000
_RANKS, _SHORTEST = ("区", "县", "市"), 2
"""``normalise`` reads no more of a text than this."""


class Names:
    """Finds who else is named in a text that is meant for one unit.

    ``bodies`` are the unit's own, named as its sheets name them. Names are looked for without the
    prefixes and suffixes that the scheme lets go, so a word that merely holds one is taken for it.
    Without a unit everybody is somebody else; ``raters_alone`` looks for raters and nobody else.
    """

    def __init__(
        self,
        scheme: Scheme,
        unit: str = "",
        bodies: Sequence[str] = (),
        *,
        raters_alone: bool = False,
    ) -> None:
        raters = {name for item in scheme.raters for name in scheme.raters_of(item.id)}
        written = {name: [name] for name in raters}
        for item in scheme.all_units:
            if not raters_alone or item.name in raters:
                written[item.name] = [item.name, *item.written]
        full = {
            _folded(name) for whose, names in written.items() for name in names if whose != unit
        }
        own = {_folded(name) for name in written.get(unit, [unit])}
        self._others = {_bare(scheme, name) for name in full}
        self._own = own | {_bare(scheme, name) for name in own}
        self._own |= {_folded(body) for body in bodies} - full

    def named_in(self, text: str) -> bool:
        """Whether another unit or a rater is named, other than within one of the unit's own names."""
        folded = _folded(text)
        own = [place for name in self._own for place in _places(name, folded)]
        return any(
            not any(first <= start and end <= last for first, last in own)
            for name in self._others
            for start, end in _places(name, folded)
        )


@dataclass(frozen=True)
class Part:
    """One stage of the unit's group: its scores taken apart, and what may be told of them."""

    scheme: Scheme
    stage: Stage
    plan: Plan
    trace: StageTrace

    @cached_property
    def steps(self) -> Sequence[PlannedStep]:
        """The steps that the trace went through."""
        return planned(self.scheme, self.plan)

    @cached_property
    def grain(self) -> Grain:
        """The grain of the scores as read."""
        return initial(self.scheme, self.plan)

    @property
    def rated(self) -> bool:
        """Whether raters gave its scores."""
        return any(dimension.raters for dimension in self.plan.dimensions.values())

    @cached_property
    def telling(self) -> str | None:
        """The dimension by which it is told; None where it is told as a whole."""
        return None if self.rated else telling_dimension(self.plan, self.steps)

    def place(self, dimension: str) -> int:
        """Where a dimension's members stand in the keys of the scores."""
        return self.grain.dimensions.index(dimension)

    def scores(self, unit: str) -> list[Contribution]:
        """What counts in a unit's score."""
        return list(contributions(self.grain, self.steps, self.trace, unit))

    def blocks(self, unit: str) -> Iterator[Block]:
        """The rectangles of scores that a unit is in."""
        for block in self.trace.scores.blocks:
            named = (axis for axis in (block.rows, block.columns) if axis.dimension == "unit")
            if block.fixed.get("unit") == unit or any(unit in axis.members for axis in named):
                yield block

    def enough(self, unit: str) -> bool:
        """Whether a unit's score is made of as many raters' scores as it takes to tell it."""
        fewest = self.scheme.confidentiality.fewest_raters
        return all(
            self._raters(unit, name) >= fewest
            for name, dimension in self.plan.dimensions.items()
            if dimension.raters
        )

    def _raters(self, unit: str, dimension: str) -> int:
        place = self.place(dimension)
        middle = any(
            isinstance(step, RollUp) and step.roll_up == dimension and step.by == "median"
            for step in self.plan.steps
        )
        if not middle:
            return counted(self.scores(unit), place)
        return len(
            {
                key[place]
                for key, value in self.trace.scores.items()
                if key[0] == unit and not isinstance(value, Absent)
            }
        )


@dataclass(frozen=True)
class Told:
    """One unit's standing and all that it may be told by; ``of`` makes it."""

    run: Run
    group: str
    standing: Standing

    @classmethod
    def of(cls, run: Run, unit: str) -> "Told":
        """What a unit of the run may be told; KeyError if it is not in the run."""
        for group, standings in run.standings.items():
            for standing in standings:
                if standing.unit == unit:
                    return cls(run, group, standing)
        raise KeyError(unit)

    @property
    def unit(self) -> str:
        """The unit's name."""
        return self.standing.unit

    @property
    def traces(self) -> GroupTrace:
        """How the finals of the unit's group came to be."""
        return self.run.traces[self.group]

    @cached_property
    def parts(self) -> Mapping[str, Part]:
        """The stages by their ids."""
        return {
            stage.id: Part(
                self.run.scheme, stage, stage.plans[self.group], self.traces.stages[stage.id]
            )
            for stage in self.run.scheme.stages
        }

    @cached_property
    def shares(self) -> Mapping[str, Fraction]:
        """The coefficient of each stage that counts in the unit's composite."""
        row = self.traces.composite.rows[(self.unit,)]
        return {
            stage: share
            for stage, share in zip(row.members, row.coefficients, strict=True)
            if share and self.standing.stages[stage] is not None
        }

    @cached_property
    def few(self) -> Sequence[str]:
        """The stages whose scores too few raters made."""
        return [stage for stage in self.shares if not self.parts[stage].enough(self.unit)]

    @cached_property
    def _veil(self) -> tuple[frozenset[str], bool]:
        if not self.few:
            return frozenset(), False
        scores: dict[str, Fraction] = {}
        for stage in self.shares:
            value = self.parts[stage].trace.value(self.unit)
            assert not isinstance(value, Absent | str), "a stage that counts has a number"
            scores[stage] = Fraction(value)
        return veil(self.shares, self.few, scores)

    @property
    def hidden(self) -> frozenset[str]:
        """The stages whose scores are withheld."""
        return self._veil[0]

    @cached_property
    def members(self) -> Mapping[str, "Told"]:
        """The units of the group by name, each as it would be told itself."""
        found = self.run.standings[self.group]
        return {item.unit: Told(self.run, self.group, item) for item in found}

    def open_to(self, stage: str) -> list[str]:
        """The units of the group from whom their score of the stage is not withheld."""
        return [unit for unit, other in self.members.items() if stage not in other.hidden]

    @property
    def company(self) -> frozenset[str]:
        """The stages whose scores are withheld for the sake of others."""
        return self.hidden.difference(self.few)

    @property
    def whole_hidden(self) -> bool:
        """Whether the composite and the final would tell a score that is withheld."""
        return self._veil[1]

    @property
    def open(self) -> Iterator[Part]:
        """The stages that count and are told."""
        return (self.parts[stage] for stage in self.shares if stage not in self.hidden)

    @cached_property
    def names(self) -> Names:
        """Who must not be named."""
        bodies: dict[str, None] = {}
        for part in self.parts.values():
            places = [part.place(name) for name, it in part.plan.dimensions.items() if it.open]
            keys = (key for key, _value in part.trace.scores.items() if key[0] == self.unit)
            bodies.update((key[place], None) for key in keys for place in places)
        return Names(self.run.scheme, self.unit, list(bodies))

    def text(self, text: str) -> str:
        """A text that someone wrote, or the sentence that it is withheld."""
        return _("A text that names others is withheld.") if self.names.named_in(text) else text

    def source(self, source: Source) -> str:
        """Where something stands; '' where that names others."""
        return "" if self.names.named_in(str(source)) else str(source)

    def concerns(self, item: Finding) -> bool:
        """Whether a finding is of the unit alone: of a sheet of its own, or of the unit by name."""
        here = (item.source.file, item.source.sheet) in self._sheets
        by_name = not item.source.file and item.params.get("unit") == self.unit
        return (here or by_name) and not self.names.named_in(item.message)

    @cached_property
    def _sheets(self) -> set[tuple[str, str]]:
        return {
            (block.file, block.sheet)
            for part in self.parts.values()
            if not part.rated
            for block in part.blocks(self.unit)
            if "unit" in block.fixed
        }


def _folded(text: str) -> str:
    """The text as names are compared: letters and digits alone, in one case; all of it, however long."""
    slices = range(0, len(text), _SLICE)
    plain = "".join(normalise(text[start : start + _SLICE]) for start in slices)
    return "".join(sign for sign in plain if category(sign)[0] not in "CMPZ").casefold()


def _bare(scheme: Scheme, name: str) -> str:
    """A folded name without prefix and suffix, as long as two characters are left."""
    for prefix in sorted(map(_folded, scheme.reading.name_prefixes), key=len, reverse=True):
        if name.startswith(prefix) and len(name) > len(prefix) + 1:
            name = name.removeprefix(prefix)
            break
    for suffix in sorted(map(_folded, scheme.reading.name_suffixes), key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix) + 1:
            name = name.removesuffix(suffix)
            break
    # In everyday writing a place goes without its rank: 弋江 for 弋江区.
    return name[:-1] if name[-1:] in _RANKS and len(name) > _SHORTEST else name


def _places(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Where a name stands in a text, each time with its end."""
    start = text.find(name) if name else -1
    while start >= 0:
        yield start, start + len(name)
        start = text.find(name, start + 1)
