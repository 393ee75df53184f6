"""What follows from a hidden figure: its differences, and the shown figures that give it away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from masar_research.errors import ReleaseError
from masar_research.release.linked import Derivation, System, derivations
from masar_research.release.register import DISCLOSURE, Register


@dataclass(slots=True)
class Figures:
    """The figures (keys) of a release: why each is hidden ("" when shown) and its size."""

    reason: dict[str, str]
    size: dict[str, float]

    @property
    def hidden(self) -> set[str]:
        return {key for key, reason in self.reason.items() if reason}


def _follow_sides(figures: Figures, sides: Mapping[str, tuple[str, ...]], keys: Mapping[str, str]) -> None:
    """Hide every difference with a hidden or unknown side; differences of differences too."""
    changed = True
    while changed:
        changed = False
        for address, of in sides.items():
            key = keys[address]
            if figures.reason[key]:
                continue
            if not of or any(figures.reason[keys[side]] for side in of):
                figures.reason[key] = "sides" if of else "sides_unknown"
                changed = True


def protect(
    figures: Figures,
    system: System,
    register: Register,
    counts: Mapping[str, float],
    sides: Mapping[str, tuple[str, ...]],
    keys: Mapping[str, str],
) -> None:
    """Complementary suppression until the auditor finds nothing, and no more than that takes.

    Protected are the figures withheld for themselves. A figure hidden for the sake of another
    may itself be worked out: the audit is exact, so what it would help to find is found without it.
    Beyond help, and left out: what earlier releases give away by themselves, and what follows
    from the definition of the groups with nothing shown at all.
    """
    totals = {
        system.keys[column]
        for column in np.flatnonzero((system.matrix < 0).any(axis=0))
    }
    before = System.of(register.tables)
    beyond_help = {
        found.key
        for found in (
            *derivations(before, frozenset(before.keys) - register.shown),
            *derivations(system, frozenset(system.keys)),
        )
    }
    protected = {key for key, reason in register.hidden.items() if reason != "complementary"}
    protected |= {
        key for key, reason in figures.reason.items()
        if reason in DISCLOSURE and register.hidden.get(key) != "complementary"
    }  # fmt: skip
    protected -= beyond_help

    def leaks() -> list[Derivation]:
        known = (set(figures.reason) - figures.hidden) | register.shown
        found = derivations(system, frozenset(system.keys) - known, counts)
        return [one for one in found if one.key in protected]

    taken = []
    while given_away := leaks():
        leak = min(given_away, key=lambda found: found.key)
        open_to = [
            key for key in leak.shown
            if key in figures.reason and not figures.reason[key] and key not in register.shown
        ]  # fmt: skip
        if not open_to:
            raise ReleaseError(
                f"{leak.key!r} is withheld, but what has been published before gives it away "
                f"together with this brief ({', '.join(leak.shown[:6])}).",
                remedy="Leave the group out of this brief, or ask for a review of the earlier release.",
                ar="لا يمكن حماية الرقم المحجوب لأن ما نُشر سابقاً يكشفه مع هذا الموجز.",
            )
        chosen = min(open_to, key=lambda key: (key in totals, figures.size[key], key))
        figures.reason[chosen] = "complementary"
        taken.append(chosen)
    for key in taken:
        figures.reason[key] = ""
        if leaks():
            figures.reason[key] = "complementary"
    _follow_sides(figures, sides, keys)
