"""The benchmark's own promises: its lock travels, its data are fixed, its comparison can fail."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import data, run

LOCK = (Path(run.__file__).parent / "requirements.lock").read_text(encoding="utf-8")


def test_the_peers_lock_is_pinned_hashed_and_without_addresses():
    pins = re.findall(r"(?m)^[a-z0-9_.-]+==", LOCK)
    assert {"svy==", "samplics=="} <= set(pins)
    assert LOCK.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"://|file:|--(extra-)?index-url|--find-links|(?m:^/)|@ ", LOCK)


def test_the_data_are_the_same_for_everybody():
    a, b = data.generate(5000), data.generate(5000)
    assert all(np.array_equal(a[name], b[name]) for name in a)
    assert len(set(a["stratum"].tolist())) == 200
    assert len(set(a["psu"].tolist())) == 2000
    assert len(set(zip(a["stratum"].tolist(), a["psu"].tolist(), strict=True))) == 2000
    assert {name: len(set(a[name].tolist())) for name in data.MARGINS} == data.MARGINS
    margins = data.targets(a)
    assert all(sum(m.values()) == pytest.approx(a["weight"].sum()) for m in margins.values())


def result(peer: str, estimate: list[float]) -> dict:
    cell = {"median_s": 0.5, "fastest_s": 0.4, "first_s": 1.0, "calls": 3, "peak_extra_mb": 1.0}
    answer = {"estimate": estimate, "std_error": [1.0] * len(estimate)}
    return {"peer": peer, "version": "1", "tasks": {t.name: cell | {"answer": answer} for t in run.TASKS}}


def test_a_differing_answer_and_a_failing_peer_are_reported():
    broken = {"peer": "svy", "version": "1", "tasks": {t.name: {"error": "no"} for t in run.TASKS}}
    report = run.compare(
        10, [result(run.OURS, [2.0, 3.0]), result("R survey", [2.0, 3.001]), broken]
    )
    row = report["tasks"]["mean"]
    assert row["R survey"]["agrees"] is False
    assert row["R survey"]["estimate_difference"] == pytest.approx(0.001 / 3, rel=1e-6)
    assert row[run.OURS]["agrees"] is True
    text = run.render(report)
    assert "NO (" in text
    assert "– no" in text
    assert json.loads(json.dumps(report))["rows"] == 10
    assert run.difference([1.0], [1.0, 2.0]) == float("inf")
