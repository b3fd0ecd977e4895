"""Who is appraised and who rates: groups, units, raters."""

from typing import Annotated

from pydantic import Field

from wuhu_appraisal.scheme.basics import Identifier, Localised, Model


class FormerName(Model):
    """A name that a unit bore until a date (as precise as known: 2020, 2020-07 or 2020-07-15)."""

    name: str
    until: str


class Unit(Model):
    """Who is appraised: the name in results, and the ways offices write it."""

    name: Identifier
    aliases: list[str] = []
    former: list[FormerName] = []

    @property
    def written(self) -> list[str]:
        """Every other way the name is written."""
        return [*self.aliases, *(item.name for item in self.former)]


class Group(Model):
    """Units that are ranked against each other."""

    id: Identifier
    title: Localised
    clause: str
    units: Annotated[list[Unit], Field(min_length=1)]


class Raters(Model):
    """Who gives ballots: units named one by one, or all units of a group."""

    id: Identifier
    title: Localised
    clause: str
    units: list[str] = []
    group: str | None = None
