"""From a drawn sample and the population's answers to the file that comes back from the field."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from .conditions import mask
from .facts import SEED, WAVES
from .population import TRAITS, Population
from .questionnaire import BEFORE_BREAK_OFF, ITEMS, Item

FIELDWORK = {
    2022: (dt.date(2022, 10, 2), dt.date(2022, 11, 17)),
    2024: (dt.date(2024, 10, 6), dt.date(2024, 11, 20)),
    2026: (dt.date(2026, 3, 29), dt.date(2026, 5, 7)),
}
BLOCKS_PER_INTERVIEWER = 7
_ROSTER_KNOWN = (1, 2, 4, 6)


class SampleFile:
    """One wave's file under construction: a row per sampled household.

    Parameters
    ----------
    pop : Population
    drawn : pandas.DataFrame
        As :func:`generator.sampling.draw_sample` gives it.
    wave : int
    """

    def __init__(self, pop: Population, drawn: pd.DataFrame, wave: int) -> None:
        self.pop, self.wave = pop, wave
        self.rng = np.random.default_rng([SEED, wave, 7])
        drawn = drawn.sort_values(["governorate", "psu"], kind="stable").reset_index(drop=True)
        self.person = drawn["_person"].to_numpy()
        self.house = drawn["_house"].to_numpy()
        self.status = drawn["status"].to_numpy()
        self.columns: dict[str, np.ndarray] = {}
        self._traits = pop.traits[TRAITS.index("answering"), self.person].astype(float)
        self._record(drawn)

    def _record(self, drawn: pd.DataFrame) -> None:
        n, rng, t = len(drawn), self.rng, WAVES.index(self.wave)
        block = self.pop.house_block[self.house]
        codes, first, which = np.unique(block, return_index=True, return_inverse=True)
        seen = np.argsort(np.argsort(first))[which]
        c = self.columns
        c["form_no"] = self.wave * 10_000.0 + np.arange(1, n + 1)
        for name in ("wave", "governorate", "urban", "stratum", "psu"):
            c[name] = drawn[name].to_numpy(float)
        c["household_no"] = drawn.groupby("psu").cumcount().to_numpy(float) + 1
        listed = np.add.reduceat(self.pop.house_adults[t] > 0, self.pop.block_start[:-1].astype(int))
        c["listed"] = listed[block].astype(float)
        c["household_adults"] = drawn["household_adults"].to_numpy(float)
        c["base_weight"] = np.round(drawn["base_weight"].to_numpy(float), 6)
        c["status"] = self.status
        visits = np.where(self.status == 5, 3, rng.choice([1, 2, 3], n, p=[0.66, 0.23, 0.11]))
        c["visits"] = np.where((self.status == 6) & (visits < 2), 3, visits).astype(float)
        interviewer = seen // BLOCKS_PER_INTERVIEWER
        women = rng.random(interviewer.max() + 1) < 0.6
        self._manner = rng.normal(0, 0.25, interviewer.max() + 1)[interviewer]
        c["interviewer"] = 101.0 + interviewer
        c["interviewer_sex"] = np.where(women[interviewer], 2.0, 1.0)
        self._clock(n, interviewer, seen)
        known = np.isin(self.status, _ROSTER_KNOWN)
        c["sel_sex"] = np.where(known, self.pop.sex[self.person], np.nan)
        c["sel_age"] = np.where(known, self.pop.age[self.person] + (self.wave - WAVES[0]), np.nan).astype(float)
        c["household_young"] = np.where(known, self.pop.house_young[t, self.house], np.nan).astype(float)

    def _clock(self, n: int, interviewer: np.ndarray, seen: np.ndarray) -> None:
        first, last = FIELDWORK[self.wave]
        days = (last - first).days
        turn = seen % BLOCKS_PER_INTERVIEWER
        day = np.floor((turn + self.rng.random(n)) / BLOCKS_PER_INTERVIEWER * (days + 1)).astype(int)
        date = np.array([first + dt.timedelta(days=int(d)) for d in np.clip(day, 0, days)])
        friday = np.array([d.weekday() == 4 for d in date])
        date = np.where(friday, date - dt.timedelta(days=1), date)
        minutes = 9 * 60 + np.floor(self.rng.beta(1.6, 1.8, n) * 10 * 60)
        length = np.clip(np.exp(self.rng.normal(np.log(46), 0.22, n)), 21, 140)
        length = np.where(self.rng.random(n) < 0.008, 9 + 8 * self.rng.random(n), length)
        length = np.where(self.status == 2, length * 0.45, length)
        asked = np.isin(self.status, (1, 2))
        start = [dt.datetime.combine(d, dt.time()) + dt.timedelta(minutes=int(m)) for d, m in zip(date, minutes, strict=True)]
        end = [s + dt.timedelta(seconds=round(60 * x)) for s, x in zip(start, length, strict=True)]
        c = self.columns
        c["interview_date"] = np.array(date, "datetime64[D]")
        c["interview_start"] = np.where(asked, np.array(start, "datetime64[s]"), np.datetime64("NaT"))
        c["interview_end"] = np.where(asked, np.array(end, "datetime64[s]"), np.datetime64("NaT"))
        c["duration"] = np.where(asked, np.round(length, 1), np.nan)

    def add(self, item: Item, position: np.ndarray, rows: np.ndarray, values: np.ndarray) -> None:
        """Take the sampled persons' answers to one question.

        Parameters
        ----------
        item : Item
        position : ndarray (n,)
            Row of each sampled person in the wave's population.
        rows, values : ndarray
            As :meth:`generator.answers.Answers.run` yields them.
        """
        at = np.minimum(np.searchsorted(rows, position), max(rows.size - 1, 0))
        reached = (self.status == 1) | ((self.status == 2) & (item.group in BEFORE_BREAK_OFF))
        put = reached & (rows[at] == position) if rows.size else np.zeros(position.size, bool)
        if item.asked_if:
            put &= mask(item.asked_if, self.columns.__getitem__)
        dont, refuse = self._silent(item)
        if item.several:
            table = np.where(put[:, None], values[at], np.nan)
            table[put & (dont | refuse)] = np.nan
            for k, name in enumerate(item.columns()):
                self.columns[name] = table[:, k].astype(float)
            return
        answer = np.where(put, values[at].astype(float), np.nan)
        answer = np.where(put & dont, item.silent_codes[0], answer)
        self.columns[item.name] = np.where(put & refuse & ~dont, item.silent_codes[1], answer)

    def _silent(self, item: Item) -> tuple[np.ndarray, np.ndarray]:
        """Who does not know, who refuses: rates by sex, age, schooling, disposition and interviewer."""
        rng = np.random.default_rng([SEED, self.wave, 11, *item.name.encode()])
        u = rng.random((2, self.person.size))
        woman = self.pop.sex[self.person] == 2
        old = self.pop.age[self.person] >= 60
        little = self.pop.final[self.person] <= 2
        push = 0.30 * woman + 0.40 * old + 0.45 * little - 0.45 * self._traits
        hold = 0.10 * woman + 0.10 * old - 0.40 * self._traits + self._manner
        return u[0] < item.dont_know * np.exp(push - 0.45), u[1] < item.refused * np.exp(hold - 0.15)

    def frame(self) -> pd.DataFrame:
        """The file, its columns in the order of the questionnaire."""
        self._wealth()
        order = [name for item in ITEMS for name in item.columns() if name in self.columns]
        return pd.DataFrame({name: self.columns[name] for name in order})

    def _wealth(self) -> None:
        assets = [item.name for item in ITEMS if item.name.startswith("as_")]
        table = np.column_stack([np.where(self.columns[a] == 1, 1.0, np.where(self.columns[a] == 2, 0.0, np.nan)) for a in assets])
        told = ~np.isnan(table).any(axis=1)
        weight = self.columns["base_weight"][told]
        x = table[told] - np.average(table[told], axis=0, weights=weight)
        x = x / np.sqrt(np.average(x**2, axis=0, weights=weight))
        _, vectors = np.linalg.eigh((x * weight[:, None]).T @ x / weight.sum())
        lead = vectors[:, -1] * np.sign(vectors[:, -1].sum())
        score = np.full(told.size, np.nan)
        score[told] = np.round(x @ lead, 4)
        jitter = self.rng.random(told.size)
        order = np.lexsort((jitter[told], score[told]))
        share = np.empty(told.sum())
        share[order] = (np.cumsum(weight[order]) - weight[order] / 2) / weight.sum()
        fifth = np.full(told.size, np.nan)
        fifth[told] = np.minimum(5, 1 + np.floor(share * 5))
        self.columns["wealth_score"], self.columns["wealth5"] = score, fifth
