"""A file larger than the memory a process may have: the estimates come, and they are right."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from benchmarks import larger_than_memory  # noqa: E402

LIMIT = 2 * 2**30


@pytest.mark.parametrize(
    "rows", [300_000, pytest.param(50_000_000, marks=pytest.mark.full)], ids="{:,} rows".format
)
def test_estimates_under_two_gigabytes(tmp_path, rows):
    if shutil.disk_usage(tmp_path).free < 100 * rows:
        pytest.skip(f"{rows:,} rows need {100 * rows / 1e9:.0f} GB of disk")
    known = larger_than_memory.generate(tmp_path, rows)
    found = larger_than_memory.limited(tmp_path, LIMIT)
    assert found["rows"] == rows
    assert found["peak_mb"] < 2_048
    means = np.array(known["income"]) / np.array(known["people"])
    np.testing.assert_allclose(found["means"], means, rtol=1e-10)
    assert found["rao_wu_over_linearised"] == pytest.approx(1, abs=0.03)


def test_the_peak_is_of_the_process_itself(tmp_path):
    """However much memory the process that starts it has had."""
    larger_than_memory.generate(tmp_path, 300_000)
    ballast = np.ones(2**26)  # 512 MB, all of it touched
    found = larger_than_memory.limited(tmp_path, LIMIT)
    assert ballast.sum() == 2**26
    assert 0 < found["peak_mb"] < 450


def test_the_limit_is_a_limit(tmp_path):
    """The process under it fails, and is not merely reported, when the limit is too small."""
    larger_than_memory.generate(tmp_path, 300_000)
    with pytest.raises(RuntimeError):
        larger_than_memory.limited(tmp_path, 64 * 2**20)
