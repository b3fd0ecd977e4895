"""Every code about files, sheets, cells and results has an input that raises it and nothing else."""

import re
from pathlib import Path

import pytest
from helpers.marks import CASES, SCHEMES, expected
from helpers.sheets import FOLDER, RIGHT, findings, fixtures

from wuhu_appraisal import language as i18n
from wuhu_appraisal.findings import codes

FIXTURES = fixtures()
NOWHERE = {
    "adjustment-missing",
    "comparison-itself",
    "comparison-no-final",
    "final-missing",
    "findings-withheld",
    "list-missing",
    "scores-missing",
    "scores-not-applicable",
    "scores-set-aside",
    "scores-too-few",
    "stage-missing",
    "stage-unknown",
    "template-name",
    "unit-not-in-both",
    "unit-unknown",
}
"""The codes of what did not come, and of names: they stand in no file."""

CELLS = re.compile(
    r"(adjustment|average|column|deduction|fact|fault|formula|grade|marks|name|not-applicable|number|rank|reason|register"
    r"|row|scores?|sheet-date|slip|total|verify-cell|veto)-|stage-distant"
)
"""How the codes about a cell begin, but for those that stand nowhere."""

HAN = re.compile(r"[\u4e00-\u9fff]")


def test_the_input_that_they_are_made_from_has_no_findings(tmp_path: Path) -> None:
    assert findings(RIGHT, tmp_path) == []


def test_every_code_has_a_fixture() -> None:
    elsewhere = {code for path in [*SCHEMES, *CASES] for code, _name, _line in expected(path)}
    assert [code for code in codes() if code not in elsewhere | FIXTURES.keys()] == []
    assert sorted(FIXTURES.keys() - codes().keys()) == []


def test_every_fixture_says_its_situation_in_one_line_and_hardly_any_brings_another_code() -> None:
    for code in FIXTURES:
        first = (FOLDER / f"{code}.yaml").read_text(encoding="utf-8").partition("\n")[0]
        assert re.fullmatch(r"# .+\.", first), code
    assert [code for code, fixture in FIXTURES.items() if fixture.also] == [
        "comparison-no-final",
        "decision-not-waivable",
        "decision-other-file",
        "result-provisional",
        "slip-without-sheets",
        "verify-source-came",
    ]


@pytest.mark.parametrize("code", FIXTURES)
def test_a_code_comes_alone_and_at_its_place_and_is_said_in_both_languages(
    code: str, tmp_path: Path
) -> None:
    fixture = FIXTURES[code]
    found = findings(fixture, tmp_path)
    assert {item.code for item in found} == {code, *fixture.also}
    ours = [item for item in found if item.code == code]
    assert [str(item.source) for item in ours] == [fixture.at]
    for item in ours:
        assert item.severity == codes()[code].severity
        assert bool(item.source.file) is (code not in NOWHERE)
        assert bool(item.source.cell) is (code not in NOWHERE and bool(CELLS.match(code)))
        for language in ("en", "zh"):
            i18n.activate(language)
            for text in (item.message, item.hint):
                assert text.strip()
                assert not re.search(r"[{}]|\bNone\b", text)
                assert (language == "zh") <= bool(HAN.search(text))
