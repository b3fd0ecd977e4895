"""Who is at work, and what that person calls a stage or an adjustment."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from wuhu_appraisal.cli.frame import fail

if TYPE_CHECKING:
    from wuhu_appraisal.language import Bilingual


def user() -> str:
    """The system's name of who is at work, or the number where it has no name; '' without either."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else ""


def ids_of(titles: "Mapping[str, Bilingual]", written: str) -> list[str]:
    """The ids that an id or a title stands for: several where they share it; a finding if none."""
    from wuhu_appraisal.findings import finding
    from wuhu_appraisal.names import nearest, normalise

    ids: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for name, title in titles.items():
        for called in dict.fromkeys((name, title.zh, title.en)):
            key = normalise(called).casefold()
            ids.setdefault(key, []).append(name)
            names.setdefault(key, called)
    wanted = normalise(written).casefold()
    if wanted not in ids:
        near = nearest(wanted, ids)
        known = ", ".join(f"{name} ({title})" for name, title in titles.items())
        suggestion = names[near] if near else ""
        fail([finding("stage-unknown", name=written, known=known, suggestion=suggestion)])
    return list(dict.fromkeys(ids[wanted]))
