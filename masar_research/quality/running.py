"""All checks over one file: `check`, and the report it returns."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from masar_research.errors import ParameterError
from masar_research.loading.cards import SurveyCard
from masar_research.loading.readers import FormPath
from masar_research.quality import sources
from masar_research.quality.duplicates import check_duplicates
from masar_research.quality.durations import check_durations
from masar_research.quality.findings import SEVERITIES, Checked, Finding
from masar_research.quality.interviewers import check_interviewers
from masar_research.quality.margins import check_margins
from masar_research.quality.material import Material, Target
from masar_research.quality.missingness import check_missingness
from masar_research.quality.outcomes import Outcomes, check_outcomes
from masar_research.quality.positions import check_positions
from masar_research.quality.ranges import check_ranges
from masar_research.quality.reading import check_reading
from masar_research.quality.sampling import check_sampling
from masar_research.quality.skips import check_skips
from masar_research.quality.straightlining import check_straightlining

if TYPE_CHECKING:
    from masar_research.survey import Survey

CHECKS: dict[str, Callable[[Material], Checked]] = {
    "reading": check_reading,
    "duplicates": check_duplicates,
    "durations": check_durations,
    "straightlining": check_straightlining,
    "interviewers": check_interviewers,
    "skips": check_skips,
    "ranges": check_ranges,
    "missingness": check_missingness,
    "positions": check_positions,
    "sampling": check_sampling,
    "margins": check_margins,
    "outcomes": check_outcomes,
}


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """What the checks said of one file.

    Attributes
    ----------
    checks : tuple of Checked
    facts : dict
        Title, notice, rows, interviews, columns, roles, checksum: plain values.
    """

    checks: tuple[Checked, ...]
    facts: dict[str, Any]

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, the gravest first."""
        every = [finding for each in self.checks for finding in each.findings]
        return tuple(sorted(every, key=lambda f: SEVERITIES.index(f.severity)))

    @property
    def frame(self) -> pd.DataFrame:
        """One row per finding: check, kind, severity, variable, count, rows, en, ar, remedy_en, remedy_ar."""
        return pd.DataFrame(
            [
                {"check": f.check, "kind": f.kind, "severity": f.severity, "variable": f.variable, "count": f.count,
                 "rows": f.cases, "en": f.what["en"], "ar": f.what["ar"], "remedy_en": f.remedy["en"], "remedy_ar": f.remedy["ar"]}
                for f in self.findings
            ],
            columns=["check", "kind", "severity", "variable", "count", "rows", "en", "ar", "remedy_en", "remedy_ar"],
        )  # fmt: skip

    def check(self, name: str) -> Checked:
        """One check's answer by its name."""
        for each in self.checks:
            if each.name == name:
                return each
        raise ParameterError(f"There is no check {name!r}.", remedy=f"Checks are {', '.join(CHECKS)}.")

    def count(self, severity: str) -> int:
        """How many findings of a severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def to_json(self) -> str:
        """The report for machines; the same input gives the same text."""
        plain = {
            "schema": "masar-quality-1",
            **self.facts,
            "counts": {severity: self.count(severity) for severity in SEVERITIES},
            "checks": [
                {"name": each.name, "skipped": dict(each.skipped) if each.skipped else None,
                 "facts": [dict(fact) for fact in each.facts], "figures": _plain(each.figures),
                 "findings": [finding.plain() for finding in each.findings]}
                for each in self.checks
            ],
        }  # fmt: skip
        return json.dumps(plain, ensure_ascii=False, indent=1, allow_nan=False)

    def to_html(self, lang: str) -> str:
        """The report as one self-contained page in ``"en"`` or ``"ar"``."""
        from masar_research.quality.page import page

        return page(self, lang)

    def write(self, folder: str | Path, name: str = "quality") -> tuple[Path, ...]:
        """Write ``NAME.en.html``, ``NAME.ar.html`` and ``NAME.json`` into a folder; returns their paths."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        out = []
        for suffix, text in (("en.html", self.to_html("en")), ("ar.html", self.to_html("ar")), ("json", self.to_json())):
            path = folder / f"{name}.{suffix}"
            path.write_text(text, encoding="utf-8")
            out.append(path)
        return tuple(out)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(severity)} {severity}s" for severity in SEVERITIES)
        return f"Quality of {self.facts['title'].get('en')}: {self.facts['interviews']:,} interviews, {counts}"

    def _repr_html_(self) -> str:
        from masar_research.quality.page import fragment

        return fragment(self)


def check(
    source: str | Path | Survey, *, form: FormPath | None = None, wave: int | str | None = None,
    roles: Mapping[str, str | None] | None = None, outcomes: Outcomes | None = None, targets: Sequence[Target] = (),
    fieldwork: tuple[dt.date | None, dt.date | None] = (None, None), country: str | None = None,
) -> Quality:  # fmt: skip
    """Look a survey over before it is analysed.

    Parameters
    ----------
    source : str, Path or Survey
        A data file, a survey card (path or study name), or a survey.
    form : str, Path or (survey, choices), optional
        The XLSForm of a KoBo or ODK export: conditions, lists, constraints.
    wave : int or str, optional
        With a card of several waves: which one.
    roles : mapping, optional
        Role → column where names do not tell: ``enumerator start end duration date psu strata weight status area
        key id age submitted``; None switches a role off.
    outcomes : Outcomes, optional
        How dispositions are read; a card gives them under ``outcomes:``.
    targets : sequence of Target, optional
        Published margins; a card gives them under ``weighting:``.
    fieldwork : (date, date), optional
    country : str, optional
        ``"JO" "IQ" "LB" "PS" "SY"``: positions are then held against the country's boundary or bounding box.

    Returns
    -------
    Quality
        ``.findings``, ``.frame``, ``.check(name).figures``, ``.write(folder)``.

    Raises
    ------
    ParameterError
        If a role, wave or argument does not fit the source.
    DataError
        If the file cannot be read.

    Examples
    --------
    >>> quality = check("export.xlsx", form="form.xlsx")            # doctest: +SKIP
    >>> quality.frame.query("severity == 'error'")                  # doctest: +SKIP
    >>> quality.write("reports/quality")                            # doctest: +SKIP
    """
    return run(gather(source, form, wave, roles, outcomes, targets, fieldwork, country))


def gather(source, form, wave, roles, outcomes, targets, fieldwork, country) -> Material:
    """The material of whatever was given; arguments as for `check`."""
    if not isinstance(source, str | Path):
        if form is not None or wave is not None:
            raise ParameterError("form= and wave= go with a file or a card.", remedy="Leave them out for a survey.")
        return sources.from_survey(source, roles=roles, outcomes=outcomes, targets=targets, fieldwork=fieldwork, country=country)
    found = sources.read_source(source)
    if isinstance(found, SurveyCard):
        if form is not None or outcomes is not None or targets or any(fieldwork):
            raise ParameterError(
                "A card declares its form, outcomes, margins and fieldwork itself.", remedy="Write them into the card."
            )
        if wave is None and len(found.waves) > 1:
            raise ParameterError(
                f"The study {found.study} has the waves {', '.join(map(str, found.waves))}; they are checked one by one.",
                remedy="Give wave=, for example "
                f"wave={list(found.waves)[-1]!r}.",
            )
        return sources.from_card(found, next(iter(found.waves)) if wave is None else wave, roles=roles, country=country)
    if wave is not None:
        raise ParameterError("wave= goes with a card.", remedy="Leave it out for a file.")
    return sources.from_file(
        found, form=form, roles=roles, outcomes=outcomes, targets=targets, fieldwork=fieldwork, country=country
    )


def run(material: Material) -> Quality:
    """Every check over the material, in the order of the report."""
    checks = tuple(function(material) for function in CHECKS.values())
    facts = {
        "title": dict(material.title or {}),
        "notice": dict(material.notice) if material.notice else None,
        "rows": len(material.frame),
        "interviews": int(material.interviewed.sum()),
        "complete": int(material.finished.sum()),
        "columns": len(material.frame.columns),
        "items": len(material.items),
        "roles": material.roles.named(),
        "checksum": material.checksum,
    }
    return Quality(checks, facts)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return value
