"""Reliability profiles: the NCHS decision grid, `surveytable`'s rules, the other profiles."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from masar_research.errors import ReleaseError
from masar_research.release import PROFILES, Approval, assess, profile


def cell(**values: object) -> pd.DataFrame:
    usual = {"kind": "proportion", "estimate": 0.4, "std_error": 0.02, "n": 900, "n_eff": 600.0,
             "df": 60}  # fmt: skip
    return pd.DataFrame([{**usual, **values}])


def answer(frame: pd.DataFrame, name: str = "nchs", **more: object) -> tuple[str, str, str]:
    row = assess(frame, name, **more).iloc[0]
    return row["status"], row["reason"], row["note_code"]


def sampled(p: float, n: int, deff: float = 2.0, per_psu: int = 12) -> pd.DataFrame:
    """A proportion as a sample of n in one stratum, `per_psu` interviews a PSU, would give it."""
    units = round(n / per_psu)
    return cell(
        estimate=p, std_error=math.sqrt(deff * p * (1 - p) / n), n=n, n_eff=n / deff, df=units - 1
    )


SHARES = (0.03, 0.05, 0.10, 0.20, 0.30, 0.50, 0.80, 0.95)
GRID = {
    50: "xxxxxxxx", 60: "xxxxxxxx", 75: "xxxxxxxx",
    100: "xxxxxxRR",
    150: "xxxooooc", 200: "xxxooooc",
    300: "xxoooooc", 400: "xxoooooc",
    600: "oooooooo", 1000: "oooooooo", 2000: "oooooooo",
}  # fmt: skip


@pytest.mark.parametrize(
    ("n", "p", "expected"),
    [(n, p, code) for n, row in GRID.items() for p, code in zip(SHARES, row, strict=True)],
)
def test_the_decision_grid_at_design_effect_two(n: int, p: float, expected: str) -> None:
    status, reason, note = answer(sampled(p, n))
    if expected == "x":
        assert status == "suppress"
    elif expected == "R":
        assert (status, reason) == ("suppress", "review_df")
        released = assess(
            sampled(p, n).assign(address="a"), approved=[Approval("a", "R. Haddad", "checked")]
        )
        assert released["status"].tolist() == ["flag"]
    elif expected == "c":
        assert (status, note) == ("flag", "complement")
    else:
        assert (status, reason, note) == ("show", "", "")


def test_the_grid_hides_by_sample_size_width_or_relative_width() -> None:
    assert answer(sampled(0.5, 50))[1] == "n_eff"
    assert answer(sampled(0.5, 100))[1] == "width"
    assert answer(sampled(0.1, 100))[1] == "relative_width"
    assert answer(cell(n=29, std_error=0.01))[1] == "n"


def surveytable_flags(p: float, se: float, n: float, df: float) -> set[str]:
    """The rules of `surveytable` 0.9 (CDCgov/surveytable, R/z_lpe.R and
    R/svyciprop_adjusted.R), restated: Px suppress, Pc complement, Pdf and P0 review."""
    n_eff = n if p in (0, 1) else min(n, p * (1 - p) / se**2)
    ratio = (stats.t.ppf(0.025, n - 1) / stats.t.ppf(0.025, df)) ** 2
    star = n if p in (0, 1) else min(n, p * (1 - p) / se**2 * ratio)
    low = stats.beta.ppf(0.025, star * p, star * (1 - p) + 1) if p > 0 else 0.0
    high = stats.beta.ppf(0.975, star * p + 1, star * (1 - p)) if p < 1 else 1.0
    width = 0.0 if p in (0, 1) else high - low
    relative = width / p if p > 0 else math.nan
    if n_eff < 30:
        display = False
    elif width <= 0.05:
        display = True
    elif width >= 0.30:
        display = False
    else:
        display = not relative > 1.30
    flags = set() if display else {"Px"}
    if display and 0.05 < width < 0.30 and width / (1 - p) > 1.30:
        flags.add("Pc")
    if display and df < 8:
        flags.add("Pdf")
    if display and p in (0, 1):
        flags.add("P0")
    return flags


@settings(max_examples=200, deadline=None)
@given(
    p=st.one_of(st.floats(0.001, 0.999), st.sampled_from([0.0, 1.0])),
    n=st.integers(30, 4000),
    deff=st.floats(0.5, 6.0),
    df=st.integers(1, 300),
)
def test_proportions_are_judged_as_surveytable_judges_them(
    p: float, n: int, deff: float, df: int
) -> None:
    se = math.sqrt(deff * p * (1 - p) / n)
    status, reason, note = answer(cell(estimate=p, std_error=se, n=n, n_eff=n / deff, df=df))
    flags = surveytable_flags(p, se, n, df)
    if "Px" in flags:
        assert status == "suppress" and not reason.startswith("review")
    elif flags & {"Pdf", "P0"}:
        assert status == "suppress" and reason == ("review_df" if "Pdf" in flags else "review_extreme")
    else:
        assert (status, note) == (("flag", "complement") if "Pc" in flags else ("show", ""))


def test_an_interval_at_most_five_points_wide_is_shown_whatever_its_relative_width() -> None:
    tiny = sampled(0.01, 1500)
    limits = assess(tiny).iloc[0]
    assert (limits["kg_high"] - limits["kg_low"]) / 0.01 > 1.3
    assert limits["status"] == "show"


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("kind", ["proportion", "mean", "total", "ame", "ratio"])
def test_without_degrees_of_freedom_nothing_is_shown(name: str, kind: str) -> None:
    for df in (0, -2, math.nan):
        assert answer(cell(kind=kind, df=df), name)[0] == "suppress"


@pytest.mark.parametrize("name", PROFILES)
def test_missing_estimates_and_empty_frames(name: str) -> None:
    assert answer(cell(estimate=math.nan, std_error=math.nan), name)[0] == "suppress"
    assert answer(cell(n=0, estimate=math.nan, std_error=math.nan, df=0), name)[1] == "n"
    assert len(assess(cell().iloc[:0], name)) == 0


def test_index_is_kept_and_only_proportions_have_korn_graubard_limits() -> None:
    frame = pd.concat([cell(), cell(kind="mean", estimate=12.0, std_error=1.0)])
    frame.index = ["first", "second"]
    judged = assess(frame)
    assert list(judged.index) == ["first", "second"]
    assert judged["kg_low"].notna().tolist() == [True, False]


def test_rates_and_counts_by_the_relative_width_of_the_log_t_interval() -> None:
    df = 20
    edge = math.asinh(0.8) / stats.t.ppf(0.975, df)
    for kind in ("total", "count", "ratio", "rate"):
        assert answer(cell(kind=kind, estimate=1e5, std_error=1e5 * edge * 0.999, df=df))[0] == "show"
        assert answer(cell(kind=kind, estimate=1e5, std_error=1e5 * edge * 1.001, df=df))[1] == "relative_width"
    rate = {"kind": "total", "estimate": 500.0, "std_error": 20.0}
    assert answer(cell(**rate, n=9))[1] == "n"
    assert answer(cell(**rate, n=10))[0] == "show"
    assert answer(cell(**rate, count_min=9))[1] == "n"
    assert answer(cell(**rate, df=7))[1] == "review_df"
    assert answer(cell(**{**rate, "estimate": 0.0}))[1] == "relative_width"


def test_the_house_rule_for_means_indices_and_effects() -> None:
    mean = {"kind": "mean", "estimate": 10.0, "std_error": 2.9}
    assert answer(cell(**mean))[0] == "show"
    assert answer(cell(**{**mean, "std_error": 3.1}))[1] == "rse"
    assert answer(cell(**mean, n=29))[1] == "n"
    assert answer(cell(**mean, n_eff=29.9))[1] == "n_eff"
    assert answer(cell(**mean, n_eff=math.nan))[1] == "n_eff"
    assert answer(cell(**mean, df=7))[1] == "df"
    for kind in ("ame", "odds_ratio", "index", "score"):
        assert answer(cell(kind=kind, estimate=0.001, std_error=0.5))[0] == "show"


def test_differences_are_never_judged_by_their_own_error() -> None:
    for error in (1e-6, 5.0):
        assert answer(cell(kind="difference", estimate=0.01, std_error=error))[1] == "sides_unknown"


def test_statcan_by_the_coefficient_of_variation() -> None:
    def at(cv: float, n: int = 500) -> tuple[str, str, str]:
        return answer(cell(estimate=0.2, std_error=0.2 * cv, n=n), "statcan")

    assert at(0.165) == ("show", "", "")
    assert at(0.17) == ("flag", "", "caution")
    assert at(0.333) == ("flag", "", "caution")
    assert at(0.34)[1] == "cv"
    assert at(0.01, n=9)[1] == "n"


def test_dhs_by_unweighted_cases() -> None:
    assert answer(cell(n=24), "dhs")[1] == "n"
    assert answer(cell(n=25), "dhs") == ("flag", "", "caution")
    assert answer(cell(n=49), "dhs") == ("flag", "", "caution")
    assert answer(cell(n=50, std_error=0.3), "dhs") == ("show", "", "")


def test_strict_rule_for_headlines() -> None:
    assert answer(cell(), "strict_ngo") == ("show", "", "")
    assert answer(cell(n=24), "strict_ngo")[1] == "n"
    assert answer(cell(n=40, std_error=0.11), "strict_ngo") == ("flag", "", "chart_only")
    assert answer(cell(n=60, std_error=0.1), "strict_ngo")[1] == "n_eff"
    assert answer(cell(n=200, std_error=0.06), "strict_ngo")[1] == "half_width"


def test_approvals_need_a_name_and_a_reason_and_reach_only_reviews() -> None:
    with pytest.raises(ReleaseError, match="why"):
        Approval("a", "R. Haddad", " ")
    hard = cell(n=20).assign(address="a")
    assert assess(hard, approved=[Approval("a", "R. Haddad", "asked for")])["status"].tolist() == ["suppress"]
    extreme = cell(estimate=0.0, std_error=0.0).assign(address="a")
    assert answer(extreme)[1] == "review_extreme"
    assert answer(extreme, approved=[Approval("a", "R. Haddad", "structural zero")]) == (
        "flag", "", "approved")  # fmt: skip


def test_unknown_profiles_kinds_and_columns_are_named() -> None:
    with pytest.raises(ReleaseError, match="nchs, statcan, dhs, strict_ngo"):
        profile("nsch")
    with pytest.raises(ReleaseError, match="no kind of figure"):
        assess(cell(kind="share"))
    with pytest.raises(ReleaseError, match="n_eff"):
        assess(cell().drop(columns="n_eff"))


def test_every_profile_names_its_source_in_both_languages() -> None:
    for chosen in PROFILES.values():
        assert chosen.source and set(chosen.title) == {"en", "ar"}


def test_the_answer_does_not_depend_on_the_other_cells() -> None:
    rng = np.random.default_rng(3)
    rows = pd.concat(
        [sampled(float(p), int(n)) for p, n in zip(rng.uniform(0.02, 0.98, 40), rng.integers(40, 900, 40), strict=True)],
        ignore_index=True,
    )
    together = assess(rows)
    alone = pd.concat([assess(rows.iloc[[i]]) for i in range(len(rows))])
    pd.testing.assert_frame_equal(together, alone)
