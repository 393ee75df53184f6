"""The tiny project of ``tests/briefs``, for reruns."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "briefs"))
