"""From a file and its survey card to a survey: codes stay codes, labels stand beside them."""

from masar_research.loading.cards import SurveyCard, read_card
from masar_research.loading.drafting import draft
from masar_research.loading.harmonisation import harmonisation_report
from masar_research.loading.load import load, read_wave, recode_report
from masar_research.loading.parquet import write_parquet
from masar_research.loading.presets import presets
from masar_research.loading.raw import Note, Raw, content_checksum
from masar_research.loading.readers import read
from masar_research.loading.related import rows_of
from masar_research.loading.standard_frame import standard_frame
from masar_research.loading.tracing import raw_rows, source_of

__all__ = [
    "Note",
    "Raw",
    "SurveyCard",
    "content_checksum",
    "draft",
    "harmonisation_report",
    "load",
    "presets",
    "read",
    "read_card",
    "read_wave",
    "raw_rows",
    "recode_report",
    "rows_of",
    "source_of",
    "standard_frame",
    "write_parquet",
]
