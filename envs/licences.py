"""List the licences of all packages of the lock in envs/licences.csv, and refuse those that forbid what we do.

`python envs/licences.py` reads the metadata of the installed packages; of those that only other systems and Pythons
need, it keeps what the table says of that version, or has pip fetch it. `--check` compares and changes nothing.
"""

from __future__ import annotations

import csv
import importlib.util
import io
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from email.message import Message
from email.parser import Parser
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ENVS = Path(__file__).resolve().parent
TABLE = ENVS / "licences.csv"
COLUMNS = ("package", "version", "licence", "kind")

# Licences by what they ask for; the first kind that fits the text counts, and what fits none is refused. `forbidden`
# stands first: no commercial use, no use at all, or a licence that would make the whole project its own.
KINDS: Mapping[str, str] = {
    "forbidden": r"non-?commercial|\bCC-BY-NC|\bAGPL|Affero|\bSSPL|Commons Clause|\bBUSL|academic use|research only",
    # Use and redistribution with an application are granted by NVIDIA's terms; the source is not there.
    "vendor": r"NVIDIA",
    "weak copyleft": r"\bMPL|Mozilla|\bLGPL|Lesser General|\bEPL|Eclipse|linking.exception",
    "copyleft": r"\bGPL|GNU General",
    "permissive": (
        r"\bMIT\b|\bBSD\b|\d-Clause|Apache|\bISC\b|\bPSF\b|Python Software Foundation|\bZlib\b|Unlicense|\bHPND|CMU|"
        r"0BSD|\bCC0|Historical Permission|\bZPL\b|Zope|public domain"
    ),
}

# What neither metadata nor the first line of a licence file say: read by hand.
BY_HAND: Mapping[str, str] = {
    "axe-playwright-python": "MIT AND MPL-2.0",  # MIT itself; the axe-core in it is under the MPL
    "cuda-toolkit": "LicenseRef-NVIDIA-Proprietary",  # no files of its own: the toolkit's terms
    "kiwisolver": "BSD-3-Clause",  # "The Kiwi licensing terms": Modified BSD
}


def kind_of(licence: str) -> str:
    """What a licence asks for, a key of `KINDS`, or `unknown`; of a choice (`A OR B`) what its mildest asks for."""
    choices = re.split(r"\bOR\b|\|", licence)
    kinds = [
        next((k for k, w in KINDS.items() if re.search(w, c, re.I)), "unknown") for c in choices
    ]
    return max(kinds, key=["unknown", *KINDS].index)


def licence_of(about: Message, first_line: str = "") -> str:
    """The licence as a package states it, in a line; empty where it does not.

    Args:
        about: its metadata.
        first_line: that of its licence file, which counts where the metadata say nothing that can be read.
    """
    stated = about.get("License-Expression") or ""
    classified = [
        line.rsplit("::", 1)[-1].strip()
        for line in about.get_all("Classifier") or ()
        if line.startswith("License ::") and not line.endswith("OSI Approved")
    ]
    # Some put the whole text there; its first line may be its name.
    free = (about.get("License") or "").strip().split("\n")[0].strip()
    candidates = [c for c in (stated, free[:80], " AND ".join(classified), first_line) if c]
    readable = [c for c in candidates if kind_of(c) != "unknown"]
    return next(iter([*readable, *candidates]), "")


def rows() -> list[dict[str, str]]:
    """A row for each pin of the lock: package, version, licence, kind."""
    found, read_before = [], _read_before()
    for pin in _pins():
        requirement = Requirement(pin)
        (version,) = (specifier.version for specifier in requirement.specifier)
        licence = BY_HAND.get(requirement.name) or _stated(requirement.name, version, read_before)
        found.append(
            {
                "package": requirement.name,
                "version": version,
                "licence": licence,
                "kind": kind_of(licence),
            }
        )
    return found


def problems(table: list[dict[str, str]]) -> list[str]:
    """Packages whose licence forbids what we do, or that nobody could read."""
    return [
        f"{row['package']} {row['version']}: {row['licence'] or 'no licence stated'} ({row['kind']})"
        for row in table
        if kind_of(row["licence"]) in ("forbidden", "unknown")
    ]


def written(table: list[dict[str, str]]) -> str:
    """The table as CSV."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return stream.getvalue()


def _pins() -> list[str]:
    spec = importlib.util.spec_from_file_location("lock", ENVS / "lock.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError(ENVS / "lock.py")
    lock = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(lock)
    return lock.pins()


def _read_before() -> dict[tuple[str, str], str]:
    """Licences of the table by package and version."""
    if not TABLE.is_file():
        return {}
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return {(row["package"], row["version"]): row["licence"] for row in csv.DictReader(stream)}


def _stated(name: str, version: str, read_before: Mapping[tuple[str, str], str]) -> str:
    """What a package says of its licence in exactly this version."""
    try:
        here = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        here = None
    if here is None or here.version != version:
        known = read_before.get((name, version))
        return known or licence_of(_fetched(name, version))
    return stated_here(here)


def stated_here(package: metadata.Distribution) -> str:
    """What an installed package says of its licence."""
    about = Parser().parsestr(package.read_text("METADATA") or "")
    files = [f for f in package.files or () if re.match(r"LICEN[CS]E", f.name, re.IGNORECASE)]
    texts = [f.read_text("utf-8") for f in files if ".dist-info" in str(f)]
    return licence_of(about, next((t.strip().split("\n")[0] for t in texts), ""))


def _fetched(name: str, version: str) -> Message:
    """The metadata in the wheel of a package that this system does not need.

    Raises:
        FileNotFoundError: where pip finds no wheel for any of our systems and Pythons.
    """
    systems = ("any", "win_amd64", "manylinux_2_28_x86_64", "macosx_11_0_arm64")
    for python in ("3.13", "3.11"):
        with tempfile.TemporaryDirectory() as folder:
            command = [
                *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary"),
                *(":all:", "--python-version", python, "--dest", folder),
                *(word for system in systems for word in ("--platform", system)),
                f"{name}=={version}",
            ]
            done = subprocess.run(command, check=False, capture_output=True, timeout=300)  # noqa: S603  # a fixed program
            wheels = list(Path(folder).glob("*.whl")) if done.returncode == 0 else []
            if wheels:
                with zipfile.ZipFile(wheels[0]) as wheel:
                    (member,) = (m for m in wheel.namelist() if m.endswith(".dist-info/METADATA"))
                    return Parser().parsestr(wheel.read(member).decode())
    raise FileNotFoundError(f"{name} {version}: pip finds no wheel of it")


def main() -> int:
    """Write the table, or compare it.

    Returns:
        0, or 1 where a licence is refused or the table is not that of the lock.
    """
    table = rows()
    found = problems(table)
    for problem in found:
        print(problem, file=sys.stderr)
    if "--check" not in sys.argv:
        TABLE.write_text(written(table), "utf-8")
    elif TABLE.read_text("utf-8") != written(table):
        print(f"{TABLE} is not that of the lock: run `make lock`", file=sys.stderr)
        return 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
