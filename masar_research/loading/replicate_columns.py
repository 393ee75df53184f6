"""Replicate weights named in a card: the columns of the files, and of pooled waves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from masar_research.errors import DesignError
from masar_research.loading.card_design import ReplicatesCard
from masar_research.loading.cards import SurveyCard
from masar_research.loading.harmonise import card_error, selected
from masar_research.loading.raw import Raw
from masar_research.replicates import Given


def with_replicates(
    card: SurveyCard, frame: pd.DataFrame, raws: dict[int | str, Raw]
) -> tuple[pd.DataFrame, Given]:
    """The harmonised rows with their replicate weights beside them, and the type that reads them.

    Waves whose replicates are ``common`` keep their columns: replicate r is the same draw in every
    wave. ``independent`` ones become R_1 + R_2 + … columns, each with one wave's replicate and the
    full weights of the other waves, so that the variance of a sum or change over waves is the sum of
    the waves' variances.

    Parameters
    ----------
    card : SurveyCard
        With ``design: {replicates: …}``.
    frame : pandas.DataFrame, n rows
        Harmonised, waves one under the other.
    raws : dict
        Wave → its file, in the order of the rows.

    Returns
    -------
    frame, replicates type

    Raises
    ------
    CardError
        If no column matches, a variable of the card has the name of one, or common replicates
        differ in number.
    """
    said = card.design.replicates
    assert said is not None
    parts = {wave: _columns(card, said, wave, raw) for wave, raw in raws.items()}
    if len(parts) == 1:
        (columns,) = parts.values()
        return _beside(frame, columns), said.of(tuple(columns.columns))
    if said.across_waves == "common":
        names = {tuple(columns.columns) for columns in parts.values()}
        if len(names) > 1:
            raise card_error(
                card, ["design", "replicates"],
                "replicates common to the waves have the same columns in every wave; they differ in "
                f"{', '.join(f'{wave} ({len(columns.columns)})' for wave, columns in parts.items())}.",
                "Write across_waves: independent, or load the waves one by one.",
                "المكررات المشتركة بين الجولات لها الأعمدة نفسها في كل جولة، وهي هنا مختلفة. اكتب across_waves: independent أو حمّل كل جولة وحدها.",
            )  # fmt: skip
        joined = pd.concat(parts.values(), ignore_index=True)
        return _beside(frame, joined), said.of(tuple(joined.columns))
    return _independent(frame, card, said, parts)


def _columns(card: SurveyCard, said: ReplicatesCard, wave: int | str, raw: Raw) -> pd.DataFrame:
    file = selected(raw, card)
    try:
        names = said.of(said.columns).select(list(file.columns), "")
    except DesignError as error:
        raise card_error(
            card, ["design", "replicates", "columns"], f"wave {wave}: {error.what}", error.remedy, error.ar
        ) from None
    taken = [name for name in names if name in card.variables or name == "wave"]
    if taken:
        raise card_error(
            card, ["design", "replicates", "columns"],
            f"{', '.join(taken[:5])} is a variable of the card and a column of replicate weights.",
            "Rename the variable, or use a narrower pattern.",
            f"\u2066{', '.join(taken[:5])}\u2069 متغير في البطاقة وعمود من الأوزان المكررة. غيّر اسم المتغير أو ضيّق النمط.",
        )  # fmt: skip
    return file[list(names)]


def _independent(
    frame: pd.DataFrame, card: SurveyCard, said: ReplicatesCard, parts: dict[int | str, pd.DataFrame]
) -> tuple[pd.DataFrame, Given]:
    kind = said.of(said.columns)
    full = np.ones(len(frame)) if not kind.combined else frame[card.design.weights].to_numpy(float)
    blocks, rscales, start = {}, [], 0
    for wave, columns in parts.items():
        rows = slice(start, start + len(columns))
        number = len(columns.columns)
        own = np.ones(number) if kind.rscales is None else np.asarray(kind.rscales, float)
        rscales += list(kind.scale_of(number) * own)
        for name in columns.columns:
            values = full.copy()
            values[rows] = columns[name].to_numpy(float)
            blocks[f"{name} ({wave})"] = values
        start += len(columns)
    made = pd.DataFrame(blocks, index=frame.index)
    given = replace(
        kind, columns=tuple(made.columns), scale=1.0, rscales=tuple(rscales), mse=True
    )
    return _beside(frame, made), given


def _beside(frame: pd.DataFrame, columns: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([frame, columns.set_index(frame.index)], axis=1)
