"""Write the generated pages: the command reference from --help, the findings from their codes.

Run ``python docs/pages.py`` after a change; a test compares.
"""

from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from wuhu_appraisal import i18n
from wuhu_appraisal.cli import main
from wuhu_appraisal.codes import CODES

HERE = Path(__file__).parent
WIDTH = 100


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
    """Every code of a finding in Markdown, in both languages."""
    parts = [
        "# Findings\n",
        "What `appraise` tells you about a scheme, a file, a sheet or a cell. An *error* stops the "
        "result (`--provisional` goes on without what is missing); a *warning* does not. Words in "
        "braces stand for the particulars. Generated from the codes.\n",
    ]
    for code, (severity, message, hint) in CODES.items():
        lines = [f"## `{code}`\n", f"*{severity}*\n"]
        for language in ("en", "zh"):
            i18n.activate(language)
            lines.append(f"- {i18n._(message)}\n  → {i18n._(hint)}")
        parts.append("\n".join(lines) + "\n")
    i18n.activate("en")
    return "\n".join(parts)


PAGES = {"cli.md": cli_page, "findings.md": findings_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (HERE / name).write_text(page(), encoding="utf-8")
