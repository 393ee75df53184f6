"""What every person of a wave would answer, question by question."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .conditions import mask
from .models import asked
from .population import WaveView
from .questionnaire import ITEMS, Item

BLANK = -1


class Answers:
    """Answers of a wave's whole population, made in the order of the interview.

    Only answers that later questions or indicators need are kept (int16, or float32 for decimals; −1 = not asked).

    Parameters
    ----------
    view : WaveView
    keep : set of str
        Names to keep besides those later questions depend on.
    """

    def __init__(self, view: WaveView, keep: frozenset[str] = frozenset()) -> None:
        self.view = view
        self._keep = keep
        self._kept: dict[str, np.ndarray] = {}

    def __call__(self, name: str) -> np.ndarray:
        """A kept answer (m,) or (m, k); NaN where the question was not put."""
        kept = self.raw(name)
        return np.where(kept == BLANK, np.nan, kept).astype(np.float32)

    def raw(self, name: str) -> np.ndarray:
        """A kept answer (m,) or (m, k) with −1 where the question was not put."""
        if name not in self._kept:
            raise KeyError(f"{name!r} was not kept or not asked in {self.view.wave}")
        return self._kept[name]

    def column(self, name: str) -> np.ndarray:
        """A column for conditions: sex, age, or a kept answer."""
        if name == "sel_sex":
            return self.view.sex
        if name == "sel_age":
            return self.view.age
        return self.raw(name)

    def run(self) -> Iterator[tuple[Item, np.ndarray, np.ndarray]]:
        """Yield ``(item, rows, values)`` of every question asked in this wave."""
        wave = self.view.wave
        size = self.view.rows.size
        for item in ITEMS:
            if item.model is None or wave not in item.waves:
                continue
            rows = np.flatnonzero(mask(item.asked_if, self.column)) if item.asked_if else np.arange(size)
            values = item.model(asked(self.view, item.name, rows, self))
            if item.keep or item.name in self._keep:
                kind = np.float32 if item.answers == "decimal" else np.int16
                kept = np.full((size, *values.shape[1:]), BLANK, dtype=kind)
                kept[rows] = values
                self._kept[item.name] = kept
            yield item, rows, values
