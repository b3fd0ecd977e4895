"""Compute a result again and compare: a result file to the last digit, a workbook cell by cell."""

import codecs
import io
import json
import math
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import chain, count
from pathlib import Path as FilePath
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import TypeAdapter, ValidationError

from wuhu_appraisal import language as languages
from wuhu_appraisal.analysis import change as changed
from wuhu_appraisal.findings import (
    Finding,
    Severity,
    Source,
    address,
    column_letters,
    finding,
)
from wuhu_appraisal.language import N_, _
from wuhu_appraisal.model import InputFile
from wuhu_appraisal.numbers import from_float, plain
from wuhu_appraisal.result import LONGEST_RECIPIENT, Copy, Result
from wuhu_appraisal.scheme.audiences import Audience
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.store import LEEWAY, data, parse
from wuhu_appraisal.workbooks.folder import DECISIONS, FROZEN, find_files, sha256

if TYPE_CHECKING:
    from openpyxl.formula.tokenizer import Token
    from openpyxl.workbook.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

Since: TypeAlias = Callable[[Result], changed.Comparison]
"""Compares an older result with this one, in the active language."""

SECTIONS = {
    "scheme": N_("scheme"),
    "sources": N_("files"),
    "scores": N_("scores as read"),
    "trace": N_("steps, composites and finals"),
    "standings": N_("published numbers and ranks"),
    "frozen": N_("record of what was frozen"),
    "findings": N_("findings"),
    "ledger": N_("Reading ledger"),
    "remarks": N_("Remarks"),
    "decisions": N_("Decisions"),
    "provisional": N_("whether it is provisional"),
}
"""The parts of a result that are compared, causes before what follows from them."""

CELLS, SHEETS = N_("cells"), N_("sheets")
NUMBERS = ("scores", "trace", "standings")
PROGRAM = "appraise"

MOST_UNPACKED = 100_000_000
"""The most bytes that the parts of a workbook may have."""

_NOT_READ = {
    "file-not-regular",
    "file-not-spreadsheet",
    "file-passed-over",
    "file-twice",
    "folder-empty",
    "folder-link",
    "folder-results",
}
"""The findings about what stands among the files and is not read: nothing follows from it."""

_WORDS = {
    "rank": N_("rank"),
    "final": N_("final"),
    "composite": N_("composite"),
    "points": N_("Points"),
    "stages": N_("stages"),
    "adjustments": N_("Adjustments"),
    "vetoes": N_("Vetoes"),
    "reason": N_("Reason"),
    "evidence": N_("Evidence"),
}

Path: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences as findings, and how much was compared.

    ``counts`` has, by the message id of each part, how many things were compared and how many
    differ; ``versions`` by name the version that made the result and the present one, where they
    differ; ``original`` says whether a workbook is byte for byte the one made again.
    """

    findings: list[Finding]
    counts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    versions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    original: bool = True

    @property
    def numbers_differ(self) -> bool:
        """Whether any score, step, final, published number or rank differs."""
        return any(self.counts[SECTIONS[part]][1] for part in NUMBERS)


def other_kind(content: bytes, name: str) -> str:
    """Return the message id of what a file is, '' for a result or a workbook.

    ``name`` is the file's name, whose ending helps to tell texts apart.
    """
    if content.startswith(b"PK"):
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as package:
                parts = package.namelist()
        except zipfile.BadZipFile:
            return ""
        if "xl/workbook.xml" in parts:
            return ""
        is_word = "word/document.xml" in parts
        return N_("a Word document (.docx)") if is_word else N_("a file of another kind")
    text = content.removeprefix(codecs.BOM_UTF8).lstrip()
    ending = PurePath(name).suffix.casefold()
    if text.startswith(b"{"):
        return N_("a report in JSON") if "copy" in _loaded(content) else ""
    if not text or ending == ".json":
        return ""
    if ending == ".csv" or content.startswith(codecs.BOM_UTF8):
        return N_("a table (.csv)")
    if ending == ".md" or text.startswith(b"#"):
        return N_("a page of text (.md)")
    return N_("a file of another kind")


def _loaded(content: bytes) -> dict[str, Any]:
    """Return the data of a result file as far as it is JSON."""
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def recorded_inputs(content: bytes) -> tuple[list[str], list[InputFile]]:
    """Return what a result file says of its inputs: paths from its folder, and the files' digests.

    Both are empty where it says none; what is wrong with it ``compare_result`` tells.
    """
    read = _loaded(content)
    try:
        return (
            TypeAdapter(list[str]).validate_python(read.get("inputs", [])),
            TypeAdapter(list[InputFile]).validate_python(read.get("sources", [])),
        )
    except ValidationError:
        return [], []


def recorded_names(paths: Sequence[FilePath], recorded: Sequence[InputFile]) -> dict[str, str]:
    """Return by which name a result knows each file under the paths, in the result's order.

    A file is known by its content first, by its name second; one that the result does not know
    keeps its name, with a number behind it where that name is another file's.
    """
    files, _findings = find_files(paths)
    digests: dict[str, str] = {}
    for file in files:
        # A file that cannot be read is a finding once it is to be read.
        with suppress(OSError):
            digests[file.name] = sha256(file.path.read_bytes())
    known = {item.file: item.sha256 for item in recorded}
    names = {name: name for name, digest in digests.items() if known.get(name) == digest}
    free: dict[str, list[str]] = {}
    for name, digest in known.items():
        if name not in names:
            free.setdefault(digest, []).append(name)
    for name, digest in digests.items():
        if name not in names and free.get(digest):
            names[name] = free[digest].pop(0)
    used = {*names.values()}
    for file in files:
        if file.name not in names:
            numbered = (f"{file.name} ({number})" for number in count(2))
            names[file.name] = next(one for one in chain([file.name], numbered) if one not in used)
            used.add(names[file.name])
    order = {item.file: place for place, item in enumerate(recorded)}
    places: dict[str, int] = {}
    place = -1
    for file in files:
        # What the result does not know stays behind what it stands behind.
        places[file.name] = place = order.get(names[file.name], place)
    return dict(sorted(names.items(), key=lambda pair: (places[pair[0]], pair[1] not in order)))


def renamed(names: Mapping[str, str]) -> list[Finding]:
    """Return a warning for each file that has another name than the result knows it by.

    A file that only lies deeper or higher, because another folder was given, has the same name.
    """
    return [
        finding("verify-source-renamed", Source(name), recorded=recorded)
        for name, recorded in names.items()
        if not any(
            f"/{one}".endswith(f"/{other}") for one, other in ((name, recorded), (recorded, name))
        )
    ]


def is_made_of(content: bytes, result: bytes) -> bool:
    """Tell whether a workbook says that it was made of this result, by its time and its scheme."""
    from openpyxl.packaging.custom import CustomPropertyList
    from openpyxl.xml.constants import ARC_CUSTOM
    from openpyxl.xml.functions import fromstring

    read = _loaded(result)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            tree: Any = fromstring(package.read(ARC_CUSTOM))
        made: Any = CustomPropertyList.from_tree(tree)
        own = {item.name: str(item.value) for item in made.props}
        scheme = f"{read['scheme']['id']} {read['scheme']['sha256']}"
        return own["scheme"] == scheme and own["computed_at"] == read["computed_at"]
    except Exception:
        # Damaged parts make openpyxl raise whatever it comes upon.
        return False


def compare_result(content: bytes, again: Result, name: str) -> Comparison:
    """Compare a result file, called ``name`` in findings, with the result computed again."""
    try:
        file = parse(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        problem = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        return Comparison([finding("result-unreadable", Source(name), problem=problem)])
    except ValueError as error:
        return Comparison([finding("result-unreadable", Source(name), problem=str(error))])
    recorded = json.loads(content)
    comparisons = []
    for language in sorted(languages.LOCALES, key=lambda item: item != languages.language()):
        with _speaking(language):
            now = json.loads(json.dumps(data(again)))
        if recorded["tool"] != now["tool"]:
            for item in (*recorded.get("findings", ()), *now["findings"]):
                # Another version may say the same in other words.
                item |= {"message": "", "hint": ""}
        comparisons.append(_compare_data(recorded, now, again.scheme, name))
        if not comparisons[-1].findings:
            break
    best = min(comparisons, key=lambda item: len(item.findings))
    was = {**file.versions, PROGRAM: file.tool.removeprefix(f"{PROGRAM} ")}
    now_versions = {**again.versions, PROGRAM: again.tool.removeprefix(f"{PROGRAM} ")}
    pairs = {name: (version, now_versions.get(name, "")) for name, version in was.items()}
    versions = {name: pair for name, pair in pairs.items() if all(pair) and pair[0] != pair[1]}
    return replace(best, versions=versions)


def _compare_data(recorded: Any, now: Any, scheme: Scheme, name: str) -> Comparison:
    findings: list[Finding] = []
    counts: dict[str, tuple[int, int]] = {}
    recorded, now = _of_what_was_read(recorded), _of_what_was_read(now)
    recorded["frozen"], now["frozen"] = _frozen(recorded.get("frozen"), now["frozen"])
    titles = {stage.id: str(stage.title) for stage in scheme.stages}
    titles |= {group.id: str(group.title) for group in scheme.groups}
    for part, title in SECTIONS.items():
        pair = recorded.get(part), now.get(part)
        differences = list(_differences(*pair, (part,)))
        counts[title] = (max(map(_count, pair)), len(differences))
        for path, was, is_now, cell in differences:
            place = Source(FROZEN) if part == "frozen" else cell or Source(name)
            findings.append(_difference(path, was, is_now, place, titles))
    return Comparison(findings, counts)


def _of_what_was_read(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result's data without the findings about files that were not read.

    The place of a frozen.yaml or decisions.yaml is left out too: it depends on how its folder was
    given.
    """

    def kept(findings: Sequence[Any]) -> list[Any]:
        return [_without_folder(item) for item in findings if item["code"] not in _NOT_READ]

    def provisional(findings: Sequence[Any]) -> bool:
        return any(item["severity"] == Severity.ERROR for item in findings)

    findings = content.get("findings", [])
    decisions = content.get("decisions", [])
    content = {
        **content,
        "findings": kept(findings),
        "decisions": [{**item, "covered": kept(item.get("covered", []))} for item in decisions],
    }
    if provisional(findings) and not provisional(content["findings"]):
        content["provisional"] = not content["provisional"]
    return content


def _without_folder(item: Mapping[str, Any]) -> Mapping[str, Any]:
    name = PurePosixPath(item["source"]["file"]).name
    if name not in (FROZEN, DECISIONS) or "/" not in item["source"]["file"]:
        return item
    source, params = {**item["source"], "file": name}, {**item["params"], "folder": ""}
    return {**item, "source": source, "params": params, "message": "", "hint": ""}


def _frozen(was: Any, now: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two records of what was frozen, by stage and by the number of the freezing.

    What was frozen after the first record was made is left out, and all where nothing is known of
    the first.
    """
    stages = (was or {}).get("stages", [])

    def by_number(record: Any) -> dict[str, Any]:
        pairs = zip(stages, (record or {}).get("stages", []), strict=False)
        return {
            known["id"]: stage
            | {
                "freezings": {
                    str(number): freezing
                    for number, (_known, freezing) in enumerate(
                        zip(known["freezings"], stage["freezings"], strict=False), 1
                    )
                }
            }
            for known, stage in pairs
        }

    return by_number(was), by_number(now)


def _differences(was: Any, now: Any, path: Path) -> Iterator[tuple[Path, Any, Any, Source | None]]:
    """Yield the path, both values and the cell, if any, of every difference between JSON data."""
    if isinstance(was, dict) and isinstance(now, dict):
        if "values" in now and _same_shape(was, now):
            yield from _cell_differences(was, now, path)
            was, now = ({**item, "values": None} for item in (was, now))
        for key in dict.fromkeys((*was, *now)):
            yield from _differences(was.get(key), now.get(key), (*path, key))
    elif isinstance(was, list) and isinstance(now, list):
        ours, theirs = _named(was), _named(now)
        for key in dict.fromkeys((*ours, *theirs)):
            yield from _differences(ours.get(key), theirs.get(key), (*path, key))
        common = [key for key in ours if key in theirs]
        if common != [key for key in theirs if key in ours]:
            yield (*path, _("order")), ", ".join(ours), ", ".join(theirs), None
    elif was != now or type(was) is not type(now):
        yield path, was, now, None


def _same_shape(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    shapes = [[len(row) for row in item.get("values") or ()] for item in (was, now)]
    return shapes[0] == shapes[1] and was.get("rows") == now.get("rows")


def _cell_differences(
    was: Mapping[str, Any], now: Mapping[str, Any], path: Path
) -> Iterator[tuple[Path, Any, Any, Source]]:
    """Yield the scores of two blocks of one shape that differ, each with its cell."""
    for row, old, new in zip(now["rows"]["positions"], was["values"], now["values"], strict=True):
        for column, one, other in zip(now["columns"]["positions"], old, new, strict=True):
            if one != other:
                cell = address(row - 1, column - 1)
                yield (*path, cell), one, other, Source(now["file"], now["sheet"], cell)


def _named(items: Sequence[Any]) -> dict[str, Any]:
    """Return the items of a list by what they are of; by their place where nothing tells that."""
    names = Counter[str]()
    named = {}
    for item in items:
        name = _name(item)
        names[name] += 1
        named[f"{name} ({names[name]})" if names[name] > 1 or not name else name] = item
    return named


def _name(item: Any) -> str:
    match item:
        case {"code": code, "source": dict(source)}:
            return f"{code} {Source(**source)}"
        case {"source": dict(source)}:
            return str(Source(**source))
        case {"unit": str(unit)}:
            return unit
        case {"file": str(file)}:
            return str(Source(file, item.get("sheet", "")))
        # A step's table of two numbers is a pair of lists too.
        case [list(key), _value] if all(isinstance(member, str) for member in key):
            return " · ".join(key)
    return ""


def _difference(
    path: Path, was: Any, now: Any, place: Source, titles: Mapping[str, str]
) -> Finding:
    part, *rest = path
    if part == "sources" and isinstance(was or now, dict):
        where = Source((was or now)["file"])
        if was is None:
            return finding("verify-source-came", where, found=now["sha256"])
        return finding("verify-source-gone", where, recorded=was["sha256"])
    if part == "sources" and path[-1] == "sha256":
        return finding("verify-source-changed", Source(rest[0]), recorded=was, found=now)
    if part == "scheme" and path[-1] == "sha256":
        return finding("verify-scheme-differs", place, recorded=was, found=now)
    words = [_(SECTIONS[part]), *(titles.get(key) or _(_WORDS.get(key, key)) for key in rest)]
    return finding(
        "verify-differs", place, what=" › ".join(words), recorded=_shown(was), found=_shown(now)
    )


def _count(content: Any) -> int:
    """Return how many values JSON data holds."""
    if isinstance(content, dict | list):
        return sum(map(_count, content.values() if isinstance(content, dict) else content))
    return 1


def _shown(value: Any) -> str:
    if value is None:
        return _("nothing")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return plain(from_float(float(value)))
    return (str(value) or _("missing"))[:200]


@contextmanager
def _speaking(language: str) -> Iterator[None]:
    usual = languages.language()
    languages.activate(language)
    try:
        yield
    finally:
        languages.activate(usual)


# Workbooks


def compare_workbook(
    content: bytes, again: Result, name: str, since: Since | None = None
) -> Comparison:
    """Compare a workbook (.xlsx, not encrypted) with the one that the result makes now.

    ``since`` compares with the older result that a letter to a unit tells of.

    Of a workbook that a program saved again every cell's value and formula is compared, and every
    hidden sheet, row and column; nothing else of its look.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as package:
            if sum(item.file_size for item in package.infolist()) > MOST_UNPACKED:
                return Comparison([finding("file-too-large", Source(name))])
            # A workbook whose rows went to the disk while it was written has its texts in its rows.
            in_memory = "xl/sharedStrings.xml" in package.namelist()
        book = _open(content)
    except Exception:
        # Damaged parts make openpyxl raise whatever it comes upon.
        return Comparison([finding("file-damaged", Source(name))])
    properties = {item.name: str(item.value) for item in book.custom_doc_props.props}  # type: ignore[attr-defined]
    made = _made_again(again, properties, since, in_memory=in_memory)
    if made is None:
        return Comparison([finding("verify-workbook-unknown", Source(name))])
    findings = []
    now = f"{again.scheme.id} {again.scheme_sha256}"
    if (scheme := properties.get("scheme", now)) != now:
        findings = [finding("verify-scheme-differs", Source(name), recorded=scheme, found=now)]
    counts = {SECTIONS["scheme"]: (1, len(findings))}
    if made == content:
        return Comparison(findings, counts)
    expected = _open(made)
    if not {*expected.sheetnames} & {*book.sheetnames}:
        return Comparison([finding("verify-workbook-unknown", Source(name))])
    sheets = list(_compare_sheets(book, expected, name))
    cells = list(_compare_cells(_Contents(book, content), _Contents(expected, made), name))
    counts[SHEETS] = (len(expected.sheetnames), len(sheets))
    counts[CELLS] = (sum(len(sheet._cells) for sheet in expected.worksheets), len(cells))
    return Comparison([*findings, *sheets, *cells], counts, original=False)


def _open(content: bytes, *, values: bool = False) -> "Workbook":
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_workbook(io.BytesIO(content), data_only=values)


def _made_again(
    result: Result, properties: Mapping[str, str], since: Since | None, *, in_memory: bool
) -> bytes | None:
    """Render the result as the workbook whose properties these are; None where they are wrong."""
    from wuhu_appraisal.output import workbook
    from wuhu_appraisal.output.papers import letter_xlsx
    from wuhu_appraisal.output.redact import redacted

    recipient, unit = properties.get("recipient", ""), properties.get("unit", "")
    language = properties.get("language", languages.language())
    final = properties.get("final") == "True" and not result.provisional
    try:
        audience = Audience(properties.get("audience", Audience.OFFICE))
        moment = datetime.fromisoformat(properties.get("computed_at", result.computed_at))
    except ValueError:
        return None
    if (
        language not in languages.LOCALES
        or len(recipient) > LONGEST_RECIPIENT
        or not recipient.isprintable()
        or moment.tzinfo is None
        or moment > datetime.now(UTC) + LEEWAY
    ):
        return None
    result = replace(result, computed_at=moment.isoformat(timespec="seconds"))
    with _speaking(language):
        if audience is not Audience.UNIT:
            copy = redacted(result, audience, recipient)
            if in_memory:
                return workbook.render(copy, final=final)
            with tempfile.TemporaryDirectory() as folder:
                return workbook.render(copy, final=final, folder=folder)
        if unit not in {item.unit for units in result.standings.values() for item in units}:
            return None
        copy = replace(result, copy=Copy(audience, recipient, result.id))
        return letter_xlsx(copy, unit, final=final, since=since and since(result))


def _compare_sheets(book: "Workbook", expected: "Workbook", name: str) -> Iterator[Finding]:
    for sheet in expected.sheetnames:
        if sheet not in book.sheetnames:
            yield finding("verify-sheet-differs", Source(name, sheet), state_word=N_("missing"))
        elif book[sheet].sheet_state != expected[sheet].sheet_state:
            yield finding("verify-sheet-differs", Source(name, sheet), state_word=N_("hidden"))
    for sheet in book.sheetnames:
        if sheet not in expected.sheetnames:
            state = N_("not one of those that were made")
            yield finding("verify-sheet-differs", Source(name, sheet), state_word=state)


class _Formula(str):
    """A formula; a text that begins with '=' is none."""

    __slots__ = ()


class _Contents:
    """The formulas and the stored values of a workbook."""

    def __init__(self, book: "Workbook", content: bytes) -> None:
        self.formulas = book
        self.values = _open(content, values=True)

    @property
    def calculated(self) -> bool:
        """Whether values are stored beside formulas: some programs write none at all."""
        return any(
            _at(self.values[sheet.title], at) is not None
            for sheet in self.formulas.worksheets
            for at, cell in sheet._cells.items()
            if cell.data_type == "f"
        )


def _compare_cells(book: _Contents, expected: _Contents, name: str) -> Iterator[Finding]:
    calculated = book.calculated
    for sheet in expected.formulas.worksheets:
        if sheet.title not in book.formulas.sheetnames:
            continue
        other = book.formulas[sheet.title]
        for at in sorted({*sheet._cells, *other._cells}):
            pair = _at(sheet, at), _at(other, at)
            if _same(*pair) and calculated and isinstance(pair[0], _Formula):
                pair = _at(expected.values[sheet.title], at), _at(book.values[sheet.title], at)
            if not _same(*pair):
                where = Source(name, sheet.title, address(at[0] - 1, at[1] - 1))
                was, now = map(_shown, pair)
                yield finding("verify-cell-differs", where, expected=was, found=now)
        hidden = _hidden(other) - _hidden(sheet)
        for what in sorted(hidden):
            where = Source(name, sheet.title, what)
            yield finding("verify-cell-differs", where, expected=_("visible"), found=_("hidden"))


def _at(sheet: "Worksheet", at: tuple[int, int]) -> Any:
    """Return what a cell holds, None for an empty text. The cell is not made where there is none."""
    cell = sheet._cells.get(at)
    if cell is None or cell.value is None or cell.value == "":
        return None
    if cell.data_type == "f":
        return _Formula(getattr(cell.value, "text", cell.value))
    return cell.value


def _same(one: Any, other: Any) -> bool:
    """Tell whether two contents agree: numbers as near as programs keep them; TRUE is not 1."""
    if isinstance(one, _Formula) and isinstance(other, _Formula):
        return normalise_formula(one) == normalise_formula(other)
    if all(isinstance(item, int | float) and not isinstance(item, bool) for item in (one, other)):
        return math.isclose(one, other, rel_tol=1e-13, abs_tol=1e-12)
    return type(one) is type(other) and bool(one == other)


def _hidden(sheet: "Worksheet") -> set[str]:
    """Return the hidden rows ('7') and columns ('C') among those with cells."""
    rows = {
        str(row)
        for row, look in sheet.row_dimensions.items()
        if row <= sheet.max_row and (look.hidden or (look.height is not None and look.height < 1))
    }
    columns = {
        column_letters(column - 1)
        for look in sheet.column_dimensions.values()
        if look.hidden or look.width < 0.1
        for column in range(look.min or 1, min(look.max or 1, sheet.max_column) + 1)
    }
    return rows | columns


@lru_cache(maxsize=100_000)
def normalise_formula(formula: str) -> str:
    """Return the formula as one text, however Excel, WPS, LibreOffice or openpyxl write it.

    Spaces and quotes that a sheet's name does not need go, words become capitals, and numbers lose
    their exponent. Texts stay as they are.
    """
    from openpyxl.formula import Tokenizer
    from openpyxl.formula.tokenizer import TokenizerError

    try:
        tokens = Tokenizer(formula).items
    except (TokenizerError, IndexError):
        return formula
    return "=" + "".join(map(_token, tokens))


def _token(token: "Token") -> str:
    text = str(token.value)
    if token.type == "WHITE-SPACE":
        # Between two ranges a space is an operator, but no formula of ours has one.
        return ""
    if token.type == "FUNC":
        # [MS-XLSX] 2.2.2: what stands before functions that came after Excel 2007.
        return text.upper().removeprefix("_XLFN.")
    if token.type != "OPERAND" or token.subtype == "TEXT":
        return text
    if token.subtype == "NUMBER":
        try:
            return plain(Decimal(text))
        except InvalidOperation:
            return text
    if token.subtype == "RANGE":
        sheet, mark, cells = text.rpartition("!")
        sheet = sheet.removeprefix("'").removesuffix("'").replace("''", "'")
        return sheet.casefold() + mark + cells.upper()
    return text.upper()
