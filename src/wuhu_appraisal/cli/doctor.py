"""The command that checks whether this computer can do the work.

It checks what is installed, what the terminal can show and where files may be written. Nothing is
sent anywhere and nothing is left behind.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import click

from wuhu_appraisal import __version__, language
from wuhu_appraisal.cli import options
from wuhu_appraisal.cli.options import PATH, command, json_option, option
from wuhu_appraisal.language import N_, _

DISTRIBUTION = "wuhu-appraisal"
LEAST_FREE = 100_000_000
"""The bytes below which a result and its reports may not find room."""

FONTS = {
    "方正小标宋简体": ("方正小标宋_GBK", "FZXiaoBiaoSong-B05S", "华文中宋", "STZhongsong"),
    "仿宋": ("仿宋_GB2312", "FangSong", "FangSong_GB2312", "华文仿宋", "STFangsong"),
    "宋体": ("SimSun", "NSimSun", "Songti SC", "华文宋体", "STSong"),
}
"""The fonts of the notice, each with those that do as well; the names are fontconfig's families."""

_SAMPLE = "政务公开考评"
_EXTRA = re.compile(r";.*\bextra\b")
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class State(StrEnum):
    """The outcome of a check; the values are message ids. Only an error stops work."""

    OK = N_("ok")
    WARNING = N_("warning")
    ERROR = N_("error")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked: what it is, and what to do where it is not well."""

    name: str
    value: str
    state: State = State.OK
    advice: str = ""


@command(
    help=N_(
        "Check whether this computer can do the work: versions, terminal, fonts, the folder of "
        "results.\n\n"
        "Nothing is sent anywhere. The exit code is 1 for what would stop work.\n\n"
        "\b\nExamples:\n"
        "  appraise doctor\n"
        "  appraise doctor --json"
    ),
)
@json_option
@option(
    "--out",
    type=PATH,
    default=options.RESULTS,
    help=N_("The folder that results are to be written to."),
)
def doctor(as_json: bool, out: Path) -> None:
    """Check the computer."""
    results = list(checks(out, sys.stdout.encoding))
    if as_json:
        options.print_json(
            [
                {"name": check.name, "state": check.state.name.lower()}
                | {"found": check.value, "advice": check.advice}
                for check in results
            ]
        )
    else:
        for check in results:
            click.echo(f"{_(check.state.value)}  {check.name}: {check.value}")
            if check.advice:
                click.echo(f"    → {check.advice}")
    if any(check.state is State.ERROR for check in results):
        sys.exit(options.EXIT_FINDINGS)


def checks(results: Path, encoding: str | None) -> Iterator[Check]:
    """Check everything; ``encoding`` is what standard output is written in."""
    import platform
    from shutil import which

    yield Check("Python", platform.python_version())
    yield Check("appraise", __version__)
    yield from _packages()
    yield _terminal(encoding)
    yield Check(_("language"), language.LOCALES[language.language()])
    yield from _fonts()
    office = which("soffice") or which("libreoffice")
    absent = _("not installed; the program does not need it")
    yield Check("LibreOffice", _("installed") if office else absent)
    yield _folder(results)


def _packages() -> Iterator[Check]:
    """Check the packages that the installation of the program says it needs."""
    from importlib import metadata

    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        advice = _("install it with pip, so that its packages can be checked")
        value = _("the program runs without being installed")
        yield Check(_("packages"), value, State.WARNING, advice)
        return
    for line in requirements:
        match = _NAME.match(line)
        if match is None or _EXTRA.search(line):
            continue
        try:
            yield Check(match[0], metadata.version(match[0]))
        except metadata.PackageNotFoundError:
            yield Check(match[0], _("not installed"), State.ERROR, _("install the program again"))


def _terminal(encoding: str | None) -> Check:
    """Check whether standard output shows Chinese."""
    value = encoding or "ascii"
    try:
        _SAMPLE.encode(value)
    except (UnicodeEncodeError, LookupError):
        advice = _("it cannot show Chinese: set PYTHONUTF8=1 and a terminal that shows UTF-8")
        return Check(_("terminal"), value, State.WARNING, advice)
    return Check(_("terminal"), value)


def _fonts() -> Iterator[Check]:
    """Check the notice's fonts, where fontconfig can tell which there are."""
    import subprocess
    from shutil import which

    program = which("fc-list")
    if program is None:
        return
    try:
        output = subprocess.run(  # noqa: S603 - the program's own path and constant arguments
            [program, ":", "family"], capture_output=True, timeout=60, check=True
        ).stdout.decode("utf-8", errors="replace")
    except (OSError, subprocess.SubprocessError):
        return
    families = {name.strip() for line in output.splitlines() for name in line.split(",")}
    for font, others in FONTS.items():
        name = _("font {font}").format(font=font)
        advice = _("the notice can be written; print it where this font is installed")
        missing = Check(name, _("not installed"), State.WARNING, advice)
        yield next((Check(name, one) for one in (font, *others) if one in families), missing)


def _folder(folder: Path) -> Check:
    """Check whether a file can be written where results go, and whether there is room for them."""
    import shutil
    import tempfile

    from wuhu_appraisal.workbooks.folder import shown

    name = _("folder of results")
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    path, home = folder, Path.home()
    if folder.is_absolute() and folder.is_relative_to(home):
        # The home folder's name is nobody's business.
        path = Path("~") / folder.relative_to(home)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"\0")
        free = shutil.disk_usage(place).free
    except OSError as error:
        problem = _(error.strerror or type(error).__name__)
        text = _("{folder} cannot be written to: {problem}")
        value = text.format(folder=shown(path), problem=problem)
        return Check(name, value, State.ERROR, _("choose another with --out"))
    text = _("{folder} can be written to; {free} MB are free")
    value = text.format(folder=shown(path), free=free // 1_000_000)
    if free < LEAST_FREE:
        return Check(name, value, State.ERROR, _("make room on the disk"))
    return Check(name, value)
