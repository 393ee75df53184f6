"""Table, chart and map of one `Estimates` stand behind the gate: reliability and confidentiality."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research import gating
from masar_research.codebook import Category, Codebook, Variable

COUNTS = {1: (200, 150, 120), 2: (220, 140, 3), 3: (180, 160, 110)}


def labels(en: str, ar: str) -> dict[str, str]:
    return {"en": en, "ar": ar}


@pytest.fixture(scope="module")
def survey():
    """Three regions, three answers; in the second region three persons gave the last one."""
    rows = [
        (region, answer) for region, counts in COUNTS.items()
        for answer, count in enumerate(counts, start=1) for _ in range(count)
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["region", "answer"], dtype=float)
    frame["rare"] = ((frame["region"] == 2) & (frame["answer"] == 3)).astype(float)
    frame["w"] = 1.0 + np.arange(len(frame)) % 3
    names = ("first", "second", "third")
    book = Codebook([
        Variable("region", labels("Region", "الإقليم"), level="nominal",
                 categories=tuple(Category(k, labels(f"R{k}", f"إقليم {k}")) for k in (1.0, 2.0, 3.0))),
        Variable("answer", labels("Answer", "الجواب"), level="nominal",
                 categories=tuple(Category(float(k), labels(n, n)) for k, n in enumerate(names, start=1))),
    ])  # fmt: skip
    return mr.Survey(frame, weights="w", codebook=book)


def test_a_class_of_three_is_withheld_and_a_neighbour_that_would_give_it_away(survey) -> None:
    shares = survey.proportion("answer", by="region")
    judged = gating.decisions(shares)
    found = shares.frame.assign(status=judged["status"], reason=judged["reason"])
    second = found[found["region"] == 2].set_index("category")
    assert second.loc[3, "reason"] == "disclosure"
    assert sorted(second["reason"]) == ["", "complementary", "disclosure"]
    assert (found.loc[found["region"] != 2, "status"] == "show").all()


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_neither_table_nor_chart_nor_text_shows_it(survey, lang: str) -> None:
    shares = survey.proportion("answer", by="region")
    judged = gating.decisions(shares)
    hidden = shares.frame.loc[(judged["status"] == "suppress").to_numpy(), "estimate"]
    shown = f"{shares.table(lang)!r} {shares.table(lang)._repr_html_()} {' '.join(shares.plot(lang).texts)}"
    assert len(hidden) == 2
    for value in hidden:
        assert f"{100 * value:.1f}" not in shown
    assert "*" in shown


def test_the_map_hatches_it(survey) -> None:
    rare = survey.proportion("rare", by="region")
    value = rare.frame["estimate"].max()
    texts = " ".join(rare.map("en").texts)
    assert 0 < value < 1 and f"{100 * value:.1f}" not in texts


def test_a_base_of_three_people_is_not_counted_for_the_reader(survey) -> None:
    few = survey.where("region == 2").mean("region", by="answer")
    table = few.table("en").frame
    assert few.frame["n"].tolist() == [220, 140, 3]
    assert table.iloc[2, 1:4].tolist() == ["*", "*", "*"] and "confidential" in table.iloc[2, -1]


def test_a_difference_of_a_withheld_side_is_withheld_and_so_is_its_own_difference(survey) -> None:
    """Also where the reliability of both sides would let it through."""
    rare = survey.proportion("rare", by="region")
    steady = rare.frame.assign(reliability="show")
    from dataclasses import replace

    rare = replace(rare, frame=steady)
    with_it = rare.contrast("2 - 1")
    assert gating.decisions(with_it)["reason"].tolist() == ["sides"]
    assert "*" in repr(with_it.table("en"))
    shares = survey.proportion("answer", by="region")
    free = shares.contrast("3 - 1")
    assert (gating.decisions(free)["status"] == "show").all()


def test_without_classes_below_five_the_gate_is_that_of_reliability(survey) -> None:
    shares = survey.where("region != 2").proportion("answer", by="region")
    assert (gating.decisions(shares)["status"].to_numpy() == shares.frame["reliability"].to_numpy()).all()
    assert not gating.withheld(shares).any()
