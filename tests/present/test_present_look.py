"""Fonts, colours, scales, tables: what every page is set in."""

import base64
import io
import itertools
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from masar_research.errors import ParameterError
from masar_research.present import fonts, tables, theme
from masar_research.present.charts.areas import _COLOURS
from masar_research.present.charts.placing import apart, side_by_side
from masar_research.present.scale import class_of, classes, ticks

# --- fonts ------------------------------------------------------------------------------


def embedded(css):
    return [
        TTFont(io.BytesIO(base64.b64decode(data)))
        for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", css)
    ]


def test_css_faces_hold_what_the_text_needs_and_little_else():
    texts = ["بلغت نسبة المشاركة 14.5%", "Participation"]
    css = fonts.css_font_faces(texts, "ar")
    assert css == fonts.css_font_faces(reversed(texts), "ar")
    faces = embedded(css)
    assert len(faces) == css.count("@font-face") == 2
    for face in faces:
        known = face.getBestCmap()
        assert {ord(c) for c in "".join(texts) if c != " "} <= set(known)
        features = {record.FeatureTag for record in face["GSUB"].table.FeatureList.FeatureRecord}
        assert {"init", "medi", "fina"} <= features
        assert face["OS/2"].fsType == 0
    assert len(css) < 120_000
    assert "http" not in css


@pytest.mark.parametrize("words", ["سلام", "بلغت نسبة المشاركة 14.5% لدى النساء", "Labour force"])
def test_subset_shapes_as_the_whole_font_does(words, tmp_path):
    faces = embedded(fonts.css_font_faces([words], "ar"))
    for face, weight in zip(faces, (400, 600), strict=True):
        face.flavor = None
        face.save(tmp_path / f"{weight}.ttf")
        whole, part = (
            text_to_path.get_text_path(FontProperties(fname=str(path), size=10), words)
            for path in (fonts.font_path(fonts.SANS, weight), tmp_path / f"{weight}.ttf")
        )
        assert len(whole[0]) == len(part[0])
        assert np.allclose(np.asarray(whole[0]), np.asarray(part[0]), atol=1.0)


def test_missing_glyphs_are_found():
    assert fonts.missing(["بلغ 14.5% – Women\u2066\u2069"]) == set()
    assert fonts.missing(["漢"]) == {"漢"}


def test_directories_hold_both_families():
    names = {file.name for folder in fonts.directories() for file in folder.glob("*.ttf")}
    assert {"Amiri-Regular.ttf", "IBMPlexSansArabic-Regular.ttf"} <= names


def test_an_absent_font_names_its_package():
    with pytest.raises(ParameterError, match="fontpkg-no-such-face"):
        fonts.font_path("No Such Face")


# --- colours ----------------------------------------------------------------------------

# Machado, Oliveira & Fernandes (2009), severity 1.0, in linear RGB.
BLINDNESS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}  # fmt: skip
TOGETHER = [("women", "men"), ("women", "men", "all"), ("urban", "rural"), ("middle", "north", "south"), ("jordanians", "all_residents")]


def lab(colour, matrix=None):
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    if matrix is not None:
        linear = np.clip(np.array(matrix) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(xyz / np.array([0.9505, 1.0, 1.089]))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", [None, *BLINDNESS])
@pytest.mark.parametrize("keys", TOGETHER)
def test_groups_part_under_every_colour_blindness(keys, kind):
    for one, other in itertools.combinations(keys, 2):
        a, b = (lab(theme.group(key).colour, BLINDNESS.get(kind)) for key in (one, other))
        assert np.linalg.norm(a - b) > 15, (one, other, kind)
        assert theme.group(one).marker != theme.group(other).marker


@pytest.mark.parametrize("key", list(theme.GROUPS))
def test_group_colours_are_readable_as_text(key):
    assert theme.contrast(theme.group(key).colour, theme.PAPER) >= 4.5


def test_greys_that_carry_words_are_readable():
    for colour in (theme.MUTED, theme.INK, theme.TEAL, theme.ACCENT):
        assert theme.contrast(colour, theme.PAPER) >= 4.5


@pytest.mark.parametrize("count", list(_COLOURS))
def test_words_on_map_classes_are_readable_and_classes_darken(count):
    fills = _COLOURS[count]
    assert len(fills) == count
    for fill in fills:
        assert theme.contrast(theme.readable_on(fill), fill) >= 4.5
    light = [theme.luminance(fill) for fill in fills]
    assert light == sorted(light, reverse=True)


def test_contrast_of_black_on_white_is_21():
    assert theme.contrast("#000000", "#ffffff") == pytest.approx(21)


def test_an_unknown_group_is_an_error():
    with pytest.raises(ParameterError, match="colour of its own"):
        theme.group("martians")


# --- scales and places ------------------------------------------------------------------

UNIT = st.floats(0, 1)


@given(st.floats(-5, 5), st.floats(0.001, 5), st.integers(2, 8))
def test_ticks_cover_and_are_even(low, length, most):
    found = ticks(low, low + length, most)
    assert found[0] <= low + 1e-9 and found[-1] >= low + length - 1e-9
    steps = np.diff(found)
    assert np.allclose(steps, steps[0])
    assert len(found) <= most + 2


@given(st.lists(UNIT, min_size=1, max_size=12), st.integers(1, 5))
def test_classes_hold_every_value(values, most):
    limits = classes(values, most)
    assert 2 <= len(limits) <= most + 1
    assert limits[0] <= min(values) + 1e-9 and limits[-1] >= max(values) - 1e-9
    assert min(np.diff(limits)) >= 0.05 - 1e-9
    for value in values:
        index = class_of(value, limits)
        assert 0 <= index < len(limits) - 1
        assert limits[index] - 1e-9 <= value <= limits[index + 1] + 1e-9


@given(st.lists(st.floats(0, 100), max_size=8), st.floats(0.5, 10))
def test_apart_keeps_order_and_distance(places, distance):
    found = apart(sorted(places), distance)
    assert all(b - a >= distance - 1e-6 for a, b in itertools.pairwise(found))
    if all(b - a >= distance for a, b in itertools.pairwise(sorted(places))):
        assert found == pytest.approx(sorted(places))


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(1, 10)), max_size=5))
def test_side_by_side_stays_within_and_clear(labels):
    labels = sorted(labels)
    found = side_by_side(labels, 0, 100, 1.0)
    ends = [(c - w / 2, c + w / 2) for c, (_, w) in zip(found, labels, strict=True)]
    assert all(left >= -1e-6 and right <= 100 + 1e-6 for left, right in ends)
    assert all(b[0] - a[1] >= 1 - 1e-6 for a, b in itertools.pairwise(ends))


# --- tables -----------------------------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.words = [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def parsed(html):
    tags = Tags()
    tags.feed(html)
    assert tags.open == []
    return tags


@given(st.text(max_size=30), st.text(max_size=30))
def test_tables_escape_whatever_they_are_given(label, note):
    html = tables.estimates_html(
        [[f"<script>{label}</script>", "14.5%"]], [tables.Column(f"<b>{label}"), tables.Column("x", numeric=True)],
        "en", title=f"<img src=x>{note}", notes=[note],
    )  # fmt: skip
    tags = {tag for tag, _ in parsed(html).seen}
    assert tags == {"div", "table", "caption", "thead", "tbody", "tr", "th", "td", "bdi", "p"}


def test_arabic_table_runs_from_the_right_and_its_figures_do_not():
    html = tables.estimates_html([["النساء", "−0.6"]], [tables.Column("الفئة"), tables.Column("الفرق", numeric=True)], "ar")
    found = parsed(html)
    assert ("bdi", {"dir": "ltr"}) in found.seen
    assert all(attrs["dir"] == "rtl" for tag, attrs in found.seen if tag in ("div", "table"))
    assert [attrs["scope"] for tag, attrs in found.seen if tag == "th"] == ["col", "col", "row"]


def test_a_row_of_the_wrong_length_is_an_error():
    with pytest.raises(ParameterError, match="Row 0 has 1 cells for 2"):
        tables.estimates_html([["a"]], [tables.Column("x"), tables.Column("y")], "en")
