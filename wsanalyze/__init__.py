"""wsanalyze: a passive WebSocket analyzer. Captures in, per-connection tables and findings out.

`import wsanalyze` loads nothing heavy: each name below is imported when it is first used.
"""

from __future__ import annotations

from wsanalyze.version import VERSION

# What type checkers take for true; importing `typing` for it would cost a third of `--version`.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from wsanalyze.analysis import Analysis, analyze
    from wsanalyze.crosscheck.verification import Verification, verify
    from wsanalyze.errors import CaptureError, LimitError, UsageError, WsAnalyzeError
    from wsanalyze.limits import Limits
    from wsanalyze.live_analysis import LiveAnalysis, live

__version__ = VERSION

__all__ = [
    "Analysis",
    "CaptureError",
    "LimitError",
    "Limits",
    "LiveAnalysis",
    "UsageError",
    "Verification",
    "WsAnalyzeError",
    "__version__",
    "analyze",
    "live",
    "verify",
]

_HOMES = {
    "Analysis": "wsanalyze.analysis",
    "analyze": "wsanalyze.analysis",
    "LiveAnalysis": "wsanalyze.live_analysis",
    "live": "wsanalyze.live_analysis",
    "Verification": "wsanalyze.crosscheck.verification",
    "verify": "wsanalyze.crosscheck.verification",
    "CaptureError": "wsanalyze.errors",
    "LimitError": "wsanalyze.errors",
    "UsageError": "wsanalyze.errors",
    "WsAnalyzeError": "wsanalyze.errors",
    "Limits": "wsanalyze.limits",
}


def __getattr__(name: str) -> object:
    """Import a public name on first use (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'wsanalyze' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
