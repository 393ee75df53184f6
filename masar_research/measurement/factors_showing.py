"""Exploratory factors for reading: sentences, loadings, scree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from masar_research.present import fmt, numbers
from masar_research.showing import Shown, check_language

if TYPE_CHECKING:
    from masar_research.measurement.factors import ExploratoryFactors
    from masar_research.present import Art

#: Loadings below this are left blank.
BLANK = 0.3


def reading(found: ExploratoryFactors, lang: str) -> tuple[str, ...]:
    """How many factors, what they explain, items to look at."""
    check_language(lang)
    ar, note, k = lang == "ar", found.note, found.loadings.shape[1]
    rows = fmt.num(note["effective_rows"], lang)
    if found.suggested:
        out = [f"عدد العوامل الذي يقترحه التحليل المتوازي: {fmt.num(found.suggested, lang)} (الحجم الفعّال للعينة {rows})، والمعروض: {fmt.num(k, lang)}." if ar
               else f"Parallel analysis, with an effective {rows} rows, suggests {found.suggested} factor{'s' * (found.suggested != 1)}; "
               f"{k} shown."]  # fmt: skip
    else:
        out = ["لا يظهر بين البنود رابط يزيد على ما تصنعه المصادفة." if ar
               else "The items hang together no more than chance would make them."]  # fmt: skip
    shares = [fmt.pct(share, lang, 0) for share in found.explained]
    whole = fmt.pct(float(found.explained.sum()), lang, 0)
    if k == 1:
        out.append(f"يفسر العامل {whole} من تباين البنود." if ar else f"The factor explains {whole} of the items' variance.")
    else:
        out.append(f"تفسر العوامل {whole} من تباين البنود ({'، '.join(shares)})." if ar
                   else f"The factors explain {whole} of the items' variance ({', '.join(shares)}).")  # fmt: skip
    if k > 1 and note["rotation"] in ("oblimin", "promax"):
        pairs = [f"{a + 1} and {b + 1} {fmt.num(found.correlations[a, b], lang, 2)}"
                 if not ar else f"بين {fmt.num(a + 1, lang)} و{fmt.num(b + 1, lang)} {fmt.num(found.correlations[a, b], lang, 2)}"
                 for a in range(k) for b in range(a + 1, k)]  # fmt: skip
        out.append(f"ارتباط العوامل: {'؛ '.join(pairs)}." if ar else f"Correlations of the factors: {'; '.join(pairs)}.")
    weak = found.frame.loc[np.abs(found.loadings).max(axis=1) < BLANK, f"label_{lang}"].tolist()
    improper = found.frame.loc[found.frame["heywood"], f"label_{lang}"].tolist()
    for names, en, said in (
        (weak, "Belonging to no factor", "بنود لا تنتمي إلى أي عامل"),
        (improper, "Explained wholly, a sign of too many factors", "بنود مفسَّرة كلياً، وهي علامة على كثرة العوامل"),
    ):
        if names:
            out.append(f"{said}: {'، '.join(f'«{n}»' for n in names)}." if ar else f"{en}: {', '.join(f'“{n}”' for n in names)}.")
    if note["smoothed"]:
        out.append("عُدّلت مصفوفة الارتباطات لتصبح موجبة التحديد." if ar
                   else "The correlations were smoothed to be positive definite.")  # fmt: skip
    return tuple(out)


def table(found: ExploratoryFactors, lang: str) -> Shown:
    """Items by factor, strongest first."""
    check_language(lang)
    ar, loadings = lang == "ar", found.loadings
    k = loadings.shape[1]
    heads = ["البند" if ar else "Item", *(f"{'العامل' if ar else 'Factor'} {j + 1}" for j in range(k)), "المفسَّر" if ar else "Explained"]
    own = np.abs(loadings).argmax(axis=1)
    order = sorted(range(len(loadings)), key=lambda i: (own[i], -abs(loadings[i, own[i]])))
    rows = []
    for i in order:
        row = found.frame.iloc[i]
        turned = (" (معكوس)" if ar else " (turned around)") if row["item"] in found.note["reversed"] else ""
        shown = [numbers.number(v, lang, 2) if abs(v) >= BLANK else "" for v in loadings[i]]
        rows.append((row[f"label_{lang}"] + turned, *shown, numbers.percent(row["communality"], lang, 0)))
    base = fmt.num(found.note["rows"], lang)
    lost = fmt.num(found.note["rows_without_all_answers"], lang)
    least = fmt.num(BLANK, lang, 2)
    told = [*reading(found, lang),
            (f"التشبّعات دون {least} غير معروضة. من أجابوا عن كل البنود: {base}، ومن لم يجيبوا عن كلها: {lost}." if ar else
             f"Loadings below {least} are left blank. Answered every item: {base}; not every item: {lost}.")]  # fmt: skip
    return Shown(pd.DataFrame(rows, columns=heads), lang, frozenset(heads[1:]), (" ".join(told),))


def plot(found: ExploratoryFactors, lang: str) -> Art:
    """The scree."""
    check_language(lang)
    from masar_research.present.charts.scree import scree

    return scree(found.eigenvalues["eigenvalue"].tolist(), found.eigenvalues["chance"].tolist(), lang)
