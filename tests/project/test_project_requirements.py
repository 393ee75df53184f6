"""pyproject.toml, the lock and environment.yml list the same things, and the lock travels."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def declared() -> dict[str, Requirement]:
    texts = [*PROJECT["dependencies"]]
    for extra in PROJECT["optional-dependencies"].values():
        texts += extra
    found = [Requirement(text) for text in texts]
    return {canonicalize_name(r.name): r for r in found}


def locked() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"(?m)^([A-Za-z0-9_.\-]+)==([^\s;\\]+)", LOCK):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def conda() -> dict[str, Requirement]:
    listed = YAML(typ="safe").load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    texts = [item for item in listed["dependencies"] if isinstance(item, str)]
    texts += next(item["pip"] for item in listed["dependencies"] if isinstance(item, dict))
    found = [Requirement(text) for text in texts if not text.startswith("-e")]
    return {canonicalize_name(r.name): r for r in found}


def test_every_declared_requirement_is_locked_at_a_version_it_allows():
    lock = locked()
    for name, requirement in declared().items():
        assert name in lock, f"{name} is in pyproject.toml and not in the lock: run make lock"
        for version in lock[name]:
            assert requirement.specifier.contains(version, prereleases=True), (name, version)


def test_conda_environment_lists_the_same_requirements_and_bounds():
    ours, theirs = declared(), conda()
    extra = set(theirs) - set(ours) - {"python", "make", "pip"}
    assert not set(ours) - set(theirs) and not extra
    for name, requirement in ours.items():
        assert str(theirs[name].specifier) == str(requirement.specifier), name
    assert str(theirs["python"].specifier) == str(Requirement(f"p{PROJECT['requires-python']}").specifier)


def test_lock_is_hashed_and_names_no_place():
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", LOCK)
    for entry in entries:
        if entry.strip():
            assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert not re.search(r"https?:|file:|://|--(extra-)?index-url|--find-links|-e |@ |(?m:^/)", LOCK)


@pytest.mark.parametrize("python", ["3.11.0", "3.12.0", "3.13.0"])
@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_lock_serves_each_python_and_system(python, system):
    environment = {
        "python_version": python[:4], "python_full_version": python, "sys_platform": system,
        "os_name": "nt" if system == "win32" else "posix", "implementation_name": "cpython",
        "platform_python_implementation": "CPython", "platform_machine": "x86_64",
        "platform_system": {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}[system],
    }  # fmt: skip
    chosen: dict[str, str] = {}
    for line in re.findall(r"(?m)^([A-Za-z0-9].*?)\s*\\?$", LOCK):
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            name = canonicalize_name(requirement.name)
            assert name not in chosen, f"{name} twice for {system} {python}"
            chosen[name] = str(requirement.specifier)
    assert set(declared()) <= set(chosen)
