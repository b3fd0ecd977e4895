"""Classes in the workbook: recalculated, they are those of the recalculated finals and ranks."""

import random
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from helpers.office import convert_all
from helpers.recalculation import differing, opened
from helpers.stages import Written, blocks

from wuhu_appraisal.appraisal import score
from wuhu_appraisal.model import Standing
from wuhu_appraisal.output import workbook
from wuhu_appraisal.output.parameters import parameters
from wuhu_appraisal.read.reading import Reading
from wuhu_appraisal.result import Result
from wuhu_appraisal.scheme.load import load_model
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.score.ranking import standings

XLSX = "xlsx:Calc MS Excel 2007 XML"
GROUPS = {"甲*组": 9, "甲组": 7, '"<5"组': 1}
"""The groups' titles, which are hard for a spreadsheet's criteria, and how many units each has."""

THRESHOLDS: list[dict[str, Any]] = [
    {"id": "a", "title": '优 "秀"', "at_least": 90},
    {"id": "b", "title": "良好", "above": 80},
    {"id": "c", "title": "一般"},
]
SHARES: list[dict[str, Any]] = [
    {"id": "a", "title": "优秀", "at_least": 90, "percent": 22.5},
    {"id": "b", "title": "良好", "percent": 33.3},
    {"id": "c", "title": "合格", "above": 80},
    {"id": "d", "title": "不合格"},
]
RULES = [
    (THRESHOLDS, None),
    *(
        (SHARES, {"rounding": rounding, "ties": ties})
        for rounding in ("half_up", "down", "up")
        for ties in ("in", "out")
    ),
]


def scheme_of(classes: Sequence[dict[str, Any]], rule: dict[str, str] | None) -> Scheme:
    groups = [
        {
            "id": f"g{at}",
            "title": title,
            "clause": "1",
            "units": [{"name": f"{at}-{n}"} for n in range(count)],
        }
        for at, (title, count) in enumerate(GROUPS.items())
    ]
    form = {"id": "sheet", "title": "Sheet", "file": "work", "axes": ["unit"]}
    stage = {
        "id": "work",
        "title": "Work",
        "clause": "1",
        "weight": 100,
        "assessors": [],
        "window": {"from": "2020-01-01", "to": "2020-12-31"},
        "plans": {group["id"]: {"full_marks": 100, "forms": [form]} for group in groups},
    }
    data = {
        "id": "classes",
        "title": "Classes",
        "document": {"title": "A document"},
        "groups": groups,
        "stages": [stage],
        "composite": {"missing": "exclude", "not_applicable": "exclude", "digits": 1},
        "final": {"digits": 1, "rounding": "half_up"},
        "ranking": {},
        "classes": classes,
        "class_rule": rule,
    }
    loaded = load_model(Scheme.model_validate(data))
    assert loaded.scheme is not None, [item.message for item in loaded.findings]
    return loaded.scheme


def result_of(scheme: Scheme, scores: dict[str, Decimal | None]) -> Result:
    reading = Reading()
    for group in scheme.groups:
        own: dict[tuple[str, ...], Written] = {
            (unit.name,): scores[unit.name] for unit in group.units
        }
        reading.blocks["work", group.id] = blocks(["unit"], own)
    traces, findings = score(scheme, reading)
    ranked = {
        group: standings(scheme, trace.composite, trace.final, [])
        for group, trace in traces.items()
    }
    return Result(
        scheme=scheme,
        scheme_sha256="0" * 64,
        computed_at="2021-03-01T00:00:00+00:00",
        standings=ranked,
        traces=traces,
        sources=[],
        findings=findings,
    )


def drawn(seed: int) -> dict[str, Decimal | None]:
    """Scores with many ties, about the thresholds, and here and there none."""
    picked = random.Random(seed)
    few = [Decimal(n) for n in ("95", "90", "89.95", "89.94", "80.1", "80", "80", "70")]
    return {
        f"{at}-{n}": None if picked.random() < 0.1 else picked.choice(few)
        for at, count in enumerate(GROUPS.values())
        for n in range(count)
    }


def published(path: Path) -> dict[str, tuple[Any, Any, Any]]:
    """Final, rank and class of each unit on the ranking's sheet."""
    rows = list(opened(path)["Overall ranking"].iter_rows(values_only=True))
    head = next(at for at, row in enumerate(rows) if row[1] == "Rank")
    final, own = rows[head].index("Final"), rows[head].index("Class")
    return {str(row[2]): (row[final], row[1], row[own]) for row in rows[head + 1 :] if row[2]}


def right(scheme: Scheme, units: Sequence[Standing]) -> dict[str, tuple[Any, Any, Any]]:
    titles = scheme.class_titles
    return {
        unit.unit: (
            "—" if unit.final is None else float(unit.final),
            unit.rank or "—",
            str(titles[unit.class_id]) if unit.class_id else "—",
        )
        for unit in units
    }


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(RULES)))
def test_scores_changed_in_the_workbook_change_the_classes_as_the_engine_would(
    tmp_path: Path, soffice: str, place: int
) -> None:
    scheme, paths, results = scheme_of(*RULES[place]), [], []
    for seed in range(4):
        path = tmp_path / f"{seed}.xlsx"
        path.write_bytes(workbook.render(result_of(scheme, drawn(seed + 1)), final=False))
        other = drawn(seed)
        results.append(result_of(scheme, other))
        book = opened(path, values=False)
        for sheet in book.worksheets:
            if sheet.title.startswith("Work"):
                for row in sheet.iter_rows():
                    if row[0].value in other:
                        score_ = other[str(row[0].value)]
                        row[1].value = "missing" if score_ is None else float(score_)
        changed = tmp_path / f"changed-{seed}.xlsx"
        book.save(changed)
        paths += [changed]
    folder = convert_all(soffice, tmp_path, paths, XLSX)
    for path, result in zip(paths, results, strict=True):
        units = [unit for group in result.standings.values() for unit in group]
        assert published(folder / path.name) == right(scheme, units)


@pytest.mark.slow
def test_a_spreadsheet_program_comes_to_the_stored_classes_and_places(
    tmp_path: Path, soffice: str
) -> None:
    paths = []
    for place, rules in enumerate(RULES):
        paths.append(tmp_path / f"{place}.xlsx")
        result = result_of(scheme_of(*rules), drawn(place))
        paths[-1].write_bytes(workbook.render(result, final=False))
    folder = convert_all(soffice, tmp_path, paths, XLSX)
    for path in paths:
        found, compared = differing(path, folder / path.name)
        assert not found, found[:3]
        assert compared > 50


def test_thresholds_and_shares_stand_among_the_numbers_of_the_scheme() -> None:
    lines = [item for item in parameters(scheme_of(*RULES[1])) if item.key[:1] == ("class",)]
    assert [(item.text, item.number) for item in lines] == [
        ("优秀: a final ≥", 90),
        ("优秀: per cent of the group", Decimal("22.5")),
        ("良好: per cent of the group", Decimal("33.3")),
        ("合格: a final >", 80),
    ]


@pytest.mark.slow
def test_a_threshold_and_a_share_changed_among_the_rules_change_the_classes(
    tmp_path: Path, soffice: str
) -> None:
    classes = [{**item} for item in SHARES]
    rule = {"rounding": "half_up", "ties": "out"}
    result = result_of(scheme_of(classes, rule), drawn(3))
    path = tmp_path / "first.xlsx"
    path.write_bytes(workbook.render(result, final=False))
    book = opened(path, values=False)
    left = {90: 85, 22.5: 50, 33.3: 10, 80: 75}
    for row in book["Rules and weights"].iter_rows():
        if row[0].value == "Class":
            row[3].value = left.pop(row[3].value)  # type: ignore[arg-type]
    assert not left
    book.save(tmp_path / "changed.xlsx")
    classes[0] |= {"at_least": 85, "percent": 50}
    classes[1]["percent"] = 10
    classes[2]["above"] = 75
    scheme = scheme_of(classes, rule)
    units = [unit for group in result_of(scheme, drawn(3)).standings.values() for unit in group]
    folder = convert_all(soffice, tmp_path, [tmp_path / "changed.xlsx"], XLSX)
    found = published(folder / "changed.xlsx")
    assert found == right(scheme, units)
    assert found != published(path)
