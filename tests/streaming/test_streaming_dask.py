"""A local Dask cluster of two worker processes gives the numbers of one process to the last bit."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import masar_research as mr
from masar_research import replicates
from masar_research.errors import DataError

sys.path.insert(0, str(Path(__file__).parent))
from streaming_files import rows, same, write  # noqa: E402

PLAIN = {"weights": "w", "strata": "h", "psu": "p"}


@pytest.fixture(scope="module")
def client():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        yield client


def test_two_workers_give_the_numbers_of_one_process(client, tmp_path):
    frame = rows()
    place = write(frame, tmp_path, parts=7, group_rows=230)
    memory = mr.Survey(frame, **PLAIN)
    here, there = (mr.scan(place, **PLAIN, client=c, block_rows=230) for c in (None, client))
    for ask in (
        lambda s: s.where("x > 1.5").mean(["y", "x"], by="g"),
        lambda s: s.proportion("k", by="g"),
        lambda s: s.median("y"),
        lambda s: s.with_replicates(
            replicates.RaoWu(20), rng=np.random.default_rng(1)
        ).ratio("y", "x", by="k"),
    ):
        local, spread = ask(here), ask(there)
        same(ask(memory), spread)
        assert local.frame.equals(spread.frame)
        assert np.array_equal(local.vcov, spread.vcov, equal_nan=True)
    with pytest.raises(DataError, match="cannot be averaged"):
        there.mean("k")


def test_the_tree_of_sums_is_the_same_for_any_number_of_pieces(client):
    from masar_research.streaming.executors import Dask, Serial

    for n in (1, 2, 3, 5, 6, 7, 11):
        trees = [
            executor.reduce(range(n), str, _bracket, "test") for executor in (Serial(), Dask(client))
        ]
        assert trees[0] == trees[1]


def _bracket(first: str, second: str) -> str:
    return f"({first} {second})"
