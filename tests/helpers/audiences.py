"""Results under other rules of who sees what."""

from dataclasses import replace

from wuhu_appraisal import Result
from wuhu_appraisal.scheme.audiences import Confidentiality


def with_rule(run: Result, **rule: object) -> Result:
    """The result under a scheme with another rule of confidentiality; the public sees scores."""
    confidentiality = Confidentiality.model_validate(rule)
    scheme = run.scheme.model_copy(update={"confidentiality": confidentiality})
    return replace(run, scheme=scheme)
