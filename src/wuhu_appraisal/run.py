"""What one appraisal came to: every reader of a result, on screen or in a file, is given this."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wuhu_appraisal.decisions.models import Applied
from wuhu_appraisal.findings import Finding, Severity, has_errors
from wuhu_appraisal.ledger import LedgerEntry, Remark
from wuhu_appraisal.manifest import SourceRecord
from wuhu_appraisal.scheme.confidentiality import Audience, Detail
from wuhu_appraisal.scheme.models import Scheme
from wuhu_appraisal.scoring.evaluate import GroupTrace
from wuhu_appraisal.scoring.rank import Standing

if TYPE_CHECKING:
    import pandas as pd


LONGEST_RECIPIENT = 40
"""So many signs of a recipient's name stand on one line of a page."""


@dataclass(frozen=True, slots=True)
class Edition:
    """For whom a run is told, what of it is shown there, and who gets the copy.

    ``run`` is the ``Run.id`` of the whole run, ``notes`` say under the rankings what is withheld.
    """

    audience: Audience = Audience.OFFICE
    recipient: str = ""
    run: str = ""
    shows: frozenset[Detail] = frozenset(Detail)
    notes: Sequence[str] = ()


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
    decisions: Sequence[Applied] = ()
    edition: Edition = Edition()
    secret: str = ""

    @property
    def key(self) -> bytes:
        """32 bytes from which the run's id and the raters' numbers follow.

        They are of ``secret``, drawn at random when the run was computed and kept in the result
        alone; without one, of what the run follows from, which somebody could guess who can guess
        each file to the byte.
        """
        followed = [
            self.scheme_sha256,
            *sorted(f"{item.sha256} {item.file}" for item in self.sources),
            *sorted(item.decision.model_dump_json() for item in self.decisions),
            *(f"{item.code} {item.severity} {item.source}" for item in self.findings),
        ]
        return hashlib.sha256((self.secret or "\n".join(followed)).encode()).digest()

    @property
    def id(self) -> str:
        """By which a copy of a report leads back to the run: 12 hexadecimal digits."""
        return self.edition.run or hmac.digest(self.key, b"id", "sha256")[:6].hex().upper()

    @property
    def provisional(self) -> bool:
        """Whether findings of severity error stand between this and a final result."""
        return has_errors(self.findings)

    @property
    def missing(self) -> list[Finding]:
        """What a provisional result went on without."""
        return [item for item in self.findings if item.severity is Severity.ERROR]

    def ranking(self) -> "pd.DataFrame":
        """One row a unit, as it is published, the groups one below the other in order of rank.

        Columns, all of dtype object but ``rank``:

        - ``group`` (str): the group's id
        - ``rank`` (Int64): <NA> where a provisional result has none
        - ``unit`` (str)
        - one for each stage, named by its id (Decimal or None): the stage's score
        - ``composite`` (Decimal or None)
        - ``points`` (Decimal): what the adjustments come to
        - ``final`` (Decimal or None)

        Decimals have the digits that the scheme publishes, and None stands where there is no number.
        A stage whose id is the name of another column has '_' behind it.
        """
        from wuhu_appraisal import frames

        return frames.ranking(self.scheme, self.standings)

    def scores(self) -> "pd.DataFrame":
        """One row a cell with a score, as it was read, with the place where it stands.

        Columns, all of dtype object:

        - ``stage``, ``group`` (str): their ids
        - ``unit`` (str), then one for each dimension of any stage, in the scheme's words (str): the
          member, None where the stage does not have the dimension
        - ``score``: the number as a Decimal, a grade as str, None for a missing score, '/' for one
          that does not apply, 'set aside' for one that was decided not to count
        - ``file``, ``sheet``, ``cell`` (str): the score's cell

        A dimension that has the name of another column has '_' behind it.
        """
        from wuhu_appraisal import frames

        return frames.scores(self.traces)

    def trace(self) -> "pd.DataFrame":
        """One row for each input of each number that was computed.

        Columns, all of dtype object but ``step``:

        - ``stage`` (str): the stage's id; 'composite' for what joins the stages and 'final' for what
          adds the adjustments, each with '_' behind it where a stage has that id
        - ``group`` (str): its id
        - ``step`` (int64): the place of the step in the plan, from 0; 0 for composite and final
        - ``kind`` (str): sum, mean, weighted, median, trimmed_mean, best, latest, rescale, convert,
          or adjust for the final
        - ``unit`` (str), then one for each dimension of any stage (str): the member that the number
          stands for, None where the number does not have the dimension (any more)
        - ``member`` (str): which input this is, a member of the dimension that the step takes away;
          a stage for the composite; for the final 'composite', an adjustment, or the bound that
          binds; for convert the grade; None for rescale, and for convert where there is no grade
        - ``value``: the input as a Fraction; None where it is missing, '/' where it does not apply,
          'set aside' where a decision leaves it out; for convert the number that the scheme gives the grade
        - ``coefficient`` (Fraction)
        - ``result`` (Fraction or None): the number; None where there is none

        The rows that share ``stage``, ``group``, ``step``, ``unit`` and the dimensions are the inputs
        of one number: the sum of ``coefficient`` times ``value`` is exactly its ``result``, where
        None, '/' and 'set aside' count as 0. A dimension that has the name of another column has
        '_' behind it.
        """
        from wuhu_appraisal import frames

        return frames.trace(self.scheme, self.traces)
