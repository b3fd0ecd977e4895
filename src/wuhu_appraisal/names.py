"""Names as offices write them, matched exactly or through aliases, and names of sheets."""

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import count

_LONGEST = 1000
"""Characters of a text that are compared; no name is longer."""

_UNSEEN = "\u115f\u1160\u2800\u3164\uffa0"
"""Fillers and the braille cell without dots: blank, although they are letters and symbols."""

LONGEST_SHEET_NAME = 31
"""The most UTF-16 units in a sheet's name."""

_NOT_IN_SHEET_NAMES = frozenset("[]:*?/\\\ufffe\uffff")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that are not visible or change the direction of text."""


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """The text in Unicode form NFKC, without white space and invisible format characters."""
    folded = "".join(unicodedata.normalize("NFKC", text[:_LONGEST]).split())
    if folded.isascii():
        return folded
    return "".join(char for char in folded if unicodedata.category(char) != "Cf")


def slashed(path: str) -> str:
    r"""Return a path with / for each \\, which is how Windows writes it, unless a file has that name."""
    return path if os.path.lexists(path) else path.replace("\\", "/")


def blank(text: str) -> bool:
    """Whether a text shows nothing: no letter, digit, punctuation or symbol."""
    return not any(unicodedata.category(sign)[0] in "LNPS" for sign in text if sign not in _UNSEEN)


def is_invisible(char: str) -> bool:
    """Whether a character is not visible or changes the direction of text."""
    return unicodedata.category(char) in _INVISIBLE


def sheet_name(text: str, used: set[str]) -> str:
    r"""Make of a text the name of a sheet that Excel accepts, and add it, casefolded, to ``used``.

    It has at most 31 UTF-16 units and none of []:*?/\, no apostrophe at an end, is not 'History',
    which Excel keeps for itself, and is not in ``used``; a valid free name stays as it is.
    """
    shown = "".join(
        " " if char in _NOT_IN_SHEET_NAMES or is_invisible(char) else char for char in text
    )
    for number in count(1):
        ending = f" ({number})" if number > 1 else ""
        name = shorten(shown, LONGEST_SHEET_NAME - len(ending)).strip("'")
        name = (name if name.strip() else "-") + ending
        if name.casefold() not in used | {"history"}:
            break
    used.add(name.casefold())
    return name


def shorten(text: str, units: int) -> str:
    """Cut a text to at most so many UTF-16 units, as spreadsheet programs count characters."""
    return text.encode("utf-16-le", "replace")[: 2 * units].decode("utf-16-le", "ignore")


def nearest(text: str, names: Iterable[str]) -> str:
    """The name most like ``text``, or '' if none is similar; for hints, never for matching."""
    # Imported here because correct input needs no hints.
    from rapidfuzz import process
    from rapidfuzz.distance import JaroWinkler

    scorer = JaroWinkler.normalized_similarity
    match = process.extractOne(text, list(names), scorer=scorer, score_cutoff=0.65)
    return match[0] if match else ""


class NameIndex:
    """Finds the canonical name for a written one.

    ``names`` holds the other ways of writing each canonical name. Any of them may be written with
    or without one of the ``prefixes`` and one of the ``suffixes``. ``clashes`` lists the names that
    stand for two canonical names: the name as written, and the two; ``members`` the canonical names.
    """

    def __init__(
        self,
        names: Mapping[str, Iterable[str]],
        prefixes: Sequence[str] = (),
        suffixes: Sequence[str] = (),
    ) -> None:
        self._prefixes = sorted(map(normalise, prefixes), key=len, reverse=True)
        self._suffixes = sorted(map(normalise, suffixes), key=len, reverse=True)
        self._exact: dict[str, str] = {}
        self._bare: dict[str, str] = {}
        self.size = len(names)
        self.members = tuple(names)
        self.clashes: list[tuple[str, str, str]] = []
        for canonical, written in names.items():
            for name in (canonical, *written):
                self._add(self._exact, normalise(name), canonical, name)
                self._add(self._bare, self._strip(normalise(name)), canonical, name)

    def _add(self, index: dict[str, str], key: str, canonical: str, written: str) -> None:
        other = index.setdefault(key, canonical)
        if other != canonical and (written, other, canonical) not in self.clashes:
            self.clashes.append((written, other, canonical))

    def _strip(self, name: str) -> str:
        for prefix in self._prefixes:
            if name.startswith(prefix) and len(name) > len(prefix):
                name = name[len(prefix) :]
                break
        for suffix in self._suffixes:
            if name.endswith(suffix) and len(name) > len(suffix):
                return name[: -len(suffix)]
        return name

    def match(self, text: str) -> str | None:
        """The canonical name that ``text`` stands for, or None."""
        name = normalise(text)
        return self._exact.get(name) or self._bare.get(self._strip(name))

    def suggest(self, text: str) -> str:
        """The canonical name most like ``text``, or ''."""
        near = nearest(self._strip(normalise(text)), self._bare)
        return self._bare.get(near, "")
