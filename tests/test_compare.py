"""The command that compares two results, what each audience sees of it, and a unit's letter."""

import io
import json
import shlex
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner
from helpers import EXAMPLES, ROOT, Appraise
from helpers.commands import commands

from wuhu_appraisal import Result, appraise, load_scheme
from wuhu_appraisal import language as i18n
from wuhu_appraisal.analysis.change import Comparison, comparison
from wuhu_appraisal.cli import main
from wuhu_appraisal.output import compare_tables
from wuhu_appraisal.output.papers import letter_docx, letter_xlsx
from wuhu_appraisal.output.redact import OtherNames
from wuhu_appraisal.output.tables import Table
from wuhu_appraisal.scheme.audiences import Audience

NEXT_YEAR = EXAMPLES / "next-year"
SCHEMES = ("--old-scheme", "wuhu-2020", "--scheme", str(NEXT_YEAR / "scheme"))


@pytest.fixture(scope="session")
def next_year() -> Result:
    return appraise(load_scheme(NEXT_YEAR / "scheme"), [NEXT_YEAR / "stage-files"])


@pytest.fixture(scope="session")
def years(wuhu_run: Result, next_year: Result) -> Comparison:
    return comparison(wuhu_run, next_year)


@pytest.fixture(scope="session")
def next_json(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    out = tmp_path_factory.mktemp("next")
    files, scheme = NEXT_YEAR / "stage-files", NEXT_YEAR / "scheme"
    arguments = ["compute", str(files), "--scheme", str(scheme), "--out", str(out)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    return (out / "appraisal.json").read_bytes()


@pytest.fixture
def folders(tmp_path: Path, wuhu_json: bytes, next_json: bytes) -> Path:
    """A folder with the results of both years, under old/ and new/."""
    for name, content in (("old", wuhu_json), ("new", next_json)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "appraisal.json").write_bytes(content)
    return tmp_path


def sums(table: Table, first: int) -> list[bool]:
    """For each row whether the numbers from a column on add up to the one before them."""
    rows = [[Fraction(str(number)) for number in row[first - 1 :]] for row in table.rows]
    return [sum(row[1:]) == row[0] for row in rows]


# --- the command ----------------------------------------------------------------------------------


def test_the_commands_of_the_page_run_and_print_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "compare.md").read_text(encoding="utf-8")
    shown, expected, code = (
        text.partition(f"<!-- {marker} -->\n```")[2].partition("\n")[2].partition("```")[0]
        for marker in ("compare", "compare output", "compare python")
    )
    (tmp_path / "examples").symlink_to(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("APPRAISE_LANG", "en")
    monkeypatch.setenv("COLUMNS", "100")
    for line in commands(shown):
        result = CliRunner().invoke(main, shlex.split(line)[1:])
        assert result.exit_code == 0, f"{line}\n{result.output}"
    for line in filter(None, expected.splitlines()):
        assert line in result.output
    exec(compile(code, "compare.md", "exec"), {})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_names_every_unit_and_what_changed_in_the_scheme(
    folders: Path, appraise_cli: Appraise, language: str
) -> None:
    done = appraise_cli("compare", "old", "new", *SCHEMES, "--lang", language, "--out", "c.xlsx")
    assert done.exit_code == 0, done.output
    for text in ("市乡村振兴局", "市扶贫办", "一(四)", "19 → ", "| 45 ", "| 40 "):
        assert text in done.output, text
    book = openpyxl.load_workbook(folders / "c.xlsx")
    assert len(book.sheetnames) == 3
    # A second run writes over nothing.
    again = appraise_cli("compare", "old", "old", "--out", "c.xlsx")
    assert (folders / "c.1.xlsx").exists(), again.output


def test_no_workbook_stands_over_the_record_or_the_decisions(
    folders: Path, appraise_cli: Appraise
) -> None:
    (folders / "decisions.yaml").write_text("decisions: []\n", encoding="utf-8")
    done = appraise_cli("compare", "old", "new", *SCHEMES, "--out", "c.xlsx")
    assert done.exit_code == 1 and not (folders / "c.xlsx").exists()


def test_the_data_has_exact_parts_that_add_up(folders: Path, appraise_cli: Appraise) -> None:
    done = appraise_cli("compare", "old", "new/appraisal.json", *SCHEMES, "--json")
    data = json.loads(done.output)
    assert len(data["units"]) == 54
    for unit in data["units"]:
        parts = sum(Fraction(part["points"]) for part in unit["parts"])
        finals = Fraction(unit["final"]["new"]) - Fraction(unit["final"]["old"])
        assert parts == Fraction(unit["change"]) == finals
    assert (data["came"], data["went"], data["became"]) == ([], [], [])
    assert {"45", "10", "5", "none", "市扶贫办"} <= {row["old"] for row in data["scheme"]}


def test_a_result_compared_with_itself_says_that_the_scheme_is_the_same(
    folders: Path, appraise_cli: Appraise
) -> None:
    done = appraise_cli("compare", "old", "old")
    assert "Both results follow the same scheme." in done.output
    assert "0.00" in done.output and "Scores given" not in done.output


def test_a_merged_unit_is_listed_with_both_sides_and_not_taken_apart(
    folders: Path, appraise_cli: Appraise
) -> None:
    text = "merged: {市外办: [市外办, 市扶贫办]}\ncame: [市乡村振兴局]\n"
    (folders / "m.yaml").write_text(text, encoding="utf-8")
    done = appraise_cli("compare", "old", "new", *SCHEMES, "--matches", "m.yaml")
    assert "| merged   | 市外办 92.60 (rank 3), 市扶贫办 86.45 (rank 19)" in done.output
    assert "| new unit |" in done.output
    assert "| 市外办  " not in done.output


def test_the_old_scheme_must_be_the_one_of_the_old_result(
    folders: Path, appraise_cli: Appraise
) -> None:
    done = appraise_cli("compare", "old", "new", "--scheme", NEXT_YEAR / "scheme")
    assert done.exit_code == 1 and "result-other-scheme" in done.output
    done = appraise_cli("compare", "nowhere", "new", *SCHEMES)
    assert done.exit_code == 1 and "result-not-found" in done.output


def test_the_data_frame_has_a_row_for_each_part(wuhu_run: Result, next_year: Result) -> None:
    frame = wuhu_run.compare(next_year)
    for _unit, rows in frame.groupby("unit"):
        assert sum(rows.points) == rows.final.iloc[0] - rows.old_final.iloc[0]
    assert set(frame.part) == {
        *("scores", "scores+rules", "weights", "adjustments", "rounding"),
    }


# --- what is seen ---------------------------------------------------------------------------------


def test_the_parts_add_up_as_they_are_shown(years: Comparison) -> None:
    for audience in (Audience.OFFICE, Audience.LEADING_GROUP):
        for table in compare_tables.tables(compare_tables.seen(years, audience))[:2]:
            assert all(sums(table, 5)), audience
    for item in years.changes:
        rows = compare_tables.unit_table(years, item.unit).rows
        assert sum(Fraction(str(row[-1])) for row in rows) == item.points


def test_who_sees_no_scores_sees_ranks_alone(years: Comparison) -> None:
    shown = compare_tables.seen(years, Audience.PUBLIC)
    for table in compare_tables.tables(shown)[:2]:
        assert {row[2:] for row in table.rows} == {(None, None, None)}
    assert all(not unit["parts"] for unit in compare_tables.data(shown)["units"])


def test_who_sees_no_raters_sees_no_more_digits_than_are_published(years: Comparison) -> None:
    shown = compare_tables.data(compare_tables.seen(years, Audience.LEADING_GROUP))
    points = [part["points"] for unit in shown["units"] for part in unit["parts"]]
    assert points and all("/" not in text and len(text.partition(".")[2]) <= 2 for text in points)


# --- a unit's letter ------------------------------------------------------------------------------


def texts(content: bytes) -> list[str]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [
        str(cell)
        for sheet in book
        for row in sheet.iter_rows(values_only=True)
        for cell in row
        if cell is not None
    ]


@pytest.mark.parametrize("unit", ["弋江区", "市乡村振兴局"])
def test_a_letter_tells_a_unit_of_its_own_change_and_names_no_other(
    years: Comparison, next_year: Result, unit: str
) -> None:
    content = letter_xlsx(next_year, unit, final=True, since=years)
    without = letter_xlsx(next_year, unit, final=True)
    more = [text for text in texts(content) if text not in texts(without)]
    change = next(item for item in years.changes if item.unit == unit)
    assert any(str(change.old.final) in text for text in more)
    others = OtherNames(next_year.scheme, unit)
    own = [text.replace(change.old.unit, "") for text in more]
    assert [text for text in own if others.named_in(text)] == []
    assert letter_docx(next_year, unit, final=True, since=years) != letter_docx(
        next_year, unit, final=True
    )


def test_a_letter_shows_no_part_where_a_score_is_withheld(years: Comparison) -> None:
    rule = years.new.scheme.confidentiality.model_copy(update={"fewest_raters": 99})
    scheme = years.new.scheme.model_copy(update={"confidentiality": rule})
    new = Result(
        **{
            name: getattr(years.new, name)
            for name in Result.__dataclass_fields__
            if name != "scheme"
        },
        scheme=scheme,
    )
    whole = Comparison(years.old, new, years.units, years.changes)
    table = compare_tables.letter_table(whole, "弋江区")
    assert table is not None and table.rows == []


def test_a_letter_with_a_change_is_verified_with_the_older_result(
    folders: Path, appraise_cli: Appraise
) -> None:
    made: Sequence[str | Path] = ("--result", folders / "new" / "appraisal.json", *SCHEMES)
    done = appraise_cli("report", "--unit", "弋江区", "--since", "old", *made, "--out", "l.xlsx")
    assert done.exit_code == 0, done.output
    files = ("--files", NEXT_YEAR / "stage-files")
    for language in ("en", "zh"):
        i18n.activate(language)
        done = appraise_cli("verify", "l.xlsx", "--since", "old", *made, *files, "--lang", language)
        assert done.exit_code == 0, done.output


def test_since_is_for_units_alone(folders: Path, appraise_cli: Appraise) -> None:
    for more in (("--since", "old"), ("--unit", "弋江区", "--old-scheme", "wuhu-2020")):
        done = appraise_cli("report", "--result", "new/appraisal.json", *more)
        assert done.exit_code == 2
