"""The folder and what it is run with: locks, file system, versions, published data and its record."""

from __future__ import annotations

import configparser
import importlib.metadata
import os
import platform
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from unispace.doctor.findings import Finding
from unispace.doctor.machine import Machine
from unispace.records.pointer import read_pointer
from unispace.records.provenance import Job, files_in
from unispace.records.provenance_restore import unrecorded_jobs
from unispace.records.run_lock import occupation
from unispace.records.secrets import secret_of

# Below this, a job that reads many shards at once can run out; macOS begins with 256.
_OPEN_FILES = 512
# Options of DVC's remotes that hold secrets themselves: S3, Azure, OSS, Google, WebDAV, SSH, HTTP.
_SECRET_OPTION = re.compile(
    r"^(secret_access_key|session_token|password|passphrase|token|account_key|sas_token|connection_string|client_secret|"
    r"oss_key_secret|gdrive_client_secret)$"
)
_WRITTEN = ("data", "checkpoints", "results", "logs", "benchmarks", ".snakemake")


def lock_findings(root: Path) -> list[Finding]:
    """Whether another run is under way, or was killed and left its lock or outputs that are not whole."""
    here = occupation(root)
    found = []
    if here.locked and here.alive:
        who = ", ".join(f"process {process}: {command}" for process, command in here.holders)
        found.append(
            Finding(
                "lock",
                "error",
                "a Snakemake, or a job that one left behind, is at work in this folder"
                + (f" ({who})" if who else ""),
                "wait until it has ended; do not unlock",
            )
        )
    elif here.strangers:
        found.append(
            Finding(
                "lock",
                "error",
                f"a Snakemake that was started {here.strangers} has locked files of this folder, and this machine "
                f"cannot tell whether it is still at work",
                "look there, and where nothing is at work any more: snakemake --unlock (docs/runs.md)",
            )
        )
    elif here.locked:
        found.append(
            Finding(
                "lock",
                "note",
                "a run that was killed left this folder locked, and none is alive; the next run clears it",
            )
        )
    incomplete = root / ".snakemake" / "incomplete"
    left = sum(1 for path in incomplete.rglob("*") if path.is_file()) if not here.alive else 0
    if left:
        found.append(
            Finding(
                "lock",
                "note",
                f"{left} outputs were left unfinished by jobs that were killed; the next run makes them anew",
            )
        )
    return found or [Finding("lock", "ok", "no other run in this folder")]


def file_findings(root: Path, machine: Machine, raw: Iterable[str]) -> list[Finding]:
    """Whether the file system takes what a run writes.

    Args:
        root: the folder that Snakemake runs in.
        machine: for its limit of open files.
        raw: names of the archives of the study.
    """
    found = []
    for folder in (root, *(root / name for name in _WRITTEN)):
        if folder.exists() and not os.access(folder, os.W_OK | os.X_OK):
            found.append(
                Finding(
                    "files",
                    "error",
                    f"{folder}: this user may not write there",
                    f"chmod u+rwx {folder}, or work in a clone of your own",
                )
            )
    if machine.open_files is not None and machine.open_files < _OPEN_FILES:
        found.append(
            Finding(
                "files",
                "warning",
                f"a process may have {machine.open_files} files open, fewer than {_OPEN_FILES}",
                "ulimit -n 4096",
            )
        )
    folded: dict[str, str] = {}
    for name in raw if _ignores_case(root) else ():
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            found.append(
                Finding(
                    "files",
                    "error",
                    f"data/raw/{name} and data/raw/{other} are one file here, since this file system ignores case",
                    "rename one of the archives",
                )
            )
    return found or [Finding("files", "ok", "folders can be written")]


def _ignores_case(root: Path) -> bool:
    return (root / "Snakefile").exists() and (root / "sNAKEFILE").exists()


def version_findings(root: Path) -> list[Finding]:
    """Whether Python and packages are those of the lock file."""
    lock = root / "envs" / "requirements.lock"
    gone = [file for file in (root / "pyproject.toml", lock) if not file.is_file()]
    if gone:
        return [
            Finding("versions", "error", f"{file} is not there", f"git checkout {file}")
            for file in gone
        ]
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    found = []
    python, wanted = platform.python_version(), project["requires-python"]
    if not SpecifierSet(wanted).contains(python, prereleases=True):
        found.append(
            Finding(
                "versions",
                "error",
                f"this is Python {python}, the project needs {wanted}",
                "make setup",
            )
        )
    needed = {_plain(Requirement(line).name) for line in project["dependencies"]}
    other = []
    locked = _locked(lock.read_text("utf-8"))
    for name, version in locked.items():
        try:
            here = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            if name in needed:
                found.append(
                    Finding("versions", "error", f"{name} {version} is not installed", "make setup")
                )
            continue
        if here != version:
            other.append(f"{name} {here} instead of {version}")
    if other:
        shown = ", ".join(other[:5]) + (f" and {len(other) - 5} more" if len(other) > 5 else "")
        found.append(
            Finding(
                "versions",
                "warning",
                f"not the versions of envs/requirements.lock, so results may differ: {shown}",
                "make setup, or use the environment that it made",
            )
        )
    shown = ", ".join(f"{name} {locked[name]}" for name in ("snakemake", "torch") if name in locked)
    return found or [Finding("versions", "ok", f"Python {python}, {shown}, as locked")]


def _locked(text: str) -> dict[str, str]:
    """Versions by package that the lock file has for this machine."""
    found = {}
    for line in text.splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.removesuffix("\\").strip())
            if requirement.marker is None or requirement.marker.evaluate():
                (pin,) = requirement.specifier
                found[_plain(requirement.name)] = pin.version
    return found


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def dvc_findings(root: Path, pointers: Iterable[Path]) -> list[Finding]:
    """Whether folders hold what their .dvc files say, by number and size of the files; `make verify-data` reads them.

    Args:
        root: the folder that Snakemake runs in.
        pointers: .dvc files of the study, of which some may not exist.
    """
    found = []
    for path in pointers:
        if not (root / path).is_file():
            continue
        pointer = read_pointer(root / path)
        here = files_in(root, pointer.folder)
        if not here:
            found.append(
                Finding(
                    "dvc",
                    "note",
                    f"{pointer.folder} is not here; the run makes it, and it was published",
                    "unispace pull, where a remote is configured",
                )
            )
            continue
        size = sum((root / file).stat().st_size for file in here)
        same = (len(here), size) == (pointer.files, pointer.bytes)
        found.append(
            Finding("dvc", "ok", f"{pointer.folder} has the files and bytes that {path} names")
            if same
            else Finding(
                "dvc",
                "warning",
                f"{pointer.folder} has {len(here)} files and {size} bytes, {path} says {pointer.files} and "
                f"{pointer.bytes}",
                "unispace provenance verify names the files that differ; `unispace pull` brings the published ones",
            )
        )
    return found


def secret_findings(root: Path) -> list[Finding]:
    """Whether .dvc/config, which is in Git, holds what lets somebody into a remote."""
    file = root / ".dvc" / "config"
    config = configparser.ConfigParser(interpolation=None)
    config.read(file, "utf-8")
    found = []
    for section in config.sections():
        remote = re.sub(r"^'?remote \"(.*)\"'?$", r"\1", section)
        for key, value in config[section].items():
            if _SECRET_OPTION.search(key):
                remedy = f"dvc remote modify --unset {remote} {key}; dvc remote modify --local {remote} {key} ..."
            elif "://" in value and secret_of(value):
                remedy = (
                    f"dvc remote modify --local {remote} {key} ..., and take it out of .dvc/config"
                )
            else:
                continue
            message = f"{file}, which is in Git, holds a secret: `{key}` of {remote}"
            remedy += "; if it was pushed, have the remote give you a new one"
            found.append(Finding("secrets", "error", message, remedy))
    return found or [Finding("secrets", "ok", "no password or key of a remote is in Git")]


def provenance_findings(root: Path, published: Iterable[Job]) -> list[Finding]:
    """Whether Snakemake has the record of what lies here, without which it would take any file for good."""
    waiting = unrecorded_jobs(root, published)
    if waiting:
        return [
            Finding(
                "provenance",
                "note",
                f"{len(waiting)} jobs' outputs were pulled and have no record of Snakemake yet; the next run, and "
                f"the plan that follows here, gives it to them",
                "unispace provenance restore",
            )
        ]
    return [Finding("provenance", "ok", "nothing here lacks the record of how it was made")]
