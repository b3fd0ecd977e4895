"""Whether this computer can do the work: what is installed, shown, and may be written.

Nothing is sent anywhere and nothing is left behind. What is not looked at is not spoken of.
"""

import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from wuhu_appraisal import __version__
from wuhu_appraisal import language as i18n
from wuhu_appraisal.language import N_, _
from wuhu_appraisal.workbooks.folder import shown

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
    """What a check came to; the values are message ids. Only an error stops work."""

    OK = N_("ok")
    WARNING = N_("warning")
    ERROR = N_("error")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found, and what to do where it is not well."""

    name: str
    found: str
    state: State = State.OK
    advice: str = ""


def checks(results: Path, encoding: str | None) -> Iterator[Check]:
    """Look at everything; ``encoding`` is what standard output is written in."""
    yield Check("Python", platform.python_version())
    yield Check("appraise", __version__)
    yield from _packages()
    yield _terminal(encoding)
    yield Check(_("language"), i18n.LOCALES[i18n.language()])
    yield from _fonts()
    yield _office()
    yield _folder(results)


def _packages() -> Iterator[Check]:
    """The packages that the program is made to work with, as its installation states them."""
    try:
        stated = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        advice = _("install it with pip, so that its packages can be looked at")
        found = _("the program runs without being installed")
        yield Check(_("packages"), found, State.WARNING, advice)
        return
    for line in stated:
        match = _NAME.match(line)
        if match is None or _EXTRA.search(line):
            continue
        try:
            yield Check(match[0], metadata.version(match[0]))
        except metadata.PackageNotFoundError:
            yield Check(match[0], _("not installed"), State.ERROR, _("install the program again"))


def _terminal(encoding: str | None) -> Check:
    name, found = _("terminal"), encoding or "ascii"
    try:
        _SAMPLE.encode(found)
    except (UnicodeEncodeError, LookupError):
        advice = _("it cannot show Chinese: set PYTHONUTF8=1 and a terminal that shows UTF-8")
        return Check(name, found, State.WARNING, advice)
    return Check(name, found)


def _fonts() -> Iterator[Check]:
    """The notice's fonts, where fontconfig can tell which there are."""
    program = shutil.which("fc-list")
    if program is None:
        return
    try:
        listed = subprocess.run(  # noqa: S603 - the program's own path and words of ours
            [program, ":", "family"], capture_output=True, timeout=60, check=True
        ).stdout.decode("utf-8", errors="replace")
    except (OSError, subprocess.SubprocessError):
        return
    families = {name.strip() for line in listed.splitlines() for name in line.split(",")}
    for font, others in FONTS.items():
        name = _("font {font}").format(font=font)
        there = next((one for one in (font, *others) if one in families), None)
        if there is not None:
            yield Check(name, there)
        else:
            advice = _("the notice can be written; print it where this font is installed")
            yield Check(name, _("not installed"), State.WARNING, advice)


def _office() -> Check:
    there = shutil.which("soffice") or shutil.which("libreoffice")
    found = _("installed") if there else _("not installed; the program does not need it")
    return Check("LibreOffice", found)


def _folder(folder: Path) -> Check:
    """Whether a file can be written where results go, and whether there is room for them."""
    name = _("folder of results")
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    said = _short(folder)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"\0")
        free = shutil.disk_usage(place).free
    except OSError as error:
        problem = _(error.strerror or type(error).__name__)
        found = _("{folder} cannot be written to: {problem}").format(folder=said, problem=problem)
        return Check(name, found, State.ERROR, _("choose another with --out"))
    found = _("{folder} can be written to; {free} MB are free").format(
        folder=said, free=free // 1_000_000
    )
    if free < LEAST_FREE:
        return Check(name, found, State.ERROR, _("make room on the disk"))
    return Check(name, found)


def _short(folder: Path) -> str:
    """A folder as it was given, the home folder as '~': whose it is, is nobody's business."""
    home = Path.home()
    if folder.is_absolute() and folder.is_relative_to(home):
        return shown(Path("~") / folder.relative_to(home))
    return shown(folder)
