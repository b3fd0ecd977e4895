"""Classes of units: by the published final, by a share of the group, or both."""

from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.small import SHEETS, SMALL, write
from hypothesis import given
from hypothesis import strategies as st

from wuhu_appraisal import appraise, load_scheme
from wuhu_appraisal.model import Standing
from wuhu_appraisal.output.explain import explain
from wuhu_appraisal.output.tables import rankings
from wuhu_appraisal.scheme.final import ClassRule, GradeClass, Ranking
from wuhu_appraisal.score.ranking import classed, ranked
from wuhu_appraisal.store import dump, load


def classes_of(
    finals: list[int | None],
    classes: list[dict[str, Any]],
    rule: dict[str, str] | None,
) -> dict[str, str | None]:
    scheme: Any = SimpleNamespace(
        classes=[
            GradeClass(
                id=item["id"], title=item["id"], **{k: v for k, v in item.items() if k != "id"}
            )
            for item in classes
        ],
        class_rule=ClassRule(**rule) if rule else None,
        ranking=Ranking(),
    )
    units = [
        Standing(str(n), None, None if f is None else Decimal(f), None, {}, None, [])
        for n, f in enumerate(finals)
    ]
    return {u.unit: u.class_id for u in classed(scheme, ranked(scheme, units))}


def oracle(finals: Any, classes: Any, rule: Any) -> dict[str, str | None]:
    """Ask for each unit how many that are left and reach the class stand before it or beside it."""
    scored = [n for n, final in enumerate(finals) if final is not None]
    found: dict[str, str | None] = {str(n): None for n in range(len(finals))}
    for item in classes:
        left = [n for n in scored if found[str(n)] is None and finals[n] >= item.get("at_least", 0)]
        exact = Fraction(item.get("percent", 100)) * len(scored) / 100
        places = {
            "down": floor(exact),
            "up": ceil(exact),
            "half_up": floor(exact + Fraction(1, 2)),
        }[rule["rounding"]]
        for n in left:
            before = sum(finals[m] > finals[n] for m in left)
            beside = sum(finals[m] == finals[n] for m in left)
            enters = before < places if rule["ties"] == "in" else before + beside <= places
            if enters:
                found[str(n)] = item["id"]
    return found


@given(
    st.lists(st.none() | st.integers(70, 100), max_size=12),
    st.integers(1, 50),
    st.integers(1, 50),
    st.sampled_from(["half_up", "down", "up"]),
    st.sampled_from(["in", "out"]),
)
def test_classes_are_those_that_counting_gives(
    finals: Any, first: int, second: int, rounding: str, ties: str
) -> None:
    classes: list[dict[str, Any]] = [
        {"id": "A", "at_least": 90, "percent": first},
        {"id": "B", "percent": second},
        {"id": "C", "at_least": 75},
        {"id": "D"},
    ]
    rule = {"rounding": rounding, "ties": ties}
    assert classes_of(finals, classes, rule) == oracle(finals, classes, rule)


@pytest.mark.parametrize(("ties", "expected"), [("in", "AAABB"), ("out", "ABBBB")])
def test_two_places_and_two_equal_units_at_the_edge(ties: str, expected: str) -> None:
    rule = {"rounding": "half_up", "ties": ties}
    found = classes_of([95, 90, 90, 80, 70], [{"id": "A", "percent": 40}, {"id": "B"}], rule)
    assert "".join(filter(None, found.values())) == expected


def test_the_ranking_and_the_explanation_say_the_class(tmp_path: Path) -> None:
    write(tmp_path / "in", SHEETS)
    scheme = tmp_path / "scheme.yaml"
    text = SMALL.read_text(encoding="utf-8")
    more = "classes:\n  - {id: 优秀, title: 优秀, at_least: 93}\n  - {id: 合格, title: 合格}\n"
    scheme.write_text(text + more, encoding="utf-8")
    result = appraise(load_scheme(scheme), [tmp_path / "in"])
    finals = {unit.unit: unit.final for unit in result.standings["city"]}
    table = rankings(result)[0]
    assert table.columns[-1].title == "Class"
    assert {row[1]: row[-1] for row in table.rows} == {
        unit: "优秀" if final is not None and final >= 93 else "合格"
        for unit, final in finals.items()
    }
    lines = [node.text for node in explain(result, table.rows[-1][1], 0).children]  # type: ignore[arg-type]
    assert any("not 优秀 (a final of at least 93.00): the final is" in line for line in lines)


def test_a_result_with_classes_is_written_and_read_and_one_without_says_nothing_of_them(
    tmp_path: Path,
) -> None:
    write(tmp_path / "in", SHEETS)
    more = "classes:\n  - {id: 优秀, title: 优秀, percent: 50}\n  - {id: 合格, title: 合格}\n"
    more += "class_rule: {rounding: down, ties: out}\n"
    scheme = tmp_path / "scheme.yaml"
    scheme.write_text(SMALL.read_text(encoding="utf-8") + more, encoding="utf-8")
    loaded = load_scheme(scheme)
    result = appraise(loaded, [tmp_path / "in"])
    assert [unit.class_id for unit in result.standings["city"]] == ["优秀", "合格"]
    again, findings = load(dump(result), loaded, "appraisal.json")
    assert findings == [] and again is not None
    assert again.standings == result.standings
    changed = dump(result).replace('"class_id": "合格"'.encode(), '"class_id": "优秀"'.encode())
    _none, findings = load(changed, loaded, "appraisal.json")
    assert [item.code for item in findings] == ["result-inconsistent"]
    assert b"class_id" not in dump(appraise(load_scheme(SMALL), [tmp_path / "in"]))
