"""The gate: disclosure, complementary suppression, differences, twins, earlier releases."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from masar_research.errors import ReleaseError
from masar_research.release import (
    Approval,
    Register,
    Table,
    decide,
    recoverable,
    summary,
    words,
)
from masar_research.release.wording import NOTES, REASONS, STATUSES


def cells(**rows: dict) -> pd.DataFrame:
    """Steady proportions, changed by what is given for each address."""
    usual = {"kind": "proportion", "estimate": 0.4, "std_error": 0.015, "n": 900, "n_eff": 600.0,
             "df": 60, "count_min": np.nan, "same_as": None, "sides": None, "sensitive": False}  # fmt: skip
    frame = pd.DataFrame([{**usual, "address": name, **row} for name, row in rows.items()])
    return frame.set_index(pd.Index([f"row {name}" for name in rows]))


def status(decisions: pd.DataFrame) -> dict[str, str]:
    return dict(zip(decisions["address"], decisions["status"], strict=True))


def reason(decisions: pd.DataFrame) -> dict[str, str]:
    return dict(zip(decisions["address"], decisions["reason"], strict=True))


REGIONS = Table("all", ("middle", "north", "south"))
FEW = {"count_min": 3}
UNSTEADY = {"std_error": 0.08}


def test_a_class_of_fewer_than_five_is_hidden_for_confidentiality() -> None:
    decided = decide(cells(a={"count_min": 4}, b={"count_min": 5}, c={"n": 4, "n_eff": 4.0}))
    assert reason(decided) == {"a": "disclosure", "b": "", "c": "disclosure"}
    assert list(decided.index) == ["row a", "row b", "row c"]


def test_an_empty_domain_discloses_nobody() -> None:
    empty = {"n": 0, "estimate": np.nan, "std_error": np.nan, "df": 0, "count_min": 0}
    decided = decide(cells(all={}, middle={}, north={}, south=empty), tables=[REGIONS])
    assert reason(decided) == {"all": "", "middle": "", "north": "", "south": "n"}


def test_one_hidden_part_takes_the_next_smallest_with_it() -> None:
    decided = decide(
        cells(all={"n": 2000}, middle={"n": 1200}, north={"n": 500}, south={"n": 300, **FEW}),
        tables=[REGIONS],
    )
    assert reason(decided) == {"all": "", "middle": "", "north": "complementary", "south": "disclosure"}
    assert not recoverable([REGIONS], decided)


def test_reliability_suppression_takes_nothing_with_it() -> None:
    decided = decide(cells(all={}, middle={}, north={}, south=UNSTEADY), tables=[REGIONS])
    assert reason(decided) == {"all": "", "middle": "", "north": "", "south": "width"}


def test_a_part_hidden_for_reliability_already_protects_its_neighbour() -> None:
    decided = decide(cells(all={}, middle={}, north=UNSTEADY, south=FEW), tables=[REGIONS])
    assert reason(decided) == {"all": "", "middle": "", "north": "width", "south": "disclosure"}


def test_a_hidden_total_is_protected_from_its_parts() -> None:
    decided = decide(
        cells(all=FEW, middle={"n": 800}, north={"n": 60, "n_eff": 59.0, "std_error": 0.06}, south={}),
        tables=[REGIONS],
    )
    assert reason(decided)["north"] == "complementary"
    assert not recoverable([REGIONS], decided)


def test_shares_of_a_hundred_percent_need_no_shown_total() -> None:
    yes_no = Table(None, ("yes", "no"))
    decided = decide(cells(yes={"estimate": 0.02, "std_error": 0.005, **FEW}, no={"estimate": 0.98, "std_error": 0.005}), tables=[yes_no])
    assert reason(decided) == {"yes": "disclosure", "no": "complementary"}


def test_no_group_is_exposed_on_a_sensitive_item() -> None:
    whole = {"estimate": 1.0, "std_error": 0.0, "sensitive": True}
    none = {"estimate": 0.0, "std_error": 0.0, "sensitive": True}
    decided = decide(cells(voted=whole, not_voted=none), tables=[Table(None, ("voted", "not_voted"))])
    assert reason(decided) == {"voted": "sensitive", "not_voted": "sensitive"}
    plain = decide(cells(a={**whole, "sensitive": False}))
    assert reason(plain) == {"a": "review_extreme"}


def test_confidentiality_cannot_be_approved_away() -> None:
    whole = {"estimate": 1.0, "std_error": 0.0, "sensitive": True}
    with pytest.raises(ReleaseError, match="not under review|kept"):
        decide(cells(a={}), approved=[Approval("a", "R. Haddad", "looks fine")])
    decided = decide(cells(a=whole), approved=[Approval("a", "R. Haddad", "looks fine")])
    assert reason(decided) == {"a": "sensitive"}


def test_an_approval_covers_every_cell_of_the_figure_and_must_name_one() -> None:
    few_units = {"df": 5, "same_as": "figure"}
    frame = cells(in_text=few_units, in_table=few_units, other={"df": 5})
    assert set(reason(decide(frame)).values()) == {"review_df"}
    decided = decide(frame, approved=[Approval("in_text", "R. Haddad", "units are large")])
    assert status(decided) == {"in_text": "flag", "in_table": "flag", "other": "suppress"}
    with pytest.raises(ReleaseError, match="no cell of this brief"):
        decide(frame, approved=[Approval("nowhere", "R. Haddad", "because")])


def test_hidden_once_is_hidden_everywhere() -> None:
    decided = decide(cells(text={"same_as": "f"}, table={"same_as": "f", **FEW}, map={"same_as": "f"}))
    assert set(reason(decided).values()) == {"disclosure"}


def test_complementary_suppression_reaches_the_twins() -> None:
    decided = decide(
        cells(all={}, middle={"n": 950}, north={"n": 700, "same_as": "f"}, south=FEW, headline={"same_as": "f"}),
        tables=[REGIONS],
    )
    assert reason(decided)["north"] == reason(decided)["headline"] == "complementary"


def test_a_difference_follows_both_its_sides() -> None:
    gap = {"kind": "difference", "estimate": 0.01, "std_error": 0.4, "sides": ("men", "women")}
    assert status(decide(cells(men={}, women={}, gap=gap)))["gap"] == "show"
    assert reason(decide(cells(men={}, women=UNSTEADY, gap=gap)))["gap"] == "sides"
    assert reason(decide(cells(men={}, gap=gap)))["gap"] == "sides_unknown"
    assert reason(decide(cells(men={}, women={}, gap={**gap, "sides": None})))["gap"] == "sides_unknown"
    assert reason(decide(cells(men={}, women={}, gap={**gap, "df": 0})))["gap"] == "no_df"


def test_a_difference_of_differences_follows_too() -> None:
    def minus(a: str, b: str) -> dict:
        return {"kind": "change", "estimate": 0.0, "sides": (a, b)}

    frame = cells(a={}, b={}, c={}, d=UNSTEADY, ab=minus("a", "b"), cd=minus("c", "d"), both=minus("ab", "cd"))
    assert reason(decide(frame)) == {
        "a": "", "b": "", "c": "", "d": "width", "ab": "", "cd": "sides", "both": "sides"}  # fmt: skip


def test_a_difference_of_figures_read_with_caution_is_read_with_caution() -> None:
    gap = {"kind": "gap", "estimate": 0.1, "sides": ("men", "women")}
    decided = decide(cells(men={"n": 40}, women={}, gap=gap), "dhs")
    assert decided["note_code"].tolist() == ["caution", "", "caution"]


def test_complementary_suppression_hides_the_differences_of_what_it_hides() -> None:
    gap = {"kind": "difference", "estimate": 0.0, "sides": ("middle", "north")}
    decided = decide(
        cells(all={}, middle={"n": 950}, north={"n": 700}, south=FEW, gap=gap), tables=[REGIONS]
    )
    assert reason(decided)["gap"] == "sides"


def test_zero_counts_cannot_hide_behind_each_other() -> None:
    group = Table("all", ("a", "b", "c"))
    counted = cells(all={"count": 300}, a={"count": 300, "n": 900}, b={"count": 0, **FEW}, c={"count": 0, **FEW})
    linear = decide(counted.drop(columns="count"), tables=[group])
    assert reason(linear)["a"] == ""
    decided = decide(counted, tables=[group])
    assert reason(decided)["a"] == "complementary"
    counts = dict(zip(counted["address"], counted["count"].astype(float), strict=True))
    assert recoverable([group], linear, counts) == {"b", "c"}
    assert not recoverable([group], decided, counts)


def test_crossed_tables_are_protected_together() -> None:
    names = {f"{r}{c}": {"n": 100 + 10 * i} for i, (r, c) in enumerate((r, c) for r in "abc" for c in "xyz")}
    names["ax"] = {"n": 50, **FEW, "n_eff": 49.0}
    tables = [Table(f"row_{r}", tuple(f"{r}{c}" for c in "xyz")) for r in "abc"]
    tables += [Table(f"col_{c}", tuple(f"{r}{c}" for r in "abc")) for c in "xyz"]
    margins = {f"row_{r}": {"n": 3000} for r in "abc"} | {f"col_{c}": {"n": 3000} for c in "xyz"}
    frame = cells(**{**names, **margins})
    frame["std_error"] = 0.02
    frame["n_eff"] = frame["n"] * 0.9
    decided = decide(frame, tables=tables)
    assert not recoverable(tables, decided)
    hidden = {a for a, s in status(decided).items() if s == "suppress"}
    assert all(sum(part in hidden for part in table.parts) != 1 for table in tables if table.total not in hidden)


# --- property: whatever is hidden, it stays hidden ------------------------------------------


@st.composite
def linked_briefs(draw: st.DrawFn) -> tuple[pd.DataFrame, list[Table]]:
    """A few overlapping groups over shared cells, some disclosive, some unsteady, some twins."""
    size = draw(st.integers(3, 12))
    names = [f"c{i}" for i in range(size)]
    tables = []
    for _ in range(draw(st.integers(1, 5))):
        chosen = draw(st.lists(st.sampled_from(names), min_size=3, max_size=6, unique=True))
        total = draw(st.sampled_from([chosen[0], None]))
        tables.append(Table(total, tuple(chosen[1:])))
    rows = {}
    for name in names:
        row = {"n": draw(st.integers(100, 2000)), "n_eff": 90.0, "std_error": 0.01}
        kind = draw(st.sampled_from(["steady", "steady", "few", "unsteady"]))
        rows[name] = {**row, **({"count_min": 2} if kind == "few" else UNSTEADY if kind == "unsteady" else {})}
    twin = draw(st.sampled_from(names))
    rows[twin]["same_as"] = rows[twin].get("same_as") or f"figure {twin}"
    rows["again"] = {"same_as": f"figure {twin}"}
    return cells(**rows), tables


def exactly_determined(tables: list[Table], hidden: set[str], key: dict[str, str]) -> set[str]:
    """An auditor of its own: Gauss–Jordan over the rationals; a pivot row with one entry tells."""
    unknown = sorted({key.get(k, k) for t in tables for k in (*t.parts, t.total) if k} & hidden)
    rows = []
    for table in tables:
        row = [Fraction(0)] * len(unknown)
        for name, sign in [*((p, 1) for p in table.parts), (table.total, -1)]:
            if name is not None and key.get(name, name) in hidden:
                row[unknown.index(key.get(name, name))] += sign
        rows.append(row)
    lead = 0
    for column in range(len(unknown)):
        pivot = next((r for r in range(lead, len(rows)) if rows[r][column]), None)
        if pivot is None:
            continue
        rows[lead], rows[pivot] = rows[pivot], rows[lead]
        rows[lead] = [v / rows[lead][column] for v in rows[lead]]
        for r in range(len(rows)):
            if r != lead and rows[r][column]:
                factor = rows[r][column]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[lead], strict=True)]
        lead += 1
    return {unknown[next(i for i, v in enumerate(row) if v)] for row in rows if sum(map(bool, row)) == 1}


@settings(max_examples=80, deadline=None)
@given(linked_briefs())
def test_no_protected_figure_can_be_worked_out(brief: tuple[pd.DataFrame, list[Table]]) -> None:
    frame, tables = brief
    try:
        decided = decide(frame, tables=tables)
    except ReleaseError:
        pytest.fail("with nothing published before, every figure can be protected")
    key = dict(zip(decided["address"], decided["same_as"], strict=True))
    shown = {key[a] for a, s in status(decided).items() if s != "suppress"}
    hidden = set(key.values()) - shown
    protected = {
        key[a] for a, r in reason(decided).items() if r in ("disclosure", "sensitive")
    }
    by_definition = exactly_determined(tables, set(key.values()), key)
    assert not (exactly_determined(tables, hidden, key) & protected) - by_definition
    given_away = recoverable(tables, decided)
    assert not ({key[a] for a in given_away} & protected) - by_definition
    by_figure = decided.groupby("same_as")["status"].nunique()
    assert (by_figure == 1).all()
    for figure in {key[a] for a, r in reason(decided).items() if r == "complementary"}:
        assert (exactly_determined(tables, hidden - {figure}, key) & protected) - by_definition


@settings(max_examples=50, deadline=None)
@given(linked_briefs())
def test_the_auditor_agrees_with_exact_elimination(brief: tuple[pd.DataFrame, list[Table]]) -> None:
    frame, tables = brief
    decided = decide(frame)
    key = dict(zip(decided["address"], decided["same_as"], strict=True))
    shown = {key[a] for a, s in status(decided).items() if s != "suppress"}
    exact = exactly_determined(tables, set(key.values()) - shown, key)
    assert {key[a] for a in recoverable(tables, decided)} == exact


@settings(max_examples=50, deadline=None)
@given(linked_briefs())
def test_nothing_is_hidden_that_no_rule_asks_for(brief: tuple[pd.DataFrame, list[Table]]) -> None:
    frame, tables = brief
    decided = decide(frame, tables=tables)
    if not (frame["count_min"] < 5).any():
        assert "complementary" not in set(decided["reason"])
        pd.testing.assert_frame_equal(decided, decide(frame))


# --- earlier releases -----------------------------------------------------------------------


def released(frame: pd.DataFrame, tables: list[Table], before: Register | None = None) -> tuple[pd.DataFrame, Register]:
    decided = decide(frame, tables=tables, register=before)
    return decided, (before or Register()).after(decided, tables)


def test_a_second_brief_does_not_expose_what_the_first_hid() -> None:
    first = cells(all={}, middle={"n": 950}, north={"n": 700}, south=FEW)
    decided, register = released(first, [REGIONS])
    assert reason(decided)["north"] == "complementary"
    second, _ = released(cells(north={"n": 700}), [], register)
    assert reason(second) == {"north": "earlier"}


def test_a_subset_published_before_counts_as_known() -> None:
    adults = Table("15+", ("15-59", "60+"))
    _, register = released(cells(**{"15+": {}}), [])
    frame = cells(**{"15-59": {}, "60+": FEW})
    assert reason(decide(frame, tables=[adults]))["15-59"] == ""
    decided, _ = released(frame, [adults], register)
    assert reason(decided) == {"15-59": "complementary", "60+": "disclosure"}


def test_what_can_no_longer_be_protected_stops_the_brief() -> None:
    adults = Table("15+", ("15-59", "60+"))
    _, register = released(cells(**{"15+": {}, "15-59": {}}), [])
    with pytest.raises(ReleaseError, match="published before gives it away"):
        decide(cells(**{"60+": FEW}), tables=[adults], register=register)


def test_the_links_of_an_earlier_release_still_hold() -> None:
    """all = a + b; first b was withheld and all too unsteady to show: showing all now gives b away."""
    pair = Table("all", ("a", "b"))
    first, register = released(cells(all=UNSTEADY, a={}, b=FEW), [pair])
    assert reason(first) == {"all": "width", "a": "", "b": "disclosure"}
    second, _ = released(cells(all={}), [], register)
    assert reason(second) == {"all": "complementary"}


def test_the_same_brief_again_gives_the_same_answer() -> None:
    frame = cells(all={}, middle={"n": 950}, north={"n": 700}, south=FEW)
    first, register = released(frame, [REGIONS])
    second, again = released(frame, [REGIONS], register)
    assert status(first) == status(second)
    assert (again.shown, set(again.hidden), again.tables) == (
        register.shown, set(register.hidden), register.tables)  # fmt: skip


def test_the_register_is_written_and_read_whole(tmp_path) -> None:
    path = tmp_path / "office" / "register.json"
    assert Register.read(path) == Register()
    _, register = released(cells(all={}, middle={}, north={}, south=FEW), [REGIONS])
    register.write(path)
    assert Register.read(path) == register
    assert "0.4" not in path.read_text(encoding="utf-8")
    path.write_text(json.dumps({"shown": []})[:-1], encoding="utf-8")
    with pytest.raises(ReleaseError, match="cannot be read"):
        Register.read(path)


# --- bad input and words --------------------------------------------------------------------


def test_addresses_must_be_there_and_unique() -> None:
    with pytest.raises(ReleaseError, match="more than once: a"):
        decide(pd.concat([cells(a={}), cells(a={})]))
    with pytest.raises(ReleaseError, match="address"):
        decide(cells(a={}).drop(columns="address"))
    with pytest.raises(ReleaseError, match="linked group"):
        Table("a", ("a", "b"))


def test_every_code_has_words_in_both_languages_and_no_digits() -> None:
    for code in (*REASONS, *NOTES, *STATUSES):
        english, arabic = words(code, "en"), words(code, "ar")
        assert english.isascii() and not arabic.isascii()
        assert not any(character.isdigit() for character in english + arabic)
    assert words("n", "ar") == "محجوب لعدم كفاية الحالات"
    assert words("caution", "ar") == "يُقرأ بحذر"
    with pytest.raises(ReleaseError):
        words("nonsense", "en")
    with pytest.raises(ReleaseError):
        words("n", "fr")


def test_every_reason_the_gate_gives_has_words() -> None:
    gap = {"kind": "difference", "estimate": 0.0, "sides": ("a", "b")}
    decided = decide(
        cells(a={}, b=UNSTEADY, c=FEW, d={"df": 3}, e={"n": 10}, f={"df": 0}, g=gap,
              h={**gap, "sides": None}, i={"kind": "mean", "estimate": 0.1, "std_error": 1.0}),
        tables=[Table(None, ("a", "c"))],
    )  # fmt: skip
    assert len(set(decided["reason"])) == 9
    for code in set(decided["reason"]):
        assert code and words(code, "ar")


def test_the_summary_counts() -> None:
    decided = decide(cells(a={}, b=UNSTEADY, c=FEW, d=FEW))
    lines = summary(decided, "ar")
    assert [(line.code, line.cells) for line in lines] == [
        ("show", 1), ("flag", 0), ("suppress", 3), ("disclosure", 2), ("width", 1)]  # fmt: skip
    assert lines[2].words == "محجوب"
