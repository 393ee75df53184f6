"""Variables, labels, question wording, universes and kinds of missing values, beside the data."""

from masar_research.codebook.book import Codebook
from masar_research.codebook.entries import LEVELS, Category, MissingRange, ResponseSet, Variable
from masar_research.codebook.plain import from_plain, signature, to_plain
from masar_research.codebook.words import LANGUAGES, Text, fold

__all__ = [
    "LANGUAGES",
    "LEVELS",
    "Category",
    "Codebook",
    "MissingRange",
    "ResponseSet",
    "Text",
    "Variable",
    "fold",
    "from_plain",
    "signature",
    "to_plain",
]
