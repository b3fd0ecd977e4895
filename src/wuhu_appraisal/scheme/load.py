"""A scheme from its YAML files: parsed, validated, checked, all findings at once."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from wuhu_appraisal.findings import Finding, Source, finding, has_errors
from wuhu_appraisal.language import N_
from wuhu_appraisal.names import nearest
from wuhu_appraisal.scheme import yaml_source as yaml12
from wuhu_appraisal.scheme.check import check
from wuhu_appraisal.scheme.models import Scheme

PARTS = ("scheme.yaml", "units.yaml", "indicators.yaml")
"""The files of a scheme's folder; each holds some of the scheme's top-level keys."""

_PROBLEMS = (
    ("string_pattern", N_("it does not have the form that is asked for")),
    ("string_too_short", N_("it is empty")),
    ("string", N_("text is expected")),
    ("decimal", N_("a number is expected")),
    ("int", N_("a whole number is expected")),
    ("bool", N_("true or false is expected")),
    ("date", N_("a date such as 2020-12-31 is expected")),
    ("list", N_("a list is expected")),
    ("dict", N_("a mapping of keys and values is expected")),
    ("model", N_("a mapping of keys and values is expected")),
    ("greater_than_equal", N_("it must not be below 0, or 1 where it counts something")),
    ("greater_than", N_("it must be above 0")),
    ("less_than_equal", N_("it is too large")),
    ("too_short", N_("it holds too few entries")),
    ("too_long", N_("it holds too many entries")),
)

_SHAPES = {type(None): N_("nothing"), list: "[…]", dict: "{…}", bool: "true/false"}

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class LoadedScheme:
    """A scheme with its findings and the hash of its files; ``scheme`` is None if it cannot be used."""

    path: Path
    sha256: str
    findings: Sequence[Finding]
    scheme: Scheme | None


def bundled() -> Path:
    """The folder of the schemes that come with the package, from a wheel or from a checkout."""
    packaged = Path(str(resources.files("wuhu_appraisal"))) / "config"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "config"


def locate(path: str) -> Path:
    """The path as given if it is there, else a bundled scheme of that name, else the path."""
    given = Path(path)
    named = bundled() / path if path else given
    # A path that may not be looked at is left for the reading to refuse.
    if not os.path.exists(given) and os.path.isdir(named):  # noqa: PTH110, PTH112
        return named
    return given


def parts(where: Path) -> list[Path]:
    """The files that a scheme is made of, in a folder or as one; none where there is no scheme."""
    if not os.path.isdir(where):  # noqa: PTH112 - Path.is_dir raises where one may not look
        return [where] if os.path.isfile(where) else []  # noqa: PTH113
    files = [where / part for part in PARTS if (where / part).is_file()]
    return files if where / PARTS[0] in files else []


def load_scheme(path: str | Path) -> LoadedScheme:
    """Load a scheme from a folder (scheme.yaml, units.yaml, indicators.yaml) or from one YAML file."""
    where = locate(str(path))
    folder = os.path.isdir(where)  # noqa: PTH112 - Path.is_dir raises where one may not look
    files = parts(where)
    if not files:
        return LoadedScheme(where, "", [finding("scheme-not-found", Source(str(where)))], None)
    digest = hashlib.sha256()
    documents = []
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            unreadable = finding(
                "file-unreadable", Source(str(file)), problem=error.strerror or error
            )
            return LoadedScheme(where, "", [unreadable], None)
        # The name and the length keep two different folders from having one hash.
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
        documents.append(yaml12.parse(str(file), content))
    document = yaml12.merge(documents)
    if folder:
        others = [item for item in sorted(where.glob("*.y*ml")) if item.name not in PARTS]
        document.findings += [finding("scheme-file-unread", Source(str(item))) for item in others]
    scheme, findings = validate(Scheme, document)
    # Unknown keys are passed over here, so that the checks report what else is wrong.
    checked = scheme or validate(Scheme, document, extra="ignore")[0]
    if checked is not None:
        findings += [
            Finding(code, params, document.place(path)) for code, params, path in check(checked)
        ]
    return LoadedScheme(
        where, digest.hexdigest(), findings, None if has_errors(findings) else scheme
    )


def validate(
    model: type[ModelT], document: yaml12.Document, extra: Literal["ignore"] | None = None
) -> tuple[ModelT | None, list[Finding]]:
    """The document as a model, or the findings that say why not; ``extra`` passes unknown keys over."""
    findings = list(document.findings)
    if document.data is None:
        return None, findings
    try:
        return model.model_validate(document.data, extra=extra), findings
    except ValidationError as error:
        details = error.errors(include_url=False)
        findings.extend(_refusal(model, document, detail) for detail in details)
    return None, findings


def _refusal(model: type[BaseModel], document: yaml12.Document, detail: ErrorDetails) -> Finding:
    path = _data_path(detail["loc"], document.data)
    place = document.place(path)
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    match detail["type"]:
        case "extra_forbidden":
            known = known_keys(model, detail["loc"][:-1])
            return finding(
                "scheme-key-unknown",
                place,
                key=name,
                suggestion=nearest(name, known),
                known=", ".join(known),
            )
        case "missing":
            return finding("scheme-key-missing", place, key=name)
        case "literal_error":
            allowed = str(detail.get("ctx", {}).get("expected", "")).replace("'", "")
            given = str(detail["input"])
            options = allowed.replace(" or ", ", ").split(", ")
            return finding(
                "scheme-value-unknown",
                place,
                key=name,
                value=given,
                known=", ".join(options),
                suggestion=nearest(given, options),
            )
        case "step_unknown":
            return finding("scheme-step-unknown", place)
        case "check_unknown":
            return finding("scheme-check-unknown", place)
        case _:
            value = detail["input"]
            shown = str(value) if isinstance(value, str | Decimal) else _SHAPES.get(type(value), "")
            kind = detail["type"]
            problem = next((words for start, words in _PROBLEMS if kind.startswith(start)), "")
            return finding(
                "scheme-value-wrong",
                place,
                key=name,
                value_word=shown,
                problem_word=problem or detail["msg"],
            )


def known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that a model knows at a location; a union is there with the name of its class."""
    schema = model.model_json_schema()

    def options(part: dict[str, Any]) -> list[dict[str, Any]]:
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
        members = part.get("anyOf") or part.get("oneOf")
        return [option for item in members for option in options(item)] if members else [part]

    here = options(schema)
    for step in location:
        inner = [
            part.get("properties", {}).get(step)
            or part.get("items" if isinstance(step, int) else "additionalProperties")
            for part in here
        ]
        below = [option for part in inner if isinstance(part, dict) for option in options(part)]
        here = below or [part for part in here if part.get("title") == step] or here
    return [key for part in here for key in part.get("properties", {})]


def _data_path(location: tuple[int | str, ...], data: Any) -> yaml12.Path:
    """Pydantic's location without the names of the union members that it puts into it."""
    path: list[int | str] = []
    last = len(location) - 1
    for index, part in enumerate(location):
        if _holds(data, part):
            data = data[part]
        elif index != last:
            continue
        path.append(part)
    return tuple(path)


def _holds(data: Any, part: int | str) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and part < len(data)
