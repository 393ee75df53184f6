"""True values of the indicators that combine several answers."""

from __future__ import annotations

from .answers import Answers
from .population import WaveView

NEEDED: frozenset[str] = frozenset()


def indicator_truths(view: WaveView, answers: Answers) -> dict:
    return {}
