"""The release gate: reliability, disclosure control and what follows from them, on plain frames."""

from masar_research.release.gate import LEAST_CASES, decide
from masar_research.release.linked import Table, recoverable
from masar_research.release.profiles import PROFILES, Profile, profile
from masar_research.release.register import Register
from masar_research.release.reliability import Approval, assess, status
from masar_research.release.wording import MODEL_BASED, drawn, summary, together, words

__all__ = [
    "LEAST_CASES",
    "MODEL_BASED",
    "PROFILES",
    "Approval",
    "Profile",
    "Register",
    "Table",
    "assess",
    "decide",
    "drawn",
    "profile",
    "recoverable",
    "status",
    "summary",
    "together",
    "words",
]
