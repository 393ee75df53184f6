"""Declaring a design: what is accepted, what is refused and how the message reads."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from masar_research import engine
from masar_research.errors import DesignError, EstimationError


def variance(design, y, estimator=engine.mean):
    return engine.covariance(design, estimator(design, y).totals)[0, 0]


def test_unit_codes_are_dense_and_psu_labels_are_nested_in_strata():
    design = engine.declare(
        np.ones(6), strata=["b", "b", "b", "a", "a", "a"], psu=[1, 1, 2, 1, 2, 2]
    )
    assert design.n_units == 4
    assert design.n_strata == 2
    assert sorted(set(design.unit.tolist())) == [0, 1, 2, 3]
    assert design.unit[0] == design.unit[1] != design.unit[3]
    assert design.df == 2


@pytest.mark.parametrize("declared", ["psu", "rows"])
def test_without_strata_the_sample_is_one_stratum_and_without_psu_each_row_a_psu(declared):
    design = engine.declare([1, 2, 3, 4.0], psu=[7, 8, 9, 10] if declared == "psu" else None)
    assert (design.n_units, design.n_strata, design.df) == (4, 1, 3)


def test_labels_may_be_mixed_and_are_never_converted():
    labels = np.array([1, "1", 1.5, "1.5"], dtype=object)
    assert engine.declare(np.ones(4), psu=labels).n_units == 4
    assert engine.declare(np.ones(4), psu=[1.0, 1, 2, 3]).n_units == 3


def test_reweight_shares_the_encodings_and_leaves_the_first_design_alone():
    first = engine.declare([1.0, 1, 2, 2], strata=[1, 1, 2, 2])
    second = first.reweight([2.0, 2, 2, 0])
    assert second.structure is first.structure
    assert first.weights.tolist() == [1, 1, 2, 2]
    assert second.weights.tolist() == [2, 2, 2, 0]
    assert (first.df, second.df) == (2, 1)


def test_the_callers_weights_are_copied_and_the_designs_cannot_be_written():
    weights = np.array([1.0, 2, 3, 4])
    design = engine.declare(weights)
    weights[0] = 99
    assert design.weights[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        design.weights[0] = 5
    with pytest.raises(AttributeError):
        design.weights = weights


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ([1, np.nan, 1], "1 are missing (rows 1)"),
        ([1, -2, 1], "1 are negative (rows 1)"),
        ([1, np.inf, 1], "1 are infinite (rows 1)"),
        ([0, 0, 0], "all 3 are zero"),
        ([], "found none"),
        (["a", "b", "c"], "cannot be read as numbers"),
        ([[1, 2], [3, 4]], "shape (2, 2)"),
    ],
)
def test_bad_weights_are_refused_by_name(weights, says):
    with pytest.raises(DesignError) as raised:
        engine.declare(weights)
    assert says in str(raised.value)
    assert "What to do" in str(raised.value)


def test_row_names_stand_in_the_message():
    with pytest.raises(DesignError, match="rows resp-7"):
        engine.declare([1, -1.0], rows=["resp-3", "resp-7"])


@pytest.mark.parametrize("missing", [None, float("nan")])
@pytest.mark.parametrize("role", ["strata", "psu", "wave"])
def test_missing_labels_are_refused(role, missing):
    labels = np.array(["x", missing, "y", "y"], dtype=object)
    with pytest.raises(DesignError, match=rf"{role}; 1 are missing \(rows 1\)"):
        engine.declare(np.ones(4), **{role: labels})


def test_labels_of_another_length_are_refused():
    with pytest.raises(DesignError, match="one label per row for strata: 3 rows"):
        engine.declare(np.ones(3), strata=[1, 2])


def test_population_smaller_than_sample_is_refused_and_names_the_stratum():
    with pytest.raises(
        DesignError, match=r"smaller than the sample at stage 1: rural \(3 sampled of 2\)"
    ):
        engine.declare(
            np.ones(5), strata=["u", "u", "rural", "rural", "rural"], fpc=[9, 9, 2, 2, 2]
        )


@pytest.mark.parametrize(
    ("fpc", "says"),
    [
        ([10, 10, 20, 30], "varies within b"),
        ([10, 10, np.nan, 20], "missing"),
        ([10, 10, -1, -1], "negative"),
        ([0.5, 0.5, 20, 20], "above and below 1"),
        ([10, 10, 20], "one fpc per row"),
    ],
)
def test_bad_population_counts_are_refused(fpc, says):
    with pytest.raises(DesignError, match=says):
        engine.declare(np.ones(4), strata=["a", "a", "b", "b"], fpc=fpc)


def test_more_population_counts_than_stages_are_refused():
    with pytest.raises(DesignError, match="at most one fpc per stage"):
        engine.declare(np.ones(4), psu=[1, 1, 2, 2], fpc=[np.full(4, 10), np.full(4, 10)])


def test_population_counts_and_sampling_fractions_say_the_same():
    y = np.array([3.0, 5, 8, 1])
    strata = [1, 1, 2, 2]
    counts = engine.declare(np.ones(4), strata=strata, fpc=[8, 8, 20, 20])
    fractions = engine.declare(np.ones(4), strata=strata, fpc=[0.25, 0.25, 0.1, 0.1])
    assert variance(counts, y) == pytest.approx(variance(fractions, y), rel=1e-14)
    assert variance(counts, y) < variance(engine.declare(np.ones(4), strata=strata), y)


def test_infinite_population_is_sampling_with_replacement():
    y = np.array([3.0, 5, 8, 1])
    plain = variance(engine.declare(np.ones(4)), y)
    assert variance(engine.declare(np.ones(4), fpc=np.full(4, np.inf)), y) == plain
    assert variance(engine.declare(np.ones(4), fpc=np.zeros(4)), y) == plain


def test_a_fully_sampled_stratum_has_no_variance_and_is_never_lonely():
    design = engine.declare([1.0, 5, 5, 5], strata=[1, 2, 2, 2], fpc=[1, 15, 15, 15])
    assert design.describe()["lonely_strata"] == ()
    other = engine.declare(
        [1.0, 5, 5, 5], strata=[1, 2, 2, 2], fpc=[1, 15, 15, 15], lonely_psu="centre"
    )
    y = [100.0, 1, 2, 4]
    assert variance(design, y, engine.total) == variance(other, y, engine.total)


def test_lower_stages_without_population_counts_do_not_change_the_units():
    psu, person = [1, 1, 2, 2, 3, 3], [1, 2, 1, 2, 1, 2]
    one, two = engine.declare(np.ones(6), psu=psu), engine.declare(np.ones(6), psu=[psu, person])
    assert one.n_units == two.n_units == 3
    with_fpc = engine.declare(np.ones(6), psu=[psu, person], fpc=np.full(6, 9))
    assert with_fpc.n_units == 6
    y = np.array([1.0, 5, 2, 2, 9, 4])
    ultimate = engine.declare(np.ones(6), psu=psu, fpc=np.full(6, 9))
    # the second stage, sampled with replacement, adds f₁ × its own variance
    assert variance(with_fpc, y) > variance(ultimate, y)


def test_unknown_rule_and_rule_without_its_variable_are_refused():
    with pytest.raises(DesignError, match="not a rule"):
        engine.declare(np.ones(4), lonely_psu="adjust")
    with pytest.raises(DesignError, match="belong together"):
        engine.declare(np.ones(4), lonely_psu="collapse")
    with pytest.raises(DesignError, match="belong together"):
        engine.declare(np.ones(4), collapse=[1, 1, 1, 1])


def test_every_lonely_rule_gives_its_own_answer():
    strata, y = [1, 1, 2, 2, 3], np.array([30.5, 40.5, 35, 52, 44])
    weights = [10.5, 10.5, 20, 20, 15]
    psu = [1, 2, 3, 4, 5]

    def total_variance(rule, **options):
        return variance(
            engine.declare(weights, strata=strata, psu=psu, lonely_psu=rule, **options),
            y,
            engine.total,
        )

    assert (
        total_variance("remove") == total_variance("certainty") == pytest.approx(126625, rel=1e-14)
    )
    assert total_variance("scale") == pytest.approx(126625 * 3 / 2, rel=1e-14)
    assert total_variance("centre") == pytest.approx(126625 + (15 * 44) ** 2, rel=1e-14)
    merged = total_variance("collapse", collapse=["north", "north", "south", "south", "south"])
    by_hand = variance(engine.declare(weights, strata=[1, 1, 2, 2, 2], psu=psu), y, engine.total)
    assert merged == pytest.approx(by_hand, rel=1e-14)


def test_collapse_merges_only_groups_that_hold_a_lonely_stratum():
    strata = [1, 1, 2, 2, 3, 4, 4]
    groups = ["n", "n", "n", "n", "s", "s", "s"]
    design = engine.declare(np.ones(7), strata=strata, lonely_psu="collapse", collapse=groups)
    assert design.n_strata == 3
    assert design.df == 7 - 3
    assert design.describe()["strata_collapsed"] == 1


def test_collapse_that_leaves_a_lonely_stratum_raises():
    with pytest.raises(DesignError, match="after collapsing: 3"):
        engine.declare(
            np.ones(5), strata=[1, 1, 2, 2, 3], lonely_psu="collapse", collapse=list("nnnns")
        )


def test_collapse_must_be_constant_within_strata():
    with pytest.raises(DesignError, match="varies within 1"):
        engine.declare(
            np.ones(4), strata=[1, 1, 2, 2], lonely_psu="collapse", collapse=list("abcc")
        )


def test_scale_without_any_other_stratum_raises():
    with pytest.raises(DesignError, match="no average"):
        engine.declare(np.ones(3), strata=[1, 2, 3], lonely_psu="scale")


def test_a_lonely_second_stage_names_the_unit_it_lies_in():
    with pytest.raises(DesignError, match="units of stage 1; 1 hold one: b / 2"):
        engine.declare(
            np.ones(7), strata=list("aaaabbb"), psu=[[1, 1, 2, 2, 1, 1, 2], [1, 2, 1, 2, 1, 2, 1]],
            fpc=[np.full(7, 9), np.full(7, 9)],
        )  # fmt: skip


def test_a_stratum_with_one_psu_only_inside_a_domain_is_not_lonely():
    design = engine.declare(np.ones(6), strata=[1, 1, 1, 2, 2, 2])
    result = engine.mean(
        design, np.arange(6.0), mask=np.array([True, False, False, True, True, True])
    )
    assert np.isfinite(engine.covariance(design, result.totals)[0, 0])
    assert result.df.tolist() == [2]


def test_rows_without_weight_stay_in_the_design_and_count_neither_in_n_nor_in_df():
    """A PSU in which nobody answered was sampled: its total is zero, as in R."""
    weights = [1.0, 1, 1, 1, 0, 0]
    psu = [1, 1, 2, 2, 3, 3]
    design = engine.declare(weights, psu=psu)
    result = engine.mean(design, [1.0, 2, 3, 5, 8, 8])
    assert result.n.tolist() == [4]
    assert (design.df, result.df.tolist()) == (1, [1])
    totals = np.array([1 - 2.75 + 2 - 2.75, 3 - 2.75 + 5 - 2.75, 0]) / 4
    by_hand = 3 / 2 * np.sum((totals - totals.mean()) ** 2)
    assert engine.covariance(design, result.totals)[0, 0] == pytest.approx(by_hand, rel=1e-14)
    assert design.describe()["psus_without_weight"] == 1


def test_describe_holds_plain_facts():
    facts = engine.declare(np.ones(4), strata=[1, 1, 2, 2], psu=[1, 2, 1, 2]).describe()
    assert facts["strata"] == 2
    assert facts["psus"] == 4
    assert facts["df"] == 2
    assert facts["lonely_psu"] == "raise"
    assert facts["calibrated"] is False
    assert facts["clustered"] is False


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"y": [1.0, 2]}, "one value per row"),
        ({"domain": [0, 1, 2, 3], "n_domains": 3}, "found 0 to 3"),
        ({"domain": [0, 0, 0, -2]}, "found -2 to 0"),
        ({"domain": [0.0, 0, 0, 0]}, "whole-number"),
        ({"n_domains": 2}, "without domain codes"),
        ({"mask": np.array([1, 0, 1, 1])}, "booleans"),
        ({"y": [1.0, np.inf, 2, 3]}, "1 are infinite"),
    ],
)
def test_bad_arguments_of_an_estimate_are_refused(options, says):
    design = engine.declare(np.ones(4))
    y = options.pop("y", [1.0, 2, 3, 4])
    with pytest.raises(EstimationError, match=says):
        engine.mean(design, y, **options)


def test_bad_levels_are_refused():
    design = engine.declare(np.ones(4))
    with pytest.raises(EstimationError, match="found 0 to 2"):
        engine.proportion(design, [0, 1, 2, 0], 2)
    with pytest.raises(EstimationError, match="whole-number"):
        engine.proportion(design, [0.0, 1, 1, 0], 2)


def test_totals_of_another_design_are_refused():
    small, large = engine.declare(np.ones(3)), engine.declare(np.ones(4))
    with pytest.raises(EstimationError, match="one row per sampling unit"):
        engine.covariance(large, engine.mean(small, [1.0, 2, 3]).totals)
    with pytest.raises(EstimationError, match="units differ"):
        engine.stack(engine.mean(small, [1.0, 2, 3]), engine.mean(large, [1.0, 2, 3, 4]))


def test_an_empty_domain_is_nan_and_its_total_is_zero():
    design = engine.declare(np.ones(4))
    y, domain = [1.0, 2, 3, 4], [0, 0, 2, 2]
    result = engine.mean(design, y, domain=domain, n_domains=3)
    assert np.isnan(result.estimate[1])
    vcov = engine.covariance(design, result.totals)
    assert np.isnan(vcov[1]).all()
    assert np.isfinite(vcov[np.ix_([0, 2], [0, 2])]).all()
    assert (result.n[1], result.psu_count[1]) == (0, 0)
    total = engine.total(design, y, domain=domain, n_domains=3)
    assert total.estimate.tolist() == [3, 0, 7]


def test_a_design_travels_to_another_process():
    design = engine.declare(np.ones(6), strata=list("aaabbb"), psu=[1, 2, 3] * 2, wave=[1] * 6)
    again = pickle.loads(pickle.dumps(design))
    assert again.describe() == design.describe()
    y = np.arange(6.0)
    assert variance(again, y) == variance(design, y)


def test_the_facts_handed_out_are_a_copy():
    design = engine.declare(np.ones(4))
    design.describe()["strata"] = 99
    assert design.describe()["strata"] == 1
