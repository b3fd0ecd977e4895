"""Write the generated pages: the command reference from --help, the findings from their codes.

Run ``python docs/pages.py`` after a change; a test compares the pages with what it writes.
"""

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click
from click.testing import CliRunner

from wuhu_appraisal import language as i18n
from wuhu_appraisal import load_scheme, store
from wuhu_appraisal.cli import main
from wuhu_appraisal.findings import Finding, codes
from wuhu_appraisal.year.cases import run_cases

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from helpers import TESTS
from helpers.sheets import findings, fixtures

HERE = Path(__file__).parent
WIDTH = 100

AREAS = {
    "yaml-syntax": ("YAML", "文件格式"),
    "scheme-not-found": ("Scheme", "考评方案"),
    "case-wrong": ("Cases of a scheme", "方案算例"),
    "file-not-found": ("Files and folders", "文件与文件夹"),
    "sheet-unreadable": ("Sheets", "工作表"),
    "sheet-no-header": ("Rows and columns", "行与列"),
    "score-below-zero": ("Cells", "单元格"),
    "stage-missing": ("Scores", "得分"),
    "adjustment-group": ("Bonuses and deductions", "加分与扣分"),
    "frozen-file-changed": ("Frozen stages", "封存"),
    "decisions-unreadable": ("Decisions", "决定"),
    "slip-without-sheets": ("Slips and forms", "退回单与表格"),
    "result-not-found": ("Results", "结果"),
    "verify-no-files": ("Verification", "核验"),
}
"""The areas by the code that each begins with."""

WORDS = {
    "en": ("What", "Why", "What to do", ": "),
    "zh": ("含义", "原因", "处理", "："),
}


class Example(NamedTuple):
    """A finding that was raised, and the situation that led to it."""

    situation: str
    finding: Finding

    @property
    def text(self) -> str:
        """The finding as the terminal shows it, without its code."""
        place = f"{self.finding.source}  " if self.finding.source.file else ""
        text = f"{place}{self.finding.message}\n  → {self.finding.hint}"
        # Workbooks hold the time at which they were made, so their digests are new each time.
        return re.sub(r"[0-9a-f]{60,}", "…", text)


def cli_page() -> str:
    """The command reference in Markdown."""
    parts = ["# Command reference\n", "Generated from `appraise --help`.\n"]
    for names in commands(("appraise",), main):
        shown = CliRunner(env={"APPRAISE_LANG": "en"}).invoke(
            main, [*names[1:], "--help"], prog_name="appraise", terminal_width=WIDTH
        )
        heading = "#" * (len(names) + 1)
        parts.append(f"{heading} `{' '.join(names)}`\n\n```text\n{shown.output.rstrip()}\n```\n")
    return "\n".join(parts)


def commands(names: tuple[str, ...], command: click.Command) -> Iterator[tuple[str, ...]]:
    """The words that call a command and each one below it."""
    yield names
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from commands((*names, name), command.commands[name])


def findings_page() -> str:
    """Every code of a finding in Markdown, in both languages, with an example of it."""
    i18n.activate("en")
    examples = {**scheme_examples(), **sheet_examples()}
    parts = [
        "# Findings\n",
        "What `appraise` reports about a scheme, a file, a sheet or a cell, why it matters, and what to "
        "do. With an *error* there is no result (`--provisional` computes one without what is missing); "
        "a *warning* does not stop it. Words in braces stand for the particulars. This page is generated "
        "from the codes; the examples are from `tests/bad_sheets`, `tests/bad_schemes` and "
        "`tests/bad_cases`.\n",
        contents(),
    ]
    for code in codes():
        if code in AREAS:
            parts.append(f"## {AREAS[code][0]}\n")
        parts.append(f"### `{code}`\n\n*{codes()[code].severity}*\n")
        shown: list[str] = []
        for language, (*labels, colon) in WORDS.items():
            i18n.activate(language)
            texts = (codes()[code].message, codes()[code].why, codes()[code].hint)
            pairs = zip(labels, texts, strict=True)
            lines = [f"- **{label}**{colon}{escaped(str(text))}" for label, text in pairs]
            parts.append("\n".join(lines) + "\n")
            if code.startswith(("case", "slip-")):
                # These quote texts in the language of the run.
                examples |= {**case_examples(), **sheet_examples("slip-")}
            if code in examples:
                shown.append(examples[code].text)
        if shown:
            block = "\n".join(shown)
            parts.append(f"Example: {examples[code].situation}\n\n```text\n{block}\n```\n")
    i18n.activate("en")
    return "\n".join(parts)


def contents() -> str:
    """The areas, each with its codes."""
    lines = ["| Area | Codes |", "| --- | --- |"]
    starts = [*map(list(codes()).index, AREAS), len(codes())]
    for (english, chinese), start, end in zip(AREAS.values(), starts, starts[1:], strict=False):
        links = ", ".join(f"[`{code}`](#{code})" for code in list(codes())[start:end])
        anchor = english.lower().replace(" ", "-")
        lines.append(f"| [{english} {chinese}](#{anchor}) | {links} |")
    return "\n".join(lines) + "\n"


def scheme_examples() -> dict[str, Example]:
    """The codes that the schemes in tests/bad_schemes raise alone, each with the line it names."""
    with chdir(TESTS / "bad_schemes"):
        return firsts(
            load_scheme(path).findings
            for path in sorted(Path().iterdir())
            if path.is_dir() or path.suffix == ".yaml"
        )


def case_examples() -> dict[str, Example]:
    """The codes that the cases in tests/bad_cases raise alone, in the active language."""
    scheme = load_scheme(TESTS / "small_scheme.yaml").scheme
    assert scheme is not None
    with chdir(TESTS / "bad_cases"):
        return firsts(run_cases(scheme, path)[1] for path in sorted(Path().glob("case*")))


def firsts(runs: Iterator[Sequence[Finding]]) -> dict[str, Example]:
    """The first finding of each code that was raised without others."""
    examples: dict[str, Example] = {}
    for found in runs:
        codes = {code_of(item) for item in found}
        if len(codes) == 1 and not codes & examples.keys():
            examples[codes.pop()] = Example(line_of(found[0]), found[0])
    return examples


def code_of(item: Finding) -> str:
    """The code; a fault of a case itself is inside a case-finding."""
    inner = str(item.params.get("code", ""))
    return inner if inner.startswith("case-") else item.code


def line_of(item: Finding) -> str:
    """The line that a finding names, without the mark that a test looks for."""
    if not item.source.line:
        return "the file or folder below."
    line = Path(item.source.file).read_text(encoding="utf-8").splitlines()[item.source.line - 1]
    return f"`{line.partition(' # !')[0].strip()}`"


def sheet_examples(start: str = "") -> dict[str, Example]:
    """The codes with this start that the inputs in tests/bad_sheets raise."""
    examples: dict[str, Example] = {}
    for code, fixture in fixtures().items():
        if not code.startswith(start):
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = [item for item in findings(fixture, Path(folder)) if item.code == code]
        examples[code] = Example(fixture.situation, found[0])
    return examples


def escaped(text: str) -> str:
    """Escape what Markdown would read as marks."""
    return text.replace("<", "&lt;").replace("*", "\\*")


def schema_page(schema: Callable[[], dict[str, Any]]) -> str:
    """A JSON Schema as a file."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_page,
    "findings.md": findings_page,
    "result.schema.json": partial(schema_page, store.schema),
}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
