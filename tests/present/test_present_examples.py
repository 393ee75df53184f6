"""Every example in the docstrings of the room runs and says what it says."""

import doctest
import importlib
import pkgutil

import pytest

from masar_research import present

MODULES = [found.name for found in pkgutil.walk_packages(present.__path__, "masar_research.present.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    found = [doctest.DocTestFinder().find(importlib.import_module(name)) for name in MODULES]
    assert sum(bool(test.examples) for tests in found for test in tests) >= 25
