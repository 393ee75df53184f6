"""Surveys in memory and the same rows in files, cut in awkward ways."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

N = 1_501


def rows(seed: int = 1) -> pd.DataFrame:
    """A sample of five strata and forty PSUs, spread over the file in no order."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "w": rng.uniform(0.5, 3, N), "h": rng.integers(0, 5, N), "p": rng.integers(0, 8, N),
        "hh": rng.integers(0, 12, N), "wave": rng.integers(1, 3, N), "f2": 40.0,
        "y": rng.normal(50, 9, N), "x": rng.uniform(1, 3, N), "g": rng.integers(1, 5, N),
        "b": rng.integers(0, 2, N).astype(float), "k": rng.choice(["a", "b", "c"], N),
        "age": rng.integers(15, 80, N).astype(float),
    })  # fmt: skip
    frame["f1"] = frame["h"] + 20
    frame["region"] = frame["h"] // 2
    frame.loc[rng.random(N) < 0.05, "y"] = np.nan
    frame.loc[rng.random(N) < 0.03, "b"] = np.nan
    frame.loc[rng.random(N) < 0.02, "k"] = None
    frame.loc[rng.random(N) < 0.05, "w"] = 0.0
    frame.loc[frame.index[-1], ["g", "w"]] = [9, 2.0]  # a level that only the last block holds
    group = rng.integers(0, 12, N)
    for r in range(12):
        frame[f"rw{r:02d}"] = np.where(group == r, 0.0, frame["w"] * 12 / 11)
    return frame


def write(frame: pd.DataFrame, place: Path, parts: int = 5, group_rows: int = 97) -> Path:
    """Several files in two directories, one of them without rows, a column dictionary-coded in it."""
    ends = np.linspace(0, len(frame), parts + 1).astype(int)
    for part, (begin, end) in enumerate(zip(ends[:-1], ends[1:], strict=True)):
        folder = place / ("early" if part < parts // 2 else "late")
        folder.mkdir(parents=True, exist_ok=True)
        some = frame.iloc[begin:end]
        if part % 2:
            some = some.assign(k=some["k"].astype("category"))
        some.to_parquet(folder / f"part_{part}.parquet", row_group_size=group_rows, index=False)
    frame.iloc[:0].to_parquet(place / "late" / "empty.parquet", index=False)
    return place


def same(memory, files, rtol: float = 1e-10) -> None:
    """Every number of two `Estimates`, their covariance and the facts of their notes."""
    pd.testing.assert_frame_equal(memory.frame, files.frame, rtol=rtol, atol=1e-13)
    scale = np.nanmax(np.abs(memory.vcov), initial=1e-300)
    np.testing.assert_allclose(files.vcov, memory.vcov, rtol=rtol, atol=rtol * scale)
    assert files.kind == memory.kind and files.by == memory.by
    for fact in memory.note:
        if fact != "checksum":
            assert files.note[fact] == memory.note[fact], fact
