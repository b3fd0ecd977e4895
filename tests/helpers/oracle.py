"""What the rules come to, worked out a second time: naively, in exact fractions, from plain data.

Nothing here is shared with the package. A cell is a number, ``None`` where nothing was written, or
``'/'`` where someone wrote that the item does not apply.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Literal, TypeAlias

Cell: TypeAlias = Fraction | Decimal | int | Literal["/"] | None
Policy: TypeAlias = Literal["error", "exclude", "zero"]
By: TypeAlias = Literal["sum", "mean", "weighted", "median", "trimmed_mean", "best", "latest"]
Marks: TypeAlias = Mapping[str, int]
Tiers: TypeAlias = Mapping[str, Mapping[str, Mapping[str, Cell]]]
"""tier -> body -> item -> cell"""

MISSING: None = None
NOT_APPLICABLE: Literal["/"] = "/"


@dataclass(frozen=True)
class Rule:
    """What a roll-up does, and what absent cells mean to it."""

    by: By
    missing: Policy = "error"
    not_applicable: Policy = "error"
    drop_high: int = 0
    drop_low: int = 0
    n: int = 1


@dataclass
class Errors:
    """How many absent cells met a policy that calls them errors, and how many means were too small."""

    absent: int = 0
    too_few: int = 0

    def __bool__(self) -> bool:
        return bool(self.absent or self.too_few)


@dataclass(frozen=True)
class Node:
    """A line of an indicator tree: its weight or its marks, and the lines below it."""

    id: str
    share: int
    items: tuple["Node", ...] = ()

    def leaves(self) -> list["Node"]:
        if not self.items:
            return [self]
        return [leaf for item in self.items for leaf in item.leaves()]

    def depth(self) -> int:
        return 1 + max((item.depth() for item in self.items), default=0)


# --- the vocabulary of steps -------------------------------------------------------------------


def roll(
    rule: Rule, cells: Sequence[Cell], shares: Sequence[int | Fraction], errors: Errors
) -> Cell:
    """One cell of many. ``shares`` are the weights, or the marks, of all of them."""
    present: list[tuple[Fraction, Fraction]] = []
    offences = 0
    for cell, share in zip(cells, shares, strict=True):
        number, offends = settled(cell, rule)
        offences += offends
        if number is not None:
            present.append((number, Fraction(share)))
    errors.absent += offences
    needed = rule.drop_high + rule.drop_low + 1
    if len(present) < needed:
        errors.too_few += needed > 1 and not offences
        return NOT_APPLICABLE if all(cell == NOT_APPLICABLE for cell in cells) else MISSING
    if rule.by == "sum":
        whole = add(Fraction(share) for share in shares)
        return add(number for number, _share in present) * whole / add(kept_of(present))
    if rule.by == "weighted":
        return add(number * share for number, share in present) / add(kept_of(present))
    return chosen_mean(rule, [number for number, _share in present])


def kept_of(present: Sequence[tuple[Fraction, Fraction]]) -> list[Fraction]:
    """The weights, or the marks, of what takes part."""
    return [share for _number, share in present]


def chosen_mean(rule: Rule, numbers: list[Fraction]) -> Fraction:
    """The mean of those that a rule chooses, found by taking away one by one."""
    match rule.by:
        case "median":
            while len(numbers) > 2:
                numbers = without_lowest(without_highest(numbers))
        case "trimmed_mean":
            for _each in range(rule.drop_high):
                numbers = without_highest(numbers)
            for _each in range(rule.drop_low):
                numbers = without_lowest(numbers)
        case "best":
            while len(numbers) > rule.n:
                numbers = without_lowest(numbers)
        case "latest":
            numbers = numbers[-1:]
    return plain_mean(numbers)


def settled(cell: Cell, rule: Rule) -> tuple[Fraction | None, bool]:
    """The number that a cell counts as, if any, and whether its absence is an error."""
    if not isinstance(cell, Fraction | Decimal | int):
        policy = rule.missing if cell is None else rule.not_applicable
        return (Fraction(0) if policy == "zero" else None), policy == "error"
    return Fraction(cell), False


def rolled_tree(
    items: Sequence[Node],
    scores: Mapping[str, Cell],
    levels: Sequence[Rule],
    errors: Errors,
) -> Cell:
    """An indicator tree from its leaves to its root; ``levels[0]`` joins the top items."""
    cells = [
        rolled_tree(item.items, scores, levels[1:], errors) if item.items else scores.get(item.id)
        for item in items
    ]
    return roll(levels[0], cells, [item.share for item in items], errors)


def rescaled(cell: Cell, full: Fraction | int, to: Fraction | int) -> Cell:
    """A number out of ``full`` as one out of ``to``."""
    if isinstance(cell, Fraction | Decimal | int):
        return Fraction(cell) * to / full
    return cell


def adjusted(
    composite: Cell,
    points: Mapping[str, Sequence[Fraction]],
    caps: Mapping[str, Fraction],
    adjusting: tuple[Fraction | None, Fraction | None] = (None, None),
    final: tuple[Fraction | None, Fraction | None] = (None, None),
    bonus_cap: Fraction | None = None,
) -> Cell:
    """Composite and signed points; each adjustment held to its cap, then all, then the final.

    A pair of bounds is (floor, cap). ``bonus_cap`` holds what all that is above 0 comes to: an
    adjustment either gives or takes.
    """
    if not isinstance(composite, Fraction | Decimal | int):
        return MISSING
    gains, losses = Fraction(0), Fraction(0)
    for name, each in points.items():
        most = caps.get(name)
        own = add(each)
        own = own if most is None else held(own, -most, most)
        gains, losses = gains + max(own, Fraction(0)), losses + min(own, Fraction(0))
    whole = held(gains, None, bonus_cap) + losses
    return held(Fraction(composite) + held(whole, *adjusting), *final)


def band_points(
    value: Decimal, bands: Sequence[tuple[int, int | None, Decimal]]
) -> Fraction | None:
    """The points of the band (from, to, points) that a value lies in, both ends included."""
    for low, high, points in bands:
        if value >= low and (high is None or value <= high):
            return Fraction(points)
    return None


def held(value: Fraction, floor: Fraction | None, cap: Fraction | None) -> Fraction:
    """The value between its bounds."""
    if floor is not None and value < floor:
        return floor
    if cap is not None and value > cap:
        return cap
    return value


# --- what is published -------------------------------------------------------------------------


def published(cell: Cell, digits: int = 2) -> str | None:
    """A number as it is printed: half up (away from zero) at ``digits``, in whole numbers only."""
    if not isinstance(cell, Fraction | Decimal | int):
        return None
    exact = Fraction(cell)
    units, rest = divmod(abs(exact.numerator) * 10**digits, exact.denominator)
    units += 2 * rest >= exact.denominator
    sign = "-" if exact < 0 and units else ""
    text = str(units).rjust(digits + 1, "0")
    return f"{sign}{text[:-digits]}.{text[-digits:]}" if digits else f"{sign}{text}"


def ranks(keys: Mapping[str, Sequence[str | None]]) -> dict[str, int | None]:
    """1 and the number of units strictly ahead, by published numbers in turn; None without a final."""
    orders = {
        unit: [Fraction(part) if part is not None else Fraction(-(10**9)) for part in key]
        for unit, key in keys.items()
        if key[0] is not None
    }
    found: dict[str, int | None] = dict.fromkeys(keys)
    for unit, own in orders.items():
        found[unit] = 1 + sum(other > own for other in orders.values())
    return found


# --- the appraisal of 2020 ---------------------------------------------------------------------

TIERS = {"government": 7, "township": 2, "department": 1}
STAGES = {"professional": 45, "mutual": 25, "daily": 20, "social": 10}


def _annex(*sections: str) -> dict[str, int]:
    """The marks of 一(一), 一(二) … from lines such as '一 5 3 5'."""
    found = {}
    for section in sections:
        name, *marks = section.split()
        for numeral, each in zip("一二三四五六七", marks, strict=False):
            found[f"{name}({numeral})"] = int(each)
    return found


COUNTY_MARKS = _annex(
    "一 5 3 5",
    "二 3 3 4",
    "三 4 2 2",
    "四 3 2 2",
    "五 2 3 3",
    "六 6 6 4 4",
    "七 2 5 2 5 5 2 1",
    "八 2 2 2 4 2",
)
"""附件2"""
MUNICIPAL_MARKS = _annex(
    "一 6 5 5",
    "二 3 3 4",
    "三 4 3 3",
    "四 4 3 3",
    "五 5 5 5",
    "六 5",
    "七 2 5 2 5 5 2 1",
    "八 2 2 6 2",
)
"""附件3"""
_COUNTY_SOCIAL = (
    "一(二) 二(一) 二(二) 二(三) 三(二) 三(三) 四(一) 四(二) 五(三) 六(一) 六(二) 七(一) 七(二) "
    "七(三) 七(五) 七(六)"
)
_MUNICIPAL_SOCIAL = (
    "一(一) 一(二) 一(三) 二(三) 三(二) 三(三) 四(三) 五(一) 七(一) 七(二) 七(三) 七(五) 七(六) "
    "八(一)"
)
COUNTY_SOCIAL = {item: COUNTY_MARKS[item] for item in _COUNTY_SOCIAL.split()}
MUNICIPAL_SOCIAL = {item: MUNICIPAL_MARKS[item] for item in _MUNICIPAL_SOCIAL.split()}


@dataclass(frozen=True)
class Case:
    """All that was handed in for one unit; a municipal unit has one tier with one body."""

    professional: Tiers = field(default_factory=dict)
    ballots: Mapping[str, Cell] = field(default_factory=dict)
    rounds: Mapping[str, Cell] = field(default_factory=dict)
    social: Tiers = field(default_factory=dict)
    provincial_rank: int | None = None
    interpretations: Sequence[Decimal] = ()
    standardisation: Sequence[Decimal] = ()
    allocation: Sequence[Decimal] = ()


@dataclass(frozen=True)
class Result:
    """What a case comes to; ``provisional`` where something that was due had to be left out."""

    stages: Mapping[str, Cell]
    composite: Cell
    final: Cell
    provisional: bool


def county(case: Case, raters: Iterable[str], rounds: Iterable[str]) -> Result:
    """A county by 三(一) to 三(五), with every stage it should have."""
    errors = Errors()
    return _result(
        case,
        {
            "professional": _tiers(case.professional, COUNTY_MARKS, errors),
            "mutual": _even(case.ballots, raters, errors),
            "daily": _even(case.rounds, rounds, errors),
            "social": _tiers(case.social, COUNTY_SOCIAL, errors),
        },
        errors,
    )


def municipal(case: Case, raters: Iterable[str], rounds: Iterable[str]) -> Result:
    """A municipal unit: its own items, out of 100, in place of the three tiers."""
    errors = Errors()
    professional = _only_body(case.professional)
    social = _only_body(case.social)
    return _result(
        case,
        {
            "professional": _items(professional, MUNICIPAL_MARKS, errors),
            "mutual": _even(case.ballots, raters, errors),
            "daily": _even(case.rounds, rounds, errors),
            "social": _items(social, MUNICIPAL_SOCIAL, errors),
        },
        errors,
    )


def _result(case: Case, stages: Mapping[str, Cell], errors: Errors) -> Result:
    composite = roll(Rule("weighted"), list(stages.values()), list(STAGES.values()), errors)
    points = {
        "province": [provincial_points(case.provincial_rank)],
        "interpretation": [Fraction(each) for each in case.interpretations],
        "deductions": [-Fraction(each) for each in (*case.standardisation, *case.allocation)],
    }
    caps = {"interpretation": Fraction(2)}
    final = adjusted(composite, points, caps, final=(Fraction(0), None))
    return Result(stages, composite, final, bool(errors))


def provincial_points(rank: int | None) -> Fraction:
    """三(五)1: 5 for the first ten, 3 for the next ten, 1 for any other place on the list."""
    if rank is None:
        return Fraction(0)
    return Fraction(5 if rank <= 10 else 3 if rank <= 20 else 1)


def _tiers(tiers: Tiers, marks: Marks, errors: Errors) -> Cell:
    """7:2:1 of the plain means of each tier's bodies; None where nothing came for the county."""
    if not tiers:
        return MISSING
    cells: list[Cell] = []
    for tier in TIERS:
        bodies = [_items(items, marks, errors) for items in tiers.get(tier, {}).values()]
        rule = Rule("mean", missing="error", not_applicable="exclude")
        cells.append(roll(rule, bodies, [1] * len(bodies), errors) if bodies else MISSING)
    return roll(Rule("weighted"), cells, list(TIERS.values()), errors)


def _items(items: Mapping[str, Cell] | None, marks: Marks, errors: Errors) -> Cell:
    """The items' scores out of their marks, brought to 100; what is not assessed is left out."""
    if items is None:
        return MISSING
    cells = [items.get(item) for item in marks]
    added = roll(Rule("sum", "error", "exclude"), cells, list(marks.values()), errors)
    return rescaled(added, sum(marks.values()), 100)


def _even(cells: Mapping[str, Cell], members: Iterable[str], errors: Errors) -> Cell:
    """Every ballot, or every round, weighs the same."""
    expected = [cells.get(member) for member in members]
    return roll(Rule("mean"), expected, [1] * len(expected), errors)


def _only_body(tiers: Tiers) -> Mapping[str, Cell] | None:
    return next((body for bodies in tiers.values() for body in bodies.values()), None)


# --- small arithmetic --------------------------------------------------------------------------


def add(numbers: Iterable[Fraction]) -> Fraction:
    """The sum."""
    return sum(numbers, Fraction(0))


def plain_mean(numbers: Sequence[Fraction]) -> Fraction:
    """The sum by the count."""
    return add(numbers) / len(numbers)


def without_highest(numbers: Sequence[Fraction]) -> list[Fraction]:
    """All but one of the highest."""
    left = list(numbers)
    left.remove(max(left))
    return left


def without_lowest(numbers: Sequence[Fraction]) -> list[Fraction]:
    """All but one of the lowest."""
    left = list(numbers)
    left.remove(min(left))
    return left
