"""The release gate: reliability, disclosure control and what follows from them, on plain frames."""

from masar_research.release.profiles import PROFILES, Profile, profile
from masar_research.release.reliability import Approval, assess

__all__ = ["PROFILES", "Approval", "Profile", "assess", "profile"]
