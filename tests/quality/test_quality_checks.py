"""Each check finds what was planted and is silent on clean data."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import ParameterError
from masar_research.quality import Outcomes, check, outcome_rates, target
from masar_research.quality.duplicates import check_duplicates, near_duplicates
from masar_research.quality.durations import check_durations
from masar_research.quality.interviewers import (
    calibrated, check_interviewers, deviations, false_discoveries, intraclass,
)  # fmt: skip
from masar_research.quality.margins import check_margins
from masar_research.quality.material import Material, Positions, answer_items, who_answered
from masar_research.quality.missingness import check_missingness
from masar_research.quality.outcomes import check_outcomes
from masar_research.quality.positions import check_positions, kilometres
from masar_research.quality.ranges import check_ranges
from masar_research.quality.roles import recognise
from masar_research.quality.sampling import check_sampling
from masar_research.quality.skips import check_skips
from masar_research.quality.straightlining import check_straightlining, uniformity

CHECKS = (
    check_duplicates, check_durations, check_interviewers, check_margins, check_missingness, check_outcomes,
    check_positions, check_ranges, check_sampling, check_skips, check_straightlining,
)  # fmt: skip
N = 600


def words(text: str) -> dict[str, str]:
    return {"en": text, "ar": f"وصف {text}"}


def item(name: str, codes=(1, 2, 3, 4, 5), universe: str | None = None) -> Variable:
    categories = [Category(c, words(f"answer {c}")) for c in codes]
    categories.append(Category(98, {"en": "Don't know", "ar": "لا أعرف"}, missing="dont_know"))
    return Variable(name, words(name), level="ordinal", categories=tuple(categories), universe=universe)


def clean() -> dict:
    """A tidy survey: 30 clusters in 5 strata, 10 interviewers in 5 areas, two grids, 50 other items."""
    rng = np.random.default_rng(7)
    row = np.arange(N)
    cluster = row // 20
    start = pd.Timestamp("2026-04-01 08:00") + pd.to_timedelta((row % 20) * 40 + (cluster % 6) * 1440, unit="m")
    frame = pd.DataFrame({
        "case_id": row + 1.0, "interview_start": start, "interview_end": start + pd.to_timedelta(rng.uniform(26, 38, N), unit="m"),
        "psu": cluster + 1.0, "stratum": cluster // 6 + 1.0, "weight": rng.uniform(80, 120, N), "governorate": cluster // 6 + 11.0,
        "interviewer": (cluster // 6) * 2 + row % 2 + 101.0, "age": rng.integers(18, 80, N).astype(float), "sex": rng.permutation(np.tile([1.0, 2.0], N // 2)),
    })  # fmt: skip
    frame["interview_start"] += pd.to_timedelta((frame["interviewer"] % 2) * 3, unit="m")
    variables = [Variable("sex", words("sex"), level="nominal", categories=(Category(1, words("m")), Category(2, words("f"))))]
    for g in range(2):
        for k in range(7):
            frame[f"grid{g}_{k}"] = rng.integers(1, 6, N).astype(float)
            variables.append(item(f"grid{g}_{k}", universe="age >= 18"))
        frame[f"break{g}"] = rng.integers(1, 4, N).astype(float)
        variables.append(item(f"break{g}", (1, 2, 3)))
    for k in range(50):
        frame[f"q{k}"] = rng.integers(1, 4, N).astype(float)
        variables.append(item(f"q{k}", (1, 2, 3)))
    frame["worked"] = rng.integers(1, 3, N).astype(float)
    frame["hours"] = np.where(frame["worked"] == 1, rng.integers(10, 60, N), np.nan)
    variables += [
        item("worked", (1, 2)),
        Variable("hours", words("hours"), level="numeric", universe="worked == 1"),
        Variable("age", words("age"), level="numeric"),
    ]
    return {"frame": frame, "codebook": Codebook(variables)}


def material(frame: pd.DataFrame, codebook: Codebook, **more) -> Material:
    roles = recognise(frame.columns)
    items = answer_items(frame, codebook, roles)
    there = who_answered(frame, items)
    return Material(
        frame=frame, codebook=codebook, roles=roles, items=items, interviewed=there, finished=there,
        rows=np.arange(1, len(frame) + 1), **more,
    )  # fmt: skip


def whole(frame: pd.DataFrame, codebook: Codebook) -> Material:
    rng = np.random.default_rng(3)
    middle = np.column_stack([31.5 + (frame["psu"] % 7) * 0.05, 36.0 + (frame["psu"] // 7) * 0.05])
    points = middle + rng.normal(0, 0.002, middle.shape)
    return material(
        frame, codebook, positions=Positions(points[:, 0], points[:, 1], np.full(len(frame), 5.0)), country="JO",
        targets=(target("sex", {1: 50, 2: 50}),), constraints={"hours": "hours >= 1 and hours <= 97"}, ages=(18, 110),
        fieldwork=(dt.date(2026, 4, 1), dt.date(2026, 4, 30)),
    )  # fmt: skip


def kinds(checked) -> dict[str, int]:
    return {finding.kind: finding.count for finding in checked.findings}


def test_clean_data_give_no_finding():
    given = whole(**clean())
    for function in CHECKS:
        found = function(given)
        assert not found.findings, (function.__name__, [f.what["en"] for f in found.findings])


def test_identifiers_rows_and_near_duplicates_are_found():
    data = clean()
    frame = data["frame"].copy()
    frame.loc[5, "case_id"] = frame.loc[4, "case_id"]
    answers = [name for name in frame.columns if name[0] in "qg" and name != "governorate"]
    frame.loc[100, answers] = frame.loc[101, answers].to_numpy()
    frame.loc[100, ["q0", "q1", "q2", "q3"]] = [1, 2, 3, 1]
    columns = [name for name in frame.columns if name != "case_id"]
    frame.loc[300, columns] = frame.loc[301, columns].to_numpy()
    found = check_duplicates(material(frame, data["codebook"]))
    assert kinds(found) == {"repeated_id": 2, "repeated_row": 1, "near_duplicate": 2}
    near = next(f for f in found.findings if f.kind == "near_duplicate")
    assert near.cases == (101, 102)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 30), st.integers(1, 70), st.integers(1, 4), st.integers(0, 2**32 - 1), st.sampled_from([0.7, 0.85, 1.0]))
def test_near_duplicates_are_those_of_the_plain_definition(n, k, codes, seed, threshold):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, codes + 1, (n, k))
    rows[n // 2] = np.where(rng.random(k) < 0.1, rows[0], rows[n // 2]) if n > 2 else rows[0]
    pairs = near_duplicates(rows, threshold)
    got = set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))
    want = set()
    for i in range(n):
        for j in range(i + 1, n):
            either = (rows[i] > 0) | (rows[j] > 0)
            same = ((rows[i] == rows[j]) & (rows[i] > 0)).sum()
            if either.sum() >= min(30, k) and same / either.sum() >= threshold - 1e-12:
                want.add((i, j))
    assert got == want


def test_short_long_negative_night_and_overlapping_interviews_are_found():
    data = clean()
    frame = data["frame"].copy()
    start = frame["interview_start"]
    frame.loc[10, "interview_end"] = start[10] + pd.Timedelta(minutes=5)
    frame.loc[20, "interview_end"] = start[20] - pd.Timedelta(minutes=9)
    frame.loc[40, "interview_start"] = pd.Timestamp("2026-04-20 23:30")
    frame.loc[40, "interview_end"] = pd.Timestamp("2026-04-21 06:30")
    frame.loc[60, "interview_start"] = start[62] + pd.Timedelta(minutes=4)
    frame.loc[60, "interview_end"] = start[62] + pd.Timedelta(minutes=32)
    found = check_durations(material(frame, data["codebook"]))
    assert kinds(found) == {"too_short": 1, "negative": 1, "night": 1, "too_long": 1, "overlapping": 1}
    assert {f.kind: f.cases for f in found.findings}["too_short"] == (11,)


def test_one_answer_in_every_grid_is_found():
    data = clean()
    frame = data["frame"].copy()
    grid = [name for name in frame.columns if name.startswith("grid")]
    frame.loc[[3, 9], grid] = 4.0
    found = check_straightlining(material(frame, data["codebook"]))
    assert kinds(found) == {"straight_everywhere": 2} and found.findings[0].cases == (4, 10)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.integers(2, 9), st.integers(0, 2**32 - 1))
def test_longstring_and_spread(n, k, seed):
    answers = np.random.default_rng(seed).integers(1, 4, (n, k)).astype(float)
    one = uniformity(answers)
    for row, longest, same in zip(answers, one.longest, one.identical, strict=True):
        runs = np.diff(np.flatnonzero(np.concatenate([[True], row[1:] != row[:-1], [True]])))
        assert longest == runs.max() and same == (runs.max() == k)
    assert np.allclose(one.spread, answers.std(axis=1))


def test_an_interviewer_unlike_her_colleagues_is_found():
    data = clean()
    frame = data["frame"].copy()
    mine = frame["interviewer"] == 104
    for k in range(6):
        frame.loc[mine, f"q{k}"] = np.where(np.arange(mine.sum()) % 8 == 0, 2.0, 3.0)
    found = check_interviewers(material(frame, data["codebook"]))
    unlike = [f for f in found.findings if f.kind == "unlike_colleagues"]
    assert {f.what["en"].split(":")[0] for f in unlike} >= {"Interviewer 104"}
    assert next(f for f in unlike if "104" in f.what["en"]).severity == "warning"
    assert found.figures["icc"][0]["item"] in {f"q{k}" for k in range(6)}


def test_names_of_interviewers_never_reach_a_report():
    data = clean()
    frame = data["frame"].copy()
    frame["interviewer"] = frame["interviewer"].map(lambda code: f"Salma Haddad {code:g}")
    found = check_interviewers(material(frame, data["codebook"]))
    assert "Salma" not in repr(found) and found.figures["enumerators"][0]["enumerator"] == "E1"


def test_intraclass_correlation_against_its_definition_and_its_limits():
    rng = np.random.default_rng(1)
    who = np.repeat(np.arange(200), 20)
    values = rng.normal(0, 1, 200)[who] + rng.normal(0, 2, who.size)
    assert intraclass(values, who) == pytest.approx(0.2, abs=0.04)
    assert intraclass(np.tile([0.0, 1.0], 50), np.repeat(np.arange(50), 2)) == pytest.approx(-1.0)
    assert np.isnan(intraclass(np.ones(6), np.repeat([0, 1], 3)))


def test_deviations_have_unit_variance_when_work_is_shared_out_at_random():
    rng = np.random.default_rng(2)
    area = np.repeat(np.arange(5), 120)
    z = []
    for _ in range(150):
        who = np.concatenate([rng.permutation(np.repeat(np.arange(6) + 6 * a, 20)) for a in range(5)])
        z.append(deviations(rng.exponential(1, 600) + area, who, area, 30).z)
    assert np.mean(z) == pytest.approx(0, abs=0.03) and np.std(z) == pytest.approx(1, abs=0.04)
    assert np.all(np.abs(calibrated(np.array([3.0, -3, 3, -3]))) < 1)


def test_false_discoveries_after_benjamini_and_hochberg():
    p = np.array([0.01, 0.02, 0.03, 0.5, np.nan])
    assert false_discoveries(p, 0.05).tolist() == [True, True, True, False, False]
    assert not false_discoveries(np.array([0.2, 0.9]), 0.05).any()


def test_skips_answered_and_left_out_are_found():
    data = clean()
    frame = data["frame"].copy()
    out, asked = np.flatnonzero(frame["worked"] == 2)[:3], np.flatnonzero(frame["worked"] == 1)[:2]
    frame.loc[out, "hours"] = 40.0
    frame.loc[asked, "hours"] = np.nan
    found = check_skips(material(frame, data["codebook"]))
    assert kinds(found) == {"answered_not_asked": 3, "asked_not_answered": 2}
    assert {f.variable for f in found.findings} == {"hours"}


def test_an_interview_broken_off_is_not_a_skip():
    data = clean()
    frame = data["frame"].copy()
    frame.loc[8, [name for name in frame.columns if name[0] == "q" or name in ("worked", "hours", "grid1_5", "grid1_6", "break1")]] = np.nan
    found = check_skips(material(frame, data["codebook"]))
    assert not found.findings and found.figures["broken_off"] == 1


def test_codes_ages_dates_constraints_and_empty_columns_are_found():
    data = clean()
    frame = data["frame"].copy()
    frame.loc[1, "q1"] = 7.0
    frame.loc[2, "age"] = 199.0
    frame.loc[3, "interview_start"] = pd.Timestamp("2025-01-01 10:00")
    frame.loc[np.flatnonzero(frame["worked"] == 1)[0], "hours"] = 120.0
    frame["nothing"] = np.nan
    found = check_ranges(whole(frame, data["codebook"]))
    assert kinds(found) == {"not_in_list": 1, "implausible_age": 1, "outside_fieldwork": 1, "breaks_constraint": 1, "empty_column": N}


def test_missing_answers_by_item_and_interviewer_are_found():
    data = clean()
    frame = data["frame"].copy()
    frame.loc[frame.index % 3 == 0, "q5"] = 98.0
    mine = frame["interviewer"] == 107
    for k in range(20, 40):
        frame.loc[mine & (frame.index % 4 < 2), f"q{k}"] = 98.0
    found = check_missingness(material(frame, data["codebook"]))
    assert [f.variable for f in found.findings if f.kind == "much_missing"] == ["q5"]
    assert [f.what["en"].split(":")[0] for f in found.findings if f.kind == "interviewer_missing"] == ["Interviewer 107"]
    row = next(row for row in found.figures["items"] if row["item"] == "hours")
    assert row["asked"] == (frame["worked"] == 1).sum() and row["blank"] == 0


def test_positions_are_judged_and_never_told():
    data = clean()
    given = whole(**data)
    lat, lon = given.positions.latitude.copy(), given.positions.longitude.copy()
    lat[3] += 0.2
    lat[4], lon[4] = lon[4], lat[4]
    lat[5] = lon[5] = 0.0
    lat[40:43], lon[40:43] = lat[40], lon[40]
    accuracy = np.full(N, 5.0)
    accuracy[9] = 400
    spoilt = Positions(lat, lon, accuracy)
    found = check_positions(material(data["frame"], data["codebook"], positions=spoilt, country="JO"))
    assert kinds(found) == {"outside_country": 1, "far_from_cluster": 2, "no_real_position": 1, "same_point": 3, "poor_accuracy": 1}
    told = repr(found)
    assert "31." not in told and "36." not in told and sum(found.figures["distance_classes"]["counts"]) == N - 1
    with pytest.raises(ParameterError):
        check_positions(material(data["frame"], data["codebook"], positions=spoilt, country="XX"))


@settings(max_examples=40, deadline=None)
@given(st.floats(-89, 89), st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179))
def test_distances_are_symmetric_and_bounded(a, b, c, d):
    one, two = float(kilometres(a, b, c, d)), float(kilometres(c, d, a, b))
    assert one == pytest.approx(two, abs=1e-6) and 0 <= one <= np.pi * 6371.01
    assert float(kilometres(a, b, a, b)) == pytest.approx(0, abs=1e-6)


def test_clusters_and_weights_that_cannot_be_right_are_found():
    data = clean()
    frame = data["frame"].copy()
    frame.loc[0, "stratum"] = 3.0
    frame.loc[1, "weight"] = -1.0
    frame.loc[2, "weight"] = np.nan
    frame.loc[3, "weight"] = 0.0
    frame.loc[4, "weight"] = 5000.0
    frame.loc[frame["psu"] == 30, "stratum"] = 9.0
    found = kinds(check_sampling(material(frame, data["codebook"])))
    assert found == {"cluster_across_strata": 20, "weight_negative": 1, "weight_missing": 1, "weight_zero": 1, "weight_extreme": 1, "lonely_cluster": 1}
    frame["weight"] = 2.0
    assert "weight_constant" in kinds(check_sampling(material(frame, data["codebook"])))


def test_the_sample_is_held_against_published_margins():
    data = clean()
    skewed = material(**data, targets=(target("sex", {1: 30, 2: 70}), target("sex", {1: 49, 2: 49, 3: 2})))
    found = check_margins(skewed)
    assert sorted(kinds(found)) == ["empty_cell", "far_from_margin"]
    first = found.figures["margins"][0]
    share = data["frame"]["weight"][data["frame"]["sex"] == 1].sum() / data["frame"]["weight"].sum()
    assert first["cells"][0]["gap"] == pytest.approx(share - 0.3) and first["dissimilarity"] == pytest.approx(abs(share - 0.3))
    only = check_margins(material(**data, targets=(target("sex", {1: 100}),)))
    assert "outside_margin" in kinds(only)


PRINTED = {
    "RR1": 0.5988, "RR2": 0.6287, "RR3": 0.6098, "RR4": 0.6402, "RR5": 0.6579, "RR6": 0.6908,
    "COOP1": 0.7299, "COOP3": 0.7407, "REF1": 0.1796, "CON1": 0.8204,
}  # fmt: skip
CASES = {"I": 1000, "P": 50, "R": 300, "NC": 150, "O": 20, "UH": 100, "UO": 50}


@pytest.mark.parametrize("rate", PRINTED)
def test_aapor_rates_have_their_printed_values(rate):
    assert outcome_rates(CASES, e=0.8).values[rate] == pytest.approx(PRINTED[rate], abs=5e-5)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 500), min_size=8, max_size=8))
def test_aapor_rates_keep_their_order(counts):
    rates = outcome_rates(dict(zip(("I", "P", "R", "NC", "O", "UH", "UO", "NE"), counts, strict=True)))
    value = rates.values
    assert 0 <= rates.e <= 1
    known = sum(counts[:5])
    if known:
        assert value["RR1"] <= value["RR3"] + 1e-12 and value["RR3"] <= value["RR5"] + 1e-12 and value["RR1"] <= value["RR2"]
        assert value["CON1"] >= value["RR2"] - 1e-12 and value["REF1"] <= value["REF3"] + 1e-12
        rest = counts[3] + counts[5] + counts[6]
        assert value["CON1"] + rest / (known + counts[5] + counts[6]) == pytest.approx(1)
        assert rates.e == pytest.approx(known / (known + counts[7]))
    else:
        assert np.isnan(value["RR5"])


def test_a_rate_needs_its_code_and_the_word_on_substitution():
    for wrong in ({"rate": "response rate"}, {"substitution": None}, {"codes": {1: "X"}}, {"e": 0.5}):
        with pytest.raises(ParameterError):
            Outcomes(**({"variable": "status", "codes": {1: "I"}, "rate": "RR1", "substitution": False} | wrong))
    with pytest.raises(ParameterError):
        outcome_rates({"I": -1})
    with pytest.raises(ParameterError):
        outcome_rates({"I": 1}, e=1.5)


def test_dispositions_of_a_file_give_its_rates():
    data = clean()
    frame = data["frame"].assign(status=np.r_[np.full(400, 1.0), np.full(100, 2.0), np.full(90, 3.0), np.full(10, 9.0)])
    given = Outcomes("status", {1: "I", 2: "R", 3: "UH"}, "RR3", True)
    found = check_outcomes(material(frame, data["codebook"], outcomes=given))
    assert kinds(found) == {"unmapped_disposition": 10, "substitution": 0}
    assert found.figures["rates"]["RR3"] == pytest.approx(400 / 590) and found.figures["e_method"] == "proportional"
    assert len(found.figures["by_area"]) == 5


def test_roles_are_recognised_given_and_refused():
    roles = recognise(["start", "end", "enumerator_num", "X_uuid", "q1"], {"area": "q1", "end": None})
    assert roles.named() == {"enumerator": "enumerator_num", "start": "start", "key": "X_uuid", "area": "q1"}
    for wrong in ({"boss": "q1"}, {"area": "nowhere"}):
        with pytest.raises(ParameterError):
            recognise(["q1"], wrong)


def test_one_pair_among_four_and_a_half_million_is_found():
    rng = np.random.default_rng(5)
    rows = rng.integers(1, 5, (3000, 200))
    rows[17] = np.where(rng.random(200) < 0.1, 4, rows[2900])
    pairs = near_duplicates(rows)
    assert (pairs.first.tolist(), pairs.second.tolist()) == ([17], [2900])


def test_check_takes_no_argument_it_would_ignore(tmp_path):
    path = tmp_path / "a.csv"
    clean()["frame"].to_csv(path, index=False)
    with pytest.raises(ParameterError, match="wave"):
        check(path, wave=2026)
