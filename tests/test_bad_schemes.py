"""Every broken scheme is refused at the line that is wrong, with all that is wrong said at once."""

import re
from pathlib import Path

import pytest
from conftest import Appraise

from wuhu_appraisal import load_scheme
from wuhu_appraisal.findings import has_errors

HERE = Path(__file__).parent
FILES = sorted((HERE / "bad_schemes").glob("*.yaml"))
MARK = re.compile(r"!([a-z-]+)")


def expected(path: Path) -> set[tuple[str, int]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {
        (code, number)
        for number, line in enumerate(lines, 1)
        for code in MARK.findall(line.partition(" # ")[2])
    }


def test_there_are_ten_broken_schemes_at_least() -> None:
    assert len(FILES) >= 10


def test_the_scheme_that_they_are_made_from_has_no_findings() -> None:
    assert load_scheme(HERE / "small_scheme.yaml").findings == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_broken_scheme_is_refused_at_its_line(path: Path) -> None:
    loaded = load_scheme(path)
    found = {(item.code, item.source.line) for item in loaded.findings}
    wanted = expected(path) or {("yaml-syntax", item.source.line) for item in loaded.findings}
    assert found == wanted
    assert loaded.scheme is None
    assert has_errors(loaded.findings)
    assert all(item.hint for item in loaded.findings)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_command_names_file_line_and_column_and_exits_1(
    path: Path, appraise_cli: Appraise
) -> None:
    result = appraise_cli("scheme", "check", path)
    assert result.exit_code == 1
    assert re.search(rf"{re.escape(path.name)}:\d+:\d+", result.output)
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
