"""The bundled schemes say what their documents say."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from helpers import ROOT, Appraise

from wuhu_appraisal import load_scheme
from wuhu_appraisal.scheme.load import bundled_schemes
from wuhu_appraisal.scheme.models import Scheme, json_schema

ASSESSED = {
    "county": {"五(二)"},
    "municipal": {
        "二(一)", "二(二)", "二(三)", "三(一)", "三(二)", "三(三)", "四(一)", "四(二)", "四(三)",
        "五(一)", "五(二)", "五(三)", "六(一)", "七(四)", "七(五)", "七(七)",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", [path.name for path in bundled_schemes()])
def test_bundled_schemes_have_no_findings(name: str) -> None:
    assert load_scheme(name).findings == []


def test_wuhu_has_7_counties_and_47_municipal_units(wuhu: Scheme) -> None:
    assert [len(group.units) for group in wuhu.groups] == [7, 47]


def test_wuhu_has_16_raters_for_counties_and_7_for_municipal_units(wuhu: Scheme) -> None:
    assert len(wuhu.raters_of("leading_group")) == 16
    assert wuhu.raters_of("counties") == [unit.name for unit in wuhu.group("county").units]


@pytest.mark.parametrize(("name", "items"), [("county", 31), ("municipal", 27)])
def test_wuhu_indicators_are_8_categories_of_100_marks(wuhu: Scheme, name: str, items: int) -> None:
    found = wuhu.indicator_set(name)
    assert len(found.items) == 8
    assert len(found.leaves) == items
    assert sum(leaf.marks or 0 for leaf in found.leaves) == 100


@pytest.mark.parametrize("name", ["county", "municipal"])
def test_items_assessed_for_some_units_are_those_the_document_names(
    wuhu: Scheme, name: str
) -> None:
    leaves = wuhu.indicator_set(name).leaves
    assert {leaf.id for leaf in leaves if leaf.assessed} == ASSESSED[name]


def test_open_lists_are_told_from_closed_ones(wuhu: Scheme) -> None:
    leaves = wuhu.indicator_set("municipal").leaves
    still_open = {leaf.id for leaf in leaves if leaf.assessed and leaf.assessed.open}
    assert still_open == {
        "二(三)", "三(二)", "三(三)", "四(三)", "五(一)", "六(一)", "七(四)", "七(五)",
    }  # fmt: skip
    unnamed = {leaf.id for leaf in leaves if leaf.assessed and not leaf.assessed.units}
    assert unnamed == {"三(三)", "五(一)", "六(一)", "七(四)", "七(五)"}


@pytest.mark.parametrize(
    ("name", "items"),
    [
        ("county", {"一(一)", "一(二)", "一(三)", "七(一)", "七(三)", "七(四)", "七(六)"}),
        ("municipal", {"一(一)", "一(二)", "一(三)", "七(一)", "七(三)", "七(四)", "七(六)"}),
    ],
)
def test_deadlines_are_those_of_the_annexes_and_of_clause_5_1(
    wuhu: Scheme, name: str, items: set[str]
) -> None:
    leaves = {leaf.id: leaf for leaf in wuhu.indicator_set(name).leaves}
    assert {leaf.id for leaf in leaves.values() if leaf.deadlines} == items
    limits = {
        (item, str(limit.by or limit.working_days or limit.every))
        for item in items
        for limit in leaves[item].deadlines
    }
    county = name == "county"
    assert limits == {
        ("一(一)", "2020-10-31"),
        *({("一(一)", "2020-11-20")} if county else ()),
        ("一(二)", "month"),
        ("一(三)", "2020-12-31"),
        ("七(一)", "2020-12-31"),
        ("七(三)", "3"),
        ("七(四)", "20" if county else "3"),
        ("七(六)", "2021-02-20" if county else "2021-01-31"),
    }


def test_wuhu_stage_weights_are_45_25_20_10(wuhu: Scheme) -> None:
    weights = {stage.id: stage.weight for stage in wuhu.stages}
    assert weights == {
        "professional": Decimal(45),
        "mutual": Decimal(25),
        "daily": Decimal(20),
        "social": Decimal(10),
    }


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("芜湖市发展和改革委员会", "市发改委"),
        ("发改委", "市发改委"),
        ("市土储中心", "市国有土地收购储备中心"),
        ("芜湖县", "湾沚区"),
        ("繁昌县", "繁昌区"),
        ("无为县", "无为市"),
        ("镜湖区人民政府", "镜湖区"),
        (" 镜 湖 区 ", "镜湖区"),
    ],
)
def test_units_are_known_by_the_names_that_offices_write(
    wuhu: Scheme, written: str, unit: str
) -> None:
    assert wuhu.unit_names().match(written) == unit


def test_a_name_that_is_near_is_suggested_and_not_matched(wuhu: Scheme) -> None:
    assert wuhu.unit_names().match("镜湖县") is None
    assert wuhu.unit_names().suggest("镜湖县") == "镜湖区"


def test_every_stage_adjustment_and_assumption_names_its_clause(wuhu: Scheme) -> None:
    assert all(stage.clause and stage.window.clause for stage in wuhu.stages)
    assert all(item.clause for item in wuhu.adjustments)
    assert all(item.clause for item in wuhu.assumptions)
    assert all(item.clause for item in wuhu.groups)
    assert all(item.clause for item in wuhu.raters)
    assert all(step.clause for s in wuhu.stages for p in s.plans.values() for step in p.steps)


def test_every_assumption_points_at_a_place_that_is_there(wuhu: Scheme) -> None:
    data = wuhu.model_dump(by_alias=True)
    for assumption in wuhu.assumptions:
        for place in assumption.set_in.split(", "):
            assert list(reached(data, place.split("/"))), assumption.set_in


def reached(data: object, parts: list[str]) -> list[object]:
    """What a path with * leads to; a list's entries go by their id."""
    if not parts:
        return [data]
    head, *rest = parts
    if isinstance(data, list):
        if all(isinstance(item, dict) and "id" in item for item in data):
            data = {item["id"]: item for item in data}
        else:
            return [found for item in data for found in reached(item, parts)]
    if not isinstance(data, dict):
        return []
    stem = head.removesuffix("*")
    names = [
        name for name in data if name == head or (head.endswith("*") and name.startswith(stem))
    ]
    return [found for name in names for found in reached(data[name], rest)]


def test_the_schemes_own_cases_hold_and_are_at_least_12(appraise_cli: Appraise) -> None:
    result = appraise_cli("scheme", "test")
    assert result.exit_code == 0, result.output
    count = int(result.output.splitlines()[-1].split()[0])
    assert count >= 12


def test_a_case_that_does_not_hold_is_said_with_what_was_computed(
    appraise_cli: Appraise, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("scheme")
    for path in (ROOT / "config" / "wuhu-2020").glob("*.yaml"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "cases").mkdir()
    (folder / "cases" / "wrong.yaml").write_text(
        "cases:\n"
        "  - name: wrong\n"
        "    clause: 三(一)\n"
        "    group: county\n"
        "    units:\n"
        "      - unit: 镜湖区\n"
        "        stages:\n"
        "          professional:\n"
        "            - {tier: government, score: 90}\n"
        "            - {tier: township, score: 80}\n"
        "            - {tier: department, score: 70}\n"
        "        expect: {stages: {professional: 87}}\n",
        encoding="utf-8",
    )
    result = appraise_cli("scheme", "test", folder)
    assert result.exit_code == 1
    assert "wrong.yaml:2:5" in result.output
    assert "is 86.00 instead of 87" in result.output


def test_scheme_show_lists_units_items_stages_and_adjustments(appraise_cli: Appraise) -> None:
    output = appraise_cli("scheme", "show").output
    for text in (
        "(7)",
        "(47)",
        "31 items",
        "27 items",
        "7 : 2 : 1",
        "45 %",
        "附件3 八(三)",
        "市供销社",
    ):
        assert text in output


def test_scheme_show_as_json_holds_the_whole_scheme(appraise_cli: Appraise) -> None:
    data = json.loads(appraise_cli("scheme", "show", "--json").output)
    assert Scheme.model_validate(data).id == "wuhu-2020"


def test_the_json_schema_in_config_is_the_one_of_the_models(appraise_cli: Appraise) -> None:
    committed = json.loads((ROOT / "config" / "scheme.schema.json").read_text(encoding="utf-8"))
    assert committed == json_schema()
    assert json.loads(appraise_cli("scheme", "schema").output) == committed


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*/*.yaml")), ids=str)
def test_the_bundled_yaml_fits_the_json_schema(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    data = yaml.load(text, Loader=yaml.BaseLoader)
    jsonschema.validate(data, loosened(json_schema()))


def loosened(schema: Any) -> Any:
    """The schema for data whose numbers were left as text: only keys and shapes are compared."""
    if isinstance(schema, dict):
        kept = {
            key: loosened(value)
            for key, value in schema.items()
            if key not in {"minimum", "exclusiveMinimum", "maximum", "pattern", "format"}
        }
        if kept.get("type") in {"number", "integer", "boolean", "null"}:
            kept["type"] = "string"
        if "const" in kept and not isinstance(kept["const"], str):
            kept["const"] = "true"
        return kept
    return [loosened(item) for item in schema] if isinstance(schema, list) else schema


def test_a_scheme_is_copied_whole_and_never_over_anything(
    appraise_cli: Appraise, tmp_path: Path
) -> None:
    assert appraise_cli("scheme", "copy", "mine").exit_code == 0
    copied, bundled = load_scheme(tmp_path / "mine"), load_scheme("wuhu-2020")
    assert copied.sha256 == bundled.sha256
    assert "32 cases run" in appraise_cli("scheme", "test", "mine").output
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine", encoding="utf-8")
    for folder in ("mine", "taken", "taken/notes.txt"):
        refused = appraise_cli("scheme", "copy", folder, "--scheme", "sichuan-2011")
        assert refused.exit_code == 1
        assert "write-failed" in refused.stderr
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["notes.txt"]
    assert load_scheme(tmp_path / "mine").sha256 == bundled.sha256
