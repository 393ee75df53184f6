"""From a file and its survey card to a survey: codes stay codes, labels stand beside them."""

from masar_research.loading.cards import SurveyCard, read_card
from masar_research.loading.load import load, read_wave, recode_report
from masar_research.loading.presets import presets
from masar_research.loading.raw import Note, Raw, content_checksum
from masar_research.loading.readers import read

__all__ = [
    "Note",
    "Raw",
    "SurveyCard",
    "content_checksum",
    "load",
    "presets",
    "read",
    "read_card",
    "read_wave",
    "recode_report",
]
