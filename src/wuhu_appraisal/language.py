"""Texts in Chinese or English, from standard gettext catalogues.

Message ids are the English texts. ``N_`` marks them where they are defined, and ``_`` translates
them where they are shown.
"""

import gettext
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

DOMAIN = "appraise"
LOCALES = {"zh": "zh_CN", "en": "en"}
LOCALE_DIR = Path(__file__).parent / "locale"

_active: gettext.NullTranslations = gettext.NullTranslations()
_language = "en"


def choose(arguments: Sequence[str], environ: Mapping[str, str]) -> str:
    """The language from ``--lang`` in the arguments, APPRAISE_LANG or the locale; else 'zh'.

    An unknown value of ``--lang`` is passed over here; the command line refuses it later.
    """
    for index, argument in enumerate(arguments):
        name, _sep, value = argument.partition("=")
        if name == "--lang":
            value = value or next(iter(arguments[index + 1 : index + 2]), "")
            if value in LOCALES:
                return value
    for variable in ("APPRAISE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(variable, "").split("_")[0].split(".")[0].lower()
        if value in LOCALES:
            return value
    return "zh"


def activate(language: str) -> None:
    """Show every text in ``language`` ('zh' or 'en') from now on, click's own texts included."""
    global _active, _language
    _language = language
    _active = gettext.translation(DOMAIN, LOCALE_DIR, [LOCALES[language]], fallback=True)
    # click looks its own texts up in the process's default text domain.
    os.environ["LANGUAGE"] = LOCALES[language]
    gettext.bindtextdomain(DOMAIN, LOCALE_DIR)
    gettext.textdomain(DOMAIN)


def language() -> str:
    """The active language: 'zh' or 'en'."""
    return _language


def N_(message: str) -> str:  # noqa: N802 - the customary name, which extractors look for
    """Mark a message id for the catalogue without translating it."""
    return message


def NN_(singular: str, plural: str) -> tuple[str, str]:  # noqa: N802 - as N_
    """Mark a message id and its plural for the catalogue."""
    return singular, plural


def _(message: str) -> str:
    """The message in the active language."""
    return _active.gettext(message) if message else ""


def listed(texts: Iterable[object]) -> str:
    """The texts as a list in the active language: 甲、乙 or a, b."""
    return ("、" if _language == "zh" else ", ").join(map(str, texts))


def joined(texts: Iterable[str]) -> str:
    """The texts with semicolons of the active language between them."""
    return ("；" if _language == "zh" else "; ").join(texts)


class Bilingual(NamedTuple):
    """A text in both languages, such as a stage's title; ``str`` gives it in the active one."""

    zh: str
    en: str

    @classmethod
    def listed(cls, texts: "Iterable[Bilingual]", most: int | None = None) -> "Bilingual":
        """The distinct texts as a list in each language, cut after the first ``most``."""
        distinct = list(dict.fromkeys(texts))
        more = " …" if most is not None and len(distinct) > most else ""
        first = distinct[:most]
        return cls("、".join(t.zh for t in first) + more, ", ".join(t.en for t in first) + more)

    def __str__(self) -> str:
        """The text in the active language."""
        return self.en if _language == "en" else self.zh
