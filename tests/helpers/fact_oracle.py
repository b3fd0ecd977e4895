"""What the rules of an item come to, worked out case by case in exact fractions, from plain data.

Nothing here is shared with the package. A unit is its facts as numbers, a group all of its units.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

Unit: TypeAlias = Mapping[str, Fraction]


def item_score(item: Mapping[str, Any], unit: Unit, group: Sequence[Unit]) -> Fraction:
    """The score of an item: from its marks on where points are lost, within its bounds."""
    marks = Fraction(item["marks"])
    value = marks if "'lose'" in str(item["score"]) else Fraction(0)
    for rule in item["score"]:
        value += rule_points(rule, marks, unit, group)
    return max(Fraction(item.get("floor", 0)), min(Fraction(item.get("cap", marks)), value))


def rule_points(
    rule: Mapping[str, Any], full: Fraction, unit: Unit, group: Sequence[Unit]
) -> Fraction:
    """What one rule adds, worked out case by case."""
    marks = Fraction(rule.get("marks", full))
    if "lose" in rule or "earn" in rule:
        total = Fraction(0)
        for fact, each in rule.get("lose", rule.get("earn")).items():
            stated = each if isinstance(each, dict) else {"points": each}
            left = unit[fact] - Fraction(stated.get("above", 0))
            if left > 0 and "each" in stated:
                while left >= stated["each"]:
                    total += Fraction(stated["points"])
                    left -= stated["each"]
            elif left > 0:
                total += left * Fraction(stated["points"])
        total = min(total, Fraction(rule.get("cap", 10**9)))
        return -total if "lose" in rule else total
    if "bands" in rule:
        edges = [band.get("at_least", 0) for band in rule["bands"]]
        of = list(unit) if rule["of"] == "all" else rule["of"]
        reached = [max(at for at, edge in enumerate(edges) if unit[fact] >= edge) for fact in of]
        return sum((_of_band(rule["bands"][at]) for at in reached), Fraction(0))
    if "proportion" in rule:
        to = unit[rule["to"]] if isinstance(rule["to"], str) else Fraction(rule["to"])
        if to == 0:
            return marks if rule["if_nothing"] == "full" else Fraction(0)
        return min(unit[rule["proportion"]] / to, Fraction(1)) * marks
    if "when" in rule:
        tests = {
            "above": lambda value, bound: value > bound,
            "at_least": lambda value, bound: value >= bound,
            "at_most": lambda value, bound: value <= bound,
            "below": lambda value, bound: value < bound,
            "equal": lambda value, bound: value == bound,
        }
        holds = all(
            tests[name](unit[fact], bound)
            for fact, bounds in rule["when"].items()
            for name, bound in _bounds(bounds).items()
        )
        inner = rule["then"] if holds else rule.get("else", [])
        return sum((rule_points(item, full, unit, group) for item in inner), Fraction(0))
    return _in_group(rule, marks, unit, group)


def _in_group(
    rule: Mapping[str, Any], marks: Fraction, unit: Unit, group: Sequence[Unit]
) -> Fraction:
    if "best" in rule:
        values = [other[rule["best"]] for other in group]
        if not any(values):
            return marks if rule["if_nothing"] == "full" else Fraction(0)
        return unit[rule["best"]] / max(values) * marks
    if "rank" in rule:
        values = sorted(other[rule["rank"]] for other in group)
        if rule["order"] == "highest_first":
            values.reverse()
        points = [*rule["points"], *[rule["rest"]] * len(values)]
        shared = [points[at] for at, value in enumerate(values) if value == unit[rule["rank"]]]
        pick = {"mean": Fraction(sum(shared), len(shared)), "highest": shared[0]}
        return Fraction(pick.get(rule["ties"], shared[-1]))
    values = [other[rule["min_max"]] for other in group]
    low, high = min(values), max(values)
    if low == high:
        return marks if rule["if_equal"] == "full" else Fraction(0)
    share = (unit[rule["min_max"]] - low) / (high - low)
    return marks * (share if rule["better"] == "higher" else 1 - share)


def _bounds(stated: Mapping[str, int] | bool) -> Mapping[str, int]:
    return {"equal": int(stated)} if isinstance(stated, bool) else stated


def _of_band(band: Mapping[str, Any]) -> Fraction:
    return -Fraction(band["lose"]) if "lose" in band else Fraction(band["marks"])
