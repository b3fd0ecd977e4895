"""The result of an appraisal, and its data frames.

Numbers stay exact, and what is absent stays None: pandas would make floats and NaN of them, so the
columns are of dtype object.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

from wuhu_appraisal import __version__
from wuhu_appraisal.findings import Finding, Severity, has_errors
from wuhu_appraisal.model import (
    COMPOSITE,
    FINAL,
    Absent,
    Applied,
    InputFile,
    LedgerEntry,
    Remark,
    Score,
    Standing,
    StepTable,
    Trace,
)
from wuhu_appraisal.numbers import exact_text
from wuhu_appraisal.scheme.audiences import Audience, Detail
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scheme.rules import Convert, Rescale, RollUp, Step

if TYPE_CHECKING:
    import pandas as pd


Row: TypeAlias = tuple[object, ...]

_UNIT = "unit"
_BEFORE_STAGES, _AFTER_STAGES = ("group", "rank", _UNIT), ("composite", "points", "final")
_BEFORE_SCORE, _AFTER_SCORE = ("stage", "group", _UNIT), ("score", "file", "sheet", "cell")
_BEFORE_INPUT = ("stage", "group", "step", "kind", _UNIT)
_AFTER_INPUT = ("member", "value", "coefficient", "result")


LONGEST_RECIPIENT = 40
"""The most characters of a recipient's name, so that it fits on one line of a page."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Who may see a result and who gets this copy of it.

    ``result`` is the ``Result.id`` of the whole result, ``notes`` say what is withheld.
    """

    audience: Audience = Audience.OFFICE
    recipient: str = ""
    result: str = ""
    shows: frozenset[Detail] = frozenset(Detail)
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """The ranking of each group, the way of every number, and the findings.

    ``standings`` and ``traces`` are by the group's id. ``computed_at`` is an ISO 8601 time with
    offset, ``versions`` those of Python and of the packages that numbers go through. ``frozen`` is
    the record of what was frozen, as data, and ``inputs`` are the folders and files that were read,
    as paths from the folder of the result's file; no copy for another audience has them.
    """

    scheme: Scheme
    scheme_sha256: str
    computed_at: str
    standings: Mapping[str, Sequence[Standing]]
    traces: Mapping[str, Trace]
    sources: Sequence[InputFile]
    findings: Sequence[Finding]
    ledger: Sequence[LedgerEntry] = ()
    remarks: Sequence[Remark] = ()
    decisions: Sequence[Applied] = ()
    copy: Copy = Copy()
    tool: str = f"appraise {__version__}"
    versions: Mapping[str, str] = field(default_factory=dict)
    frozen: Mapping[str, Any] = field(default_factory=dict)
    inputs: Sequence[str] = ()

    def __repr__(self) -> str:
        """Return one line; the data frames show what the result holds."""
        units = sum(map(len, self.standings.values()))
        return (
            f"<Result {self.id} of {self.scheme.id}: {units} units in {len(self.standings)} groups, "
            f"{len(self.findings)} findings, computed at {self.computed_at}>"
        )

    @property
    def id(self) -> str:
        """The number by which a copy leads back to the result: 12 hexadecimal digits.

        It follows from the scheme, the files, the decisions and the findings.
        """
        parts = [
            self.scheme_sha256,
            *sorted(f"{item.sha256} {item.file}" for item in self.sources),
            *sorted(item.decision.model_dump_json() for item in self.decisions),
            *(f"{item.code} {item.severity} {item.source}" for item in self.findings),
        ]
        digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return self.copy.result or digest[:12].upper()

    @property
    def provisional(self) -> bool:
        """Whether findings of severity error keep this from being final."""
        return has_errors(self.findings)

    @property
    def missing(self) -> list[Finding]:
        """The findings of severity error that a provisional result was computed in spite of."""
        return [item for item in self.findings if item.severity is Severity.ERROR]

    def standing_of(self, unit: str) -> tuple[str, Standing]:
        """Return a unit's group and standing. Raise KeyError if it is not in the result."""
        for group, standings in self.standings.items():
            for standing in standings:
                if standing.unit == unit:
                    return group, standing
        raise KeyError(unit)

    def ranking(self) -> "pd.DataFrame":
        """One row a unit, as it is published, the groups one below the other in order of rank.

        Columns, all of dtype object but ``rank``:

        - ``group`` (str): the group's id
        - ``rank`` (Int64): <NA> where a provisional result has none
        - ``unit`` (str)
        - one for each stage, named by its id (Decimal or None): the stage's score
        - ``composite`` (Decimal or None)
        - ``points`` (Decimal): what the adjustments come to
        - ``final`` (Decimal or None)
        - ``class`` (str or None) and ``vetoes`` (str, ids separated by '; ') in schemes that have any

        Decimals have the digits that the scheme publishes, and None stands where there is no number.
        A stage whose id is the name of another column has '_' behind it.
        """
        return _ranking_frame(self.scheme, self.standings)

    def scores(self) -> "pd.DataFrame":
        """One row a cell with a score, as it was read, with the place where it stands.

        Columns, all of dtype object:

        - ``stage``, ``group`` (str): their ids
        - ``unit`` (str), then one for each dimension of any stage, in the scheme's words (str): the
          member, None where the stage does not have the dimension
        - ``score``: the number as a Decimal, a grade as str, None for a missing score, '/' for one
          that does not apply, 'set aside' for one that was decided not to count
        - ``file``, ``sheet``, ``cell`` (str): the score's cell

        A dimension that has the name of another column has '_' behind it.
        """
        return _scores_frame(self.traces)

    def trace(self) -> "pd.DataFrame":
        """One row for each input of each number that was computed.

        Columns, all of dtype object but ``step``:

        - ``stage`` (str): the stage's id; 'composite' for what joins the stages and 'final' for what
          adds the adjustments, each with '_' behind it where a stage has that id
        - ``group`` (str): its id
        - ``step`` (int64): the place of the step in the plan, from 0; 0 for composite and final
        - ``kind`` (str): sum, mean, weighted, median, trimmed_mean, best, latest, rescale, convert,
          or adjust for the final
        - ``unit`` (str), then one for each dimension of any stage (str): the member that the number
          stands for, None where the number does not have the dimension (any more)
        - ``member`` (str): which input this is, a member of the dimension that the step takes away;
          a stage for the composite; for the final 'composite', an adjustment, or the bound or veto
          that binds; for convert the grade; None for rescale, and for convert where there is no grade
        - ``value``: the input as a Fraction; None where it is missing, '/' where it does not apply,
          'set aside' where a decision leaves it out; for convert the number that the scheme gives the grade
        - ``coefficient`` (Fraction)
        - ``result`` (Fraction or None): the number; None where there is none

        The rows that share ``stage``, ``group``, ``step``, ``unit`` and the dimensions are the inputs
        of one number: the sum of ``coefficient`` times ``value`` is exactly its ``result``, where
        None, '/' and 'set aside' count as 0. A dimension that has the name of another column has
        '_' behind it.
        """
        return _trace_frame(self.scheme, self.traces)

    # What follows reads a whole result, so it stands in a room above: imported where it is asked for.

    def sensitivity(self) -> "pd.DataFrame":
        """How near units are, and which weights turn them round: ``analysis.sensitivity.sensitivity``."""
        from wuhu_appraisal.analysis.sensitivity import sensitivity

        return sensitivity(self)

    def raters(self) -> "pd.DataFrame":
        """How each rater's scores compare with the others': ``analysis.raters.raters``."""
        from wuhu_appraisal.analysis.raters import raters

        return raters(self)

    def panels(self) -> "pd.DataFrame":
        """How far the raters of each stage agree: ``analysis.raters.panels``."""
        from wuhu_appraisal.analysis.raters import panels

        return panels(self)

    def compare(self, other: "Result") -> "pd.DataFrame":
        """What changed from this result to another, part by part: ``analysis.change.compare``."""
        from wuhu_appraisal.analysis.change import compare

        return compare(self, other)


def _ranking_frame(scheme: Scheme, standings: Mapping[str, Sequence[Standing]]) -> "pd.DataFrame":
    """See ``Run.ranking``; ``standings`` are those of each group by its id."""
    stages = [stage.id for stage in scheme.stages]
    rows = (
        (
            group,
            item.rank,
            item.unit,
            *(item.stages[stage] for stage in stages),
            item.composite,
            item.points,
            item.final,
            *([item.class_id] if scheme.classes else []),
            *(["; ".join(it.id for it in item.vetoes)] if scheme.vetoes else []),
        )
        for group, units in standings.items()
        for item in units
    )
    after = (*_AFTER_STAGES, *(["class"] if scheme.classes else []))
    after += ("vetoes",) if scheme.vetoes else ()
    frame = _frame(rows, _BEFORE_STAGES, stages, after)
    return frame.astype({"rank": "Int64"})


def _scores_frame(traces: Mapping[str, Trace]) -> "pd.DataFrame":
    """See ``Run.scores``; ``traces`` are those of each group by its id."""
    dimensions = _dimensions(traces)
    return _frame(_scores(traces, dimensions), _BEFORE_SCORE, dimensions, _AFTER_SCORE)


def _trace_frame(scheme: Scheme, traces: Mapping[str, Trace]) -> "pd.DataFrame":
    """See ``Run.trace``; ``traces`` are those of each group by its id."""
    dimensions = _dimensions(traces)
    rows = _inputs(scheme, traces, dimensions)
    return _frame(rows, _BEFORE_INPUT, dimensions, _AFTER_INPUT).astype({"step": "int64"})


def _frame(
    rows: Iterable[Row], before: Sequence[str], named: Sequence[str], behind: Sequence[str]
) -> "pd.DataFrame":
    """The rows under fixed columns and, between them, those that the scheme ``named``."""
    own = (*before, *behind)
    between = [_apart(name, (*own, *named)) if name in own else name for name in named]
    import pandas as pd

    return pd.DataFrame(list(rows), columns=[*before, *between, *behind], dtype=object)


def _apart(name: str, names: Collection[str]) -> str:
    """The name, with '_' behind it for as long as another has it."""
    while name in names:
        name += "_"
    return name


def _dimensions(traces: Mapping[str, Trace]) -> list[str]:
    """The dimensions of all stages beside the unit."""
    named = (
        name
        for traced in traces.values()
        for stage in traced.stages.values()
        for name in stage.scores.dimensions
    )
    return [name for name in dict.fromkeys(named) if name != _UNIT]


def _scores(traces: Mapping[str, Trace], dimensions: Sequence[str]) -> Iterator[Row]:
    for group, traced in traces.items():
        for stage, of_stage in traced.stages.items():
            for block in of_stage.scores.blocks:
                size = (len(block.rows.members), len(block.columns.members))
                for row, column in product(*map(range, size)):
                    at = {**block.fixed, **block.rows.member(row), **block.columns.member(column)}
                    source = block.source(row, column)
                    yield (
                        stage,
                        group,
                        *map(at.get, (_UNIT, *dimensions)),
                        _score(block.values[row][column]),
                        source.file,
                        source.sheet,
                        source.cell,
                    )


def _inputs(
    scheme: Scheme, traces: Mapping[str, Trace], dimensions: Sequence[str]
) -> Iterator[Row]:
    ids = [stage.id for stage in scheme.stages]
    for group, traced in traces.items():
        for stage in scheme.stages:
            steps = zip(stage.plans[group].steps, traced.stages[stage.id].steps, strict=True)
            for place, (step, table) in enumerate(steps):
                head = (stage.id, group, place, _kind(step))
                yield from _table(head, table, dimensions, step)
        joined = (_apart(COMPOSITE, ids), group, 0, "weighted")
        yield from _table(joined, traced.composite, dimensions)
        adjusted = (_apart(FINAL, ids), group, 0, "adjust")
        yield from _table(adjusted, traced.final, dimensions)


def _table(
    head: Row, table: StepTable, dimensions: Sequence[str], step: Step | None = None
) -> Iterator[Row]:
    """The inputs of each number in a table."""
    for key, row in table.rows.items():
        at: Mapping[str, Any] = dict(zip(table.dimensions, key, strict=True))
        number = (*head, *map(at.get, (_UNIT, *dimensions)))
        result = None if isinstance(row.value, Absent) else Fraction(row.value)
        inputs = zip(row.members, row.values, row.coefficients, strict=True)
        for member, value, coefficient in inputs:
            yield (*number, *_input(member, value, step), coefficient, result)


def _input(member: str, value: Score, step: Step | None) -> Row:
    """Member and value; what a step takes one by one is no member of anything."""
    if isinstance(step, Convert) and isinstance(value, str):
        return value, Fraction(step.convert[value])
    name = None if isinstance(step, Convert | Rescale) else member
    return name, _absent(value) if isinstance(value, Absent) else Fraction(value)


def _kind(step: Step) -> str:
    if isinstance(step, RollUp):
        return step.by
    return "rescale" if isinstance(step, Rescale) else "convert"


def _absent(value: Absent) -> str | None:
    return value.value or None


def _score(value: Score) -> Decimal | str | None:
    if isinstance(value, Absent):
        return _absent(value)
    # A result that was read from its file holds its scores as fractions.
    return Decimal(exact_text(value)) if isinstance(value, Fraction) else value
