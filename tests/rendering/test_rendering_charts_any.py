"""Charts of any values: no text leaves the sheet or lies on another."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from masar_research.present import theme
from masar_research.present.canvas import Canvas
from masar_research.present.charts import (
    Change, Effect, EffectPanel, Mark, Panel, Part, Point, Reference, Row, Series, Stack, bars,
    change, dots, effects, trend,
)  # fmt: skip

pytestmark = pytest.mark.full
MANY = settings(
    max_examples=40, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
LABELS = {
    "en": ["Women", "15–24", "Bachelor or higher", "Persons with at least one disability", "Rural areas of the South"],
    "ar": ["النساء", "15–24 سنة", "بكالوريوس فأعلى", "الأشخاص ذوو الإعاقة الواحدة على الأقل", "ريف إقليم الجنوب"],
}  # fmt: skip
UNIT = st.floats(0, 1)
LANG = st.sampled_from(["ar", "en"])
WIDTH = st.sampled_from([theme.FULL_WIDTH, theme.HALF_WIDTH])


@st.composite
def marks(draw, group="plain"):
    status = draw(st.sampled_from(["show", "show", "show", "flag", "suppress"]))
    if status == "suppress":
        return Mark(None, None, None, status, group)
    value, down, up = draw(UNIT), draw(st.floats(0, 0.3)), draw(st.floats(0, 0.3))
    return Mark(value, max(0.0, value - down), min(1.0, value + up), status, group)


@st.composite
def differences(draw):
    value, half = draw(st.floats(-0.9, 0.9)), draw(st.floats(0, 0.4))
    return value, value - half, value + half


@pytest.fixture
def sheets(monkeypatch):
    """The sheet finished last."""
    found, finish = [], Canvas.finish

    def kept(self):
        found[:] = [self]
        return finish(self)

    monkeypatch.setattr(Canvas, "finish", kept)
    return found


def check(sheet):
    boxes = [found for found in sheet.boxes() if found[0].strip()]
    for i, (one, (l1, t1, r1, b1)) in enumerate(boxes):
        assert l1 >= -0.3 and r1 <= sheet.width + 0.3 and t1 >= -0.3 and b1 <= sheet.height + 0.3, (one, l1, r1, t1, b1)
        for other, (l2, t2, r2, b2) in boxes[i + 1 :]:
            assert min(r1, r2) - max(l1, l2) <= 0.2 or min(b1, b2) - max(t1, t2) <= 0.8, (one, other)


@MANY
@given(data=st.data(), lang=LANG, width=WIDTH, columns=st.integers(1, 2), two=st.booleans(), ref=st.none() | UNIT)
def test_dots(sheets, data, lang, width, columns, two, ref):
    groups = ["women", "men"] if two else ["plain"]
    rows = tuple(Row(label, tuple(data.draw(marks(group)) for group in groups)) for label in LABELS[lang])
    panels = [Panel(LABELS[lang][2], rows[:3]), Panel("", rows[3:])]
    reference = None if ref is None else Reference(ref, LABELS[lang][0])
    dots(panels, lang, width=width, columns=columns if width > 100 else 1, reference=reference)
    check(sheets[0])


@MANY
@given(data=st.data(), lang=LANG, width=WIDTH)
def test_effects(sheets, data, lang, width):
    rows = [Effect(LABELS[lang][0], None), Effect(LABELS[lang][1], None, status="suppress")]
    rows += [Effect(label, *data.draw(differences())) for label in LABELS[lang][2:]]
    words = {"en": ("less likely to take part", "more likely to take part"), "ar": ("أقل احتمالاً للمشاركة", "أكثر احتمالاً للمشاركة")}[lang]
    effects([EffectPanel(LABELS[lang][3], tuple(rows))], lang, less=words[0], more=words[1], width=width)
    check(sheets[0])


@MANY
@given(data=st.data(), lang=LANG, width=WIDTH)
def test_change(sheets, data, lang, width):
    rows = []
    for label in LABELS[lang]:
        before, after = data.draw(marks("women")), data.draw(marks("women"))
        if before.shown and after.shown:
            rows.append(Change(label, before, after, *data.draw(differences()), data.draw(st.booleans())))
        else:
            rows.append(Change(label, before, after, None, None, None, False, "suppress"))
    change(rows, lang, before="2024", after="2026", width=width)
    check(sheets[0])


@MANY
@given(data=st.data(), lang=LANG, width=WIDTH, count=st.integers(1, 3))
def test_trend(sheets, data, lang, width, count):
    keys = ["women", "men", "youth"][:count]
    series = [
        Series(LABELS[lang][i], key, tuple(Point(year, data.draw(marks(key))) for year in (2022, 2024, 2026)))
        for i, key in enumerate(keys)
    ]
    trend(series, lang, width=width)
    check(sheets[0])


@MANY
@given(data=st.data(), lang=LANG, width=WIDTH)
def test_bars(sheets, data, lang, width):
    stacks = []
    for label in LABELS[lang][:3]:
        first = data.draw(UNIT)
        second = data.draw(st.floats(0, 1)) * (1 - first)
        stacks.append(Stack(label, (Part(first), Part(second), Part(1 - first - second))))
    bars(stacks, LABELS[lang][:3], lang, width=width)
    check(sheets[0])
