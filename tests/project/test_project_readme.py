"""What the README shows is what happens: its Python runs, its commands and paths exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import masar_research as mr
from masar_research import bootstrap, verbs
from masar_research.models.model import SurveyModel

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    assert names["model"].margins("education3", over="sex").frame["std_error"].gt(0).all()


def test_verbs_named_in_the_readme_exist():
    named = re.findall(r"`(survey|estimates|model|mr)\.([a-z_]+)", README)
    lent = {
        "survey": {verb.name for verb in verbs.SURVEY} | set(dir(mr.Survey)),
        "estimates": {verb.name for verb in verbs.ESTIMATES} | set(dir(mr.Estimates)),
        "model": set(dir(SurveyModel)), "mr": set(dir(mr)),
    }  # fmt: skip
    assert len(named) > 15 and not [name for owner, name in named if name not in lent[owner]]


def test_the_targets_of_make_are_those_of_python_dash_m():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"(?m)^setup.*?:", makefile)[0].rstrip(":").split())
    assert targets == set(bootstrap.TASKS)
    for name in re.findall(r"(?m)^\| `([a-z-]+)`", README):
        assert name in bootstrap.TASKS


def test_make_alone_lists_its_targets():
    done = subprocess.run(
        [sys.executable, "-m", "masar_research"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in bootstrap.TASKS:
        assert re.search(rf"(?m)^  {name} ", done.stdout)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:docs|notebooks|data|tests|benchmarks)/[\w./-]*)`", README))))
def test_paths_named_in_the_readme_exist(path):
    assert (ROOT / path).exists()
