"""Every broken scheme is refused at the line that is wrong, with all that is wrong said at once."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from conftest import Appraise

from wuhu_appraisal import load_scheme
from wuhu_appraisal.findings import Finding, Severity, codes, has_errors

HERE = Path(__file__).parent
SCHEMES = sorted(
    path for path in (HERE / "bad_schemes").iterdir() if path.is_dir() or path.suffix == ".yaml"
)
MARK = re.compile(r"!([a-z-]+)")

Place = tuple[str, str, int]
"""A code, and the file's name and the line; '' and 0 where the finding names no line."""


def expected(path: Path) -> set[Place]:
    """The marks in a fixture's file, or in all files of its folder."""
    found: set[Place] = set()
    for file in [path] if path.is_file() else path.iterdir():
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            place = ("", 0) if line.startswith("#") else (file.name, number)
            codes = MARK.findall(f" {line}".partition(" # ")[2])
            found |= {(code, *place) for code in codes}
    return found


def places(findings: Iterable[Finding]) -> set[Place]:
    """Where findings stand. What is wrong with a case itself comes inside a case-finding."""
    found: set[Place] = set()
    for item in findings:
        inner = str(item.params.get("code", ""))
        code = inner if inner.startswith("case-") else item.code
        line = item.source.line
        found.add((code, Path(item.source.file).name if line else "", line))
    return found


def refuses(path: Path) -> bool:
    return any(codes()[code].severity is Severity.ERROR for code, _name, _line in expected(path))


def test_the_scheme_that_they_are_made_from_has_no_findings() -> None:
    assert load_scheme(HERE / "small_scheme.yaml").findings == []


@pytest.mark.parametrize("family", ["yaml-", "scheme-", "case-", "cases-"])
def test_every_code_of_schemes_and_cases_has_a_fixture_that_raises_it_alone(family: str) -> None:
    fixtures = [*SCHEMES, *(HERE / "bad_cases").glob("case*")]
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
    output = appraise_cli("scheme", "check", HERE / "bad_schemes" / "wrong_value.yaml").output
    assert "did you mean 'mean'?" in output
    output = appraise_cli("scheme", "check", HERE / "bad_schemes" / "unknown_key.yaml").output
    assert "did you mean 'stages'?" in output


def test_yaml_is_1_2(tmp_path: Path) -> None:
    text = (HERE / "small_scheme.yaml").read_text(encoding="utf-8")
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
