"""Charts: nothing clipped, nothing overlapping, nothing leaked, the same bytes every time."""

import io
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter

import geopandas as gpd
import matplotlib
import numpy as np
import pytest
from matplotlib.image import imread
from shapely.geometry import Polygon, box

from masar_research.errors import ParameterError, ReleaseError
from masar_research.present import direction, lint, theme
from masar_research.present.canvas import Canvas, house_settings
from masar_research.present.charts import (
    Change, Effect, EffectPanel, Mark, Panel, Part, Point, Reference, Row, Series, Stack, areas,
    bars, change, dots, effects, trend,
)  # fmt: skip
from masar_research.present.fonts import font_path

LANGS = ["ar", "en"]
WORDS = {
    "ar": {
        "women": "النساء", "men": "الرجال", "age": "حسب العمر", "edu": "حسب المستوى التعليمي",
        "ages": ["15–24 سنة", "25–39 سنة", "40–59 سنة", "60 سنة فأكثر"],
        "edus": ["أمي/ة", "أقل من الثانوية", "ثانوية عامة", "دبلوم متوسط", "بكالوريوس فأعلى"],
        "less": "أقل احتمالاً للمشاركة", "more": "أكثر احتمالاً للمشاركة", "all": "جميع الأردنيين",
        "long": "النساء الحاصلات على درجة البكالوريوس فأعلى في محافظات إقليم الجنوب",
        "states": ["مشتغل", "متعطل", "خارج قوة العمل"],
    },
    "en": {
        "women": "Women", "men": "Men", "age": "By age", "edu": "By education",
        "ages": ["15–24", "25–39", "40–59", "60 and over"],
        "edus": ["Illiterate", "Below secondary", "Secondary", "Diploma", "Bachelor or higher"],
        "less": "less likely to participate", "more": "more likely to participate",
        "all": "All Jordanians",
        "long": "Women with a bachelor's degree or higher in the governorates of the South",
        "states": ["Employed", "Unemployed", "Outside the labour force"],
    },
}  # fmt: skip


def mark(value, half=0.03, group="plain", status="show"):
    return Mark(value, max(0.0, value - half), min(1.0, value + half), status, group)


def hidden(group="plain"):
    return Mark(None, None, None, "suppress", group)


def two_groups(w):
    women, men = (0.098, 0.241, 0.149), (0.421, 0.30, 0.712)
    rows = [
        Row(label, (mark(a, group="women"), mark(b, 0.04, "men")))
        for label, a, b in zip(w["ages"], women, men, strict=False)
    ]
    rows.append(Row(w["ages"][3], (hidden("women"), mark(0.204, group="men"))))
    rows.append(Row(w["long"], (hidden("women"), hidden("men"))))
    return [Panel(w["age"], tuple(rows))]


def one_group(w):
    values = (0.998, 0.0, 0.18, 0.22)
    rows = [Row(w["edus"][0], (hidden(),))]
    rows += [
        Row(label, (mark(value, 0.04, status="flag" if i == 1 else "show"),))
        for i, (label, value) in enumerate(zip(w["edus"][1:], values, strict=True))
    ]
    return [Panel(w["edu"], tuple(rows)), Panel("", (Row(w["all"], (Mark(0.3),)),))]


def some_effects(w):
    return [
        EffectPanel("", (Effect(w["men"], None), Effect(w["women"], -0.452, -0.48, -0.42))),
        EffectPanel(
            w["edu"],
            (
                Effect(w["edus"][0], -0.08, -0.17, 0.01), Effect(w["edus"][3], 0.042, -0.01, 0.09, "flag"),
                Effect(w["edus"][4], 0.113, 0.07, 0.15), Effect(w["long"], None, status="suppress"),
            ),
        ),
    ]  # fmt: skip


def some_changes(w):
    return [
        Change(w["women"], mark(0.139, 0.015, "women"), mark(0.145, 0.015, "women"), 0.006, -0.015, 0.027, False),
        Change(w["men"], mark(0.58, 0.02, "men"), mark(0.607, 0.02, "men"), 0.027, 0.003, 0.051, True),
        Change(w["long"], mark(0.04, 0.02, "women"), hidden("women"), None, None, None, False, "suppress"),
    ]


def some_series(w, status="suppress"):
    middle = hidden("youth") if status == "suppress" else mark(0.18, 0.05, "youth")
    return [
        Series(w["men"], "men", tuple(Point(y, mark(v, 0.02, "men")) for y, v in ((2022, 0.59), (2024, 0.58), (2026, 0.607)))),
        Series(w["women"], "women", tuple(Point(y, mark(v, 0.016, "women")) for y, v in ((2022, 0.137), (2024, 0.139), (2026, 0.145)))),
        Series("18–29", "youth", (Point(2022, mark(0.2, 0.05, "youth")), Point(2024, middle), Point(2026, mark(0.17, 0.04, "youth", "flag")))),
    ]


def tiles():
    cells = {11: (1, 2), 13: (2, 2), 21: (0, 5), 22: (2, 3), 31: (1, 1)}
    names = {11: ("Amman", "العاصمة"), 13: ("Zarqa", "الزرقاء"), 21: ("Irbid", "إربد"), 22: ("Mafraq", "المفرق"), 31: ("Karak", "الكرك")}
    return gpd.GeoDataFrame(
        {"code": list(cells), "en": [names[c][0] for c in cells], "ar": [names[c][1] for c in cells]},
        geometry=[box(x, y, x + 1, y + 1) for x, y in cells.values()],
    )


def slivers():
    """Shapes too thin for their labels, so that these stand beside the map."""
    frame = tiles()
    shapes = [box(0, 0.3 * i, 0.4 + 0.1 * (i % 2), 0.3 * (i + 1)) for i in range(4)]
    shapes.append(Polygon([(0.5, 0), (4, 0.2), (3, 2), (0.5, 1.4)], holes=[[(2, 0.5), (2.2, 0.5), (2.2, 0.7)]]))
    return frame.set_geometry(shapes)


def some_values():
    return {11: mark(0.152), 13: mark(0.137), 21: mark(0.205, status="flag"), 22: hidden(), 31: hidden()}


def some_stacks(w):
    return [
        Stack(w["women"], (Part(0.1), Part(0.045, "flag"), Part(0.855))),
        Stack(w["men"], (Part(0.48), Part(0.127), Part(0.393))),
        Stack(w["long"], (Part(None, "suppress"), Part(None, "suppress"), Part(0.9))),
    ]


CHARTS = {
    "dots_two": lambda w, lang, width: dots(two_groups(w), lang, width=width),
    "dots_one": lambda w, lang, width: dots(
        one_group(w), lang, width=width, columns=2 if width > 100 else 1, reference=Reference(0.214, w["all"])
    ),
    "effects": lambda w, lang, width: effects(some_effects(w), lang, less=w["less"], more=w["more"], width=width),
    "change": lambda w, lang, width: change(some_changes(w), lang, before="2024", after="2026", width=width),
    "trend": lambda w, lang, width: trend(some_series(w), lang, width=width),
    "tiles": lambda w, lang, width: areas(tiles(), some_values(), lang, width=width, outlines=tiles()),
    "slivers": lambda w, lang, width: areas(slivers(), some_values(), lang, width=width),
    "bars": lambda w, lang, width: bars(some_stacks(w), w["states"], lang, width=width),
}  # fmt: skip
EVERY = [(name, lang, width) for name in CHARTS for lang in LANGS for width in (theme.FULL_WIDTH, theme.HALF_WIDTH)]


@pytest.fixture(scope="module")
def drawn():
    """Every chart with the sheet it was drawn on."""
    sheets = []
    finish = Canvas.finish

    def kept(self):
        sheets.append(self)
        return finish(self)

    Canvas.finish = kept
    try:
        arts = {key: CHARTS[key[0]](WORDS[key[1]], key[1], key[2]) for key in EVERY}
    finally:
        Canvas.finish = finish
    return dict(zip(EVERY, zip(arts.values(), sheets, strict=True), strict=True))


@pytest.mark.parametrize("key", EVERY)
def test_text_stays_on_the_sheet(drawn, key):
    art, sheet = drawn[key]
    assert art.width == key[2]
    for words, (left, top, right, bottom) in sheet.boxes():
        assert left >= -0.3 and right <= art.width + 0.3, (words, left, right)
        assert top >= -0.3 and bottom <= art.height + 0.3, (words, top, bottom)


@pytest.mark.parametrize("key", EVERY)
def test_texts_do_not_overlap(drawn, key):
    boxes = [found for found in drawn[key][1].boxes() if found[0].strip()]
    for i, (one, (l1, t1, r1, b1)) in enumerate(boxes):
        for other, (l2, t2, r2, b2) in boxes[i + 1 :]:
            across = min(r1, r2) - max(l1, l2)
            down = min(b1, b2) - max(t1, t2)
            assert across <= 0.2 or down <= 0.8, (one, other, across, down)


@pytest.mark.parametrize("key", EVERY)
def test_text_is_large_enough_and_known_to_the_font(drawn, key):
    for artist in drawn[key][1].drawn:
        assert artist.get_fontsize() >= theme.SMALLEST
        assert str(artist.get_fontproperties().get_file()).endswith(".ttf")


@pytest.mark.parametrize("key", EVERY)
def test_svg_is_clean(drawn, key):
    art = drawn[key][0]
    root = ElementTree.fromstring(art.svg)
    assert not [node for node in root.iter() if node.tag.endswith("}text") or node.tag.endswith("}metadata")]
    ids = re.findall(r'\bid="([^"]+)"', art.svg)
    assert len(ids) == len(set(ids))
    assert {r for r in re.findall(r'(?:url\(#|href="#)([^")]+)', art.svg)} <= set(ids)
    assert not re.search(r"20\d\d-\d\d-\d\dT|Matplotlib", art.svg)


@pytest.mark.parametrize("key", EVERY)
def test_png_has_twice_the_density_of_a_screen(drawn, key):
    art = drawn[key][0]
    height, width = imread(io.BytesIO(art.png)).shape[:2]
    assert width == pytest.approx(art.width / 25.4 * theme.PNG_DPI, abs=1.5)
    assert height == pytest.approx(art.height / 25.4 * theme.PNG_DPI, abs=1.5)
    assert theme.PNG_DPI >= 2 * 96


@pytest.mark.parametrize("key", EVERY)
def test_every_string_is_reported(drawn, key):
    art, sheet = drawn[key]
    assert list(art.texts) == [direction.bare(artist.get_text()) for artist in sheet.drawn]
    assert set(art.scale) <= set(art.texts)
    if key[1] == "ar":
        for artist in sheet.drawn:
            outside = re.sub("\u2066[^\u2069]*\u2069", "", artist.get_text())
            assert not lint.numerals(outside), artist.get_text()


def test_ids_differ_between_charts(drawn):
    ids = [set(re.findall(r'\bid="([^"]+)"', art.svg)) for art, _ in drawn.values()]
    assert len(set.union(*ids)) == sum(len(found) for found in ids)


@pytest.mark.parametrize("name", list(CHARTS))
def test_same_bytes_whatever_the_caller_set(drawn, name):
    art = drawn[(name, "ar", theme.HALF_WIDTH)][0]
    with matplotlib.rc_context():
        matplotlib.rcParams.update({"font.size": 30, "svg.fonttype": "none", "axes.facecolor": "black", "text.color": "red", "lines.linewidth": 9, "figure.dpi": 33, "savefig.bbox": "tight"})
        before = dict(matplotlib.rcParams)
        again = CHARTS[name](WORDS["ar"], "ar", theme.HALF_WIDTH)
        assert dict(matplotlib.rcParams) == before
    assert again.svg == art.svg
    assert again.png == art.png


def test_no_pyplot_figure_is_left(drawn):
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


def _centres(sheet):
    return {words: float(left + right) / 2 for words, (left, _, right, _) in sheet.boxes()}


def test_arabic_dots_are_mirrored(drawn):
    for key, start, figure in (
        (("dots_one", "en", 82.0), "Diploma", "22.0%"), (("dots_one", "ar", 82.0), "دبلوم متوسط", "22.0%"),
    ):  # fmt: skip
        at = _centres(drawn[key][1])
        assert (at[start] < at[figure]) is (key[1] == "en")
        assert (at["0%"] < at["50%"]) is (key[1] == "en")


def test_time_and_maps_are_never_mirrored(drawn):
    for lang in LANGS:
        at = _centres(drawn[("trend", lang, 170.0)][1])
        assert at["2022"] < at["2024"] < at["2026"]
        names = dict(zip(tiles()["code"], tiles()[lang], strict=True))
        at = _centres(drawn[("tiles", lang, 82.0)][1])
        assert at[names[21]] < at[names[11]] < at[names[13]]


def test_positive_effects_point_to_the_end_of_reading(drawn):
    for lang in LANGS:
        at = _centres(drawn[("effects", lang, 170.0)][1])
        assert (at["+11.3"] > at["−45.2"]) is (lang == "en")


# --- what may not leave -----------------------------------------------------------------


def test_a_suppressed_value_is_refused():
    with pytest.raises(ReleaseError, match="with its value"):
        Mark(0.3, None, None, "suppress")
    with pytest.raises(ReleaseError, match="with its value"):
        Effect("x", 0.1, status="suppress")
    with pytest.raises(ReleaseError, match="with its value"):
        Part(0.1, "suppress")
    with pytest.raises(ReleaseError, match="with its value"):
        Change("x", mark(0.1), mark(0.2), 0.1, None, None, True, "suppress")


@pytest.mark.parametrize(("value", "low", "high"), [(0.3, 0.4, 0.5), (float("nan"), None, None), (None, None, None)])
def test_a_shown_value_lies_in_its_interval(value, low, high):
    with pytest.raises(ReleaseError):
        Mark(value, low, high)


def test_an_unknown_decision_is_refused():
    with pytest.raises(ReleaseError, match="decision"):
        Mark(0.3, status="maybe")


@pytest.mark.parametrize("lang", LANGS)
def test_a_suppressed_row_stands_where_its_order_puts_it(lang):
    rows = (Row("a", (mark(0.2),)), Row("b", (hidden(),)), Row("c", (mark(0.4),)))
    art = dots([Panel("", rows)], lang, order="value")
    assert [t for t in art.texts if t in "abc"] == ["c", "a", "b"]


def test_a_bar_with_one_hidden_part_shows_none_of_its_parts():
    art = bars(some_stacks(WORDS["en"]), WORDS["en"]["states"], "en")
    assert "90.0%" not in art.texts
    assert "85.5%" in art.texts


def test_hidden_tiles_do_not_enter_the_legend():
    shown = {**some_values(), 22: mark(0.9), 31: mark(0.01)}
    assert areas(tiles(), some_values(), "en").scale != areas(tiles(), shown, "en").scale
    assert not [t for t in areas(tiles(), some_values(), "en").scale if "90%" in t]


def test_no_line_runs_through_a_suppressed_wave_or_a_break():
    w = WORDS["en"]
    gap, whole = (trend(some_series(w, status), "en") for status in ("suppress", "show"))
    strokes = [art.svg.count("stroke-width: 1.6;") for art in (gap, whole)]
    assert strokes[1] - strokes[0] == 2
    points = (Point(2022, mark(0.1)), Point(2024, mark(0.2), broken=True), Point(2026, mark(0.3)))
    broken = trend([Series("x", "plain", points)], "en")
    assert broken.svg.count("stroke-width: 1.6;") == 1


# --- bad input --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "draw",
    [
        lambda: dots([], "en"), lambda: dots([Panel("x", ())], "en"), lambda: change([], "en", before="a", after="b"),
        lambda: effects([EffectPanel("x", ())], "en", less="l", more="m"),
        lambda: trend([Series("x", "plain", (Point(2024, mark(0.1)),))], "en"),
        lambda: trend([Series("x", "plain", (Point(2024, mark(0.1)), Point(2022, mark(0.1))))], "en"),
        lambda: bars([Stack("x", (Part(0.5), Part(0.4)))], ["a", "b"], "en"),
        lambda: bars([Stack("x", (Part(1.0),))], ["a", "b"], "en"),
        lambda: areas(tiles(), {11: mark(0.1)}, "en"),
        lambda: areas(tiles().drop(columns="ar"), some_values(), "ar"),
        lambda: dots([Panel("", (Row("a", (mark(0.1, group="martians"),)),))], "en"),
        lambda: dots([Panel("", (Row("漢字", (mark(0.1),)),))], "en"),
    ],
)  # fmt: skip
def test_bad_input_names_the_remedy(draw):
    with pytest.raises(ParameterError, match="What to do"):
        draw()


def test_all_suppressed_still_draws():
    for lang in LANGS:
        assert dots([Panel("", (Row("x", (hidden(),)),))], lang).png
        assert areas(tiles(), dict.fromkeys(tiles()["code"], hidden()), lang).png


# --- Arabic is shaped and ordered by the font -------------------------------------------


def glyphs(words):
    """Names of the glyphs of one text, from left to right as drawn, without regional variants."""
    from fontTools.ttLib import TTFont

    with house_settings():
        sheet = Canvas(60, 10, "ar")
        sheet.text(2, 5, words)
    order = TTFont(font_path(), lazy=True).getGlyphOrder()
    used = re.findall(
        r'<use xlink:href="#[^"]*IBMPlexSansArabic-Regular-([0-9a-f]+)"(?: transform="translate\(([-\d.]+) [^"]*")?', sheet.finish().svg
    )
    named = [(float(x or 0), order[int(code, 16)]) for code, x in used]
    names = [name.removesuffix(".loclARAB") for _, name in sorted(named, key=lambda item: item[0])]
    return [name for name in names if name != "space"]


def test_salam_is_joined_and_runs_from_the_right():
    found = glyphs("سلام")
    meem, lam_alef_final, seen_initial = "uni0645", "uniFEFC", "uniFEB3"
    assert found == [meem, lam_alef_final, seen_initial]
    assert found != glyphs("مالس")
    assert glyphs("س\u200cل\u200cا\u200cم") == ["uni0645", "uni0627", "uni0644", "uni0633"]


@pytest.mark.parametrize("token", ["−0.6%", "15–24", "[14.0, 15.1]", "±2.5", "2019–2023", "+3.2"])
def test_tokens_keep_their_order_after_an_arabic_letter(token):
    alone = glyphs(direction.isolate(token))
    inside = glyphs(f"من {token} إلى")
    first = inside.index(alone[0])
    assert inside[first : first + len(alone)] == alone


def test_an_ink_profile_of_salam_equals_the_glyphs_set_by_hand():
    """The picture of the word is that of its three glyphs side by side, not of four letters."""
    from fontTools.pens.boundsPen import BoundsPen
    from fontTools.ttLib import TTFont

    with house_settings():
        sheet = Canvas(40, 12, "ar", mirror=False)
        sheet.text(4, 6, "سلام", size=40)
    art = sheet.finish()
    ink = imread(io.BytesIO(art.png))[..., :3].mean(axis=2) < 0.5
    columns = np.flatnonzero(ink.any(axis=0))
    width = (columns[-1] - columns[0] + 1) / theme.PNG_DPI * 72
    font = TTFont(font_path(), lazy=True)
    outlines, order = font.getGlyphSet(), glyphs("سلام")
    pen_at, ends = 0.0, []
    for name in order:
        pen = BoundsPen(outlines)
        outlines[name].draw(pen)
        ends += [pen_at + pen.bounds[0], pen_at + pen.bounds[2]]
        pen_at += outlines[name].width
    expected = (max(ends) - min(ends)) / font["head"].unitsPerEm * 40
    assert width == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_effects_none_of_which_may_be_shown_are_named_and_hold_no_figure(lang):
    """A small place may have every effect withheld; the brief of that place is still built."""
    hidden = EffectPanel("x", (Effect("a", None), Effect("b", None, status="suppress")))
    drawn = effects([hidden], lang, less="l", more="m")
    strings = Counter(drawn.texts) - Counter(drawn.scale)
    assert {"a", "b"} <= set(strings) and not any(re.search(r"\d", text) for text in strings)
