"""Models side by side as LaTeX, with booktabs; Arabic through polyglossia."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from masar_research.models import comparison_words as words
from masar_research.models.comparison_html import spans
from masar_research.present.direction import LRI, PDI, Lang, bare, embed
from masar_research.present.numbers import MINUS

if TYPE_CHECKING:
    from masar_research.models.comparison import ModelTable

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_",
    "%": r"\%", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", MINUS: r"$-$", "–": r"\textendash{}", "—": r"\textemdash{}", "²": r"\textsuperscript{2}",
    "×": r"$\times$", "∞": r"$\infty$", "≥": r"$\geq$", "≤": r"$\leq$", "\n": " ", "\r": " ", "\t": " ",
}  # fmt: skip
_UNSAFE = re.compile("[" + re.escape("".join(_SPECIAL)) + "]")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_NOTES = {
    "en": "% Needs \\usepackage{booktabs}; XeLaTeX or LuaLaTeX for labels outside Latin script.",
    "ar": "% Needs XeLaTeX, \\usepackage{booktabs,polyglossia}, \\setmainlanguage{arabic},\n"
    "% \\setotherlanguage{english}, \\newfontfamily\\arabicfont[Script=Arabic]{Amiri}. polyglossia loads bidi,\n"
    "% which lets the columns run from the right; figures stand in \\textenglish{}, as an Arabic font turns 1.25 round.",
}
_PREAMBLE = {
    "en": "\\documentclass[11pt]{article}\n\\usepackage{booktabs,graphicx}\n"
    "\\usepackage[a4paper,margin=2cm]{geometry}\n\\usepackage{iftex}\n"
    "\\ifPDFTeX\\usepackage[utf8]{inputenc}\\usepackage[T1]{fontenc}\\else\\usepackage{fontspec}\\fi\n",
    "ar": "\\documentclass[11pt]{article}\n\\usepackage{booktabs,graphicx}\n"
    "\\usepackage[a4paper,margin=2cm]{geometry}\n\\usepackage{polyglossia}\n"
    "\\setmainlanguage[numerals=maghrib]{arabic}\n\\setotherlanguage{english}\n"
    "\\newfontfamily\\arabicfont[Script=Arabic]{Amiri}\n\\newfontfamily\\englishfont{Amiri}\n",
}


def latex(table: ModelTable, lang: Lang, document: bool) -> str:
    """A ``table`` environment, or a whole document around it.

    Parameters
    ----------
    table : ModelTable
    lang : {"ar", "en"}
        Arabic asks for XeLaTeX with polyglossia; a comment at the top says how.
    document : bool
        With a preamble, ready to compile.

    Returns
    -------
    str
        Every label is escaped; line breaks and control characters in labels are dropped.
    """
    n = len(table.columns)
    several = any(column.equation is not None for column in table.columns)
    out = [_NOTES[lang], r"\begin{table}[htbp]", r"\centering", rf"\caption{{{_words(words.TITLE[lang], lang)}}}",
           r"\footnotesize", rf"\begin{{tabular}}{{l{'r' * n}}}", r"\toprule"]
    names = [_over(span, _words(table.names[model][lang], lang), "c") for model, span in spans(table)]
    out.append(" & ".join(["", *names]) + r" \\")
    if several:
        start = 2
        for _, span in spans(table):
            if span > 1:
                out.append(rf"\cmidrule(lr){{{start}-{start + span - 1}}}")
            start += span
        out.append(" & ".join(["", *(_words(column.equation[lang] if column.equation else "", lang)
                                     for column in table.columns)]) + r" \\")
    scales = [_narrow(_words(scale, lang), lang) for scale in table.scales(lang)]
    out += [" & ".join([_words(words.TERM[lang], lang), *scales]) + r" \\", r"\midrule"]
    for line in table.lines:
        label = _words(line.label[lang], lang)
        if line.key is None:
            out.append(rf"\textbf{{{label}}}" + " & " * n + r" \\")
            continue
        cells = [table.cell(line, column, lang) for column in table.columns]
        head = (r"\hspace*{1em}" if line.inside else "") + label
        references = [column.entries[line.key].reference if line.key in column.entries else False
                      for column in table.columns]
        out.append(" & ".join([head, *(_words(one, lang) if is_reference else _figure(one, lang)
                                       for (one, _), is_reference in zip(cells, references, strict=True))]) + r" \\")
        if any(two for _, two in cells):
            out.append(" & ".join(["", *(_figure(two, lang) for _, two in cells)]) + r" \\[2pt]")
    out.append(r"\midrule")
    for name, texts in table.fact_rows(lang):
        cells = [_over(span, _either(texts[model], lang), "r") for model, span in spans(table)]
        out.append(" & ".join([_words(name, lang), *cells]) + r" \\")
    out += [r"\bottomrule", r"\end{tabular}", ""]
    out += [rf"\par\smallskip\begin{{minipage}}{{0.95\linewidth}}\scriptsize {_words(note, lang)}\end{{minipage}}"
            for note in table.notes(lang)]
    out.append(r"\end{table}")
    text = "\n".join(out) + "\n"
    if document:
        text = f"{_PREAMBLE[lang]}\\begin{{document}}\n{text}\\end{{document}}\n"
    return text


def escaped(text: str) -> str:
    """Text in which nothing is a command.

    Examples
    --------
    >>> escaped("50% of A&B_1 {x} \\\\input")
    '50\\\\% of A\\\\&B\\\\_1 \\\\{x\\\\} \\\\textbackslash{}input'
    """
    return _UNSAFE.sub(lambda found: _SPECIAL[found[0]], _CONTROLS.sub("", bare(text)))


def _words(text: str, lang: Lang) -> str:
    """Words; in Arabic, what is isolated keeps its own order in ``\\textenglish{}``."""
    if lang != "ar":
        return escaped(text)
    out, rest = [], embed(text, "ar")
    while rest:
        before, mark, rest = rest.partition(LRI)
        out.append(escaped(before))
        if mark:
            inside, _, rest = rest.partition(PDI)
            out.append(rf"\textenglish{{{escaped(inside)}}}")
    return "".join(out)


def _figure(text: str, lang: Lang) -> str:
    return rf"\textenglish{{{escaped(text)}}}" if lang == "ar" and text else escaped(text)


def _either(text: str, lang: Lang) -> str:
    """A fact: words in their direction, figures in theirs."""
    return _words(text, lang) if re.search("[\u0621-\u064a]", text) else _figure(text, lang)


def _over(span: int, text: str, align: str) -> str:
    return rf"\multicolumn{{{span}}}{{{align}}}{{{text}}}"


def _narrow(text: str, lang: Lang) -> str:
    """A long head of a column on several lines."""
    if len(text) <= 24:
        return text
    align = r"\raggedright" if lang == "ar" else r"\raggedleft"
    return rf"\parbox[b]{{2.8cm}}{{{align} {text}}}"
