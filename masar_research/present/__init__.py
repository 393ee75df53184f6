"""Plain values → numbers, sentences, charts and tables, in Arabic and English."""

from masar_research.present.art import Art

__all__ = ["Art"]
