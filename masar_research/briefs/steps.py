"""Weighting steps of a survey card in words, in both languages."""

from __future__ import annotations

from typing import Any

from masar_research.briefs.refs import LabelRef
from masar_research.errors import BriefError


def step_words(step: Any) -> LabelRef:
    """What one step of the card does, as a short phrase."""
    name = step.step
    source = f"survey card: weighting ({name})"
    match name:
        case "nonresponse":
            return LabelRef(
                en="weights of respondents raised within cells to carry those who did not answer",
                ar="رفع أوزان المستجيبين داخل خلايا لتعويض من لم يستجب",
                source=source,
            )
        case "rake":
            margins = [" × ".join(margin.variables) for margin in step.margins]
            return LabelRef(
                en=f"raking to population margins ({', '.join(margins)})",
                ar=f"معايرة الأوزان بالتكرار النسبي على هوامش سكانية ({'، '.join(margins)})",
                source=source,
            )
        case "poststratify":
            cells = " × ".join(step.margin.variables)
            return LabelRef(
                en=f"post-stratification to population counts ({cells})",
                ar=f"ترجيح بعدي على أعداد السكان ({cells})",
                source=source,
            )
        case "trim":
            bounds = " / ".join(str(bound) for bound in (step.lower, step.upper) if bound is not None)
            return LabelRef(
                en=f"extreme weights trimmed ({bounds})",
                ar=f"تقليم الأوزان المتطرفة ({bounds})",
                source=source,
            )
    raise BriefError(
        f"The weighting step {name!r} has no words for the method box.",
        remedy="Add them to masar_research/briefs/steps.py, in both languages.",
    )
