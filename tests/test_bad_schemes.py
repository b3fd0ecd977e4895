"""Every broken scheme is refused at the line that is wrong, with all that is wrong said at once."""

import re
from pathlib import Path

import pytest
from helpers import TESTS, Appraise
from helpers.marks import SCHEMES, expected, places

from wuhu_appraisal import load_scheme
from wuhu_appraisal.findings import Severity, codes, has_errors


def refuses(path: Path) -> bool:
    return any(codes()[code].severity is Severity.ERROR for code, _name, _line in expected(path))


def test_the_scheme_that_they_are_made_from_has_no_findings() -> None:
    assert load_scheme(TESTS / "small_scheme.yaml").findings == []


@pytest.mark.parametrize("family", ["yaml-", "scheme-", "case-", "cases-"])
def test_every_code_of_schemes_and_cases_has_a_fixture_that_raises_it_alone(family: str) -> None:
    fixtures = [*SCHEMES, *(TESTS / "bad_cases").glob("case*")]
    raised = [{code for code, _name, _line in expected(path)} for path in fixtures]
    without = [code for code in codes() if code.startswith(family) and {code} not in raised]
    assert without == []


@pytest.mark.parametrize("path", SCHEMES, ids=lambda path: path.stem)
def test_a_broken_scheme_is_refused_at_its_line_and_a_warning_does_not_refuse(path: Path) -> None:
    loaded = load_scheme(path)
    assert expected(path)
    assert places(loaded.findings) == expected(path)
    assert (loaded.scheme is None) is has_errors(loaded.findings) is refuses(path)
    assert all(item.hint for item in loaded.findings)


@pytest.mark.parametrize("path", SCHEMES, ids=lambda path: path.stem)
def test_the_command_names_file_line_and_column_and_exits_1(
    path: Path, appraise_cli: Appraise
) -> None:
    result = appraise_cli("scheme", "check", path)
    assert result.exit_code == int(refuses(path))
    for code, name, line in expected(path):
        place = rf"{re.escape(name)}:{line}:\d+" if line else re.escape(path.name)
        assert re.search(rf"{place}\S* .*\[{code}\]", result.output)
    assert "Traceback" not in result.output


def test_an_unknown_word_is_answered_with_the_word_that_was_meant(appraise_cli: Appraise) -> None:
    output = appraise_cli("scheme", "check", TESTS / "bad_schemes" / "wrong_value.yaml").output
    assert "did you mean 'mean'?" in output
    output = appraise_cli("scheme", "check", TESTS / "bad_schemes" / "unknown_key.yaml").output
    assert "did you mean 'stages'?" in output


def test_yaml_is_1_2(tmp_path: Path) -> None:
    text = (TESTS / "small_scheme.yaml").read_text(encoding="utf-8")
    path = tmp_path / "scheme.yaml"
    path.write_text(text.replace("title: Upper", "title: no"), encoding="utf-8")
    path.write_text(text.replace("{upper: Upper,", "{upper: no,"), encoding="utf-8")
    scheme = load_scheme(path).scheme
    assert scheme is not None
    tiers = scheme.stages[0].plans["city"].dimensions["tier"].members
    assert tiers is not None
    assert str(tiers["upper"]) == "no"
    path.write_text(text.replace("A document", "7:2:1"), encoding="utf-8")
    scheme = load_scheme(path).scheme
    assert scheme is not None
    assert str(scheme.document.title) == "7:2:1"
