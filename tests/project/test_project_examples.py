"""Every example in a docstring of the package runs and says what it says."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import masar_research

MODULES = sorted(
    found.name
    for found in pkgutil.walk_packages(masar_research.__path__, "masar_research.")
    if not found.name.endswith(".__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples_and_most_of_them_run() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    lines = [
        line
        for name in MODULES
        for found in finder.find(importlib.import_module(name))
        for line in found.examples
    ]
    skipped = [line for line in lines if doctest.SKIP in line.options]
    assert len(lines) - len(skipped) >= 200
    assert len(skipped) < len(lines) / 4
