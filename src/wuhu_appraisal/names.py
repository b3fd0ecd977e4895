"""Names as offices write them: normalised, matched through aliases, never guessed."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import count

_LONGEST = 1000
"""No name is longer; of a longer text the rest is no matter."""

_UNSEEN = "\u115f\u1160\u2800\u3164\uffa0"
"""Fillers and the braille cell without dots: by their category letters or symbols, but blank."""


LONGEST_SHEET_NAME = 31
"""UTF-16 units in a sheet's name."""
_NOT_IN_SHEET_NAMES = frozenset("[]:*?/\\\ufffe\uffff")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Categories of characters that do not show, or turn text round."""


@lru_cache(maxsize=65536)
def normalise(text: str) -> str:
    """The text in NFKC without white space and invisible marks: width and padding do not matter."""
    folded = "".join(unicodedata.normalize("NFKC", text[:_LONGEST]).split())
    if folded.isascii():
        return folded
    return "".join(char for char in folded if unicodedata.category(char) != "Cf")


def blank(text: str) -> bool:
    """Whether nothing of a text is seen: no letter, digit, punctuation or symbol."""
    return not any(unicodedata.category(sign)[0] in "LNPS" for sign in text if sign not in _UNSEEN)


def is_invisible(char: str) -> bool:
    """Whether a character does not show, or turns text round."""
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
    """The name most like ``text``, or '' where none is near: for a hint, never for a match."""
    # Imported here because right input needs no hints.
    from rapidfuzz import process
    from rapidfuzz.distance import JaroWinkler

    scorer = JaroWinkler.normalized_similarity
    found = process.extractOne(text, list(names), scorer=scorer, score_cutoff=0.65)
    return found[0] if found else ""


class NameIndex:
    """Finds the canonical name behind a written one.

    ``names`` maps each canonical name to all the ways it may be written. ``prefixes`` and
    ``suffixes`` may stand before or behind any of them, or be left out.
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
