"""The lock, the conda environment and pyproject.toml tell the same."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def lock():
    spec = importlib.util.spec_from_file_location("lock", ROOT / "envs/lock.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_lock_was_made_from_this_pyproject(lock):
    line = f"# pyproject: {lock.fingerprint()}"
    assert line in lock.LOCK.read_text(), "pyproject.toml changed: run `make lock`"


def test_every_requirement_is_pinned_to_a_version_that_it_allows(lock):
    project = tomllib.loads(lock.PROJECT.read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = [Requirement(line) for line in lock.pins()]
    for text in wanted:
        requirement = Requirement(text)
        name = canonicalize_name(requirement.name)
        pins = [pin for pin in pinned if canonicalize_name(pin.name) == name]
        assert pins, f"{name} is not in the lock: run `make lock`"
        for pin in pins:
            (version,) = (s.version for s in pin.specifier)
            assert requirement.specifier.contains(version)


def test_every_package_has_hashes(lock):
    text = lock.LOCK.read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert len(blocks) == len(lock.pins()) > 100
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_conda_environment_holds_the_packages_of_the_lock(lock):
    assert lock.ENVIRONMENT.read_text() == lock.environment(), "run `make lock`"


def test_torch_and_torchvision_are_a_pair(lock):
    pins = {Requirement(p).name: str(Requirement(p).specifier) for p in lock.pins()}
    assert (pins["torch"], pins["torchvision"]) == ("==2.14.1", "==0.29.1")


def test_no_address_of_a_registry_is_in_the_lock(lock):
    assert "://" not in lock.LOCK.read_text()
