"""Make the synthetic demonstration survey: files, form, card, margins and truths.

Run from the project's folder::

    .venv/bin/python data/demo/generate.py            # everything
    .venv/bin/python data/demo/generate.py --to DIR   # into another folder, for comparison

The same code and the same NumPy give the same content; file bytes differ because writers stamp files.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from generator.build import make_all  # noqa: E402
from generator.document import refresh_page  # noqa: E402


def main(argv: list[str] | None = None) -> None:
    """Parse the command line and make everything."""
    parser = argparse.ArgumentParser(description="Make the synthetic demonstration survey.")
    parser.add_argument("--to", type=Path, default=None, help="folder to write to (default: data/demo and data/surveys)")
    given = parser.parse_args(argv)
    start = time.perf_counter()

    def say(text: str) -> None:
        print(f"[{time.perf_counter() - start:6.1f} s] {text}", flush=True)

    demo = given.to or HERE
    card = given.to or HERE.parent / "surveys"
    demo.mkdir(parents=True, exist_ok=True)
    made = make_all(demo, card, say)
    if given.to is None:
        refresh_page(HERE.parents[1] / "docs" / "demo_survey.md")
    say(json.dumps(made, ensure_ascii=False))


if __name__ == "__main__":
    main()
