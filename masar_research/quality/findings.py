"""What a check says: findings in both languages, facts, and the reason where it could not run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from masar_research.codebook import Text
from masar_research.errors import ParameterError

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
MOST_CASES = 200


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should look at before analysis.

    Attributes
    ----------
    check : str
        The check that found it, for example ``"durations"``.
    kind : str
        What was found, a word for machines: ``"too_short"``.
    severity : {"error", "warning", "note"}
        ``error``: cannot be right; ``warning``: probably not right, look at it; ``note``: worth knowing.
    variable : str or None
    count : int
        Rows, pairs or units concerned.
    cases : tuple of int
        Row numbers of the file, the first row after the heading being 1; at most 200. Never a name, an
        answer or a position.
    what, remedy : Text
        In English and Arabic.
    """

    check: str
    kind: str
    severity: Severity
    variable: str | None
    count: int
    cases: tuple[int, ...]
    what: Text
    remedy: Text

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ParameterError(
                f"The severity {self.severity!r} is not known.", remedy=f"Use one of {', '.join(SEVERITIES)}."
            )

    def plain(self) -> dict[str, Any]:
        """As a mapping of plain values, for JSON."""
        return {
            "check": self.check,
            "kind": self.kind,
            "severity": self.severity,
            "variable": self.variable,
            "count": self.count,
            "rows": list(self.cases),
            "what": dict(self.what),
            "remedy": dict(self.remedy),
        }


@dataclass(frozen=True, slots=True)
class Checked:
    """One check's answer.

    Attributes
    ----------
    name : str
    findings : tuple of Finding
    facts : tuple of Text
        Sentences on what was looked at, found or not.
    figures : mapping
        The same as plain numbers, for machines and drawings.
    skipped : Text or None
        Why the check could not run.
    """

    name: str
    findings: tuple[Finding, ...] = ()
    facts: tuple[Text, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    skipped: Text | None = None


class Desk:
    """Where one check collects what it finds.

    Parameters
    ----------
    name : str
        The check.
    rows : ndarray of int, shape (n,)
        Row numbers of the file.
    """

    def __init__(self, name: str, rows: np.ndarray) -> None:
        self.name, self.rows = name, rows
        self.findings: list[Finding] = []
        self.facts: list[Text] = []
        self.figures: dict[str, Any] = {}

    def find(
        self, kind: str, severity: Severity, what: Text, remedy: Text, *, at: Iterable[int] | np.ndarray = (),
        variable: str | None = None, count: int | None = None,
    ) -> None:  # fmt: skip
        """Note a finding; `at` holds positions in the frame (or a mask over it)."""
        at = np.asarray(at)
        where = np.flatnonzero(at) if at.dtype == bool else at.astype(int)
        cases = tuple(int(row) for row in self.rows[where[:MOST_CASES]]) if where.size else ()
        self.findings.append(
            Finding(self.name, kind, severity, variable, int(where.size if count is None else count), cases, what, remedy)
        )

    def say(self, en: str, ar: str) -> None:
        """Note a fact."""
        self.facts.append(Text(en=en, ar=ar))

    def done(self) -> Checked:
        """The answer, the gravest findings first."""
        order = sorted(self.findings, key=lambda f: (SEVERITIES.index(f.severity), -f.count))
        return Checked(self.name, tuple(order), tuple(self.facts), dict(self.figures))


def skipped(name: str, en: str, ar: str) -> Checked:
    """A check that could not run, and why."""
    return Checked(name, skipped=Text(en=en, ar=ar))
