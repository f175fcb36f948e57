"""Resolve pyproject.toml into envs/requirements.lock and envs/environment.yaml.

`python envs/lock.py` resolves anew; `--environment-only` rebuilds the conda environment from the lock.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ENVS = Path(__file__).resolve().parent
PROJECT = ENVS.parent / "pyproject.toml"
LOCK = ENVS / "requirements.lock"
ENVIRONMENT = ENVS / "environment.yaml"


def fingerprint(project: Path = PROJECT) -> str:
    """Hash of what the lock is resolved from: the requirements and the supported Pythons."""
    table = tomllib.loads(project.read_text("utf-8"))["project"]
    parts = [table["requires-python"], *table["dependencies"]]
    parts += table["optional-dependencies"]["dev"]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def resolve() -> None:
    """Write the lock: every package with hashes, for Python 3.11 to 3.13 on every platform."""
    command = [
        "uv", "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes",
        "--extra", "dev", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--quiet",
        str(PROJECT.relative_to(ENVS.parent)),
    ]  # fmt: skip
    pins = subprocess.run(
        command, cwd=ENVS.parent, check=True, capture_output=True, text=True
    ).stdout
    head = (
        "# Every package with hashes, for Python 3.11 to 3.13. Made by `make lock`; do not edit.\n"
        f"# pyproject: {fingerprint()}\n"
    )
    LOCK.write_text(head + pins, "utf-8")


def pins(lock: Path = LOCK) -> list[str]:
    """The pinned requirements of the lock with their markers, without hashes."""
    lines = lock.read_text("utf-8").splitlines()
    return [re.sub(r"\s*\\$", "", line) for line in lines if re.match(r"[a-z0-9]", line)]


def environment(lock: Path = LOCK) -> str:
    """A conda environment with the packages of the lock."""
    head = (
        "# The packages of requirements.lock, for conda. Made by `make lock`; do not edit.\n"
        "#   conda env create -f envs/environment.yaml && conda activate unispace\n"
        "#   pip install --no-deps --no-build-isolation --editable .\n"
        "name: unispace\n"
        "channels:\n  - conda-forge\n  - nodefaults\n"
        "dependencies:\n  - python =3.11\n  - pip\n  - git\n  - make\n  - pip:\n"
    )
    return head + "".join(f'      - "{pin}"\n' for pin in pins(lock))


if __name__ == "__main__":
    if "--environment-only" not in sys.argv:
        resolve()
    ENVIRONMENT.write_text(environment(), "utf-8")
