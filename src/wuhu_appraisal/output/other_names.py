"""Find names of others in a text that is meant for one unit."""

from collections.abc import Iterator, Sequence
from unicodedata import category

from wuhu_appraisal.names import normalise
from wuhu_appraisal.scheme.models import Scheme

_SLICE = 1000
"""``normalise`` reads no more of a text than this."""

_RANKS, _SHORTEST = ("区", "县", "市"), 2


class OtherNames:
    """Finds names of others in a text that is meant for one unit.

    Names are looked for without the prefixes and suffixes that the scheme lets go, so a word that
    merely holds a name counts as the name. ``bodies`` are the unit's own, named as its sheets name
    them. Without a unit everybody is another; with ``raters_only`` only raters are looked for.
    """

    def __init__(
        self,
        scheme: Scheme,
        unit: str = "",
        bodies: Sequence[str] = (),
        *,
        raters_only: bool = False,
    ) -> None:
        raters = {name for item in scheme.raters for name in scheme.raters_of(item.id)}
        names = {name: [name] for name in raters}
        for item in scheme.all_units:
            if not raters_only or item.name in raters:
                names[item.name] = [item.name, *item.written]
        others = {
            _letters(name) for owner, written in names.items() for name in written if owner != unit
        }
        own = {_letters(name) for name in names.get(unit, [unit])}
        self._others = {_shortest(scheme, name) for name in others}
        self._own = own | {_shortest(scheme, name) for name in own}
        self._own |= {_letters(body) for body in bodies} - others

    def named_in(self, text: str) -> bool:
        """Tell whether another is named, other than within one of the unit's own names."""
        letters = _letters(text)
        own = [span for name in self._own for span in _spans(name, letters)]
        return any(
            not any(first <= start and end <= last for first, last in own)
            for name in self._others
            for start, end in _spans(name, letters)
        )


def _letters(text: str) -> str:
    """Return the letters and digits of a text in one case, as names are compared."""
    slices = range(0, len(text), _SLICE)
    plain = "".join(normalise(text[start : start + _SLICE]) for start in slices)
    return "".join(char for char in plain if category(char)[0] not in "CMPZ").casefold()


def _shortest(scheme: Scheme, name: str) -> str:
    """Return a name without prefix, suffix and rank, with at least two characters."""
    for prefix in sorted(map(_letters, scheme.reading.name_prefixes), key=len, reverse=True):
        if name.startswith(prefix) and len(name) > len(prefix) + 1:
            name = name.removeprefix(prefix)
            break
    for suffix in sorted(map(_letters, scheme.reading.name_suffixes), key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix) + 1:
            name = name.removesuffix(suffix)
            break
    # In everyday writing a place goes without its rank: 弋江 for 弋江区.
    return name[:-1] if name[-1:] in _RANKS and len(name) > _SHORTEST else name


def _spans(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each place where a name stands in a text."""
    start = text.find(name) if name else -1
    while start >= 0:
        yield start, start + len(name)
        start = text.find(name, start + 1)
