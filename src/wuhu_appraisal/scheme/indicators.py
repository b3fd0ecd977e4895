"""The appraisal content: trees of indicators with marks or weights."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Annotated

from pydantic import Field

from wuhu_appraisal.scheme.basics import Identifier, Localised, Model, Positive


class Assessed(Model):
    """The units that an item is mainly assessed for; ``open`` lists may have further ones."""

    units: list[str] = []
    open: bool = False
    clause: str = ""


class Indicator(Model):
    """A line of the appraisal content: full marks (points of the whole) or a weight at its level."""

    id: Identifier
    title: Localised
    marks: Positive | None = None
    weight: Positive | None = None
    clause: str = ""
    aliases: list[str] = []
    assessed: Assessed | None = None
    items: list["Indicator"] = []

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], "Indicator"]]:
        """Yield the node and all below it, each with the ids from the top down to it."""
        here = (*path, self.id)
        yield here, self
        for item in self.items:
            yield from item.walk(here)


class IndicatorSet(Model):
    """The appraisal content for a group: a tree of indicators."""

    id: Identifier
    title: Localised
    clause: str
    marks: Positive = Decimal(100)
    items: Annotated[list[Indicator], Field(min_length=1)]

    @cached_property
    def paths(self) -> dict[str, tuple[str, ...]]:
        """Each node's id with the ids from the top down to it."""
        return {node.id: path for path, node in self.walk()}

    @cached_property
    def nodes(self) -> dict[str, Indicator]:
        """Each node by its id."""
        return {node.id: node for _path, node in self.walk()}

    @cached_property
    def leaves(self) -> list[Indicator]:
        """The nodes that are scored, in their order."""
        return [node for _path, node in self.walk() if not node.items]

    def walk(self) -> Iterator[tuple[tuple[str, ...], Indicator]]:
        """All nodes, depth first."""
        for item in self.items:
            yield from item.walk()

    def cited(self, node: Indicator) -> str:
        """The node's clause: its own, or the set's clause and the node's id."""
        return node.clause or f"{self.clause} {node.id}"
