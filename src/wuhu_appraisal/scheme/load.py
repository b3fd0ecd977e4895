"""Load a scheme from its YAML files: parse, validate and check, with all findings at once."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from wuhu_appraisal.findings import Finding, Severity, Source, finding, has_errors
from wuhu_appraisal.language import N_
from wuhu_appraisal.names import nearest, slashed
from wuhu_appraisal.scheme.check import check
from wuhu_appraisal.scheme.models import Assumption, Scheme
from wuhu_appraisal.scheme.yaml_source import Document, merge, parse

PARTS = ("scheme.yaml", "units.yaml", "indicators.yaml")
"""The files of a scheme's folder; each holds some of the scheme's top-level keys."""

_PROBLEMS = (
    ("string_pattern", N_("it does not have the required form")),
    ("string_too_short", N_("it is empty")),
    ("string", N_("text is expected")),
    ("decimal", N_("a number is expected")),
    ("int", N_("a whole number is expected")),
    ("bool", N_("true or false is expected")),
    ("date", N_("a date such as 2020-12-31 is expected")),
    ("list", N_("a list is expected")),
    ("dict", N_("keys with values are expected")),
    ("model", N_("keys with values are expected")),
    ("greater_than_equal", N_("it must be at least 0, or at least 1 where it is a count")),
    ("greater_than", N_("it must be above 0")),
    ("less_than_equal", N_("it is too large")),
    ("too_short", N_("it holds too few entries")),
    ("too_long", N_("it holds too many entries")),
)

"""The beginnings of pydantic's error types, and what is wrong, as message ids."""

_SHAPES = {type(None): N_("nothing"), list: "[…]", dict: "{…}", bool: "true/false"}
"""How a value that is neither text nor a number is shown in a finding."""

_SAID = {
    "lose": ("扣分", "每项扣", "每次扣", "每条扣", "扣", "deduct", "deduction", "penalty"),
    "earn": ("加分", "每项加", "每次加", "奖励", "得分", "add", "bonus"),
    "classes": ("等次", "等级", "档次", "评定等次", "levels", "grades"),
    "full_marks": ("满分", "总分", "max_score"),
    "marks": ("满分", "分值", "标准分", "points", "max_score"),
    "cap": ("封顶", "上限", "最高", "max", "maximum"),
    "floor": ("保底", "下限", "最低", "min", "minimum"),
    "weight": ("权重", "比重", "占比"),
    "weights": ("权重", "比重", "占比", "weight"),
    "kind": ("类别", "类型", "单位类别", "单位类型", "窗口单位", "type", "category"),
    "bands": ("区间", "分段", "分档", "ranges"),
    "proportion": ("比例", "按比例", "ratio"),
    "list": ("清单", "问题清单", "逐条", "faults"),
    "name": ("名称", "单位名称"),
    "title": ("名称", "标题", "name"),
    "clause": ("条款", "依据"),
    "units": ("单位", "考评对象"),
    "indicators": ("指标", "考评指标"),
    "adjustments": ("加分扣分", "加减分", "加分", "扣分", "bonuses", "deductions"),
    "vetoes": ("一票否决", "单项否决", "否决", "veto"),
}
"""What people write for a key, by that key; it is suggested where the key can stand."""

_RULES = ("lose", "earn", "bands", "proportion")
"""The keys of rules for facts, which are suggested where an item's score can stand too."""

ModelT = TypeVar("ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class LoadedScheme:
    """A scheme with its findings and the hash of its files; ``scheme`` is None if it cannot be used."""

    path: Path
    sha256: str
    findings: Sequence[Finding]
    scheme: Scheme | None


def bundled() -> Path:
    """The folder of the schemes that come with the package, in a wheel or in a checkout."""
    package = Path(__file__).parents[1]
    return package / "config" if (package / "config").is_dir() else package.parents[1] / "config"


def bundled_schemes() -> list[Path]:
    """The folders of the schemes that come with the package, by name."""
    return sorted(part.parent for part in bundled().glob(f"*/{PARTS[0]}"))


def locate(path: str) -> Path:
    """The path itself if it exists or no bundled scheme has that name; else the bundled scheme."""
    path = slashed(path)
    bundled_scheme = bundled() / path
    # os.path does not raise where access is denied; reading the files will report it.
    if path and not os.path.exists(path) and os.path.isdir(bundled_scheme):  # noqa: PTH110, PTH112
        return bundled_scheme
    return Path(path)


def parts(where: Path) -> list[Path]:
    """The files of a scheme that is a folder or one file; none where there is no scheme."""
    if not os.path.isdir(where):  # noqa: PTH112 - as in locate
        return [where] if os.path.isfile(where) else []  # noqa: PTH113
    files = [where / part for part in PARTS if (where / part).is_file()]
    return files if where / PARTS[0] in files else []


def load_scheme(path: str | Path) -> LoadedScheme:
    """Load a scheme from a folder (scheme.yaml, units.yaml, indicators.yaml) or from one YAML file."""
    where = locate(str(path))
    files = parts(where)
    if not files:
        return LoadedScheme(where, "", [finding("scheme-not-found", Source(str(where)))], None)
    digest = hashlib.sha256()
    documents = []
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as error:
            problem = error.strerror or error
            unreadable = finding("file-unreadable", Source(str(file)), problem=problem)
            return LoadedScheme(where, "", [unreadable], None)
        # With name and length no two different folders have the same hash.
        digest.update(f"{file.name} {len(content)}\n".encode() + content)
        documents.append(parse(str(file), content))
    document = merge(documents)
    if files != [where]:
        others = [item for item in sorted(where.glob("*.y*ml")) if item.name not in PARTS]
        document.findings += [finding("scheme-file-unread", Source(str(item))) for item in others]
    return _checked(where, digest.hexdigest(), document)


def load_model(scheme: Scheme) -> LoadedScheme:
    """Check a scheme that was made in Python as one that is read from files; no place is a file's."""
    data = scheme.model_dump(by_alias=True, warnings=False)
    digest = hashlib.sha256(repr(data).encode()).hexdigest()
    return _checked(Path(), digest, Document(data))


def alternatives(scheme: Scheme) -> Iterator[tuple[Assumption, LoadedScheme | str]]:
    """Yield each assumption that has an alternative, with the scheme that this makes.

    In place of the scheme stands the part of a place that is not there.
    """
    for assumption in scheme.assumptions:
        if assumption.alternative is None:
            continue
        data = scheme.model_dump(by_alias=True, warnings=False, exclude={"assumptions"})
        try:
            for place, value in assumption.alternative.set.items():
                _set(data, place.split("/"), value)
        except KeyError as error:
            yield assumption, str(error.args[0])
            continue
        digest = hashlib.sha256(repr(data).encode()).hexdigest()
        other = _checked(Path(), digest, Document(data))
        changed = "" if other.scheme is None else _not_to_be_tried(scheme, other.scheme)
        yield assumption, changed or other


def _not_to_be_tried(scheme: Scheme, other: Scheme) -> str:
    """Return what of another scheme the scores and records of this one do not fit; '' if nothing."""
    own, others = _shape(scheme), _shape(other)
    return next((name for name in own if own[name] != others[name]), "")


def _shape(scheme: Scheme) -> dict[str, object]:
    """Return what scores and records are read by."""
    kept = {"id", "groups", "points"}
    plans = [plan for stage in scheme.stages for plan in stage.plans.values()]
    dimensions = [(plan.dimensions, plan.dimensions.values()) for plan in plans]
    return {
        "groups": scheme.groups,
        "stages": [stage.id for stage in scheme.stages],
        "adjustments": [item.model_dump(include=kept) for item in scheme.recorded],
        "dimensions": [(own, [*map(scheme.members, values)]) for own, values in dimensions],
    }


def _set(data: Any, place: Sequence[str], value: Any) -> None:
    """Set a value at a place of a scheme's data. Raise KeyError for a step that is not there."""
    step, *rest = place
    if isinstance(data, list):
        at = [
            index
            for index, item in enumerate(data)
            if step in ("*", str(index), item.get("id") if isinstance(item, dict) else None)
        ]
    else:
        at = [key for key in data or () if step in ("*", key)] if isinstance(data, dict) else []
    if not at:
        raise KeyError(step)
    for key in at:
        if rest:
            _set(data[key], rest, value)
        else:
            data[key] = value


def check_alternatives(loaded: LoadedScheme) -> Iterator[Finding]:
    """Yield what keeps the alternatives of a scheme's assumptions from being schemes themselves."""
    if loaded.scheme is None:
        return
    for assumption, other in alternatives(loaded.scheme):
        if isinstance(other, str):
            problem = other
        elif other.scheme is None:
            problem = next(item.code for item in other.findings if item.severity is Severity.ERROR)
        else:
            continue
        where = Source(str(loaded.path))
        yield finding("alternative-wrong", where, assumption=assumption.id, problem=problem)


def _checked(where: Path, digest: str, document: Document) -> LoadedScheme:
    scheme, findings = validate(Scheme, document)
    # Without unknown keys, so that what else is wrong is reported as well.
    checked = scheme or validate(Scheme, document, extra="ignore")[0]
    if checked is not None:
        findings += [
            Finding(code, params, document.place(path)) for code, params, path in check(checked)
        ]
    return LoadedScheme(where, digest, findings, None if has_errors(findings) else scheme)


def validate(
    model: type[ModelT], document: Document, extra: Literal["ignore"] | None = None
) -> tuple[ModelT | None, list[Finding]]:
    """The document as a model, or None, with all findings; ``extra="ignore"`` drops unknown keys."""
    findings = list(document.findings)
    if document.data is None:
        return None, findings
    try:
        return model.model_validate(document.data, extra=extra), findings
    except ValidationError as error:
        details = error.errors(include_url=False)
        findings += [_finding(model, document, detail) for detail in details]
    return None, findings


def _finding(model: type[BaseModel], document: Document, detail: ErrorDetails) -> Finding:
    """The finding for one of pydantic's errors."""
    place = document.place(detail["loc"])
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    match detail["type"]:
        case "extra_forbidden":
            keys = _known_keys(model, detail["loc"][:-1])
            meant = _meant(name, keys) or (_meant(name, _RULES) if "score" in keys else "")
            params = {
                "key": name,
                "suggestion": meant or nearest(name, keys),
                "known": ", ".join(keys),
            }
            return finding("scheme-key-unknown", place, **params)
        case "missing":
            return finding("scheme-key-missing", place, key=name)
        case "literal_error":
            expected = str(detail.get("ctx", {}).get("expected", "")).replace("'", "")
            words = expected.replace(" or ", ", ").split(", ")
            value = str(detail["input"])
            params = {
                "value": value,
                "suggestion": nearest(value, words),
                "known": ", ".join(words),
            }
            return finding("scheme-value-unknown", place, key=name, **params)
        case "step_unknown":
            return finding("scheme-step-unknown", place)
        case "rule_unknown":
            written = detail["input"] if isinstance(detail["input"], dict) else {}
            meant = next(filter(None, (_meant(key, _RULES) for key in written)), "")
            return finding("scheme-rule-unknown", place, suggestion=meant)
        case "check_unknown":
            return finding("scheme-check-unknown", place)
        case _:
            value, kind = detail["input"], detail["type"]
            shown = str(value) if isinstance(value, str | Decimal) else _SHAPES.get(type(value), "")
            problem = next(
                (text for start, text in _PROBLEMS if kind.startswith(start)), detail["msg"]
            )
            params = {"value_word": shown, "problem_word": problem}
            return finding("scheme-value-wrong", place, key=name, **params)


def _meant(name: str, keys: Iterable[str]) -> str:
    """The one of these keys that people write so; '' if there is none."""
    return next((key for key in keys if name in _SAID.get(key, ())), "")


def _known_keys(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that a model has at one of pydantic's locations."""
    schema = _json_schema(model)

    def options(part: dict[str, Any]) -> list[dict[str, Any]]:
        """The part of the schema itself, or the members of the union that it is."""
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rpartition("/")[2]]
        members = part.get("anyOf") or part.get("oneOf")
        return [option for item in members for option in options(item)] if members else [part]

    here = options(schema)
    for step in location:
        values = "items" if isinstance(step, int) else "additionalProperties"
        inner = [part.get("properties", {}).get(step) or part.get(values) for part in here]
        below = [option for part in inner if isinstance(part, dict) for option in options(part)]
        # A step that is no key or position names the class of a union's member.
        here = below or [part for part in here if part.get("title") == step] or here
    return [key for part in here for key in part.get("properties", {})]


@cache
def _json_schema(model: type[BaseModel]) -> dict[str, Any]:
    return model.model_json_schema()
