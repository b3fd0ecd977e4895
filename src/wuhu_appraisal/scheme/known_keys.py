"""The keys that may stand at a place in a scheme, for the hint on an unknown one."""

import types
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, Tag


def known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that the model at ``location`` knows."""
    here: Any = model
    for part in location:
        here = _descend(here, part)
    return [
        info.alias or name
        for candidate in _models(here)
        for name, info in candidate.model_fields.items()
    ]


def _descend(annotation: Any, part: int | str) -> Any:
    for model in _models(annotation):
        for name, info in model.model_fields.items():
            if part in (name, info.alias):
                return (
                    Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
                )
    members = _unwrapped(annotation)
    for member in members:
        if get_origin(member) in (list, dict):
            return get_args(member)[-1]
    for tagged in _options(annotation):
        if any(isinstance(extra, Tag) and extra.tag == part for extra in get_args(tagged)[1:]):
            return tagged
    named = [member for member in members if getattr(member, "__name__", "") == part]
    return named[0] if named else annotation


def _options(annotation: Any) -> list[Any]:
    """The members of a union, looking through annotations that carry a discriminator."""
    if get_origin(annotation) is Annotated and any(
        isinstance(extra, Discriminator) for extra in get_args(annotation)[1:]
    ):
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return list(get_args(annotation))
    return [annotation]


def _unwrapped(annotation: Any) -> list[Any]:
    found = []
    for option in _options(annotation):
        while get_origin(option) is Annotated:
            option = get_args(option)[0]
        if get_origin(option) in (Union, types.UnionType):
            found.extend(_unwrapped(option))
        else:
            found.append(option)
    return found


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [
        member
        for member in _unwrapped(annotation)
        if isinstance(member, type) and issubclass(member, BaseModel)
    ]
