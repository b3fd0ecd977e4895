"""The example of 2020 read at fixed places, as its generator laid it out, and scored by the oracle.

Nothing here is shared with the package. It trusts a workbook wherever it can and refuses the rest.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import PurePosixPath
from typing import Any, TypeAlias

import yaml
from openpyxl import Workbook

from helpers import ROOT, oracle
from helpers.oracle import Case, Cell

Rows: TypeAlias = list[tuple[Any, ...]]
Facts: TypeAlias = dict[tuple[str, ...], Any]
"""What one workbook says: (stage, unit, tier, body, item) or (stage, unit, rater or round), and
(adjustment, unit) for a list of points."""


class RefusedError(Exception):
    """The workbook is not laid out as the generator does it."""


def _yaml(name: str) -> Any:
    text = (ROOT / "config" / "wuhu-2020" / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)


def _items() -> dict[str, str]:
    """The id of each item of both annexes by its title; a title stands for one place in each."""
    return {
        f"{annex['id']} {node['title']['zh']}": node["id"]
        for annex in _yaml("indicators.yaml")["indicators"]
        for top in annex["items"]
        for node in top["items"]
    }


def _names() -> dict[str, str]:
    """Each unit's name by every way of writing it."""
    return {
        written: unit["name"]
        for group in _yaml("units.yaml")["groups"]
        for unit in group["units"]
        for written in (
            unit["name"],
            *unit.get("aliases", []),
            *(former["name"] for former in unit.get("former", [])),
        )
    }


ITEMS, NAMES = _items(), _names()
GROUPS = {
    group["id"]: [unit["name"] for unit in group["units"]]
    for group in _yaml("units.yaml")["groups"]
}
LEADING_GROUP = _yaml("units.yaml")["raters"][0]["units"]
ROUNDS = ("1", "2", "3", "4")
TIERS = ("government", "township", "department")
ADJUSTMENTS = ("rank", "interpretation", "standardisation", "allocation")


def facts(file: str, book: Workbook) -> Facts:
    """What a workbook of the example says; RefusedError if it is laid out in another way."""
    path = PurePosixPath(file)
    folder, name = path.parts[0], path.stem
    tables = [list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets]
    found: Facts = {}
    pairs: Iterator[tuple[tuple[str, ...], Any]]
    for at, rows in enumerate(tables):
        match folder:
            case "专业机构测评" | "社会评议" if name == "市直单位":
                pairs = _matrix(rows, folder, "municipal")
            case "专业机构测评" | "社会评议" if at == 0:
                pairs = _government(rows, folder, name)
            case "专业机构测评" | "社会评议":
                pairs = _matrix(rows, folder, "county", name, TIERS[at])
            case "双向互评":
                pairs = _listing(rows, folder, name)
            case "日常测评":
                pairs = _listing(rows, folder, name.strip("第轮"))
            case _:
                pairs = _records(rows, ADJUSTMENTS[at])
        for key, value in pairs:
            if key in found:
                raise RefusedError(key)
            found[key] = value
    return found


def _body(rows: Rows, first: int, name: int = 1) -> Iterator[tuple[Any, ...]]:
    """The rows of a table, up to its total or its foot."""
    for row in rows[first - 1 :]:
        if str(row[0]).startswith(("填表人", "合计")) and row[name] is None:
            return
        if not any(row[1:]):
            return
        yield row


def _number(value: Any) -> Cell:
    if value is None or value == "/":
        return oracle.NOT_APPLICABLE if value else oracle.MISSING
    if isinstance(value, bool):
        raise RefusedError(value)
    try:
        return Decimal(str(value))
    except InvalidOperation as problem:
        raise RefusedError(value) from problem


def _unit(value: Any) -> str:
    for written in (value, f"市{value}", str(value).removeprefix("市")):
        if written in NAMES:
            return NAMES[written]
    raise RefusedError(value)


def _government(rows: Rows, stage: str, unit: str) -> Iterator[tuple[tuple[str, ...], Cell]]:
    for row in _body(rows, 4, 2):
        if f"county {row[2]}" not in ITEMS:
            raise RefusedError(row[2])
        score = _number(row[4])
        if score is oracle.MISSING and isinstance(row[5], int | float):
            score = Decimal(str(row[3])) - Decimal(str(row[5]))
        yield (stage, unit, "government", unit, ITEMS[f"county {row[2]}"]), score


def _matrix(
    rows: Rows, stage: str, annex: str, county: str = "", tier: str = ""
) -> Iterator[tuple[tuple[str, ...], Cell]]:
    heads: list[str] = []
    for head in rows[3][2:-2]:
        title = f"{annex} {str(head).rpartition('(')[0]}"
        if title not in ITEMS:
            raise RefusedError(head)
        heads.append(ITEMS[title])
    for row in _body(rows, 5):
        unit = county or _unit(row[1])
        if row[1] is None:
            raise RefusedError(row)
        body = str(row[1]) if county else unit
        for item, value in zip(heads, row[2:-2], strict=True):
            yield (stage, unit, tier or "all", body, item), _number(value)


def _listing(rows: Rows, stage: str, by: str) -> Iterator[tuple[tuple[str, ...], Cell]]:
    for row in _body(rows, 4):
        yield (stage, _unit(row[1]), by), _number(row[2])


def _records(rows: Rows, adjustment: str) -> Iterator[tuple[tuple[str, ...], Cell]]:
    for at, row in enumerate(_body(rows, 4)):
        if not isinstance(row[2], int | float):
            raise RefusedError(row)
        yield (adjustment, _unit(row[1]), str(at)), _number(row[2])


@dataclass
class _Unit:
    tiers: dict[str, dict[str, dict[str, dict[str, Cell]]]] = field(default_factory=dict)
    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)


def finals(
    books: Mapping[str, Facts], only: Collection[str] | None = None
) -> dict[str, str | None]:
    """The published final of each unit, or of some, by what all workbooks say."""
    units: dict[str, _Unit] = {}
    for found in books.values():
        for (first, name, *rest), value in found.items():
            if only is not None and name not in only:
                continue
            unit = units.setdefault(name, _Unit())
            if len(rest) == 3:
                tier, body, item = rest
                bodies = unit.tiers.setdefault(first, {}).setdefault(tier, {})
                bodies.setdefault(body, {})[item] = value
            else:
                unit.cells.setdefault(first, {})[rest[0]] = value
    counties = GROUPS["county"]
    return {
        name: oracle.published(
            (oracle.county if group == "county" else oracle.municipal)(
                _case(units.get(name, _Unit())),
                LEADING_GROUP if group == "county" else counties,
                ROUNDS,
            ).final
        )
        for group, names in GROUPS.items()
        for name in names
        if only is None or name in only
    }


def _case(unit: _Unit) -> Case:
    def points(name: str) -> Sequence[Decimal]:
        return [value for value in unit.cells.get(name, {}).values() if isinstance(value, Decimal)]

    rank = points("rank")
    return Case(
        unit.tiers.get("专业机构测评", {}),
        unit.cells.get("双向互评", {}),
        unit.cells.get("日常测评", {}),
        unit.tiers.get("社会评议", {}),
        int(rank[0]) if rank else None,
        points("interpretation"),
        points("standardisation"),
        points("allocation"),
    )
