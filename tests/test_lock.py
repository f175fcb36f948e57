"""The lock, pyproject.toml, the conda environment, the container recipes and the list of licences tell the same."""

from __future__ import annotations

import csv
import importlib.util
import re
import tomllib
from email.message import Message
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def loaded(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"envs/{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def lock():
    return loaded("lock")


@pytest.fixture(scope="module")
def licences():
    return loaded("licences")


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


@pytest.mark.parametrize("name", ["environment.yaml", "Dockerfile", "unispace.def"])
def test_what_is_made_of_the_lock_was_made_of_this_one(lock, name):
    assert (ROOT / "envs" / name).read_text() == lock.made()[lock.ENVS / name], "run `make lock`"


def test_the_conda_environment_has_the_pins_of_the_lock_and_a_python_that_is_supported(lock):
    found = yaml.safe_load((ROOT / "envs/environment.yaml").read_text())
    *conda, pip = found["dependencies"]
    assert pip == {"pip": lock.pins()}
    (python,) = (entry.split("=")[1] for entry in conda if entry.startswith("python "))
    project = tomllib.loads(lock.PROJECT.read_text())["project"]
    assert SpecifierSet(project["requires-python"]).contains(f"{python}.0")
    assert {"git", "make"} <= set(conda)


def test_recipes_install_the_whole_lock_by_its_hashes_on_the_python_of_the_conda_environment(lock):
    docker = (ROOT / "envs/Dockerfile").read_text()
    apptainer = (ROOT / "envs/unispace.def").read_text()
    conda = (ROOT / "envs/environment.yaml").read_text()
    (python,) = re.findall(r"python =(\S+)", conda)
    for recipe, base in ((docker, "FROM"), (apptainer, "From:")):
        assert f"{base} docker.io/library/python:{python}-slim-bookworm\n" in recipe
        (install,) = re.findall(r"pip install ([^\\\n]+)", recipe)
        assert "--require-hashes" in install
        assert "--no-deps" in install
        assert install.split()[-2:] == ["-r", "/tmp/requirements.lock"]  # noqa: S108
        # What is in an image tells from which lock it was made.
        (stated,) = re.findall(r"org\.unispace\.lock[= ]\"?([0-9a-f]{64})", recipe)
        assert stated == lock.hashlib.sha256(lock.LOCK.read_bytes()).hexdigest()
    copied = re.findall(r"COPY (\S+) /tmp/requirements\.lock", docker)
    assert [(ROOT / "envs" / name).is_file() for name in copied] == [True]
    assert (ROOT / re.findall(r"%files\n +(\S+)", apptainer)[0]).is_file()


def test_the_oldest_python_of_pyproject_is_that_of_every_environment(lock, tmp_path):
    project = tmp_path / "pyproject.toml"
    project.write_text('[project]\nrequires-python = ">=3.12,<3.15"\n')
    assert lock.python_version(project) == "3.12"
    project.write_text('[project]\nrequires-python = "<3.15"\n')
    with pytest.raises(ValueError, match="names no oldest Python"):
        lock.python_version(project)


def test_torch_and_torchvision_are_a_pair(lock):
    pins = {Requirement(p).name: str(Requirement(p).specifier) for p in lock.pins()}
    assert (pins["torch"], pins["torchvision"]) == ("==2.14.1", "==0.29.1")


def test_no_address_of_a_registry_is_in_the_lock_or_in_what_is_made_of_it(lock):
    for text in (lock.LOCK.read_text(), *lock.made().values()):
        assert "://" not in text


# --- licences ---


def test_every_pin_of_the_lock_has_a_licence_that_lets_us_use_it(lock, licences):
    with licences.TABLE.open() as stream:
        table = list(csv.DictReader(stream))
    pins = [Requirement(pin) for pin in lock.pins()]
    assert [f"{row['package']}=={row['version']}" for row in table] == [
        f"{pin.name}{pin.specifier}" for pin in pins
    ], "run `make lock`"
    assert licences.problems(table) == []
    assert [row["kind"] for row in table] == [licences.kind_of(row["licence"]) for row in table]


def test_the_table_says_what_the_installed_packages_say(licences):
    stated = {row["package"]: row["licence"] for row in csv.DictReader(licences.TABLE.open())}
    for name in ("numpy", "torch", "snakemake", "dvc"):
        assert stated[name] == licences.stated_here(licences.metadata.distribution(name))
    assert stated["snakemake-interface-common"] == "MIT License"  # only its licence file says so


@pytest.mark.parametrize(
    ("licence", "kind"),
    [
        ("MIT", "permissive"),
        ("Apache-2.0 AND CNRI-Python", "permissive"),
        ("CC-BY-NC-4.0", "forbidden"),
        ("MIT, non-commercial use only", "forbidden"),
        ("GNU Affero General Public License v3", "forbidden"),
        ("AGPL-3.0-or-later", "forbidden"),
        ("Business Source License (BUSL-1.1)", "forbidden"),
        ("LGPL-3.0-only", "weak copyleft"),
        ("GPL-3.0-only", "copyleft"),
        ("Apache-2.0 OR GPL-3.0-only", "permissive"),
        ("GPL-3.0-only OR AGPL-3.0-only", "copyleft"),
        ("MIT AND MPL-2.0", "weak copyleft"),
        ("LicenseRef-NVIDIA-Proprietary", "vendor"),
        ("Proprietary", "unknown"),
        ("", "unknown"),
    ],
)
def test_licences_are_told_apart(licences, licence, kind):
    assert licences.kind_of(licence) == kind
    row = {"package": "p", "version": "1", "licence": licence, "kind": kind}
    assert bool(licences.problems([row])) == (kind in ("forbidden", "unknown"))


def test_a_licence_is_read_as_metadata_state_it(licences):
    def about(**lines) -> Message:
        found = Message()
        for key, value in lines.items():
            found[key.replace("_", "-")] = value
        return found

    assert licences.licence_of(about(License_Expression="MIT", License="other")) == "MIT"
    assert licences.licence_of(about(License="BSD-3-Clause\n\nCopyright ...")) == "BSD-3-Clause"
    classified = about(License="UNKNOWN", Classifier="License :: OSI Approved :: MIT License")
    assert licences.licence_of(classified) == "MIT License"
    assert licences.licence_of(about(Classifier="License :: OSI Approved")) == ""
    assert licences.licence_of(about(License="(c) 2020"), "MIT License") == "MIT License"
