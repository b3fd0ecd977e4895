"""The command line: each command loads, calls, prints and exits."""

import gc
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal import __version__
from wuhu_appraisal.cli import logged
from wuhu_appraisal.cli.decide import decide, print_without
from wuhu_appraisal.cli.doctor import doctor
from wuhu_appraisal.cli.encrypting import encrypting, new_password, say_plain_copies
from wuhu_appraisal.cli.explain import explain
from wuhu_appraisal.cli.frame import (
    EXIT_FINDINGS,
    RESULTS,
    Group,
    Option,
    fail,
    scheme_or_exit,
    shared,
    write,
)
from wuhu_appraisal.cli.freezing import freeze
from wuhu_appraisal.cli.proof import verify
from wuhu_appraisal.cli.report import report
from wuhu_appraisal.cli.schemes import scheme_group
from wuhu_appraisal.cli.sheets import status, template, validate
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.appraisal import ReadOptions
    from wuhu_appraisal.result import Result


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=N_(
        "Score a city's appraisal: stage workbooks in, a ranking that explains itself out.\n\n"
        "\b\nExamples:\n"
        "  appraise compute stage-files/\n"
        "  appraise validate sheet.xlsx\n"
        "  appraise report --format xlsx\n"
        "  appraise explain 镜湖区\n\n"
        "Exit codes: 0 done, 1 findings of severity error, 2 wrong usage."
    ),
)
@shared()
@click.version_option(
    __version__,
    prog_name="appraise",
    message="%(prog)s %(version)s",
    cls=Option,
    help=N_("Show the version and exit."),
)
def main() -> None:
    """Define the top of the command line."""


@main.command(
    help=N_(
        "Read every workbook under the folders or files, check it, score it and rank each group.\n\n"
        "Prints the ranking and the findings and writes the result as JSON. With findings of "
        "severity error nothing is written.\n\n"
        "\b\nExamples:\n"
        "  appraise compute stage-files/\n"
        "  appraise compute stage-files/ --provisional\n"
        "  appraise compute stage-files/ --encrypt-result --ask-password\n"
        "  appraise --lang en compute examples/sichuan-2011 --scheme sichuan-2011"
    )
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@shared("scheme", "reading")
@click.option(
    "--provisional",
    cls=Option,
    is_flag=True,
    help=N_("Compute what can be computed; the result says what is missing."),
)
@click.option(
    "--out",
    cls=Option,
    type=click.Path(path_type=Path),
    default=RESULTS,
    show_default=True,
    help=N_("The folder that the result is written to."),
)
@click.option(
    "--without-decisions",
    cls=Option,
    is_flag=True,
    help=N_("Only show what the ranking would be without decisions.yaml; nothing is written."),
)
@encrypting(
    "--encrypt-result",
    N_("Encrypt the result: it is written as appraisal.sealed and opens with a password alone."),
)
def compute(
    paths: tuple[Path, ...],
    scheme: str,
    provisional: bool,
    out: Path,
    without_decisions: bool,
    options: "ReadOptions",
    encrypt: bool,
) -> None:
    """Score and rank."""
    # Cells and tables hold no cycles; the collector would walk millions of them for nothing.
    gc.disable()
    from wuhu_appraisal import encryption as sealed
    from wuhu_appraisal import store as result
    from wuhu_appraisal.appraisal import appraise
    from wuhu_appraisal.model import Rule
    from wuhu_appraisal.output import tables as view
    from wuhu_appraisal.output import text as terminal

    password = new_password() if encrypt and not without_decisions else None
    loaded = scheme_or_exit(scheme)
    if without_decisions:
        print_without(loaded, paths, options)
        return
    run = appraise(loaded, paths, options)
    logged.ranking(run)
    console = terminal.console(sys.stdout)
    if run.provisional and not provisional:
        terminal.print_findings(console, run.findings)
        console.print(_("No result was written: mend the errors, or use --provisional."))
        sys.exit(EXIT_FINDINGS)
    _refuse_among_sources(run, paths, out)
    # Written before anything is shown: who stops reading must not lose the result.
    if password:
        say = write(out / sealed.NAME, sealed.seal(result.dump(run), password))
    else:
        say = write(out / "appraisal.json", result.dump(run))
    terminal.print_rankings(console, run)
    terminal.print_findings(console, run.findings)
    if run.decisions:
        terminal.print_texts(console, view.decisions(run))
    unusual = [item for item in run.ledger if Rule.DECISION not in item.rules]
    if unusual:
        text = _("{count} cells were read as other than plain numbers: see 'validate --ledger'")
        console.print(text.format(count=len(unusual)), markup=False)
    say()
    if encrypt:
        say_plain_copies([out / "appraisal.json"])


def _refuse_among_sources(run: "Result", paths: Sequence[Path], out: Path) -> None:
    """Fail where the result would stand over stage files: it hides them from the next run."""
    from wuhu_appraisal.findings import Source, finding

    folder = out.resolve()
    read = [base / item.file for base in (*paths, Path()) for item in run.sources]
    if any(path.resolve().is_relative_to(folder) for path in read if path.is_file()):
        problem = _("stage files stand in it; give a folder of its own for the result")
        fail([finding("write-failed", Source(str(out)), problem=problem)])


for command in (
    report,
    explain,
    scheme_group,
    validate,
    status,
    template,
    freeze,
    verify,
    decide,
    doctor,
):
    main.add_command(command)
