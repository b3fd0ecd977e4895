"""Whole schemes drawn at random, sheets for them, and what the rules come to in exact fractions.

The schemes are plain data, as YAML has them, and the sheets rows of cells. The oracle takes only these
and shares nothing with the package.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple, TypeAlias

from helpers.fact_oracle import item_score

Data: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[list[Any]]
Cells: TypeAlias = Mapping[str, Any]
"""What a unit's row holds, by the title of the column."""

DUE = date(2021, 1, 31)
NEEDS_ALL = {"missing": "error", "not_applicable": "error"}


class Whole(NamedTuple):
    """A scheme, and the rows of each sheet by the name of its file."""

    scheme: Data
    sheets: dict[str, Rows]


class Expected(NamedTuple):
    """What the oracle says of a unit: the exact final, the published one, rank and class."""

    exact: Fraction
    final: Fraction
    rank: int
    class_id: str | None


# --- draw ----------------------------------------------------------------------------------------


def drawn(seed: int) -> Whole:
    """A scheme of two to four stages, with all that comes after them, and sheets for it."""
    pick = Random(seed)
    by = pick.choice(["weighted", "weighted", "sum"])
    groups: list[Data] = [
        {
            "id": f"g{at}",
            "title": f"组{at}",
            "clause": "1",
            "units": [{"name": f"县{at}{n}"} for n in range(pick.randint(1, 6))],
        }
        for at in range(pick.randint(1, 2))
    ]
    units = [unit["name"] for group in groups for unit in group["units"]]
    count = pick.randint(2, 4)
    cuts = sorted(pick.sample(range(1, 20), count - 1))
    weights = [5 * (b - a) for a, b in zip([0, *cuts], [*cuts, 20], strict=True)]
    stages, sets, sheets = [], [], dict[str, Rows]()
    for at in range(count):
        kind = pick.choice([_tree, _tree, _rounds, _plain])
        end = pick.choice([100, 100, 60, 40, "12.5", "open" if by == "sum" else 120])
        stage, own, rows = kind(pick, f"s{at}", end, units)
        stage["plans"] = {group["id"]: stage["plans"] for group in groups}
        stages.append(stage | ({"weight": weights[at]} if by == "weighted" else {}))
        sets += own
        sheets |= rows
    ids = [group["id"] for group in groups]
    adjustments = [_adjustment(pick, f"a{at}", ids) for at in range(pick.randint(0, 3))]
    for item in adjustments:
        sheets[item["id"]] = _records(pick, item, units)
    scheme: Data = {
        "id": f"drawn-{seed}",
        "title": "方案",
        "document": {"title": "办法"},
        "groups": groups,
        "indicators": sets,
        "stages": stages,
        "composite": _composite(pick, by, units),
        "adjustments": adjustments,
        "adjusting": _adjusting(pick),
        "final": {"digits": pick.randint(0, 3), "rounding": "half_up"} | _final_bounds(pick),
        "ranking": {
            "ties": pick.choice([[], [{"by": "composite"}], [{"by": "stage", "stage": "s1"}]])
        },
    }
    return Whole(scheme | _classes(pick), sheets)


def _stage(name: str, end: Any, axes: list[str], plan: Data) -> Data:
    form = {"id": "sheet", "title": "表", "file": name, "axes": axes}
    return {
        "id": name,
        "title": f"环节{name}",
        "clause": "1",
        "out_of": end,
        "assessors": [],
        "window": {"from": "2020-01-01", "to": "2020-12-31"},
        "plans": {"forms": [form], **plan},
    }


def _plain(pick: Random, name: str, end: Any, units: list[str]) -> tuple[Data, list[Data], Any]:
    """One score a unit, rescaled to the stage's marks or not."""
    full = 80 if end == "open" else pick.choice([end, 80])
    plan: Data = {"full_marks": full}
    if end == "open":
        plan = {}
    elif full != end:
        plan["steps"] = [{"rescale": end}]
    rows = [["单位", "得分"], *([unit, _points(pick, full)] for unit in units)]
    return _stage(name, end, ["unit"], plan), [], {name: rows}


def _rounds(pick: Random, name: str, end: Any, units: list[str]) -> tuple[Data, list[Data], Any]:
    """Three or four scores a unit, made one in one of many ways."""
    rounds = [f"第{at}轮" for at in range(pick.randint(3, 4))]
    step: Data = {"roll_up": "round", **NEEDS_ALL}
    step |= pick.choice(
        [
            {"by": "mean"},
            {"by": "median"},
            {"by": "latest"},
            {"by": "best", "n": pick.randint(1, 3)},
            {"by": "trimmed_mean", "drop_high": 1, "drop_low": 1},
            {"by": "weighted", "weights": {each: pick.randint(1, 7) for each in rounds}},
        ]
    )
    full = 100 if end == "open" else end
    plan: Data = {"dimensions": {"round": {"members": {each: each for each in rounds}}}}
    plan["steps"] = [step]
    if end != "open":
        plan["full_marks"] = full
    rows = [[unit, *(_points(pick, full) for _each in rounds)] for unit in units]
    return _stage(name, end, ["unit", "round"], plan), [], {name: [["单位", *rounds], *rows]}


def _tree(pick: Random, name: str, end: Any, units: list[str]) -> tuple[Data, list[Data], Any]:
    """A tree of items with facts or plain scores, added up level by level within bounds."""
    depth = pick.randint(1, 3)
    root = _node(pick, name, depth, top=True)
    marks = root["marks"]
    steps: list[Data] = []
    leaves = list(_leaves(root))
    if any("facts" in item for item in leaves):
        steps.append({"roll_up": "indicator", "by": "facts", **NEEDS_ALL})
    deepest = max(_depths(root)) - 1
    levels = [{"to": level} for level in range(deepest - 1, 0, -1)]
    steps += [{"roll_up": "indicator", "by": "sum", **NEEDS_ALL, **to} for to in [*levels, {}]]
    if end not in ("open", marks):
        steps.append({"rescale": end})
    plan = {"dimensions": {"indicator": {"indicators": name}}, "steps": steps}
    columns = [
        (f"{item['id']}{fact}", kind)
        for item in leaves
        for fact, kind in item.get("facts", {}).items()
    ]
    columns += [(item["id"], item) for item in leaves if "facts" not in item]
    rows = [[unit, *(_fact(pick, kind) for _title, kind in columns)] for unit in units]
    head = ["单位", *(title for title, _kind in columns)]
    return (
        _stage(name, end, ["unit", "indicator"], plan),
        [{**root, "clause": "附"}],
        {name: [head, *rows]},
    )


def _node(pick: Random, name: str, depth: int, *, top: bool = False) -> Data:
    node: Data = {"id": name, "title": f"指标{name}"}
    if depth and (top or pick.random() < 0.7):
        node["items"] = [
            _node(pick, f"{name}{'甲乙丙丁'[at]}", depth - 1) for at in range(pick.randint(1, 3))
        ]
        node["marks"] = sum(item["marks"] for item in node["items"])
        return node | _bounds(pick, node["marks"])
    node["marks"] = pick.randint(4, 20)
    if pick.random() < 0.25:
        return node
    return node | _rules(pick, node["marks"])


def _bounds(pick: Random, marks: int) -> Data:
    bounds: Data = {}
    if pick.random() < 0.4:
        bounds["floor"] = pick.choice([-5, 0, 0, marks // 2])
    if pick.random() < 0.4:
        bounds["cap"] = pick.randint(max(3, bounds.get("floor", 0)), marks)
    return bounds


def _rules(pick: Random, marks: int) -> Data:
    """Facts and rules: some take points away, others give them."""
    facts: Data = {"件数": {"count": "件"}, "面积": {"quantity": "亩"}, "比例": {"rate": "percent"}}
    one, other = (_each(pick) for _one in range(2))
    if pick.random() < 0.5:
        facts |= {"通报": {"yes_no": True}, "年报": {"due": str(DUE)}}
        score: list[Data] = [
            {"lose": {"件数": one, "年报": {"points": 1, "each": 7}}},
            {"lose": {"通报": pick.randint(1, 5)}},
            {
                "when": pick.choice(
                    [{"比例": {"below": 60}}, {"通报": True, "面积": {"above": 2}}]
                ),
                "then": [{"lose": {"件数": 1}}],
                "else": [{"earn": {"面积": other}}],
            },
            {"earn": {"比例": {"points": Decimal("0.5"), "each": 20, "above": 30}}, "cap": 2},
        ]
        if pick.random() < 0.5:
            score[0]["cap"] = pick.randint(2, 9)
        floor = {"floor": pick.choice([0, -5, -30])} if pick.random() < 0.7 else {}
        return {"facts": facts, "score": score} | floor
    ties = pick.choice(["mean", "highest", "lowest"])
    order = pick.choice(["highest_first", "lowest_first"])
    gives: list[Data] = [
        {"bands": [{"below": 3, "marks": 0}, {"at_least": 3, "marks": 4}], "of": ["件数", "面积"]},
        {"proportion": "面积", "to": 7, "marks": pick.randint(1, 9)},
        {"proportion": "件数", "to": "面积", "if_nothing": pick.choice(["full", "zero"])},
        {"best": "件数", "if_nothing": pick.choice(["full", "zero"])},
        {"rank": "面积", "points": [6, 3], "rest": 1, "ties": ties, "order": order},
        {"min_max": "比例", "better": pick.choice(["higher", "lower"]), "if_equal": "full"},
        {"when": {"件数": {"above": 2}}, "then": [{"earn": {"面积": one}}], "else": []},
    ]
    score = pick.sample(gives, pick.randint(1, 3))
    cap = {"cap": pick.randint(3, marks)} if pick.random() < 0.4 else {}
    return {
        "facts": {name: facts[name] for name in facts if name in str(score)},
        "score": score,
    } | cap


def _each(pick: Random) -> Any:
    for_each = {"points": 1, "each": pick.randint(1, 9)}
    return pick.choice([pick.randint(1, 4), for_each, {"points": 2, "above": 3}])


def _fact(pick: Random, kind: Data) -> Any:
    if "marks" in kind:
        return _points(pick, kind["marks"])
    if "yes_no" in kind:
        return pick.choice(["是", "否"])
    if "due" in kind:
        return DUE + timedelta(days=pick.randint(-3, 30))
    if "rate" in kind:
        return pick.choice([0, 30, 50, 59.5, 60, 70, 100])
    return pick.randint(0, 6) + (pick.choice([0, 0.5]) if "quantity" in kind else 0)


def _points(pick: Random, full: Any) -> Any:
    # A score of up to 1 beside others is asked about, as it may be a share.
    return max(pick.randint(0, int(Decimal(full) * 4)), 6) / 4


def _composite(pick: Random, by: str, units: list[str]) -> Data:
    rule: Data = {"by": by, "digits": pick.randint(1, 3), **NEEDS_ALL}
    if by == "weighted" and pick.random() < 0.5:
        rule["out_of"] = pick.choice([120, 10])
    if pick.random() < 0.4:
        rule["factors"] = [{"factor": pick.choice(["4/3", "0.9"]), "units": units[::2]}]
    return rule


def _adjustment(pick: Random, name: str, groups: list[str]) -> Data:
    points: Data = pick.choice(
        [
            {"stated": True, "max": 9},
            {"fixed": Decimal("1.5")},
            {"each": 2, "max": 5},
            {"bands": [{"from": 1, "to": 3, "points": 4}, {"from": 4, "points": 1}]},
        ]
    )
    item: Data = {
        "id": name,
        "title": f"调整{name}",
        "clause": "5",
        "kind": pick.choice(["bonus", "deduction"]),
        "groups": groups,
        "form": {"file": name, "value": ["数值"]},
        "points": points,
    }
    if pick.random() < 0.4:
        item["cap"] = pick.randint(2, 6)
    if pick.random() < 0.4:
        item["when"] = {pick.choice(["above", "at_least", "below"]): pick.randint(20, 60)}
    return item


def _records(pick: Random, item: Data, units: list[str]) -> Rows:
    """Up to two records a unit; each has grounds of its own."""
    number = "分值" if "stated" in item["points"] else "数值"
    return [
        ["单位", number, "原因", "依据"],
        *(
            [unit, pick.randint(1, 6), f"原因{at}", f"文件{unit}{at}"]
            for unit in units
            for at in range(pick.randint(0, 2))
        ),
    ]


def _adjusting(pick: Random) -> Data:
    limits = {"bonus_cap": 7, "deduction_cap": 5, "cap": 4, "floor": -3}
    return {name: limit for name, limit in limits.items() if pick.random() < 0.25}


def _final_bounds(pick: Random) -> Data:
    bounds = {"floor": pick.choice([0, 20]), "cap": pick.choice([60, 100])}
    return {name: bound for name, bound in bounds.items() if pick.random() < 0.3}


def _classes(pick: Random) -> Data:
    kind = pick.choice(["none", "least", "shares", "both"])
    if kind == "none":
        return {}
    shares: list[Data] = (
        [{"percent": 20}, {"percent": Decimal("37.5")}] if kind != "least" else [{}, {}]
    )
    least: list[Data] = [{"at_least": 60}, {"above": 40}] if kind != "shares" else [{}, {}]
    ids = ["优", "良"]
    data: Data = {
        "classes": [
            *(
                {"id": name, "title": name, **own, **share}
                for name, own, share in zip(ids, least, shares, strict=True)
            ),
            {"id": "差", "title": "差"},
        ]
    }
    if kind != "least":
        data["class_rule"] = {
            "rounding": pick.choice(["half_up", "down", "up"]),
            "ties": pick.choice(["in", "out"]),
        }
    return data


def _leaves(node: Data) -> list[Data]:
    if "items" not in node:
        return [node]
    return [leaf for item in node["items"] for leaf in _leaves(item)]


def _depths(node: Data) -> list[int]:
    return [1 + depth for item in node.get("items", []) for depth in _depths(item)] or [1]


# --- the oracle ----------------------------------------------------------------------------------


def expected(whole: Whole) -> dict[str, Expected]:
    """What the rules come to for each unit."""
    scheme, sheets = whole
    found: dict[str, Expected] = {}
    for group in scheme["groups"]:
        units = [unit["name"] for unit in group["units"]]
        stages = {
            stage["id"]: _stage_scores(scheme, stage, group["id"], units, sheets[stage["id"]])
            for stage in scheme["stages"]
        }
        composites = {unit: _composite_of(scheme, unit, stages) for unit in units}
        exact = {unit: _final(scheme, unit, composites[unit], sheets) for unit in units}
        found |= _ranked(scheme, stages, composites, exact)
    return found


def _stage_scores(
    scheme: Data, stage: Data, group: str, units: Sequence[str], rows: Rows
) -> dict[str, Fraction]:
    """The score of each unit in a stage, in the stage's marks."""
    plan, (head, *lines) = stage["plans"][group], rows
    cells: dict[str, Cells] = {line[0]: dict(zip(head, line, strict=True)) for line in lines}
    steps = plan.get("steps", [])
    rescaled = Fraction(1)
    if steps and "rescale" in steps[-1]:
        tree = next((item for item in scheme["indicators"] if item["id"] == stage["id"]), None)
        rescaled = Fraction(stage["out_of"]) / Fraction(
            tree["marks"] if tree else plan["full_marks"]
        )
    if "indicator" in plan.get("dimensions", {}):
        (tree,) = (item for item in scheme["indicators"] if item["id"] == stage["id"])
        group_cells = {unit: cells[unit] for unit in units}
        return {unit: rescaled * _of_tree(tree, unit, group_cells) for unit in units}
    scores = {unit: [Fraction(cell) for cell in list(cells[unit].values())[1:]] for unit in units}
    by = steps[0] if steps and "roll_up" in steps[0] else {"by": "latest"}
    return {unit: rescaled * _of_rounds(by, numbers) for unit, numbers in scores.items()}


def _of_rounds(step: Data, numbers: list[Fraction]) -> Fraction:
    ascending = sorted(numbers)
    if step["by"] == "weighted":
        weights = [Fraction(weight) for weight in step["weights"].values()]
        pairs = zip(numbers, weights, strict=True)
        return sum((n * weight for n, weight in pairs), Fraction(0)) / sum(weights)
    if step["by"] == "latest":
        return numbers[-1]
    if step["by"] == "median":
        return (ascending[(len(numbers) - 1) // 2] + ascending[len(numbers) // 2]) / 2
    chosen = {"best": ascending[-step.get("n", 1) :], "trimmed_mean": ascending[1:-1]}
    kept = chosen.get(step["by"], numbers)
    return sum(kept, Fraction(0)) / len(kept)


def _of_tree(node: Data, unit: str, group: Mapping[str, Cells]) -> Fraction:
    if "items" in node:
        value = sum((_of_tree(item, unit, group) for item in node["items"]), Fraction(0))
        return _within(value, node)
    if "facts" not in node:
        return Fraction(group[unit][node["id"]])
    facts = {
        name: {fact: _number(cells[f"{node['id']}{fact}"]) for fact in node["facts"]}
        for name, cells in group.items()
    }
    return item_score(node, facts[unit], list(facts.values()))


def _number(cell: Any) -> Fraction:
    if isinstance(cell, str):
        return Fraction(cell == "是")
    return Fraction(max((cell - DUE).days, 0)) if isinstance(cell, date) else Fraction(cell)


def _within(value: Fraction, bounds: Data) -> Fraction:
    value = min(value, Fraction(bounds.get("cap", 10**6)))
    return max(value, Fraction(bounds.get("floor", -(10**6))))


def _composite_of(
    scheme: Data, unit: str, stages: Mapping[str, Mapping[str, Fraction]]
) -> Fraction:
    rule, whole = scheme["composite"], Fraction(0)
    for stage in scheme["stages"]:
        score = stages[stage["id"]][unit]
        if rule["by"] == "weighted":
            score *= Fraction(rule.get("out_of", 100)) / Fraction(stage["out_of"])
            score *= Fraction(stage["weight"], 100)
        whole += score
    for item in rule.get("factors", []):
        if unit in item["units"]:
            whole *= Fraction(item["factor"])
    return whole


HOLDS: Mapping[str, Callable[[Fraction, int], bool]] = {
    "above": lambda value, bound: value > bound,
    "at_least": lambda value, bound: value >= bound,
    "below": lambda value, bound: value < bound,
}


def _final(scheme: Data, unit: str, composite: Fraction, sheets: Mapping[str, Rows]) -> Fraction:
    given = {"bonus": Fraction(0), "deduction": Fraction(0)}
    for item in scheme["adjustments"]:
        points = sum(
            (
                _record_points(item["points"], number)
                for name, number, _reason, _evidence in sheets[item["id"]][1:]
                if name == unit
            ),
            Fraction(0),
        )
        if all(HOLDS[sign](composite, bound) for sign, bound in item.get("when", {}).items()):
            given[item["kind"]] += min(points, Fraction(item.get("cap", 10**6)))
    limits = scheme["adjusting"]
    bonus = min(given["bonus"], Fraction(limits.get("bonus_cap", 10**6)))
    deduction = min(given["deduction"], Fraction(limits.get("deduction_cap", 10**6)))
    return _within(composite + _within(bonus - deduction, limits), scheme["final"])


def _record_points(rule: Data, value: int) -> Fraction:
    if "stated" in rule:
        return Fraction(value)
    if "fixed" in rule:
        return Fraction(rule["fixed"])
    if "each" in rule:
        return Fraction(min(rule["each"] * value, rule["max"]))
    return Fraction(next(b["points"] for b in reversed(rule["bands"]) if value >= b["from"]))


def _rounded(value: Fraction, digits: int) -> Fraction:
    scaled = abs(value) * 10**digits
    return (1 if value >= 0 else -1) * Fraction(math.floor(scaled + Fraction(1, 2)), 10**digits)


def _ranked(
    scheme: Data,
    stages: Mapping[str, Mapping[str, Fraction]],
    composites: Mapping[str, Fraction],
    exact: Mapping[str, Fraction],
) -> dict[str, Expected]:
    """Ranks by counting who is before, classes by counting who is left."""
    digits = scheme["composite"]["digits"]
    finals = {unit: _rounded(value, scheme["final"]["digits"]) for unit, value in exact.items()}
    keys: dict[str, tuple[Fraction, ...]] = {}
    for unit, final in finals.items():
        ties = [
            composites[unit] if tie["by"] == "composite" else stages[tie["stage"]][unit]
            for tie in scheme["ranking"]["ties"]
        ]
        keys[unit] = (final, *(_rounded(value, digits) for value in ties))
    ranks = {unit: 1 + sum(other > key for other in keys.values()) for unit, key in keys.items()}
    classes = _classes_of(scheme, finals, ranks)
    return {
        unit: Expected(exact[unit], finals[unit], ranks[unit], classes.get(unit)) for unit in keys
    }


def _classes_of(
    scheme: Data, finals: Mapping[str, Fraction], ranks: Mapping[str, int]
) -> dict[str, str]:
    rule = scheme.get("class_rule", {"rounding": "up", "ties": "in"})
    found: dict[str, str] = {}
    for item in scheme.get("classes", []):
        left = [
            unit
            for unit, final in finals.items()
            if unit not in found
            and final >= Fraction(item.get("at_least", -(10**6)))
            and final > Fraction(item.get("above", -(10**6)))
        ]
        share = Fraction(item.get("percent", 100)) * len(finals) / 100
        half = Fraction(1, 2)
        places = {
            "down": math.floor(share),
            "up": math.ceil(share),
            "half_up": math.floor(share + half),
        }[rule["rounding"]]
        for unit in left:
            before = sum(ranks[other] < ranks[unit] for other in left)
            beside = sum(ranks[other] == ranks[unit] for other in left)
            if before < places if rule["ties"] == "in" else before + beside <= places:
                found[unit] = item["id"]
    return found
