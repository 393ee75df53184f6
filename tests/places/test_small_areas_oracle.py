"""Small-area models against other programs (`oracles/small_areas.R`) and published figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from masar_research.engine import small_area, small_area_spatial, small_area_unit

ORACLE: dict[str, Any] = json.loads((Path(__file__).parent / "oracles" / "small_areas.json").read_text())
# lme4 and optim stop at about 1e-9 of the likelihood, which leaves 1e-6 in a variance near its maximum.
CLOSE = {"rtol": 2e-6, "atol": 1e-9}


def columns(part: str, *names: str) -> list[np.ndarray]:
    return [np.asarray(ORACLE[part]["data"][name], float) for name in names]


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_area_level_model_is_metafor_s(method: small_area.Method) -> None:
    y, x1, x2, psi = columns("area", "y", "x1", "x2", "psi")
    found = small_area.fit(y, np.column_stack([np.ones(len(y)), x1, x2]), psi, method)
    known = ORACLE["area"][method.upper()]
    for name in ("variance", "variance_se", "coef", "estimate", "g1", "g2", "g3", "mse"):
        np.testing.assert_allclose(getattr(found, name), known[name], rtol=1e-7, err_msg=name)
    np.testing.assert_allclose(np.sqrt(np.diag(found.coef_cov)), known["coef_se"], rtol=1e-7)
    # metafor's restricted likelihood counts log|X'X| too.
    if method == "ml":
        assert found.loglik == pytest.approx(known["loglik"], rel=1e-9)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_unit_level_model_is_lme4_s(method: small_area_unit.Method) -> None:
    y, x, area = columns("unit", "y", "x", "area")
    means = np.asarray(ORACLE["unit"]["means"])
    found = small_area_unit.fit(
        y, np.column_stack([np.ones(len(y)), x]), area.astype(int) - 1,
        np.column_stack([np.ones(len(means)), means]), method=method,
    )  # fmt: skip
    known = ORACLE["unit"][method.upper()]
    for name in ("between", "within", "coef", "estimate", "g1", "g2", "g3", "mse", "loglik"):
        np.testing.assert_allclose(getattr(found, name), known[name], err_msg=name, **CLOSE)


def test_the_pseudo_eblup_solves_its_estimating_equations() -> None:
    y, x, area, w = columns("unit", "y", "x", "area", "w")
    means = np.asarray(ORACLE["unit"]["means"])
    found = small_area_unit.fit(
        y, np.column_stack([np.ones(len(y)), x]), area.astype(int) - 1,
        np.column_stack([np.ones(len(means)), means]), weights=w,
    )  # fmt: skip
    known = ORACLE["unit"]["pseudo"]
    for name, own in (("coef", "coef"), ("gamma", "shrinkage"), ("estimate", "estimate"), ("g1", "g1"), ("g2", "g2")):
        np.testing.assert_allclose(getattr(found, own), known[name], err_msg=name, **CLOSE)


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_spatial_model_is_the_maximum_of_the_whole_matrices(method: small_area_spatial.Method) -> None:
    y, x, psi = columns("spatial", "y", "x", "psi")
    w = np.asarray(ORACLE["spatial"]["W"], float)
    found = small_area_spatial.fit(y, np.column_stack([np.ones(len(y)), x]), psi, w, method)
    known = ORACLE["spatial"][method.upper()]
    assert found is not None
    for name in ("variance", "correlation", "coef", "estimate", "g1", "g2", "g3", "loglik"):
        np.testing.assert_allclose(getattr(found, name), known[name], err_msg=name, rtol=5e-6)
    # Second derivatives by differences there, by formula here.
    np.testing.assert_allclose(found.mse, known["mse"], rtol=2e-5)


# Fresh milk expenditure in 43 areas (Arora and Lahiri 1997, You and Chapman 2006): direct estimate and its standard
# error; areas 1-7, 8-14, 15-25, 26-43 are the four major areas.
MILK = np.array([
    1.099, .163, 1.075, .080, 1.105, .083, .628, .109, .753, .119, .981, .141, 1.257, .202, 1.095, .127, 1.405, .168,
    1.356, .178, .615, .100, 1.460, .201, 1.338, .148, .854, .143, 1.176, .149, 1.111, .145, 1.257, .135, 1.430, .172,
    1.278, .137, 1.292, .163, 1.002, .125, 1.183, .247, 1.044, .140, 1.267, .171, 1.193, .106, .791, .121, .795, .121,
    .759, .259, .796, .106, .565, .089, .886, .225, .952, .205, .807, .119, .582, .067, .684, .106, .787, .126,
    .440, .092, .759, .132, .770, .100, .800, .113, .756, .083, .865, .121, .640, .129,
]).reshape(43, 2)  # fmt: skip


def milk(method: small_area.Method) -> small_area.AreaFit:
    group = np.repeat([0, 1, 2, 3], [7, 7, 11, 18])
    x = np.column_stack([np.ones(43), *[(group == each).astype(float) for each in (1, 2, 3)]])
    return small_area.fit(MILK[:, 0], x, MILK[:, 1] ** 2, method)


def test_published_milk_estimates() -> None:
    """As R's sae prints them, which stops its iterations at 1e-4 of the variance."""
    reml, ml = milk("reml"), milk("ml")
    assert reml.variance == pytest.approx(0.0185502, rel=2e-5)
    np.testing.assert_allclose(reml.coef, [0.9681890, 0.1327801, 0.2269462, -0.2413011], atol=3e-7)
    np.testing.assert_allclose(np.sqrt(np.diag(reml.coef_cov)), [0.069362, 0.103001, 0.092330, 0.081617], atol=1e-6)
    np.testing.assert_allclose(reml.estimate[:6], [1.0219703, 1.0476018, 1.0679513, 0.7608170, 0.8461574, 0.9743727], atol=3e-6)
    np.testing.assert_allclose(reml.mse[:6], [0.0134602, 0.0053729, 0.0057020, 0.0085417, 0.0095796, 0.0116706], atol=2e-7)
    np.testing.assert_allclose(ml.coef, [0.9677986, 0.1278756, 0.2266909, -0.2425804], atol=3e-7)
    np.testing.assert_allclose(ml.estimate[[0, 6, 42]], [1.0161733, 1.0474786, 0.6840976], atol=3e-6)
    np.testing.assert_allclose(ml.mse[[0, 6, 42]], [0.013579953, 0.015934511, 0.010037140], atol=2e-7)


# Hectares of corn in 36 segments of 12 counties of Iowa, pixels of corn and soybeans (Battese, Harter and Fuller 1988,
# table 1, without the second segment of Hardin), and mean pixels per segment of every county.
CORN = np.array([
    1, 165.76, 374, 55, 2, 96.32, 209, 218, 3, 76.08, 253, 250, 4, 185.35, 432, 96, 4, 116.43, 367, 178,
    5, 162.08, 361, 137, 5, 152.04, 288, 206, 5, 161.75, 369, 165, 6, 92.88, 206, 218, 6, 149.94, 316, 221,
    6, 64.75, 145, 338, 7, 127.07, 355, 128, 7, 133.55, 295, 147, 7, 77.70, 223, 204, 8, 206.39, 459, 77,
    8, 108.33, 290, 217, 8, 118.17, 307, 258, 9, 99.96, 252, 303, 9, 140.43, 293, 221, 9, 98.95, 206, 222,
    9, 131.04, 302, 274, 10, 114.12, 313, 190, 10, 100.60, 246, 270, 10, 127.88, 353, 172, 10, 116.90, 271, 228,
    10, 87.41, 237, 297, 11, 93.48, 221, 167, 11, 121.00, 369, 191, 11, 109.91, 343, 249, 11, 122.66, 342, 182,
    11, 104.21, 294, 179, 12, 88.59, 220, 262, 12, 165.35, 355, 160, 12, 104.00, 261, 221, 12, 88.63, 187, 345,
    12, 153.70, 350, 190,
]).reshape(36, 4)  # fmt: skip
PIXELS = np.array([
    295.29, 189.70, 300.40, 196.65, 289.60, 205.28, 290.74, 220.22, 318.21, 188.06, 257.17, 247.13, 291.77, 185.37,
    301.26, 221.36, 262.17, 247.09, 314.28, 198.66, 298.65, 204.61, 325.99, 177.05,
]).reshape(12, 2)  # fmt: skip


def test_published_corn_estimates() -> None:
    """Variances 140 and 147, coefficients 51 and 0.329, and the counties' predictors to a hectare."""
    x = np.column_stack([np.ones(36), CORN[:, 2:]])
    found = small_area_unit.fit(CORN[:, 1], x, CORN[:, 0].astype(int) - 1, np.column_stack([np.ones(12), PIXELS]))
    assert (round(found.between), round(found.within)) == (140, 147)
    assert round(found.coef[0]) == 51 and round(found.coef[1], 3) == 0.329
    published = [122.2, 126.3, 106.2, 108.0, 145.0, 112.6, 112.4, 122.1, 115.8, 124.3, 106.3, 143.6]
    np.testing.assert_allclose(found.estimate, published, atol=1.0)
