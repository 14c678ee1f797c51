"""Stories of shipped captures, read once each."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import wsanalyze
from wsanalyze.analysis import Analysis
from wsanalyze.story.model import Story

CAPTURES = Path(__file__).resolve().parents[2] / "captures"


@lru_cache(maxsize=8)
def analysis(name: str) -> Analysis:
    return wsanalyze.analyze(CAPTURES / name)


@lru_cache(maxsize=32)
def told(name: str, number: int = 0, frames: tuple[int, int] = (0, 11)) -> Story:
    """Return the story of a connection of a capture."""
    return analysis(name).explain(number, frames=frames)
