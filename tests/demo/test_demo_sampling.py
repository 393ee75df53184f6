"""Sample structure, exact selection probabilities, unbiasedness over repeated samples, speed."""

from __future__ import annotations


import numpy as np
import pytest

WAVES = (2022, 2024, 2026)


@pytest.fixture(scope="module")
def plan(pop):
    from generator import draw_plan

    return draw_plan(pop, np.random.default_rng(42))


def test_strata(pop):
    from generator.geography import GOVERNORATES, strata

    rows = strata()
    assert len(rows) == 22 and sum(s.sampled for s in rows) == 300
    assert all(s.sampled >= 4 and s.sampled % 2 == 0 for s in rows)
    assert all(s.blocks >= 10 * s.sampled for s in rows)
    codes, blocks = np.unique(pop.block_stratum, return_counts=True)
    assert dict(zip(codes.tolist(), blocks.tolist())) == {s.code: s.blocks for s in rows}
    assert {s.governorate for s in rows if s.code % 10 == 0} == {g.code for g in GOVERNORATES if g.rural < 0.06}
    rates = {g.code: sum(s.sampled for s in rows if s.governorate == g.code) / sum(s.blocks for s in rows if s.governorate == g.code)
             for g in GOVERNORATES}
    assert rates[32] > 2 * rates[11]  # unequal: the smallest governorate is sampled more densely than the largest


def test_half_the_blocks_are_kept_and_probabilities_fit(pop, plan):
    from generator.geography import strata

    blocks = {wave: plan.blocks(wave) for wave in WAVES}
    assert all(np.unique(b).size == 300 for b in blocks.values())
    for s in strata():
        inside = {wave: set(b[pop.block_stratum[b] == s.code]) for wave, b in blocks.items()}
        assert all(len(i) == s.sampled for i in inside.values())
        assert len(inside[2022] & inside[2024]) == len(inside[2024] & inside[2026]) == s.sampled // 2
        assert not inside[2022] & inside[2026]
        rows = pop.block_stratum == s.code
        assert plan.probability[rows].sum() == pytest.approx(s.sampled)
        assert np.allclose(plan.probability[rows] / pop.block_size[rows], plan.probability[rows][0] / pop.block_size[rows][0])


def test_blocks_come_as_often_as_their_probability_says(pop):
    from generator import draw_plan

    draws, inside = 600, np.flatnonzero(pop.block_stratum == 322)
    seen = np.zeros((3, pop.block_size.size))
    for k in range(draws):
        one = draw_plan(pop, np.random.default_rng([5, k]))
        for t, wave in enumerate(WAVES):
            seen[t, one.blocks(wave)] += 1
    expected = one.probability[inside] * draws
    spread = np.sqrt(expected * (1 - one.probability[inside]))
    for t in range(3):
        z = (seen[t, inside] - expected) / spread
        assert (z**2).mean() == pytest.approx(1, abs=0.75) and np.abs(z).max() < 4.5


def test_a_sample(pop, plan):
    from generator import draw_sample

    frame = draw_sample(pop, 2026, np.random.default_rng(1), plan=plan)
    assert len(frame) == 4800 and (frame.groupby("psu").size() == 16).all()
    completed = frame["status"] == 1
    assert 3400 < completed.sum() < 3800
    assert 11 < completed.groupby(frame["psu"]).sum().mean() < 13
    assert frame["_house"].is_unique and frame["_person"].is_unique
    assert (frame["base_weight"] > 0).all()
    assert (frame.groupby("psu")["stratum"].nunique() == 1).all()
    assert frame.loc[completed, ["sex", "age", "education", "nationality", "employment"]].notna().all().all()
    unreached = frame["status"].isin([3, 5])
    assert frame.loc[unreached, ["sex", "age", "employment"]].isna().all().all()
    assert frame.loc[unreached, ["governorate", "urban", "psu", "base_weight"]].notna().all().all()
    assert frame.loc[frame["status"] == 4, ["sex", "age"]].notna().all().all()
    assert frame.loc[completed & (frame["in_labour_force"] == 0), "unemployed"].isna().all()
    assert (frame.loc[completed, "age"] >= 15).all()


def test_response_depends_on_sex_age_and_place(pop, plan):
    from generator import draw_sample

    frames = [draw_sample(pop, 2024, np.random.default_rng([3, k]), plan=plan) for k in range(20)]
    status = np.concatenate([f["status"] for f in frames])
    gov = np.concatenate([f["governorate"] for f in frames])
    known = np.isin(status, [1, 2, 4, 6])
    sex, age = (np.concatenate([f[c] for f in frames])[known] for c in ("sex", "age_labour"))
    took_part = np.isin(status[known], [1, 2])
    assert took_part[sex == 2].mean() > took_part[sex == 1].mean() + 0.03
    assert took_part[(sex == 1) & (age == 4)].mean() > took_part[(sex == 1) & (age == 2)].mean() + 0.05
    assert np.isin(status[gov == 31], [1]).mean() > np.isin(status[gov == 11], [1]).mean() + 0.08


def test_expansion_is_unbiased(pop, truths):
    """Horvitz–Thompson totals over 300 samples in which everybody responds."""
    from generator import draw_sample

    domains = {
        "everybody": lambda f: np.ones(len(f)),
        "women in the labour force": lambda f: ((f["sex"] == 2) & (f["in_labour_force"] == 1)).to_numpy(float),
        "unemployed Jordanians": lambda f: ((f["jordanian"] == 1) & (f["unemployed"] == 1)).to_numpy(float),
        "rural Mafraq": lambda f: (f["stratum"] == 222).to_numpy(float),
        "over 60": lambda f: (f["age_labour"] == 4).to_numpy(float),
    }
    labour = truths["2024"]["labour"]
    true = {
        "everybody": labour["all_residents"]["both"]["all"]["all"]["persons"],
        "women in the labour force": labour["all_residents"]["2"]["all"]["all"]["labour_force"],
        "unemployed Jordanians": labour["jordanians"]["both"]["all"]["all"]["unemployed"],
        "rural Mafraq": int((pop.present[1] & (pop.block_stratum[pop.house_block[pop.person_house]] == 222)).sum()),
        "over 60": labour["all_residents"]["both"]["age_labour"]["4"]["persons"],
    }
    got = {name: [] for name in domains}
    for k in range(300):
        frame = draw_sample(pop, 2024, np.random.default_rng([8, k]), response=False)
        weight = frame["base_weight"].to_numpy()
        for name, chosen in domains.items():
            got[name].append(weight @ chosen(frame))
    for name, totals in got.items():
        totals = np.array(totals)
        z = (totals.mean() - true[name]) / (totals.std(ddof=1) / np.sqrt(totals.size))
        assert abs(z) < 4, (name, z)
        assert totals.mean() == pytest.approx(true[name], rel=0.02), name


def test_waves_of_one_study_share_half_their_blocks_and_redraw_households(pop):
    from generator import draw_study

    study = draw_study(pop, np.random.default_rng(6))
    for early, late in ((2022, 2024), (2024, 2026)):
        common = set(study[early]["psu"]) & set(study[late]["psu"])
        assert len(common) == 150
        one, two = (set(study[w].loc[study[w]["psu"].isin(common), "_house"]) for w in (early, late))
        assert len(one & two) / len(one) < 0.35  # by chance only: sixteen of about eighty


def test_the_same_seed_gives_the_same_sample(pop):
    from generator import draw_sample

    a, b = (draw_sample(pop, 2022, np.random.default_rng(11)) for _ in range(2))
    assert a.equals(b) and not a.equals(draw_sample(pop, 2022, np.random.default_rng(12)))


def test_an_unknown_wave_is_refused(pop):
    from generator import draw_sample

    with pytest.raises(ValueError, match="2023.*was not surveyed.*2022, 2024, 2026"):
        draw_sample(pop, 2023, np.random.default_rng(1))
