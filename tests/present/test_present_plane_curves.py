"""The plane of two measures and the curves of items: everything on the sheet, nothing over anything."""

from __future__ import annotations

import pytest

from masar_research.errors import ParameterError
from masar_research.present.charts import curves as curves_module
from masar_research.present.charts import plane as plane_module
from masar_research.present.charts.curves import Curve, CurvePanel, curves
from masar_research.present.charts.plane import Place, plane

LABELS = {
    "en": ["Bachelor's degree or higher", "Intermediate diploma", "Secondary school certificate and vocational training", "None"],
    "ar": ["بكالوريوس فأعلى", "دبلوم متوسط", "شهادة الدراسة الثانوية والتدريب المهني", "لا شيء"],
}
ACROSS = {"en": ("Bias c", "readier to believe", "readier to doubt"), "ar": ("الانحياز c", "ميل إلى التصديق", "ميل إلى التكذيب")}


def places(lang: str) -> list[Place]:
    # Three groups at nearly one height: their names must be moved apart.
    ups = (1.20, 1.21, 1.22, -0.3)
    return [
        Place(label, (x - 0.1, x, x + 0.1), (y - 0.05, y, y + 0.05), flagged=k == 1)
        for k, (label, x, y) in enumerate(zip(LABELS[lang], (-0.3, 0.0, 0.2, 0.1), ups, strict=True))
    ]


def apart(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def neat(canvas) -> None:
    boxes = canvas.boxes()
    for words, (left, top, right, bottom) in boxes:
        assert -0.2 <= left and right <= canvas.width + 0.2 and -0.2 <= top and bottom <= canvas.height + 0.2, words
    for k, (words, box) in enumerate(boxes):
        for other, second in boxes[k + 1:]:
            shrunk = (box[0] + 0.2, box[1] + 0.9, box[2] - 0.2, box[3] - 0.9)
            assert apart(shrunk, second), (words, other)


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_plane_keeps_everything_on_the_sheet_and_apart(lang):
    canvas = plane_module._draw(places(lang), lang, ACROSS[lang], "d", ["A", "B"], 170.0, 92.0)
    neat(canvas)
    assert all(any(part in text for text in canvas.texts) for part in ("A", "B"))


@pytest.mark.parametrize("lang", ["en", "ar"])
@pytest.mark.parametrize("panels", [1, 2, 3])
def test_curves_keep_everything_on_the_sheet_and_apart(lang, panels):
    groups = LABELS[lang][:2]
    lines = tuple(Curve(name, (0.0, 1.0, 2.0, 3.0), (0.0, 0.2 + k / 10, 0.5, 1.0)) for k, name in enumerate(groups))
    made = [CurvePanel(LABELS[lang][2] * (k + 1), lines) for k in range(panels)]
    canvas = curves_module._draw(made, lang, ACROSS[lang][0], ACROSS[lang][1], groups, 170.0, 52.0)
    neat(canvas)


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_the_same_picture_twice(lang):
    first, again = (plane(places(lang), lang, across=ACROSS[lang], up="d") for _ in range(2))
    assert first.png == again.png and first.svg == again.svg and set(LABELS[lang][:2]) <= set(first.texts)


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ParameterError, match="at least one group"):
        plane([], "en", across=ACROSS["en"], up="d")
    with pytest.raises(ParameterError, match="holds its value"):
        Place("A", (0.2, 0.1, 0.3), (0.0, 0.1, 0.2))
    with pytest.raises(ParameterError, match="one to 5 groups"):
        curves([], "en", across="x", up="y")
    six = tuple(Curve(str(k), (0.0, 1.0), (0.0, 1.0)) for k in range(6))
    with pytest.raises(ParameterError, match="one to 5 groups"):
        curves([CurvePanel("item", six)], "en", across="x", up="y")
