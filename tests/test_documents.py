"""The page "from your document to a scheme": every worked table is computed again."""

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from helpers.small import write

from wuhu_appraisal import appraise
from wuhu_appraisal.model import Axis, Block, ScoreTable
from wuhu_appraisal.numbers import short_text
from wuhu_appraisal.output.rule_words import describe_rule
from wuhu_appraisal.scheme.load import load_model, load_scheme
from wuhu_appraisal.scheme.models import Indicator, Scheme
from wuhu_appraisal.score.steps import evaluate

PAGE = Path(__file__).parents[1] / "docs" / "documents.md"
KIND = re.compile(r"<!-- item -->\n```yaml\n(.*?)```\n(.*?)(\n\|.*?)(?:\n\n|\Z)", re.DOTALL)
KEYS = ("lose", "earn", "bands", "proportion", "when", "best", "rank", "min_max", "cap", "each")


LIST = re.compile(r"<!-- list -->\n```yaml\n(.*?)```\n\n(\|.*?)\n\n", re.DOTALL)


def kinds() -> list[tuple[str, str]]:
    return [(match[1], match[3]) for match in KIND.finditer(PAGE.read_text(encoding="utf-8"))]


def table(text: str) -> tuple[list[str], list[list[str]]]:
    head, _line, *rows = [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in text.strip().split("\n")
    ]
    return head, rows


def scheme_of(item: dict[str, object], units: list[str]) -> Scheme:
    stage = {
        "id": "stage",
        "title": "环节",
        "clause": "一",
        "weight": 100,
        "assessors": ["甲"],
        "window": {"from": "2020-01-01", "to": "2020-12-31"},
        "plans": {
            "group": {
                "dimensions": {"indicator": {"indicators": "items"}},
                "forms": [
                    {"id": "facts", "title": "表", "file": "表", "axes": ["unit", "indicator"]}
                ],
                "steps": [
                    {
                        "roll_up": "indicator",
                        "by": "facts",
                        "missing": "error",
                        "not_applicable": "error",
                    },
                    {
                        "roll_up": "indicator",
                        "by": "sum",
                        "missing": "error",
                        "not_applicable": "error",
                    },
                    {"rescale": 100},
                ],
            }
        },
    }
    return Scheme.model_validate(
        {
            "id": "page",
            "title": "方案",
            "document": {"title": "办法"},
            "groups": [
                {
                    "id": "group",
                    "title": "组",
                    "clause": "一",
                    "units": [{"name": name} for name in units],
                }
            ],
            "indicators": [
                {
                    "id": "items",
                    "title": "指标",
                    "clause": "一",
                    "marks": item["marks"],
                    "items": [item],
                }
            ],
            "stages": [stage],
            "composite": {"missing": "error", "not_applicable": "error", "digits": 2},
            "final": {"digits": 2, "rounding": "half_up"},
            "ranking": {},
        }
    )


def test_the_page_has_every_kind_of_rule() -> None:
    text = "".join(rule for rule, _table in kinds())
    assert len(kinds()) >= 10
    for key in KEYS:
        assert f"{key}:" in text


@pytest.mark.parametrize("place", range(len(kinds())))
def test_a_worked_table_of_the_page_is_what_the_rule_gives(place: int) -> None:
    rule, worked = kinds()[place]
    item = yaml.safe_load(rule)
    head, rows = table(worked)
    facts = head[1:-1]
    assert set(facts) == set(item["facts"])
    units = [row[0] for row in rows]
    loaded = load_model(scheme_of(item, units))
    assert loaded.scheme is not None, [finding.message for finding in loaded.findings]
    block = Block(
        "表.xlsx",
        "表",
        {},
        Axis("unit", tuple(units), tuple(range(2, 2 + len(units)))),
        Axis(
            "indicator",
            tuple(f"{item['id']}/{fact}" for fact in facts),
            tuple(range(2, 2 + len(facts))),
        ),
        [[Decimal(cell) for cell in row[1:-1]] for row in rows],
    )
    trace, findings = evaluate(
        loaded.scheme,
        loaded.scheme.stages[0],
        "group",
        ScoreTable(("unit", "indicator"), [block]),
    )
    assert not findings
    for row in rows:
        assert trace.steps[0].rows[row[0], item["id"]].value == Fraction(row[-1]), row


@pytest.mark.parametrize("place", range(len(kinds())))
def test_the_words_of_a_rule_state_every_number_and_every_fact_of_it(place: int) -> None:
    rule, _worked = kinds()[place]
    item = Indicator.model_validate(yaml.safe_load(rule))
    for stated in item.score:
        words = describe_rule(item, stated)
        assert all(fact in words for fact in stated.named)
        for number in stated.numbers(Fraction(item.marks or 0)):
            assert short_text(number) in words


def test_the_list_of_the_page_is_counted_as_it_says(tmp_path: Path) -> None:
    found = LIST.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    scheme = scheme_of(yaml.safe_load(kinds()[0][0]), ["甲", "乙", "丙"])
    data = scheme.model_dump(by_alias=True)
    data["stages"][0]["plans"]["group"]["forms"] = [yaml.safe_load(found[1])]
    head, rows = table(found[2])
    write(tmp_path, {"2020年问题清单": [head, *rows]})
    result = appraise(Scheme.model_validate(data), tmp_path)
    assert [item.message for item in result.findings] == []
    scored = result.traces["group"].stages["stage"].steps[0].rows
    assert [row.value for row in scored.values()] == [10, 3, 9]


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("扣分", "lose"),
        ("每项扣", "lose"),
        ("加分", "earn"),
        ("区间", "bands"),
        ("比例", "proportion"),
    ],
)
def test_a_word_of_the_document_is_answered_with_the_key_of_its_rule(
    tmp_path: Path, word: str, key: str
) -> None:
    item = yaml.safe_load(kinds()[0][0])
    for changed in (item | {word: 5}, item | {"score": [{word: {"超期": 5}}]}):
        scheme = scheme_of(item, ["甲"]).model_dump(by_alias=True, mode="json", exclude_unset=True)
        scheme["indicators"][0]["items"] = [changed]
        path = tmp_path / "scheme.yaml"
        path.write_text(yaml.safe_dump(scheme, allow_unicode=True), encoding="utf-8")
        found = load_scheme(path).findings
        assert key in [item.params.get("suggestion") for item in found], found
