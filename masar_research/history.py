"""The steps behind a survey's weights, in the order they were taken, as text and on the screen."""

from __future__ import annotations

import html
from typing import Any

from masar_research.errors import EstimationError


class History(tuple[Any, ...]):
    """The weighting steps of a survey, first step first; a tuple that prints as a history.

    Examples
    --------
    >>> import pandas as pd, masar_research as mr
    >>> survey = mr.Survey(pd.DataFrame({"w": [1.0, 3.0]}), weights="w")
    >>> print(survey.weighting.normalise().apply().history)
    1. Weights scaled to mean 1: shares and means unchanged, totals are counts of interviews.
    """

    __slots__ = ()

    def text(self, lang: str = "en") -> str:
        """One numbered line per step.

        Parameters
        ----------
        lang : {"en", "ar"}
        """
        if lang not in ("en", "ar"):
            raise EstimationError(f"The language {lang!r} is not known.", remedy='Use "en" or "ar".',
                                  ar="اللغة غير معروفة؛ استعمل en أو ar.")
        if not self:
            return ("No weighting step has been taken." if lang == "en"
                    else "لم تُتخذ أي خطوة ترجيح.")
        return "\n".join(f"{k}. {_words(step, lang)}" for k, step in enumerate(self, 1))

    def __str__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        columns = []
        for lang, direction, title in (("en", "ltr", "Weighting, step by step"),
                                       ("ar", "rtl", "خطوات الترجيح")):
            items = "".join(f"<li>{html.escape(_words(step, lang))}</li>" for step in self)
            body = f"<ol>{items}</ol>" if self else f"<p>{html.escape(self.text(lang))}</p>"
            columns.append(f"<div dir='{direction}' lang='{lang}' style='text-align:start'>"
                           f"<b>{title}</b>{body}</div>")
        return f"<div class='masar-history'>{''.join(columns)}</div>"


def _words(step: Any, lang: str) -> str:
    text = getattr(step, "text", None)
    return str(step) if text is None or lang not in text else text[lang]
