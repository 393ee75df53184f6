"""Raking and regression on a Dask cluster of two workers give the numbers of memory."""

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.errors import ModelError, WeightingError
from masar_research.streaming.survey import scan


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=None
    )
    with cluster, distributed.Client(cluster) as found:
        yield found


def test_raking_and_models_on_two_workers(client, tmp_path):
    rng = np.random.default_rng(12)
    n = 3000
    psu = np.sort(rng.integers(0, 40, n))
    frame = pd.DataFrame({
        "psu": psu, "h": psu // 5, "w": rng.gamma(2.0, size=n), "sex": rng.integers(1, 3, n),
        "region": rng.choice(["north", "middle", "south"], n), "age": rng.normal(40, 12, n),
    })  # fmt: skip
    frame["works"] = (rng.random(n) < 1 / (1 + np.exp(-0.03 * (frame["age"] - 40)))).astype(float)
    frame["sure"] = np.where(frame["sex"] == 1, 1.0, frame["works"])
    frame.loc[frame.index[-20:], "region"] = "abroad"
    for k in range(3):
        frame.iloc[k * 1000 : (k + 1) * 1000].to_parquet(tmp_path / f"part{k}.parquet")
    design = {"weights": "w", "strata": "h", "psu": "psu"}
    memory = mr.Survey(frame, **design)
    streamed = scan(tmp_path, client=client, block_rows=400, **design)
    regions = {"north": 900.0, "middle": 1100.0, "south": 950.0, "abroad": 50.0}
    raked = [
        s.weighting.rake({"sex": {1: 1600.0, 2: 1400.0}, "region": regions}).apply()
        for s in (memory, streamed)
    ]
    a, b = (s.mean("age", by="sex").frame for s in raked)
    pd.testing.assert_frame_equal(a, b, rtol=1e-10)
    a, b = (s.logit("works ~ C(sex) + region + age") for s in raked)
    pd.testing.assert_frame_equal(a.frame, b.frame, rtol=1e-10)
    a, b = (s.glm("age ~ C(sex)") for s in raked)
    pd.testing.assert_frame_equal(a.frame, b.frame, rtol=1e-10)
    with pytest.raises(ModelError, match=r"sex 1 \(\d+ rows, all 1\)"):
        streamed.logit("sure ~ C(sex)")
    with pytest.raises(WeightingError, match="without target"):
        streamed.weighting.rake({"sex": {1: 5.0}}).apply()
