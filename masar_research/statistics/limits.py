"""Estimates with limits or facts of their own."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np

from masar_research.estimates import Estimates


def with_limits(
    estimates: Estimates, low: np.ndarray, high: np.ndarray, **facts: Any
) -> Estimates:
    """The same estimates with limits (m,) of their own; `facts` join the note."""
    known = ~np.isnan(estimates.frame["std_error"].to_numpy(float))
    frame = estimates.frame.assign(
        conf_low=np.where(known, low, np.nan), conf_high=np.where(known, high, np.nan)
    )
    return with_facts(replace(estimates, frame=frame), **facts)


def with_facts(estimates: Estimates, **facts: Any) -> Estimates:
    """The same estimates with further facts in the note."""
    return replace(estimates, note=MappingProxyType({**estimates.note, **facts}))
