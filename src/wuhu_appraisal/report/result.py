"""The result as a file: JSON that people and programs can read, from which every report is made.

Numbers are decimal strings. The trace keeps exact values; the inputs of each step are not written
again, because they are the table before it.
"""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from fractions import Fraction
from importlib import metadata
from typing import Any

from wuhu_appraisal import __version__
from wuhu_appraisal.decisions.models import Applied
from wuhu_appraisal.findings import Finding, Source
from wuhu_appraisal.ledger import LedgerEntry, Remark
from wuhu_appraisal.numbers import exact_text, plain
from wuhu_appraisal.run import Run
from wuhu_appraisal.scoring.evaluate import StageTrace
from wuhu_appraisal.submissions import Submission
from wuhu_appraisal.table import (
    Absent,
    Axis,
    StepTable,
    Value,
)

PACKAGES = (
    "defusedxml",
    "msoffcrypto-tool",
    "pydantic",
    "python-calamine",
    "PyYAML",
    "xlrd",
)
"""The packages through which a number goes on its way into a result, as pyproject.toml names them.

python-calamine and xlrd read cells, defusedxml those that calamine leaves out and the formats that
make 0.8 a percentage; msoffcrypto-tool puts an encrypted workbook together again; PyYAML reads
weights, full marks and decisions; pydantic (whose core it pins) makes all of them decimals.

The others carry none: openpyxl, XlsxWriter, python-docx, pandas and rich show a result that is there
already, cn2an and rapidfuzz only make suggestions, olefile finds formulas and filters, cryptography's
ciphers give the bytes of a file or none that can be read, click and filelock see no cell.
"""


def versions() -> dict[str, str]:
    """The versions of Python and of ``PACKAGES``, by name; '' where an installation does not say."""
    return {"Python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def dump(run: Run) -> bytes:
    """The result as UTF-8 JSON with a stable order of keys, the trace on few long lines."""
    head = {
        "format": 1,
        "tool": f"appraise {__version__}",
        "versions": versions(),
        "computed_at": run.computed_at,
        "secret": run.secret,
        "provisional": run.provisional,
        "scheme": {
            "id": run.scheme.id,
            "title": str(run.scheme.title),
            "sha256": run.scheme_sha256,
        },
        "groups": [_group(run, group_id) for group_id in run.standings],
        "sources": [
            {"file": item.file, "sha256": item.sha256, "stage": ", ".join(item.stages)}
            for item in run.sources
        ],
        "findings": [finding_json(item) for item in run.findings],
        "ledger": [ledger_json(item) for item in run.ledger],
        "remarks": [_remark(item) for item in run.remarks],
        "decisions": [_decision(item) for item in run.decisions],
    }
    trace = {
        group: {
            "stages": {stage: _stage(found) for stage, found in traced.stages.items()},
            "composite": _rows(traced.composite),
            "final": _rows(traced.final),
        }
        for group, traced in run.traces.items()
    }
    start = json.dumps(head, ensure_ascii=False, indent=2).removesuffix("\n}")
    body = json.dumps(trace, ensure_ascii=False, separators=(",", ":"))
    return f'{start},\n  "trace": {body}\n}}\n'.encode()


def finding_json(item: Finding) -> dict[str, Any]:
    """A finding as JSON data, in the active language."""
    return {
        "code": item.code,
        "severity": str(item.severity),
        "message": item.message,
        "source": _source(item.source),
        "hint": item.hint,
        "params": dict(item.params),
    }


def ledger_json(item: LedgerEntry) -> dict[str, Any]:
    """A cell that was read as other than a plain number, as JSON data; rules by their names."""
    return {
        "source": _source(item.source),
        "raw": item.raw,
        "format": item.format,
        "value": item.value,
        "rules": [rule.name.lower() for rule in item.rules],
    }


def _remark(item: Remark) -> dict[str, Any]:
    return {"source": _source(item.source), "kind": item.kind.name.lower(), "text": item.text}


def _decision(item: Applied) -> dict[str, Any]:
    return item.decision.model_dump() | {
        "written": _source(item.place),
        "covered": [finding_json(found) for found in item.covered],
    }


def submission_json(item: Submission) -> dict[str, Any]:
    """An expected sheet as JSON data: came, missing or twice, and the sheets that came."""
    state = {"state": item.state.name.lower()}
    return asdict(item.place) | state | {"sources": [_source(at) for at in item.sources]}


def _group(run: Run, group_id: str) -> dict[str, Any]:
    return {
        "id": group_id,
        "title": str(run.scheme.group(group_id).title),
        "units": [
            {
                "unit": item.unit,
                "rank": item.rank,
                "final": _published(item.final),
                "composite": _published(item.composite),
                "stages": {name: _published(value) for name, value in item.stages.items()},
                "points": _published(item.points),
                "adjustments": [
                    {
                        "id": record.id,
                        "points": plain(record.points),
                        "reason": record.reason,
                        "evidence": record.evidence,
                        "source": _source(record.source),
                    }
                    for record in item.adjustments
                ],
            }
            for item in run.standings[group_id]
        ],
    }


def _published(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _source(source: Source) -> dict[str, Any]:
    found: dict[str, Any] = {"file": source.file, "sheet": source.sheet, "cell": source.cell}
    if source.line:
        found |= {"line": source.line, "column": source.column}
    return found


def _text(value: Value) -> str:
    if isinstance(value, Absent):
        return value.value
    if isinstance(value, str):
        return value
    return plain(value) if isinstance(value, Decimal) else exact_text(value)


def _axis(axis: Axis) -> dict[str, Any]:
    return {"dimension": axis.dimension, "members": axis.members, "positions": axis.positions}


def _stage(trace: StageTrace) -> dict[str, Any]:
    # Equal cells share one object, so a large table has few distinct texts to make.
    texts: dict[int, str] = {}

    def written(row: Sequence[Value]) -> list[str]:
        try:
            return [texts[id(value)] for value in row]
        except KeyError:
            texts.update((id(value), _text(value)) for value in row)
            return written(row)

    return {
        "blocks": [
            {
                "file": block.file,
                "sheet": block.sheet,
                "fixed": dict(block.fixed),
                "rows": _axis(block.rows),
                "columns": _axis(block.columns),
                "values": [written(row) for row in block.values],
            }
            for block in trace.scores.blocks
        ],
        "steps": [
            [
                (key, _text(row.value), _coefficients(row.coefficients))
                for key, row in table.rows.items()
            ]
            for table in trace.steps
        ],
    }


def _coefficients(coefficients: Sequence[Fraction]) -> str | list[str]:
    first = coefficients[0]
    if tuple(coefficients).count(first) == len(coefficients):
        return "1" if first == 1 else exact_text(first)
    return [exact_text(item) for item in coefficients]


def _rows(table: StepTable) -> list[dict[str, Any]]:
    return [
        {
            "unit": key[0],
            "members": list(row.members),
            "values": [_text(value) for value in row.values],
            "coefficients": [exact_text(item) for item in row.coefficients],
            "value": _text(row.value),
        }
        for key, row in table.rows.items()
    ]
