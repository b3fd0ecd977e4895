"""The catalogues are complete, sound and in step with the source, and leave nothing untranslated."""

import ast
import gettext
import io
import re
import string
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, cast

import click
import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_keywords
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from click.testing import CliRunner
from helpers import ROOT

from wuhu_appraisal import language as i18n
from wuhu_appraisal.cli import main
from wuhu_appraisal.findings import codes

LOCALES = ["zh_CN"]
KEYWORDS = parse_keywords(["_", "N_", "NN_:1,2"])
SAME_IN_BOTH: frozenset[str] = frozenset()
"""Messages that read alike in Chinese and English, such as 'SHA-256'."""

HAN = re.compile(r"[\u4e00-\u9fff]")
ASCII_PUNCTUATION = re.compile(r"[\u4e00-\u9fff}”][,;:?!()](?!$)|[,;?!()][\u4e00-\u9fff]")
SENTENCE = re.compile(r"[A-Za-z]+(?:[ ,]+[A-Za-z]+){2,}")
NOT_PROSE = re.compile(r"appraise[a-z ]*|--?[a-z]+|\b[A-Z]{2,}\b|\[[^:：]*?\]|'.*?'|“.*?”")
"""Commands, options, what stands for their values, and quoted words."""
EXAMPLE = re.compile(r"\s+appraise ")


def path_of(locale: str, suffix: str) -> Path:
    return i18n.LOCALE_DIR / locale / "LC_MESSAGES" / f"{i18n.DOMAIN}{suffix}"


def catalogue(locale: str) -> Catalog:
    with path_of(locale, ".po").open("rb") as file:
        return read_po(file, locale=locale, domain=i18n.DOMAIN, abort_invalid=True)


def messages(locale: str) -> list[Message]:
    return [message for message in catalogue(locale) if message.id]


def forms(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """A message's one form, or its singular and plural."""
    return (text or "",) if isinstance(text, str | None) else tuple(text)


def pairs(locale: str) -> list[tuple[tuple[str, ...], str]]:
    """Each translated form with the forms of the message id that it may stand for."""
    return [
        (forms(message.id), form) for message in messages(locale) for form in forms(message.string)
    ]


def extracted() -> set[tuple[str, ...]]:
    """The message ids in the source, as babel.cfg and docs/translating.md have them extracted."""
    found = extract_from_dir(ROOT / "src", [("**.py", "python")], keywords=KEYWORDS)
    return {forms(text) for _file, _line, text, _comments, _context in found}


def test_no_text_stands_where_the_extractor_does_not_see_it() -> None:
    known = {form for ids in extracted() for form in ids}
    for path in sorted((ROOT / "src").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_", "N_", "NN_"):
                for part in node.args:
                    if isinstance(part, ast.Constant) and part.value:
                        assert part.value in known, f"{path.name}:{node.lineno}"


def placeholders(text: str) -> set[str]:
    """The fields of ``str.format`` and of ``%``, with their conversions."""
    braces = {
        f"{{{name}!{conversion}}}" if conversion else f"{{{name}}}"
        for _before, name, _spec, conversion in string.Formatter().parse(text)
        if name is not None
    }
    return braces | set(re.findall(r"%\(\w+\)\w", text))


def prose(text: str) -> str:
    """A message without its placeholders."""
    return re.sub(r"\{.*?\}|%\(\w+\)\w", "", text)


def layout(text: str) -> tuple[str, ...]:
    """What a translation keeps as it is: outer spaces, unwrapped paragraphs, indented examples."""
    before = text[: len(text) - len(text.lstrip())]
    after = text[len(text.rstrip()) :]
    examples = [line for line in text.split("\n") if EXAMPLE.match(line)]
    return before, after, str(text.count("\b")), str(text.count("\n")), *examples


def compiled(file: IO[bytes]) -> dict[object, str]:
    """What a compiled catalogue translates; the header holds Babel's version and is left out."""
    table = cast("dict[object, str]", vars(gettext.GNUTranslations(file))["_catalog"])
    return {key: text for key, text in table.items() if key != ""}


@pytest.mark.parametrize("locale", LOCALES)
def test_catalogue_has_exactly_the_messages_of_the_source(locale: str) -> None:
    wanted = extracted()
    held = {forms(message.id) for message in messages(locale)}
    assert wanted, "nothing was extracted"
    assert sorted(wanted - held) == [], f"missing from {locale}; see docs/translating.md"
    assert sorted(held - wanted) == [], f"stale in {locale}; see docs/translating.md"
    assert not catalogue(locale).obsolete


@pytest.mark.parametrize("locale", LOCALES)
def test_every_entry_is_translated_and_settled(locale: str) -> None:
    found = messages(locale)
    assert [item.id for item in found if not all(forms(item.string))] == []
    assert [item.id for item in found if item.fuzzy] == []
    plurals = catalogue(locale).num_plurals
    plural = [item for item in found if item.pluralizable]
    assert [item.id for item in plural if len(forms(item.string)) != plurals] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_placeholders_are_kept(locale: str) -> None:
    wrong = [
        (ids, text)
        for ids, text in pairs(locale)
        if placeholders(text) not in [placeholders(form) for form in ids]
    ]
    assert wrong == []


@pytest.mark.parametrize("locale", LOCALES)
def test_layout_is_kept(locale: str) -> None:
    assert [pair for pair in pairs(locale) if layout(pair[1]) != layout(pair[0][0])] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_full_stops_are_kept(locale: str) -> None:
    wrong = [
        ids for ids, text in pairs(locale) if text.endswith((".", "。")) != ids[0].endswith(".")
    ]
    # The point of 'No.' is no full stop.
    assert [ids for ids in wrong if ids != ("No.",)] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_compiled_catalogue_is_up_to_date(locale: str) -> None:
    fresh = io.BytesIO()
    write_mo(fresh, catalogue(locale))
    fresh.seek(0)
    with path_of(locale, ".mo").open("rb") as file:
        assert compiled(file) == compiled(fresh), "compile it; see docs/translating.md"


def test_chinese_is_chinese() -> None:
    wordy = [pair for pair in pairs("zh_CN") if any(map(str.isalpha, prose(pair[0][0])))]
    english = {ids[0] for ids, text in wordy if text in ids or not HAN.search(prose(text))}
    assert english == SAME_IN_BOTH


def test_chinese_has_chinese_punctuation() -> None:
    quoted = re.compile(r"“[^”]*”")
    assert [
        text for _ids, text in pairs("zh_CN") if ASCII_PUNCTUATION.search(quoted.sub("", text))
    ] == []


@pytest.fixture(autouse=True)
def _language_kept() -> Iterator[None]:
    before = i18n.language()
    yield
    i18n.activate(before)


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, child in command.commands.items():
            yield from commands(child, (*path, name))


def shown(language: str, *arguments: str) -> list[str]:
    """What the command line answers, line by line, without the lines of examples."""
    result = CliRunner().invoke(main, ["--lang", language, *arguments], prog_name="appraise")
    return [line for line in result.output.splitlines() if not EXAMPLE.match(line)]


@pytest.mark.parametrize(
    "path", list(commands(main)), ids=lambda path: " ".join(path) or "appraise"
)
def test_help_is_in_one_language(path: tuple[str, ...]) -> None:
    chinese, english = shown("zh", *path, "--help"), shown("en", *path, "--help")
    assert any(HAN.search(line) for line in chinese)
    assert [line for line in chinese if SENTENCE.search(NOT_PROSE.sub("-", line))] == []
    assert any(SENTENCE.search(line) for line in english)
    assert [line for line in english if HAN.search(line)] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("comput",),
        ("nonsense",),
        ("compute",),
        ("compute", "x", "--shceme", "y"),
        ("compute", "x", "--provisional=1"),
        ("compute", "--scheme"),
        ("explain", "a", "b"),
        ("explain", "a", "--depth", "-1"),
        ("report", "--format", "pdf"),
        ("scheme", "check", "nowhere"),
    ],
    ids=" ".join,
)
def test_refusals_are_in_one_language(arguments: tuple[str, ...]) -> None:
    chinese, english = shown("zh", *arguments), shown("en", *arguments)
    assert any(HAN.search(line) for line in chinese)
    assert [line for line in chinese if SENTENCE.search(NOT_PROSE.sub("-", line))] == []
    assert [line for line in english if HAN.search(line)] == []


def test_findings_speak_both_languages() -> None:
    for code, kind in codes().items():
        for text in (kind.message, kind.hint, kind.why):
            assert placeholders(text.zh) == placeholders(text.en), code
            assert layout(text.zh) == layout(text.en), code
            assert text.zh.endswith("。") == text.en.endswith("."), code
            assert HAN.search(prose(text.zh)), code
            assert not ASCII_PUNCTUATION.search(re.sub("“[^”]*”", "", text.zh)), code
