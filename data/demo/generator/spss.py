"""The SPSS files. Labels in them are English; the Arabic labels stand in the form and the survey card."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyreadstat

from .questionnaire import ITEMS, LISTS, SILENT_LABELS, Item

FILE_LABEL = "SYNTHETIC demonstration data - no real person or place"
NOTE = ["Synthetic demonstration data made by data/demo/generate.py.", "No record describes a person, household or place that exists.",
        "Arabic labels: masar_demo_xlsform.xlsx and data/surveys/masar_demo.yml."]
_ORDINAL = {"education", "wealth5", "agree4", "agree5", "trust4", "extent4", "much5", "often5", "difficulty", "satisfied4",
            "ladder", "interest", "party", "future", "avoid4", "seen5", "accuracy4", "known3", "movement"}


def _codes(item: Item) -> dict[float, str]:
    if item.several:
        return {0.0: "No", 1.0: "Yes"}
    if item.answers in ("date", "datetime"):
        return {}
    codes = {} if item.numeric else {float(code): en for code, en, _ in LISTS[item.answers]}
    codes |= {float(code): SILENT_LABELS[kind][0] for code, kind in item.silent}
    return codes


def write_spss(frame: pd.DataFrame, path: Path) -> None:
    """Write one wave's file with labels, declared missing codes and measurement levels."""
    labels, values, missing, measure, formats = {}, {}, {}, {}, {}
    for item in ITEMS:
        for name in item.columns():
            if name not in frame.columns:
                continue
            labels[name] = item.en
            if item.several:
                code = int(name.rsplit("_", 1)[1])
                labels[name] = f"{item.en}: {next(en for c, en, _ in LISTS[item.answers] if c == code)}"
            if codes := _codes(item):
                values[name] = codes
            if item.silent:
                missing[name] = [float(code) for code, _ in item.silent]
            measure[name] = ("ordinal" if item.answers in _ORDINAL else "scale"
                             if item.numeric or item.answers in ("date", "datetime") else "nominal")
            formats[name] = {"date": "DATE11", "datetime": "DATETIME20"}.get(
                item.answers, "F12.6" if name == "base_weight" else "F8.4" if name == "wealth_score" else
                "F8.1" if item.answers == "decimal" else "F8.0")
    # pyreadstat takes dates in nanoseconds only
    stamps = {name: frame[name].astype("datetime64[ns]") for name in frame.columns if frame[name].dtype.kind == "M"}
    frame = frame.assign(**stamps)
    pyreadstat.write_sav(frame, str(path), file_label=FILE_LABEL, column_labels=labels, row_compress=True, note=NOTE,
                         variable_value_labels=values, missing_ranges=missing, variable_measure=measure, variable_format=formats)
