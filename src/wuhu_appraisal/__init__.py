"""appraise: from stage workbooks to a ranking that explains every hundredth of a point."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wuhu_appraisal.appraisal import appraise
    from wuhu_appraisal.result import Result
    from wuhu_appraisal.scheme.load import LoadedScheme, load_scheme

__all__ = ["LoadedScheme", "Result", "appraise", "load_scheme"]
__version__ = "0.1.0"

_HOME = {
    "LoadedScheme": "wuhu_appraisal.scheme.load",
    "Result": "wuhu_appraisal.result",
    "appraise": "wuhu_appraisal.appraisal",
    "load_scheme": "wuhu_appraisal.scheme.load",
}


def __getattr__(name: str) -> Any:
    """Import the public names when they are first used, so that the command line starts fast."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
