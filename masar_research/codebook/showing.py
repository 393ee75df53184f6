"""A codebook on the screen: HTML for JupyterLab, an aligned table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from masar_research.codebook.entries import Category, ResponseSet, Variable
from masar_research.codebook.wording import (
    HEADINGS,
    KIND_WORDS,
    LEVEL_WORDS,
    code_text,
    counted,
    known_language,
    span_text,
)
from masar_research.present import theme
from masar_research.present.direction import embed
from masar_research.present.tables import FACE, Column, plain_text

if TYPE_CHECKING:
    from masar_research.codebook.book import Codebook

FEW = 8

_STYLE = f"""<style>
.masar-book{{font-family:{FACE};color:{theme.INK};line-height:1.55;max-width:72em;font-size:.95em;text-align:start}}
.masar-book p.head{{margin:.2em 0 .5em;color:{theme.MUTED};font-size:.9em}}
.masar-book .rows{{max-height:38em;overflow:auto;border-block:1.5px solid {theme.INK}}}
.masar-book .row{{display:grid;grid-template-columns:minmax(9em,1.1fr) minmax(12em,2fr) minmax(12em,2.4fr);
 gap:.2em 1.2em;padding:.5em .3em;border-bottom:1px solid {theme.FAINT}}}
.masar-book .row>div{{min-width:0;overflow-wrap:anywhere}}
.masar-book code{{font-family:ui-monospace,Consolas,monospace;font-size:.92em;background:none;padding:0;color:{theme.TEAL}}}
.masar-book .quiet{{color:{theme.MUTED};font-size:.88em}}
.masar-book .ask{{margin-top:.15em}}
.masar-book ul{{list-style:none;margin:0;padding:0}}
.masar-book li{{display:flex;gap:.6em;margin:0}}
.masar-book li>code{{flex:none;min-width:2.2em;text-align:end}}
.masar-book summary{{cursor:pointer;color:{theme.TEAL};font-size:.88em}}
.masar-book .pair{{display:flex;flex-wrap:wrap;gap:0 .9em}}
@media (max-width:44em){{.masar-book .row{{grid-template-columns:1fr}}}}
</style>"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A codebook as it is shown in one language.

    Attributes
    ----------
    book : Codebook
    lang : {"en", "ar"}
    most : int
        Variables shown.
    """

    book: Codebook
    lang: str
    most: int

    def __repr__(self) -> str:
        return as_text(self.book, self.lang, self.most)

    def _repr_html_(self) -> str:
        return as_html(self.book, self.lang, self.most)


def as_html(book: Codebook, lang: str | None, most: int) -> str:
    """One ``<div>`` with its own style; no script, nothing fetched.

    Parameters
    ----------
    book : Codebook
    lang : {"en", "ar"} or None
        None shows both languages side by side.
    most : int
        Variables shown; how many more there are stands beneath.
    """
    langs = ("en", "ar") if lang is None else (known_language(lang),)
    frame = "en" if lang is None else lang
    shown = [variable for variable, _ in zip(book.values(), range(most), strict=False)]
    sets = {name: each for each in book.sets.values() for name in each.variables}
    head = " · ".join(_in(counted(len(book), one), one) for one in langs)
    rest = len(book) - len(shown)
    more = {"en": f"and {rest} more", "ar": f"و{rest} أخرى"}
    tail = f'<p class="quiet">{" · ".join(_in(more[one], one) for one in langs)}</p>' if rest else ""
    rows = "".join(_row(variable, langs, sets.get(variable.name)) for variable in shown)
    direction = "rtl" if frame == "ar" else "ltr"
    return (
        f'{_STYLE}<div class="masar-book" lang="{frame}" dir="{direction}"><p class="head">{head}'
        f' · <code dir="ltr">codebook.search("…")</code></p><div class="rows">{rows}</div>{tail}</div>'
    )


def as_text(book: Codebook, lang: str, most: int) -> str:
    """Aligned columns for a terminal; columns nobody fills are left out."""
    known_language(lang)
    columns = [Column(HEADINGS[name][lang]) for name in ("variable", "label", "level", "codes", "ranges", "universe")]
    rows = [
        (
            variable.name,
            _best(variable.label, lang),
            LEVEL_WORDS[variable.level][lang],
            _codes_line(variable, lang),
            _ranges(variable, lang),
            variable.universe or "",
        )
        for variable, _ in zip(book.values(), range(most), strict=False)
    ]
    rest = len(book) - len(rows)
    notes = [{"en": f"… and {rest} more", "ar": f"… و{rest} أخرى"}[lang]] if rest > 0 else []
    return plain_text(rows, columns, notes=notes)


def _best(words, lang: str) -> str:
    """The words in one language, in the other where they are absent."""
    return words.get(lang) or next(iter(words.values()), "") if words else ""


def _codes_line(variable: Variable, lang: str) -> str:
    shown = [f"{code_text(c.code)} {_best(c.label, lang) or _kind(c, lang)}".strip() for c in variable.categories[:4]]
    more = len(variable.categories) - 4
    mark = "، " if lang == "ar" else ", "
    return mark.join(shown) + (f"{mark}… (+{more})" if more > 0 else "")


def _kind(category: Category, lang: str) -> str:
    return KIND_WORDS[category.missing][lang] if category.missing else ""


def _ranges(variable: Variable, lang: str) -> str:
    return ", ".join(
        f"{span_text(span.low, span.high)} {KIND_WORDS[span.missing][lang]}" for span in variable.missing_ranges
    )


def _in(text: str, lang: str) -> str:
    return f'<span lang="{lang}" dir="{"rtl" if lang == "ar" else "ltr"}">{escape(embed(text, lang))}</span>'


def _row(variable: Variable, langs: tuple[str, ...], several: ResponseSet | None) -> str:
    levels = " · ".join(_in(LEVEL_WORDS[variable.level][lang], lang) for lang in langs)
    facts = [f'<div class="quiet">{levels}</div>']
    if variable.personal:
        facts.append(f'<div class="quiet">{" · ".join(_in(HEADINGS["personal"][one], one) for one in langs)}</div>')
    if several is not None:
        named = _in(HEADINGS["sets"][langs[0]], langs[0])
        facts.append(f'<div class="quiet">{named}: <code dir="ltr">{escape(several.name)}</code></div>')
    return (
        f'<div class="row"><div><code dir="ltr">{escape(variable.name)}</code>{"".join(facts)}</div>'
        f"<div>{''.join(_wording(variable, langs))}</div><div>{_codes(variable, langs)}</div></div>"
    )


def _wording(variable: Variable, langs: tuple[str, ...]) -> Iterator[str]:
    for lang in _present(variable.label, langs):
        yield f'<div lang="{lang}" dir="{_direction(lang)}"><strong>{escape(embed(variable.label[lang], lang))}</strong></div>'
    question = variable.question or {}
    for lang in _present(question, langs):
        if question[lang] != variable.label.get(lang):
            yield (
                f'<div lang="{lang}" dir="{_direction(lang)}" class="quiet ask">{escape(embed(question[lang], lang))}</div>'
            )
    if variable.unit:
        yield f'<div class="quiet">{" · ".join(_in(variable.unit[one], one) for one in _present(variable.unit, langs))}</div>'
    if variable.universe:
        heading = " · ".join(_in(HEADINGS["universe"][lang], lang) for lang in langs)
        yield f'<div class="quiet">{heading}: <code dir="ltr">{escape(variable.universe)}</code></div>'
    for lang in _present(variable.note or {}, langs):
        yield f'<div lang="{lang}" dir="{_direction(lang)}" class="quiet">{escape(embed(variable.note[lang], lang))}</div>'


def _present(words, langs: tuple[str, ...]) -> list[str]:
    """The languages asked for that there are words in; any other there is, before nothing."""
    return [lang for lang in langs if lang in words] or list(words)[:1]


def _direction(lang: str) -> str:
    return "rtl" if lang == "ar" else "ltr"


def _codes(variable: Variable, langs: tuple[str, ...]) -> str:
    items = [_item(category, langs) for category in variable.categories]
    out = f"<ul>{''.join(items[:FEW])}</ul>" if items else ""
    if len(items) > FEW:
        out += f"<details><summary>+ {len(items) - FEW}</summary><ul>{''.join(items[FEW:])}</ul></details>"
    for span in variable.missing_ranges:
        kinds = " · ".join(_in(KIND_WORDS[span.missing][lang], lang) for lang in langs)
        out += f'<div class="quiet"><code dir="ltr">{span_text(span.low, span.high)}</code> {kinds}</div>'
    return out


def _item(category: Category, langs: tuple[str, ...]) -> str:
    words = "".join(_in(category.label[lang], lang) for lang in _present(category.label, langs))
    kind = ""
    if category.missing:
        told = {fold_kind(category.label.get(lang, "")) for lang in langs}
        kinds = [KIND_WORDS[category.missing][lang] for lang in langs]
        if not told.intersection(map(fold_kind, kinds)):
            kind = f'<span class="quiet">({" · ".join(_in(KIND_WORDS[category.missing][one], one) for one in langs)})</span>'
    return (
        f'<li><code dir="ltr">{escape(code_text(category.code))}</code><span class="pair">{words}{kind}</span></li>'
    )


def fold_kind(text: str) -> str:
    """Words compared without case and apostrophes, so that a kind is not said twice."""
    return text.casefold().replace("’", "'").strip()
