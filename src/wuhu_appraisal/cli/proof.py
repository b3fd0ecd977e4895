"""Showing that a result, a workbook or a signature is what it says."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wuhu_appraisal.cli import logged
from wuhu_appraisal.cli.frame import (
    RESULTS,
    Command,
    Option,
    exit_on_errors,
    fail,
    print_findings,
    print_sheet,
    scheme_or_exit,
    shared,
    standing,
)
from wuhu_appraisal.language import N_, _

if TYPE_CHECKING:
    from wuhu_appraisal.appraisal import ReadOptions
    from wuhu_appraisal.output.tables import Sheet
    from wuhu_appraisal.verify.results import Compared

STAGE_FILES = Path("stage-files")
_SHOWN = 50


@click.command(
    cls=Command,
    help=N_(
        "Compute a result again from the stage files and compare everything, to the last digit: "
        "files, scores, steps, finals, ranks, findings. Of a workbook every cell is compared, what "
        "is hidden, and the charts.\n\n"
        "With --signature the file's signature is checked; the numbers then only with --files.\n\n"
        "\b\nExamples:\n"
        "  appraise verify\n"
        "  appraise verify results/ranking.xlsx --files stage-files/\n"
        "  appraise verify --signature results/appraisal.json.sig --signers allowed_signers\n\n"
        "Exit codes: 0 all agrees, 1 anything differs."
    ),
)
@click.argument("target", required=False, type=click.Path(path_type=Path))
@shared("scheme", "reading")
@click.option(
    "--files",
    cls=Option,
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help=N_("The stage files, as 'compute' was given them; else the folder stage-files."),
)
@click.option(
    "--without-decisions",
    cls=Option,
    is_flag=True,
    help=N_("Leave decisions.yaml aside: for a result that was made before anything was decided."),
)
@click.option(
    "--signature",
    cls=Option,
    type=click.Path(path_type=Path),
    help=N_("The signature to check, made by ssh-keygen or gpg: see docs/signing.md."),
)
@click.option(
    "--signers",
    cls=Option,
    type=click.Path(path_type=Path),
    help=N_("Whose signatures count: a file of allowed signers, or of public keys for gpg."),
)
@click.option("--signer", cls=Option, metavar="NAME", help=N_("Who must have signed."))
def verify(
    target: Path | None,
    scheme: str,
    files: tuple[Path, ...],
    without_decisions: bool,
    signature: Path | None,
    signers: Path | None,
    signer: str | None,
    options: "ReadOptions",
) -> None:
    """Verify."""
    if (signature is None) is not (signers is None) or (signer and signature is None):
        raise click.UsageError(_("--signature and --signers go together"))
    path = target or standing(RESULTS / "appraisal.json")
    content = _read(path)
    logged.read(path, content)
    if signature is not None and signers is not None:
        _check_signature(content, signature, signers, signer or "")
        if not files:
            click.echo(_("The numbers were not computed again: that needs --files."))
            return
    from dataclasses import replace

    options = replace(options, decisions=not without_decisions)
    _compute_again(path, content, scheme, files, options)


def _read(path: Path) -> bytes:
    from wuhu_appraisal.findings import Source, finding

    try:
        return path.read_bytes()
    except FileNotFoundError:
        fail([finding("result-not-found", Source(str(path)))])
    except OSError as error:
        fail([finding("file-unreadable", Source(str(path)), problem=error.strerror)])


def _check_signature(content: bytes, signature: Path, signers: Path, signer: str) -> None:
    """Say who signed; findings and exit code 1 where the signature does not hold."""
    from wuhu_appraisal.output import text as terminal
    from wuhu_appraisal.verify.signatures import check

    signed, found = check(content, signature, signers, signer)
    logged.log("signature.checked", file=signature, findings=len(found))
    if signed is None:
        fail(found)
    text = _("Signed by {signer} with the key {key}; the file is as it was signed.")
    click.echo(terminal.seen(text.format(signer=signed.signer, key=signed.key)))


def _compute_again(
    path: Path, content: bytes, scheme: str, files: Sequence[Path], options: "ReadOptions"
) -> None:
    """Compute, compare, say what differs."""
    # Cells and tables hold no cycles; the collector would walk millions of them for nothing.
    gc.disable()
    from wuhu_appraisal.appraisal import appraise
    from wuhu_appraisal.findings import Source, finding
    from wuhu_appraisal.verify import results, workbooks

    if not files and not STAGE_FILES.is_dir():
        fail([finding("verify-no-files", Source(str(STAGE_FILES)))])
    loaded = scheme_or_exit(scheme)
    written, content = content, _opened(path, content, options.password)
    run = appraise(loaded, files or [STAGE_FILES], options)
    if content.startswith(b"PK"):
        secrets = list(_secrets(path, options.password))
        # What is encrypted leaves nothing in the clear on the disk.
        with _working(path.parent if written == content else None) as folder:
            compared = workbooks.compare(
                content, loaded.sha256, run, str(path), secrets=secrets, folder=folder
            )
    else:
        compared = results.compare(content, loaded, run, str(path))
    found = compared.findings
    logged.log("verify.compared", file=path, findings=len(found))
    if compared.counts:
        print_sheet(_compared(compared))
    if not options.decisions:
        click.echo(_("Computed again without decisions.yaml."))
    if compared.versions:
        _say_versions(compared)
    print_findings(found[:_SHOWN], as_json=False)
    if len(found) > _SHOWN:
        click.echo(_("and {count} more differences").format(count=len(found) - _SHOWN))
    exit_on_errors(found)
    text = _("All agrees: what {path} says comes out of the files again.")
    if compared.resaved:
        text = _(
            "Every cell of {path} agrees. It is not the very file that was made: saved by another "
            "program, its look was compared only as far as what is hidden, number formats, colours "
            "and sizes, notes, links and conditional formats, titles and numbers of charts."
        )
    click.echo(text.format(path=path))


def _secrets(copy: Path, password: str | None) -> Iterator[str]:
    """What the results hold that a workbook may be a copy of: those beside it, and those in results/."""
    from wuhu_appraisal.encryption import is_sealed, unseal
    from wuhu_appraisal.store import parsed
    from wuhu_appraisal.workbooks.folder import RESULTS as NAMES

    for folder in (copy.parent, RESULTS):
        for path in (folder / name for name in sorted(NAMES)):
            with suppress(OSError, ValueError):
                content = path.read_bytes()
                if is_sealed(content):
                    content, _refused = unseal(str(path), content, password)
                yield parsed(content).secret


@contextmanager
def _working(folder: Path | None) -> Iterator[str | None]:
    """A folder for what is needed meanwhile, beside the workbook; None where there can be none."""
    from wuhu_appraisal.files import working_folder

    with ExitStack() as held:
        place: str | None = None
        if folder is not None:
            with suppress(OSError):
                place = str(held.enter_context(working_folder(folder)))
        yield place


def _opened(path: Path, content: bytes, password: str | None) -> bytes:
    """The content in the clear; a finding and exit code 1 where the password does not open it."""
    from wuhu_appraisal.encryption import decrypt, is_sealed, unseal

    if is_sealed(content):
        content, refused = unseal(str(path), content, password)
    else:
        content, refused = decrypt(str(path), content, password)
    if refused is not None:
        fail([refused])
    return content


def _compared(compared: "Compared") -> "Sheet":
    """How many things of each kind were compared, and how many of them differ."""
    from wuhu_appraisal.output.tables import Column, Sheet

    rows = [(_(kind), count, wrong) for kind, (count, wrong) in compared.counts.items()]
    columns = (
        Column(_("Compared")),
        Column(_("Number"), "count"),
        Column(_("Differing"), "count"),
    )
    return Sheet(_("Verification"), _("Computed again and compared"), columns, rows)


def _say_versions(compared: "Compared") -> None:
    """What other versions made the result, and whether any number is another one."""
    from wuhu_appraisal.output import text as terminal
    from wuhu_appraisal.verify.results import PROGRAM

    text = _("The result was made with {name} {was}, this is {now}.")
    for name, (was, now) in compared.versions.items():
        click.echo(terminal.seen(text.format(name=name, was=was, now=now)))
    if PROGRAM in compared.versions:
        click.echo(_("Sentences of findings were not compared: each version has its own."))
    if compared.numbers_differ:
        click.echo(_("Numbers differ: verify with those versions to tell whether they are why."))
    else:
        click.echo(_("The other versions changed no number."))
