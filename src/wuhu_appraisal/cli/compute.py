"""The commands that read stage files: compute, validate, status; and template, which writes forms."""

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli import inputs, options
from wuhu_appraisal.cli.inputs import (
    encryption_options,
    paths_argument,
    reading_options,
    scheme_option,
)
from wuhu_appraisal.cli.options import PATH, all_option, argument, command, json_option, option
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.appraisal import ReadOptions
    from wuhu_appraisal.findings import Finding
    from wuhu_appraisal.read.reading import Reading
    from wuhu_appraisal.scheme.load import LoadedScheme


@command(
    help=N_(
        "Read every workbook under the folders or files, check it, score it and rank each group.\n\n"
        "Print the ranking and the findings, and write the result as JSON. With findings of "
        "severity error nothing is written.\n\n"
        "\b\nExamples:\n"
        "  appraise compute stage-files/\n"
        "  appraise compute stage-files/ --provisional\n"
        "  appraise compute stage-files/ --encrypt-result --ask-password\n"
        "  appraise --lang en compute examples/sichuan-2011 --scheme sichuan-2011"
    )
)
@paths_argument
@scheme_option
@reading_options
@option(
    "--provisional",
    is_flag=True,
    help=N_("Compute with the scores that are there; the result says what is missing."),
)
@option(
    "--out",
    type=PATH,
    default=options.RESULTS,
    help=N_("The folder that the result is written to."),
)
@option(
    "--without-decisions",
    is_flag=True,
    help=N_("Only show the ranking without decisions.yaml; write nothing."),
)
@encryption_options(
    "--encrypt-result",
    N_("Encrypt the result: write appraisal.sealed, which opens only with a password."),
)
@all_option
def compute(
    paths: tuple[Path, ...],
    scheme: str,
    provisional: bool,
    out: Path,
    without_decisions: bool,
    read_options: "ReadOptions",
    encrypt: bool,
) -> None:
    """Score and rank."""
    # Cells and tables hold no cycles; the collector would walk millions of them for nothing.
    gc.disable()
    from dataclasses import replace

    from wuhu_appraisal import encryption, store
    from wuhu_appraisal.appraisal import read_with_decisions, run_of
    from wuhu_appraisal.cli.log import log_result
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.model import Rule
    from wuhu_appraisal.output import tables, text

    password = inputs.new_password() if encrypt and not without_decisions else None
    loaded = inputs.scheme_or_exit(scheme)
    if without_decisions:
        _print_without_decisions(loaded, paths, read_options)
        return
    result = run_of(loaded, *read_with_decisions(loaded, paths, read_options))
    log_result(result)
    if result.provisional and not provisional:
        options.print_findings(result.findings)
        options.console().print(
            _("No result was written: correct the errors, or use --provisional.")
        )
        sys.exit(options.EXIT_FINDINGS)
    files = [base / item.file for base in (*paths, Path()) for item in result.sources]
    if any(options.within(file, [out]) for file in files if file.is_file()):
        # They would be hidden from the next run.
        problem = _("it contains stage files; choose another folder for the result")
        options.fail([finding("write-failed", Source(str(out)), problem=problem)])
    # Written before anything is shown: who stops the command must not lose the result.
    result = replace(result, inputs=_paths_from(out, paths))
    name, content = "appraisal.json", store.dump(result)
    if password:
        name, content = encryption.NAME, encryption.seal(content, password)
    written = options.write(out / name, content)
    text.print_rankings(options.console(), result)
    options.print_findings(result.findings)
    if result.decisions:
        text.print_texts(options.console(), tables.decisions(result))
    unusual = sum(Rule.DECISION not in item.rules for item in result.ledger)
    if unusual:
        words = _(
            "{count} cells are not plain numbers: 'validate --ledger' shows how they were read"
        )
        options.console().print(words.format(count=unusual), markup=False)
    click.echo(written)
    if password:
        inputs.warn_of_plain_copies([out / "appraisal.json"])


def _paths_from(folder: Path, paths: Sequence[Path]) -> list[str]:
    """Return the paths as they are from a folder; none where there is no such path, or no text of it.

    There is none from one drive to another.
    """
    try:
        names = [Path(os.path.relpath(path, folder)).as_posix() for path in paths]
        "".join(names).encode()
    except ValueError:
        return []
    return names


def _print_without_decisions(
    loaded: "LoadedScheme", paths: Sequence[Path], read_options: "ReadOptions"
) -> None:
    """Print the rankings with and without the decisions side by side; nothing is written."""
    from wuhu_appraisal.appraisal import read_with_decisions, run_of
    from wuhu_appraisal.output import tables, text

    reading, decisions = read_with_decisions(loaded, paths, read_options)
    result, other = run_of(loaded, reading, decisions), run_of(loaded, reading, ())
    out = options.console()
    out.print(_("WITHOUT DECISIONS: the ranking as it would be; nothing was written"))
    if not decisions:
        out.print(_("There are no decisions: both rankings are the same."))
    for label, lines in (
        (_("with the decisions"), tables.banner(result)),
        (_("without the decisions"), tables.banner(other)),
    ):
        for line in lines:
            out.print(f"{label}: {text.printable(line)}", style="bold red", markup=False)
    for group in result.standings:
        options.print_table(tables.rankings_without(result, other, group))
    if result.decisions:
        text.print_texts(out, tables.decisions(result))
    options.exit_on_errors(result.findings)


@command(
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
@paths_argument
@scheme_option
@json_option
@reading_options
@option(
    "--ledger",
    is_flag=True,
    help=N_("Show every cell that is not a plain number, and by which rule it was read."),
)
@option(
    "--slips",
    type=PATH,
    help=N_("Write a return slip for each file that has findings, into this folder."),
)
@all_option
def validate(
    paths: tuple[Path, ...],
    scheme: str,
    as_json: bool,
    ledger: bool,
    slips: Path | None,
    read_options: "ReadOptions",
) -> None:
    """Read and check."""
    from wuhu_appraisal.appraisal import check_sources
    from wuhu_appraisal.files import working_folder
    from wuhu_appraisal.output import tables
    from wuhu_appraisal.store import json_data

    if slips is not None and options.within(slips, paths):
        raise click.UsageError(_("The slips cannot be written into a folder that is read."))
    loaded = inputs.scheme_or_exit(scheme)
    assert loaded.scheme is not None
    reading = check_sources(loaded.scheme, paths, read_options)
    findings = reading.findings
    if ledger and as_json:
        options.print_json([json_data(item) for item in reading.ledger])
    elif ledger:
        options.print_table(tables.ledger(reading.ledger, reading.remarks))
    else:
        options.print_findings(findings, as_json=as_json)
        if not as_json and findings:
            options.print_table(tables.summary(findings))
    if slips is not None and findings:
        with working_folder(slips):
            _write_slips(slips, paths, reading, findings, read_options)
    options.exit_on_errors(findings)


def _write_slips(
    folder: Path,
    inputs: Sequence[Path],
    reading: "Reading",
    findings: "Sequence[Finding]",
    read_options: "ReadOptions",
) -> None:
    """Write a slip for each file with findings, under the file's own name."""
    from wuhu_appraisal.encryption import is_encrypted
    from wuhu_appraisal.files import inner_path, write_errors
    from wuhu_appraisal.findings import Source, finding, unfolded
    from wuhu_appraisal.output.slips import slip
    from wuhu_appraisal.workbooks.open import read_sheets

    ending = "-" + _("slip") + ".xlsx"
    sources = {path.resolve() for path in reading.paths.values()}
    slips: set[Path] = set()
    for name, path in reading.paths.items():
        own = [item for item in unfolded(findings) if item.source.file == name]
        if not own:
            continue
        target = folder / inner_path(name, ending)
        number = 1
        while target.resolve() in slips:
            number += 1
            target = folder / inner_path(name, f"-{number}{ending}")
        slips.add(target.resolve())
        if target.resolve() in sources or options.within(target, inputs):
            problem = _("it is in a folder that is read")
            options.fail([finding("write-failed", Source(str(target)), problem=problem)])
        try:
            content = path.read_bytes()
        except OSError as error:
            problem = error.strerror or str(error)
            options.fail([finding("file-unreadable", Source(name), problem=problem)])
        sheets, _problems = read_sheets(name, content, read_options.password)
        with write_errors(target):
            made = slip(name, content, sheets, own, encrypted=is_encrypted(content))
        click.echo(options.write(target, made))


@command(
    help=N_(
        "Show what the scheme expects and what has come: each ballot, sheet and round; and for "
        "each unit the share of the marks that are '/', beside the median of its group.\n\n"
        "\b\nExamples:\n"
        "  appraise status stage-files/\n"
        "  appraise status stage-files/ --missing"
    ),
)
@paths_argument
@scheme_option
@json_option
@reading_options
@option("--missing", is_flag=True, help=N_("Show only what is missing or was sent twice."))
@all_option
def status(
    paths: tuple[Path, ...], scheme: str, as_json: bool, missing: bool, read_options: "ReadOptions"
) -> None:
    """Show what has come."""
    from wuhu_appraisal.appraisal import submitted
    from wuhu_appraisal.cli.log import log_findings
    from wuhu_appraisal.numbers import percent
    from wuhu_appraisal.output import tables
    from wuhu_appraisal.store import json_data
    from wuhu_appraisal.year.expected import State

    loaded = inputs.scheme_or_exit(scheme)
    assert loaded.scheme is not None
    submissions, findings = submitted(loaded.scheme, paths, read_options)
    if as_json:
        shown = [item for item in submissions if not missing or item.state is not State.CAME]
        options.print_json(
            [
                json_data(item.place)
                | {"state": item.state.name.lower(), "sources": list(map(json_data, item.sources))}
                | {"not_applicable": {name: percent(part) for name, part in item.shares.items()}}
                for item in shown
            ]
        )
        return
    options.print_table(tables.status(submissions, missing=missing))
    if not missing and any(item.shares for item in submissions):
        options.print_table(tables.shares(submissions))
    log_findings(findings)
    # What is wrong inside a sheet is the business of validate; a file that is none is not.
    options.print_findings(
        [item for item in findings if not all(at.cell for at in (item.source, *item.also))]
    )


@command(
    help=N_(
        "Write every form that the scheme expects, ready to send to the offices.\n\n"
        "Each is filled in but for the scores, locked but for the cells to fill, and is known "
        "again by its tag whatever it is called. With registers of who is assessed on what, given "
        "or in the folder, the names stand in the forms and what does not apply is filled in.\n\n"
        "\b\nExamples:\n"
        "  appraise template forms/\n"
        "  appraise template forms/ --register agreed/\n"
        "  appraise template forms/ --protect-with"
    ),
)
@argument("folder", type=PATH)
@scheme_option
@option(
    "--protect-with",
    "protect",
    is_flag=True,
    help=N_("Ask for a password; the locked cells cannot be unlocked without it."),
)
@option(
    "--register",
    "given",
    type=PATH,
    multiple=True,
    help=N_("A register that is filled in, or a folder with some; otherwise those in the folder."),
)
def template(folder: Path, scheme: str, protect: bool, given: tuple[Path, ...]) -> None:
    """Write the forms."""
    from wuhu_appraisal.appraisal import agreed_registers
    from wuhu_appraisal.files import locked
    from wuhu_appraisal.findings import has_errors
    from wuhu_appraisal.output.forms import render
    from wuhu_appraisal.year.expected import templates

    loaded = inputs.scheme_or_exit(scheme)
    assert loaded.scheme is not None
    password = None
    if protect:
        again = _("Repeat it")
        password = click.prompt(_("Password"), hide_input=True, confirmation_prompt=again, err=True)
    books, findings = templates(loaded.scheme)
    options.fail_if_any(findings)
    reading = None
    if given or folder.is_dir():
        reading, findings = agreed_registers(loaded.scheme, given or [folder])
        if given and has_errors(findings):
            options.fail(findings)
        sheets = sum(map(len, reading.registers.values()))
        if sheets:
            click.echo(_("{count} registers were used.").format(count=sheets))
        if has_errors(findings):
            click.echo(_("Registers with errors were not used: 'validate' says what is wrong."))
        # A register that is there, filled in or not yet, is not written over.
        books = [
            book
            for book in books
            if not all(
                sheet.entry is not None
                and sheet.entry.is_register
                and set(sheet.places) <= reading.sheets.keys()
                for sheet in book.sheets
            )
        ]
    with locked(folder):
        for book in options.progress(books, len(books), _("Writing forms")):
            options.write(folder / book.path, render(loaded.scheme, book, password, reading))
    click.echo(
        _("{count} workbooks with {sheets} forms written to {path}").format(
            count=len(books), sheets=sum(len(book.sheets) for book in books), path=folder
        )
    )
