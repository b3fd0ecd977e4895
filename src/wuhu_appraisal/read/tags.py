"""The tag by which a form that we made is known again, whatever its file and sheet are called.

It is one line of text in a cell, because that alone survives every program and every format.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from wuhu_appraisal.language import Bilingual
from wuhu_appraisal.names import normalise

LABEL = Bilingual("表号", "Form")
_PARTS = re.compile(r"(?:表号|Form):(\[.+\])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Tag:
    """The scheme, the form and the members of the dimensions that its file and sheet name.

    An adjustment's form has its id as ``stage`` and ``form``, and no group.
    """

    scheme: str
    stage: str
    group: str
    form: str
    members: tuple[str, ...] = ()

    def __str__(self) -> str:
        """``表号: [scheme/stage/group/form/member]``, in the active language."""
        parts = [self.scheme, self.stage, self.group, self.form, *self.members]
        return f"{LABEL}: [{'/'.join(map(_escaped, parts))}]"


def tag_in(texts: Sequence[str]) -> str | None:
    """The tag among the texts of a sheet's cells, as it is written; None where there is none."""
    for text in texts:
        found = _PARTS.fullmatch(normalise(text)) if "[" in text or "［" in text else None
        if found is not None:
            return found[1]
    return None


def parse(written: str) -> Tag | None:
    """The tag that ``tag_in`` found; None if it is not whole."""
    parts = list(map(unquote, written[1:-1].split("/")))
    if len(parts) < 4:
        return None
    scheme, stage, group, form, *members = parts
    return Tag(scheme, stage, group, form, tuple(members))


def _escaped(part: str) -> str:
    """The part without what divides parts, and without what another width or form would change."""
    text = "".join(quote(char, safe="") if char in "%/[]" else char for char in part)
    return text if normalise(text) == text else quote(part, safe="")
