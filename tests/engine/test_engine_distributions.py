"""The reference distributions are those of scipy.stats."""

from __future__ import annotations

import numpy as np
from scipy import stats

from masar_research.engine import distributions as d

DF = np.array([0.0, 1.0, 2.5, 7.0, 30.0, 1e6, np.inf, np.nan])[:, None]


def same(found, reference):
    np.testing.assert_allclose(found, reference, rtol=1e-12, atol=1e-300)


def test_student_and_normal():
    p = np.array([0.005, 0.025, 0.5, 0.9, 0.975])
    same(d.t_quantile(p, DF), stats.t.ppf(p, DF))
    t = np.array([0.0, 0.5, 2.0, 12.0, np.nan])
    same(d.t_tail(t, DF), stats.t.sf(t, DF))


def test_beta_f_and_chi_square():
    p = np.array([0.001, 0.025, 0.5, 0.975])[:, None, None]
    a, b = np.array([0.0, 0.3, 2, 50, 4000])[:, None], np.array([0.5, 3, 700, np.nan])
    same(d.beta_quantile(p, a, b), stats.beta.ppf(p, a, b))
    x = np.array([0.0, 0.2, 1.0, 5.0, 80.0])
    same(d.f_tail(x, 3, DF[1:6]), stats.f.sf(x, 3, DF[1:6]))
    same(d.chi2_tail(x, np.array([[1.0], [4], [40]])), stats.chi2.sf(x, np.array([[1.0], [4], [40]])))
