"""Every public statistic has a page that names it and an example that runs."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

from masar_research import verbs
from masar_research.estimates import Estimates
from masar_research.survey import Survey

METHODS = Path(__file__).parents[2] / "docs" / "methods"
PAGES = {path.name: path.read_text(encoding="utf-8") for path in sorted(METHODS.glob("*.md"))}
OWN = {name: getattr(Survey, name) for name in ("mean", "total", "proportion", "ratio", "count", "where")}
OWN["contrast"] = Estimates.contrast


def home(verb: verbs.Verb) -> object:
    module, _, name = verb.home.partition(":")
    return getattr(import_module(module), name)


PUBLIC = OWN | {verb.name: home(verb) for verb in (*verbs.SURVEY, *verbs.ESTIMATES)}


@pytest.mark.parametrize("name", PUBLIC)
def test_a_page_names_it(name):
    pattern = re.compile(rf"`[^`\n]*\.{name}\b|`{name}\(|survey\.{name}\(")
    assert [page for page, text in PAGES.items() if pattern.search(text)], name


@pytest.mark.parametrize("name", PUBLIC)
def test_its_docstring_has_an_example(name):
    assert doctest.DocTestParser().get_examples(PUBLIC[name].__doc__ or ""), name


@pytest.mark.parametrize("page", sorted(set(PAGES) - {"coverage.md"}))
def test_a_page_says_what_it_was_checked_against_and_what_it_cannot(page):
    text = PAGES[page].lower()
    assert "oracle" in text or "checked" in text
    assert "limit" in text
