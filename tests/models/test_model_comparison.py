"""Models side by side: rows, warnings, HTML, LaTeX, Word and the chart."""

from __future__ import annotations

import re
import shutil
import subprocess
import zipfile
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import masar_research as mr
from masar_research.codebook import Category, Codebook, Variable
from masar_research.errors import ModelError, ParameterError
from masar_research.models import compare_models
from masar_research.models.comparison_latex import escaped
from masar_research.models.comparison_parts import key_of
from masar_research.present.charts.coefficients import (
    CoefficientPanel,
    CoefficientRow,
    coefficients,
    draw,
)
from masar_research.present.charts.rows import Effect

HOSTILE = "A & B_1 <b>100%</b> {x} $y$ #1 ~ ^ \\input{/etc/passwd}"


def _book() -> Codebook:
    def named(name, en, ar, codes=None):
        categories = tuple(Category(code, {"en": e, "ar": a}) for code, (e, a) in (codes or {}).items())
        level = "nominal" if codes else "numeric"
        return Variable(name, {"en": en, "ar": ar}, None, level, categories, None, None, (name,), None)

    return Codebook([
        named("sex", "Sex", "الجنس", {1: ("Male", "ذكر"), 2: ("Female", "أنثى")}),
        named("place", HOSTILE, "المكان", {1: ("North", "الشمال"), 2: ("South", "الجنوب"), 3: ("East", "الشرق")}),
        named("works", "Employed", "مشتغل", {0: ("Not employed", "غير مشتغل"), 1: ("Employed", "مشتغل")}),
        named("age", "Age", "العمر"),
        named("pay", "Pay", "الأجر"),
        named("mood", "Mood", "المزاج", {1: ("Low", "منخفض"), 2: ("Middling", "متوسط"), 3: ("High", "مرتفع")}),
    ])


@pytest.fixture(scope="module")
def survey():
    rng = np.random.default_rng(11)
    n = 480
    frame = pd.DataFrame({
        "w": rng.uniform(1, 3, n), "psu": np.repeat(np.arange(48), 10), "stratum": np.repeat(np.arange(8), 60),
        "sex": rng.integers(1, 3, n).astype(float), "place": rng.integers(1, 4, n).astype(float),
        "age": rng.uniform(18, 65, n).round(),
    })
    eta = -0.5 + 0.9 * (frame["sex"] == 1) + 0.02 * (frame["age"] - 40)
    frame["works"] = (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(float)
    frame["pay"] = 300 + 4 * frame["age"] + rng.normal(0, 60, n)
    frame["mood"] = np.clip(np.round(2 + 0.5 * (frame["sex"] == 1) + rng.normal(0, 0.8, n)), 1, 3)
    frame.loc[frame.index % 17 == 0, "age"] = np.nan
    return mr.Survey(frame, weights="w", psu="psu", strata="stratum", codebook=_book())


@pytest.fixture(scope="module")
def models(survey):
    return (survey.logit("works ~ C(sex) + C(place)"), survey.logit("works ~ C(sex) + C(place) + age"))


def _row(table, term, model="Model 1"):
    frame = table.frame
    return frame[(frame["term"] == term) & (frame["model"] == model)].iloc[0]


def test_every_figure_is_that_of_its_model(models):
    table = compare_models(*models)
    for place, model in enumerate(models, start=1):
        own = table.frame[(table.frame["model"] == f"Model {place}") & ~table.frame["reference"]]
        assert len(own) == len(model.frame)
        for row in model.frame.to_dict("records"):
            name, code = key_of(row["term"])[0]
            term = name if code is None else f"{name}[{code}]"
            shown = own[own["term"] == term].iloc[0]
            for column in ("estimate", "std_error", "conf_low", "conf_high", "p_value"):
                assert shown[column] == row[column]


def test_references_are_marked_under_their_variable(models):
    table = compare_models(*models)
    labels = [(line.label["en"], line.inside) for line in table.lines]
    assert labels[:3] == [("Sex", False), ("Male", True), ("Female", True)]
    assert labels[-1] == ("Constant", False)
    male = _row(table, "sex[1]")
    assert male["reference"] and male["estimate"] == 0 and np.isnan(male["std_error"])
    assert table.cell(table.lines[1], table.columns[0], "ar") == ("فئة المقارنة", "")
    assert _row(compare_models(*models, effects="ratios"), "sex[1]")["estimate"] == 1


def test_ratios_are_exponentials_with_their_intervals(models):
    table, ratios = compare_models(*models), compare_models(*models, effects="ratios")
    one, two = _row(table, "sex[2]"), _row(ratios, "sex[2]")
    for column in ("estimate", "conf_low", "conf_high"):
        assert two[column] == pytest.approx(np.exp(one[column]), rel=1e-14)
    assert two["std_error"] == pytest.approx(two["estimate"] * one["std_error"], rel=1e-14)
    assert set(ratios.frame["scale"]) == {"odds_ratio"} and "Odds ratio" in ratios.to_html("en")


def test_average_effects_are_those_of_margins(models):
    table = compare_models(*models, effects="ame")
    own = models[1].margins("sex").frame.iloc[0]
    assert _row(table, "sex[2]", "Model 2")["estimate"] == own["estimate"]
    assert _row(table, "sex[2]", "Model 2")["conf_low"] == own["conf_low"]
    assert _row(table, "age", "Model 2")["estimate"] == models[1].margins("age").frame["estimate"].iloc[0]
    line = next(line for line in table.lines if line.label["en"] == "Female")
    assert table.cell(line, table.columns[1], "en")[0] == f"{own['estimate'] * 100:.1f}".replace("-", "−")


def test_footers_say_what_each_fit_was(survey, models):
    table = compare_models(*models)
    facts = table.facts.set_index(["fact", "model"])["value"]
    for place, model in enumerate(models):
        fit = model.fit_statistics()
        assert facts["rows", place] == model.note["rows"] == fit.n
        assert facts["df", place] == model.df
        assert facts["daic", place] == fit.daic
        assert facts["mcfadden", place] == fit.r_squared
        assert facts["psus", place] == np.unique(survey.frame["psu"][model.fit.used]).size
    names = [name for name, _ in table.fact_rows("ar")]
    assert "الأوزان" not in names and any("الأوزان" in note and "48" in note for note in table.notes("ar"))


def test_models_of_one_row_set_carry_no_warning_of_rows(survey, models):
    other = survey.where("age > 0").logit("works ~ C(sex)")
    same = compare_models(models[1], other)
    assert not any("different rows" in warning["en"] for warning in same.warnings)
    apart = compare_models(*models)
    warned = [w for w in apart.warnings if "different rows" in w["en"]]
    assert len(warned) == 1 and "480" in warned[0]["en"] and "451" in warned[0]["ar"]


def test_equally_many_other_rows_are_seen(survey):
    low = survey.where("place == 1 or place == 2").logit("works ~ C(sex)")
    frame = survey.frame
    spare = frame[frame["place"] == 3].index
    swapped = frame.assign(pick=(frame["place"] < 3).astype(float))
    one = swapped[swapped["pick"] == 1].index[0]
    swapped.loc[one, "pick"], swapped.loc[spare[0], "pick"] = 0.0, 1.0
    other = survey.with_columns({"pick": swapped["pick"].to_numpy()}).where("pick == 1").logit("works ~ C(sex)")
    assert low.note["rows"] == other.note["rows"]
    assert any("different rows" in w["en"] for w in compare_models(low, other).warnings)


def test_other_weights_outcomes_references_and_levels_are_warned_of(survey, models):
    heavier = mr.Survey(survey.frame.assign(w=survey.frame["w"] ** 2), weights="w", psu="psu", strata="stratum",
                        codebook=survey.codebook)
    texts = [w["en"] for w in compare_models(models[0], heavier.logit("works ~ C(sex) + C(place)")).warnings]
    assert any("different weights" in text for text in texts)
    other = survey.logit("works ~ C(sex) + C(place)", reference={"place": 3}, level=0.9)
    warned = compare_models(models[0], other).warnings
    assert any(HOSTILE in w["en"] and "المكان" in w["ar"] for w in warned)
    assert any("90%" in w["en"] for w in warned)
    linear = survey.linear("pay ~ C(sex)")
    texts = " ".join(w["en"] for w in compare_models(models[0], linear).warnings)
    assert "outcomes differ" in texts and "different scales" in texts
    clean = compare_models(models[0], models[0], names=["a", "b"])
    assert clean.warnings == ()


def test_logits_of_other_predictors_are_not_on_one_scale(models):
    assert any("not on one scale" in w["en"] for w in compare_models(*models).warnings)
    assert not any("not on one scale" in w["en"] for w in compare_models(*models, effects="ame").warnings)


def test_equations_get_columns_of_their_own(survey):
    several = survey.multinomial("mood ~ C(sex)", baseline=1)
    ordered = survey.ordinal("mood ~ C(sex)")
    quantiles = survey.quantile_regression("pay ~ age", tau=[0.25, 0.75])
    staged = survey.two_stage("pay ~ works | age")
    table = compare_models(several, ordered, quantiles, staged)
    assert [column.equation and column.equation["ar"] for column in table.columns] == [
        "متوسط", "مرتفع", None, "المئين 0.25", "المئين 0.75", None]
    assert [column.model for column in table.columns] == [0, 0, 1, 2, 2, 3]
    assert any(line.label["ar"] == "العتبات" for line in table.lines)
    kept = compare_models(several, ordered, staged, effects="ratios")
    assert [column.scale for column in kept.columns] == ["relative_risk", "relative_risk", "odds_ratio", "coefficient"]
    assert any("no ratio exists" in w["en"] and w["en"].startswith("Model 3") for w in kept.warnings)
    cuts = compare_models(ordered).frame
    assert cuts.loc[cuts["term"].str.startswith("|"), "estimate"].tolist() == (
        ordered.frame.loc[ordered.frame["part"] == "threshold", "estimate"].tolist())
    averages = compare_models(several, staged, effects="ame")
    assert any("no average marginal effects" in w["en"] for w in averages.warnings)


def test_interactions_stand_under_their_variables(survey):
    table = compare_models(survey.logit("works ~ C(sex) * age"))
    labels = [line.label for line in table.lines]
    assert {"en": "Sex × Age", "ar": "الجنس × العمر"} in labels
    assert {"en": "Female × Age", "ar": "أنثى × العمر"} in labels


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.rows = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append(0)
        if tag in ("td", "th"):
            self.rows[-1] += int(dict(attrs).get("colspan", 1))


def test_html_escapes_and_is_whole_in_both_directions(models):
    table = compare_models(*models, names=["<script>x</script>", {"en": "B", "ar": "ب"}])
    for lang, direction in (("en", "ltr"), ("ar", "rtl")):
        page = table.to_html(lang)
        assert "<script" not in page and "<b>" not in page
        assert f'dir="{direction}"' in page and f'lang="{lang}"' in page
        read = _Page()
        read.feed(page)
        assert read.rows[0] == 3 and set(read.rows[1:]) == {2, 3}
        assert read.tags.count("table") == 1
    assert escaped(HOSTILE) not in table.to_html("en")
    assert table.to_html("en") + table.to_html("ar") == table._repr_html_()


def test_arabic_html_isolates_every_figure(models):
    page = compare_models(*models).to_html("ar")
    text = re.sub(r"<bdi[^>]*>.*?</bdi>", "", page)
    text = re.sub("\u2066[^\u2069]*\u2069", "", text)
    text = re.sub(r"<[^>]*>", " ", text)
    assert re.findall(r"\d", text) == []


def test_latex_escapes_hostile_labels(models):
    source = compare_models(*models, names=["50% & _x_", "\\end{tabular}"]).to_latex("en")
    assert r"50\% \& \_x\_" in source and r"\textbackslash{}end\{tabular\}" in source
    assert r"\input{" not in source and source.count(r"\end{tabular}") == 1
    body = source[source.index(r"\midrule"):source.index(r"\bottomrule")]
    for line in body.splitlines()[1:]:
        if line.endswith((r"\\", r"\\[2pt]")):
            columns = len(re.findall(r"(?<!\\)&", line)) + 1
            assert columns == 3, line
    assert re.findall(r"(?<!\\)[%#]", source.split("\n", 1)[1]) == []


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_latex_compiles(models, lang, tmp_path):
    engine = shutil.which("xelatex")
    if engine is None:
        pytest.skip("xelatex is not installed")
    fonts = subprocess.run(["fc-list", "Amiri"], capture_output=True, text=True, check=False)
    if lang == "ar" and not fonts.stdout.strip():
        pytest.skip("the font Amiri is not installed")
    table = compare_models(*models)
    (tmp_path / "t.tex").write_text(table.to_latex(lang, document=True), encoding="utf-8")
    done = subprocess.run([engine, "-interaction=nonstopmode", "-halt-on-error", "t.tex"], cwd=tmp_path,
                          capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:]
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed; the file compiles")
    text = subprocess.run(["pdftotext", "-layout", "t.pdf", "-"], cwd=tmp_path, capture_output=True, text=True,
                          check=True).stdout
    for line in table.lines:
        for column in table.columns:
            estimate, _ = table.cell(line, column, lang)
            if re.search(r"\d", estimate):
                assert estimate.lstrip("−") in text, estimate


def test_arabic_latex_keeps_figures_out_of_the_arabic_font(models):
    source = compare_models(*models, beneath="p_value").to_latex("ar")
    body = source[source.index(r"\caption"):]
    assert re.findall(r"\d", re.sub(r"\\textenglish\{(?:[^{}]|\\.|\{\})*\}|\[2pt\]|1em|0\.95|\{[12]\}|cmidrule\S+", "", body)) == []


def test_word_table_runs_from_the_right(models, tmp_path):
    table = compare_models(*models)
    for lang in ("ar", "en"):
        path = table.to_docx(tmp_path / f"{lang}.docx", lang)
        xml = zipfile.ZipFile(path).read("word/document.xml").decode()
        assert ("w:bidiVisual" in xml) == (lang == "ar")
        rows = re.findall(r"<w:tr[ >].*?</w:tr>", xml, re.S)
        assert len(rows) == 2 + len(table.lines) + len(table.fact_rows(lang))
        first = re.findall(r"<w:t(?: [^>]*)?>([^<]*)", rows[1])
        assert first[0] == ("المتغيّر" if lang == "ar" else "Predictor")
        figures = re.findall(r"<w:t(?: [^>]*)?>(\[−?[^<]*)</w:t>", xml)
        assert figures and all("\u2066" not in figure for figure in figures)
    ar = zipfile.ZipFile(tmp_path / "ar.docx").read("word/document.xml").decode()
    cell = re.search(r"<w:p>(?:(?!</w:p>).)*\[−(?:(?!</w:p>).)*</w:p>", ar, re.S).group()
    assert '<w:bidi w:val="0"/>' in cell and '<w:rtl w:val="0"/>' in cell


def test_what_cannot_be_compared_is_refused(models):
    for bad, said in ((lambda: compare_models(), "no model"), (lambda: compare_models(object()), "fitted model"),
                      (lambda: compare_models(*models, names=["one"]), "1 names for 2"),
                      (lambda: compare_models(*models, names=["a", "a"]), "same name"),
                      (lambda: compare_models(*models, effects="odds"), "effects='odds'"),
                      (lambda: compare_models(*models, beneath="stars"), "beneath='stars'")):
        with pytest.raises(ModelError, match=re.escape(said)) as caught:
            bad()
        assert caught.value.remedy and re.search("[\u0621-\u064a]", caught.value.ar)


def test_what_stands_beneath_is_chosen(models):
    line = next(k for k in compare_models(*models).lines if k.label["en"] == "Female")
    row = models[0].frame.iloc[1]
    table = compare_models(models[0], beneath="std_error")
    assert table.cell(line, table.columns[0], "en")[1] == f"({row['std_error']:.2f})"
    table = compare_models(models[0], beneath="p_value")
    assert table.cell(line, table.columns[0], "en")[1].startswith("(p ")
    assert "p-value" in table.notes("en")[0] and "القيمة الاحتمالية" in table.notes("ar")[0]


def test_designs_and_imputations_are_said_in_words(survey, models):
    said = {lang: " ".join(compare_models(*models).notes(lang)) for lang in ("en", "ar")}
    assert "48 sampling units in 8 strata; linearised" in said["en"]
    assert "48 وحدة معاينة في 8 طبقات؛" in said["ar"]
    plain = mr.Survey(survey.frame.dropna(), weights="w", psu="psu", codebook=survey.codebook)
    assert "48 sampling units; linearised" in " ".join(compare_models(plain.linear("pay ~ age")).notes("en"))
    bare = mr.Survey(survey.frame.dropna(), weights="w", codebook=survey.codebook)
    assert "دون عناقيد معلنة" in " ".join(compare_models(bare.linear("pay ~ age")).notes("ar"))
    made = plain.with_replicates(mr.replicates.JK1())
    table = compare_models(plain.linear("pay ~ age"), made.linear("pay ~ age"))
    assert "48 وزناً مكرراً (\u2066JK1\u2069)" in dict(table.fact_rows("ar"))["التصميم"][1]
    assert any("different weights or designs" in w["en"] for w in table.warnings)
    pooled = replace(models[0], note={**models[0].note, "imputations": 3, "df": 7.25})
    table = compare_models(models[0], pooled)
    assert [w["en"] for w in table.warnings] == ["Model 2: 3 imputations, combined by Rubin's rules."]
    assert "3 تعويضات" in table.warnings[0]["ar"]
    assert dict(table.fact_rows("en"))["Degrees of freedom"] == ["37", "7.3"]


def test_chart_draws_every_estimate_once(models):
    table = compare_models(*models, effects="ratios")
    art = table.plot("en")
    for row in table.frame[~table.frame["reference"] & (table.frame["term"] != "1")].itertuples():
        near = [text for text in art.texts if re.fullmatch(r"[\d.,]+", text)
                and abs(float(text.replace(",", "")) - row.estimate) < 0.006]
        assert near, row.term
    assert art.texts.count("reference group") == 2
    assert "Odds ratio" in art.texts and "Model 2" in art.texts
    assert art.alt.startswith("Coefficient plot: Odds ratio") and "Female" in art.alt


def test_chart_is_mirrored_in_arabic(models):
    panels = [CoefficientPanel("", (CoefficientRow("x", (Effect("x", 0.5, 0.2, 0.8),)),))]
    places = {}
    for lang in ("en", "ar"):
        canvas = draw(panels, ["m"], lang, unit="number", measured="b", width=170, digits=None)
        places[lang] = {text: box for text, box in canvas.boxes()}
    assert places["en"]["x"][0] < 85 < places["ar"]["x"][0]
    assert places["en"]["0.50"][0] > places["en"]["0.0"][0] and places["ar"]["0.50"][0] < places["ar"]["0.0"][0]


def test_ratios_stand_on_a_logarithmic_axis():
    rows = tuple(CoefficientRow(name, (Effect(name, value, value, value),))
                 for name, value in (("a", 0.25), ("b", 4.0)))
    canvas = draw([CoefficientPanel("", rows)], ["m"], "en", unit="ratio", measured="b", width=170, digits=None)
    dots = sorted(float(line.get_xdata()[0]) for line in canvas.axes.lines if line.get_marker() == "o"
                  and len(line.get_xdata()) == 1)[-2:]
    ones = [box for text, box in canvas.boxes() if text == "1"]
    assert (ones[0][0] + ones[0][2]) / 2 == pytest.approx(sum(dots) / 2, abs=0.3)


def test_chart_refuses_what_would_mislead(survey, models):
    with pytest.raises(ModelError, match="different scales"):
        compare_models(models[0], survey.linear("works ~ C(sex)")).plot("en")
    with pytest.raises(ModelError, match="constant only"):
        compare_models(survey.logit("works ~ 1")).plot("ar")
    with pytest.raises(ParameterError, match="positive"):
        coefficients([CoefficientPanel("", (CoefficientRow("a", (Effect("a", -1.0),)),))], ["m"], "en",
                     unit="ratio", measured="b")
    with pytest.raises(ParameterError, match="tell"):
        coefficients([CoefficientPanel("", (CoefficientRow("a", (Effect("a", 1.0),) * 7),))], list("abcdefg"), "en",
                     unit="number", measured="b")


def test_maihda_and_loglinear_models_can_stand_in_a_table(survey):
    found = survey.maihda("works", ["sex", "place"], number=12)
    table = compare_models(found, survey.loglinear("~ sex + place"))
    assert [column.equation and column.equation["en"] for column in table.columns] == ["Null", "Adjusted", None]
    assert "Constant" in repr(table)
