"""What one appraisal came to: every reader of a result, on screen or in a file, is given this."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wuhu_appraisal.findings import Finding, Severity, has_errors
from wuhu_appraisal.ledger import LedgerEntry, Remark
from wuhu_appraisal.manifest import SourceRecord
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scoring.evaluate import StageTrace
from wuhu_appraisal.scoring.rank import Standing
from wuhu_appraisal.table import StepTable


@dataclass(frozen=True, slots=True)
class GroupTrace:
    """How a group's finals came to be: its stages, their composite, and the adjustments."""

    stages: Mapping[str, StageTrace]
    composite: StepTable
    final: StepTable


@dataclass(frozen=True, slots=True)
class Run:
    """The ranking of each group, how it came to be, and what a person must know about it."""

    scheme: Scheme
    scheme_sha256: str
    computed_at: str
    standings: Mapping[str, Sequence[Standing]]
    traces: Mapping[str, GroupTrace]
    sources: Sequence[SourceRecord]
    findings: Sequence[Finding]
    ledger: Sequence[LedgerEntry] = ()
    remarks: Sequence[Remark] = ()

    @property
    def provisional(self) -> bool:
        """Whether findings of severity error stand between this and a final result."""
        return has_errors(self.findings)

    @property
    def missing(self) -> list[Finding]:
        """What a provisional result went on without."""
        return [item for item in self.findings if item.severity is Severity.ERROR]
