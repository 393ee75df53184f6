"""How the persons of the population would answer: latent scores cut at stated shares."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from .facts import SEED
from .population import TRAITS, WaveView

Model = Callable[["Asked"], np.ndarray]


@dataclass(frozen=True, slots=True)
class Asked:
    """The persons a question is put to in one wave.

    ``view`` the wave; ``rows`` (r,) positions in the view; ``answers`` earlier answers by name
    (full length, NaN where not asked); ``rng`` the question's own generator; ``place`` (b,) the
    question's own block effects, the same in every wave.
    """

    view: WaveView
    rows: np.ndarray
    answers: Callable[[str], np.ndarray]
    rng: np.random.Generator
    place: np.ndarray

    def __getattr__(self, name: str) -> np.ndarray:
        return getattr(object.__getattribute__(self, "view"), name)[object.__getattribute__(self, "rows")]

    def earlier(self, name: str) -> np.ndarray:
        """An earlier answer of these persons."""
        return self.answers(name)[self.rows]

    def trait(self, name: str) -> np.ndarray:
        """A persistent disposition (standard score) of these persons."""
        return self.view.traits[TRAITS.index(name), self.rows]

    @property
    def blocks(self) -> np.ndarray:
        return self.place[self.view.block[self.rows]]


def asked(view: WaveView, name: str, rows: np.ndarray, answers: Callable[[str], np.ndarray]) -> Asked:
    """The setting of one question; its random numbers depend on seed, question and wave only."""
    key = zlib.crc32(name.encode())
    n_blocks = int(view.block[-1]) + 1 if view.block.size else 0
    place = np.random.default_rng([SEED, key]).standard_normal(max(n_blocks, 20_000)).astype(np.float32)
    return Asked(view, rows, answers, np.random.default_rng([SEED, key, view.wave]), place)


def score(a: Asked, trait: str | None, load: float, woman: float, age: float, edu: float, wealth: float, rural: float,
          jordanian: float, place: float, shared: bool = False) -> np.ndarray:
    """Latent score (r,) from disposition, person, place and chance; ``shared`` chance is the household's."""
    own = np.float32(np.sqrt(max(0.25, 1 - load**2 - place**2)))
    if shared:
        chance = a.rng.standard_normal(int(a.view.house[-1]) + 1, dtype=np.float32)[a.house]
    else:
        chance = a.rng.standard_normal(a.rows.size, dtype=np.float32)
    z = own * chance + np.float32(place) * a.blocks
    if trait:
        z += np.float32(load) * a.trait(trait)
    for weight, value in ((woman, lambda: a.sex == 2), (age, lambda: (a.age - 35) / 10), (edu, lambda: a.education - 3.0),
                          (wealth, lambda: a.wealth), (rural, lambda: a.urban == 2), (jordanian, lambda: a.jordanian)):
        if weight:
            z += np.float32(weight) * value().astype(np.float32)
    return z


def scale(shares: tuple[float, ...], *, codes: tuple[float, ...] | None = None, trait: str | None = None, load: float = 0.5,
          woman: float = 0.0, age: float = 0.0, edu: float = 0.0, wealth: float = 0.0, rural: float = 0.0,
          jordanian: float = 0.0, place: float = 0.20, drift: float = 0.0, shared: bool = False) -> Model:
    """A choice among ordered answers.

    ``shares`` are the answers' shares among those asked in 2024, lowest score first; ``codes`` their
    codes (1, 2, … when absent); a positive ``drift`` moves later waves towards the last answer, in
    standard deviations per two years; ``shared`` answers are the same in a household; the other
    weights act on the score.
    """
    total = np.cumsum(shares)
    cuts = ndtri(np.clip(total[:-1] / total[-1], 1e-9, 1 - 1e-9))
    table = np.array(codes if codes is not None else range(1, len(shares) + 1), np.float32)

    def answer(a: Asked) -> np.ndarray:
        z = score(a, trait, load, woman, age, edu, wealth, rural, jordanian, place, shared)
        z = (z - z.mean()) / z.std() + drift * (a.view.wave - 2024) / 2 if z.size else z
        return table[np.searchsorted(cuts, z)]

    return answer


def yes(share: float, **weights: float | str) -> Model:
    """Yes (1) or no (2); positive weights favour yes."""
    return scale((1 - share, share), codes=(2, 1), **weights)


def group(shares: dict[float, float], **weights: float | str) -> Model:
    """A choice among answers ordered as given, lowest score first."""
    return scale(tuple(shares.values()), codes=tuple(shares), **weights)


def knows(right: int, share: float, unknown: float, **weights: float | str) -> Model:
    """A knowledge question: the right code, the wrong one, or 98 "don't know"; positive weights favour right."""
    return scale((1 - share - unknown, unknown, share), codes=(3 - right, 98, right), **weights)


def several(options: dict[int, dict], none: int | None = None) -> Model:
    """Several answers may hold: one column (r, k) of 0/1 per option; ``none`` where no other holds."""

    def answer(a: Asked) -> np.ndarray:
        out = np.zeros((a.rows.size, len(options) + (none is not None)), np.float32)
        for k, spec in enumerate(options.values()):
            out[:, k] = yes(**spec)(a) == 1
        if none is not None:
            out[:, -1] = ~(out[:, :-1] > 0).any(axis=1)
        return out

    return answer
