"""The columns of a survey as the engine wants them: floats with NaN, dense domain codes.

One `Columns` object is shared by every survey derived from the same data, so a variable is
converted once whatever the number of subpopulations and weights it is used with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import pandas as pd

from masar_research.codebook import Codebook
from masar_research.errors import DataError


_NUMBERS = ("integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty")


@dataclass(frozen=True, slots=True)
class Coded:
    """A variable as dense codes: ``codes`` (n,) in 0..k−1, −1 where missing; ``levels`` k codes."""

    codes: np.ndarray
    levels: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Domains:
    """Cells of one or several variables: ``codes`` (n,), −1 where any is missing; ``keys`` frame."""

    codes: np.ndarray | None
    keys: pd.DataFrame

    @property
    def count(self) -> int:
        return len(self.keys)


class Columns:
    """Read access to a frame through its codebook, with conversions kept."""

    def __init__(self, frame: pd.DataFrame, codebook: Codebook) -> None:
        self.frame = frame
        self.codebook = codebook.covering(frame)
        self._values: dict[str, np.ndarray] = {}
        self._coded: dict[str, Coded] = {}
        self._keys: dict[tuple[str, ...], pd.DataFrame] = {}

    def raw(self, name: str) -> np.ndarray:
        """The column as it stands, codes of missing kinds included."""
        self.require(name)
        return self.frame[name].to_numpy()

    def require(self, name: str) -> None:
        if name not in self.frame.columns:
            near = get_close_matches(name, [str(c) for c in self.frame.columns], n=3)
            hint = f" Did you mean {', '.join(near)}?" if near else ""
            raise DataError(
                f"The survey has no variable {name!r}.{hint}",
                remedy="Use survey.codebook.search('…') to find the variable's name.",
                ar=f"لا يوجد في المسح متغيّر باسم «{name}».",
            )

    def missing_codes(self, name: str) -> frozenset[Any]:
        return self.codebook.missing_codes(name)

    def values(self, name: str) -> np.ndarray:
        """(n,) float64, NaN where blank or a code declared missing."""
        if name not in self._values:
            self.require(name)
            values = _numbers(self.frame[name])
            codes = [float(c) for c in self.missing_codes(name) if not isinstance(c, str)]
            if codes:
                values[np.isin(values, codes)] = np.nan
            values.flags.writeable = False
            self._values[name] = values
        return self._values[name]

    def coded(self, name: str) -> Coded:
        """The variable as dense codes in the codebook's order, observed extras after it."""
        if name not in self._coded:
            raw = pd.Series(self.raw(name))
            missing = self.missing_codes(name)
            declared = (
                [c.code for c in self.codebook[name].categories if c.missing is None]
                if name in self.codebook
                else []
            )
            codes, observed = pd.factorize(raw, sort=True)
            valid = [value for value in observed if value not in missing]
            extras = [value for value in valid if value not in set(declared)]
            levels = [*declared, *extras]
            place = {value: index for index, value in enumerate(levels)}
            lookup = np.array([place.get(value, -1) for value in observed] + [-1], dtype=np.int64)
            codes = lookup[codes]
            codes.flags.writeable = False
            self._coded[name] = Coded(codes, tuple(_plain(level) for level in levels))
        return self._coded[name]

    def domains(self, by: Sequence[str]) -> Domains:
        """Every combination of the categories of `by`, first variable slowest."""
        once(by)
        if not by:
            return Domains(None, keys(by, []))
        parts = [self.coded(name) for name in by]
        key = tuple(by)
        if key not in self._keys:
            self._keys[key] = keys(by, [part.levels for part in parts])
        codes = parts[0].codes
        if len(parts) > 1:
            bad = codes < 0
            codes = codes.copy()
            for part in parts[1:]:
                bad |= part.codes < 0
                codes = codes * len(part.levels) + part.codes
            codes[bad] = -1
        return Domains(codes, self._keys[key].copy(deep=False))


def once(by: Sequence[str]) -> None:
    """Raise where a variable is named twice."""
    twice = sorted({name for name in by if list(by).count(name) > 1})
    if twice:
        raise DataError(
            f"by= names {', '.join(twice)} twice.",
            remedy="Name each variable once.",
            ar=f"تكرر «{'، '.join(twice)}» في by=؛ اذكر كل متغيّر مرة واحدة.",
        )


def keys(by: Sequence[str], levels: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Every combination of levels, first variable slowest; one row without columns for none."""
    if not by:
        return pd.DataFrame(index=range(1))
    unanswered = [name for name, own in zip(by, levels, strict=True) if not own]
    if unanswered:
        raise DataError(
            f"by= names {', '.join(unanswered)}, which nobody in the survey answered.",
            remedy="Check whom it was asked of, and in which wave.",
            ar=f"لا إجابات في المسح عن «{'، '.join(unanswered)}»؛ تحقق ممن سُئل عنه وفي أي جولة.",
        )
    return pd.MultiIndex.from_product(levels, names=list(by)).to_frame(index=False)


def _numbers(column: pd.Series) -> np.ndarray:
    """(n,) float64 of numbers and truth values; digits in text and dates are no numbers."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return np.array(column.to_numpy(dtype=np.float64, na_value=np.nan))
    plain = column.astype(object)
    kind = pd.api.types.infer_dtype(plain, skipna=True)
    if kind not in _NUMBERS:
        raise DataError(
            f"Variable {column.name!r} holds {kind} and cannot be averaged.",
            remedy="Use it in by=, or derive a coded variable from it in the survey card.",
        )
    return plain.map(float, na_action="ignore").to_numpy(dtype=np.float64, na_value=np.nan)


def _plain(value: Any) -> Any:
    """Whole-number floats as ints, so that codes read and match as people write them."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return int(value)
    if isinstance(value, np.generic):
        return value.item()
    return value
