"""The commands about what offices send: validate, status, template."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli import logged
from wuhu_appraisal.cli.frame import (
    Command,
    Option,
    exit_on_errors,
    fail,
    fail_to_write,
    locked,
    print_findings,
    print_json,
    print_sheet,
    progress,
    scheme_or_exit,
    shared,
    write,
)
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.appraisal import ReadOptions
    from wuhu_appraisal.findings import Finding
    from wuhu_appraisal.read.reading import Reading


@click.command(
    cls=Command,
    help=N_(
        "Check workbooks or folders, without a result: all that is wrong with the sheets "
        "themselves. What changed since it was frozen, and what was decided, 'compute' tells.\n\n"
        "\b\nExamples:\n"
        "  appraise validate sheet.xlsx\n"
        "  appraise validate stage-files/ --json\n"
        "  appraise validate stage-files/ --ledger\n"
        "  appraise validate stage-files/ --slips slips/"
    ),
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@shared("scheme", "json", "reading")
@click.option(
    "--ledger",
    cls=Option,
    is_flag=True,
    help=N_("Show every cell that was read as other than a plain number, and by which rule."),
)
@click.option(
    "--slips",
    cls=Option,
    type=click.Path(path_type=Path),
    help=N_("A folder for a return slip for each file that has findings."),
)
def validate(
    paths: tuple[Path, ...],
    scheme: str,
    as_json: bool,
    ledger: bool,
    slips: Path | None,
    options: "ReadOptions",
) -> None:
    """Read and check."""
    from wuhu_appraisal.appraisal import check_sources
    from wuhu_appraisal.findings import by_place
    from wuhu_appraisal.output import tables as view
    from wuhu_appraisal.store import json_data

    if slips is not None and within(slips, paths):
        raise click.UsageError(_("The slips cannot stand in a folder that is read."))
    loaded = scheme_or_exit(scheme)
    assert loaded.scheme is not None
    checked = check_sources(loaded.scheme, paths, options)
    found = by_place(checked.findings)
    if ledger and as_json:
        print_json([json_data(item) for item in checked.ledger])
    elif ledger:
        print_sheet(view.ledger(checked.ledger, checked.remarks))
    else:
        print_findings(found, as_json=as_json)
        if not as_json and found:
            print_sheet(view.summary(found))
    if slips is not None and found:
        with locked(slips, working=True):
            _write_slips(slips, paths, checked, found, options)
    exit_on_errors(found)


def _write_slips(
    folder: Path,
    inputs: Sequence[Path],
    intake: "Reading",
    found: "Sequence[Finding]",
    options: "ReadOptions",
) -> None:
    """A slip for each file with findings, under the file's own name."""
    from wuhu_appraisal.encryption import is_encrypted
    from wuhu_appraisal.files import inner_path
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.output.slips import slip
    from wuhu_appraisal.workbooks.open import read_sheets

    ending = "-" + _("slip") + ".xlsx"
    read = {path.resolve() for path in intake.paths.values()}
    made_already: set[Path] = set()
    for name, path in intake.paths.items():
        findings = [item for item in found if item.source.file == name]
        if findings:
            target = folder / inner_path(name, ending)
            number = 1
            while target.resolve() in made_already:
                number += 1
                target = folder / inner_path(name, f"-{number}{ending}")
            made_already.add(target.resolve())
            if target.resolve() in read or within(target, inputs):
                problem = _("it leads into a folder that is read")
                fail([finding("write-failed", Source(str(target)), problem=problem)])
            try:
                content = path.read_bytes()
            except OSError as error:
                problem = error.strerror or str(error)
                fail([finding("file-unreadable", Source(name), problem=problem)])
            grids, _problems = read_sheets(name, content, options.password)
            try:
                made = slip(name, content, grids, findings, encrypted=is_encrypted(content))
            except OSError as error:
                fail_to_write(target, error)
            write(target, made)()


def within(target: Path, inputs: "Sequence[Path]") -> bool:
    """Whether a file or folder would stand below one that is read, links followed."""
    return any(target.resolve().is_relative_to(path.resolve()) for path in inputs)


@click.command(
    cls=Command,
    help=N_(
        "Show what the scheme expects and what has come: each ballot, sheet and round.\n\n"
        "\b\nExamples:\n"
        "  appraise status stage-files/\n"
        "  appraise status stage-files/ --missing"
    ),
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@shared("scheme", "json", "reading")
@click.option("--missing", cls=Option, is_flag=True, help=N_("Only what is missing or came twice."))
def status(
    paths: tuple[Path, ...],
    scheme: str,
    as_json: bool,
    missing: bool,
    options: "ReadOptions",
) -> None:
    """Show the submission matrix."""
    from wuhu_appraisal.appraisal import submitted
    from wuhu_appraisal.output import tables as view
    from wuhu_appraisal.store import json_data
    from wuhu_appraisal.year.expected import State

    loaded = scheme_or_exit(scheme)
    assert loaded.scheme is not None
    found, findings = submitted(loaded.scheme, paths, options)
    if as_json:
        shown = [item for item in found if not missing or item.state is not State.CAME]
        print_json(
            [
                json_data(item.place)
                | {"state": item.state.name.lower(), "sources": list(map(json_data, item.sources))}
                for item in shown
            ]
        )
        return
    print_sheet(view.status(found, missing=missing))
    logged.findings(findings)
    # What is wrong inside a sheet is the business of validate; a file that is none is not.
    outside = [item for item in findings if not item.source.cell]
    print_findings(outside, as_json=False)


@click.command(
    cls=Command,
    help=N_(
        "Write every form that the scheme expects, ready to send to the offices.\n\n"
        "Each is filled in but for the scores, locked but for the cells to fill, and is known "
        "again by its tag whatever it is called.\n\n"
        "\b\nExamples:\n"
        "  appraise template forms/\n"
        "  appraise template forms/ --protect-with"
    ),
)
@click.argument("folder", type=click.Path(path_type=Path))
@shared("scheme")
@click.option(
    "--protect-with",
    "protect",
    cls=Option,
    is_flag=True,
    help=N_("Ask for a password without which the locked cells stay locked."),
)
def template(folder: Path, scheme: str, protect: bool) -> None:
    """Write the forms."""
    from wuhu_appraisal.output.forms import render
    from wuhu_appraisal.year.expected import templates

    loaded = scheme_or_exit(scheme)
    assert loaded.scheme is not None
    password = None
    if protect:
        password = click.prompt(
            _("Password"), hide_input=True, confirmation_prompt=_("Repeat it"), err=True
        )
    made, found = templates(loaded.scheme)
    if found:
        fail(found)
    with locked(folder):
        for item in progress(made, len(made), _("Writing forms")):
            write(folder / item.path, render(loaded.scheme, item, password))
    click.echo(
        _("{count} workbooks with {sheets} forms written to {path}").format(
            count=len(made), sheets=sum(len(item.sheets) for item in made), path=folder
        )
    )
