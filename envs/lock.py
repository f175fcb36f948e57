"""Resolve pyproject.toml into the lock, and write what is made of both: conda environment and container recipes.

`python envs/lock.py` resolves anew; `--keep-lock` only rebuilds environment and recipes from the lock.
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
MADE = "Made by `make lock`; do not edit."

_DOCKER = """\
# The packages of requirements.lock, and no code of the project: that is the clone which is mounted. {made}
#   docker build --tag unispace envs
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/project" unispace snakemake --cores 2
FROM docker.io/library/python:{python}-slim-bookworm
{label}
RUN apt-get update \\
    && apt-get install --yes --no-install-recommends {debian} \\
    && rm -rf /var/lib/apt/lists/*
COPY requirements.lock /tmp/requirements.lock
RUN pip install {pip} -r /tmp/requirements.lock \\
    && rm /tmp/requirements.lock
ENV {environment}
WORKDIR /project
CMD ["snakemake", "--cores", "2"]
"""

_APPTAINER = """\
# The packages of requirements.lock, and no code of the project: that is the clone in which it is called. {made}
#   apptainer build unispace.sif envs/unispace.def
#   snakemake --cores 2 --sdm apptainer
Bootstrap: docker
From: docker.io/library/python:{python}-slim-bookworm

%labels
    {label}

%files
    envs/requirements.lock /tmp/requirements.lock

%post
    apt-get update
    apt-get install --yes --no-install-recommends {debian}
    rm -rf /var/lib/apt/lists/*
    pip install {pip} -r /tmp/requirements.lock
    rm /tmp/requirements.lock

%environment
    export {environment}

%runscript
    exec "$@"
"""

# As `make setup` installs, and compiled once instead of at every import.
_PIP = "--no-cache-dir --disable-pip-version-check --no-deps --compile --require-hashes"
_DEBIAN = ("git", "make")
# Any user may call it, who may have no home and no name there.
_ANYBODY = {"HOME": "/tmp", "LOGNAME": "unispace"}  # noqa: S108
_VARIABLES = {"PYTHONDONTWRITEBYTECODE": "1"}


def fingerprint(project: Path = PROJECT) -> str:
    """Hash of what the lock is resolved from: the requirements and the supported Pythons."""
    table = tomllib.loads(project.read_text("utf-8"))["project"]
    parts = [table["requires-python"], *table["dependencies"]]
    parts += table["optional-dependencies"]["dev"]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def python_version(project: Path = PROJECT) -> str:
    """The Python that environments have: the oldest that pyproject.toml supports, such as `3.11`.

    Raises:
        ValueError: where it names no oldest one.
    """
    supported = tomllib.loads(project.read_text("utf-8"))["project"]["requires-python"]
    found = re.search(r">=\s*(\d+\.\d+)", supported)
    if not found:
        raise ValueError(f"{project}: requires-python {supported!r} names no oldest Python")
    return found[1]


def resolve() -> None:
    """Write the lock: every package with hashes, for Python 3.11 to 3.13 on every platform."""
    command = [
        "uv", "pip", "compile", "--universal", "--python-version", python_version(), "--generate-hashes",
        "--extra", "dev", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--quiet",
        str(PROJECT.relative_to(ENVS.parent)),
    ]  # fmt: skip
    pins = subprocess.run(  # noqa: S603  # a fixed program
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
        f"# The packages of requirements.lock, for conda. {MADE}\n"
        "#   conda env create -f envs/environment.yaml && conda activate unispace\n"
        "#   pip install --no-deps --no-build-isolation --editable .\n"
        "name: unispace\n"
        "channels:\n  - conda-forge\n  - nodefaults\n"
        f"dependencies:\n  - python ={python_version()}\n  - pip\n  - git\n  - make\n  - pip:\n"
    )
    return head + "".join(f'      - "{pin}"\n' for pin in pins(lock))


def dockerfile(lock: Path = LOCK) -> str:
    """A recipe for Docker, Podman and Buildah."""
    variables = {"PYTHONPATH": "/project/workflow", **_ANYBODY, **_VARIABLES}
    return _recipe(_DOCKER, 'LABEL org.unispace.lock="{}"', variables, lock)


def definition(lock: Path = LOCK) -> str:
    """A recipe for Apptainer, in which the home of the user and the working folder are there."""
    return _recipe(_APPTAINER, "org.unispace.lock {}", _VARIABLES, lock)


def _recipe(template: str, label: str, variables: dict[str, str], lock: Path) -> str:
    """A recipe for containers; `label` is the line that takes the hash of the lock."""
    return template.format(
        made=MADE,
        python=python_version(),
        label=label.format(hashlib.sha256(lock.read_bytes()).hexdigest()),
        debian=" ".join(_DEBIAN),
        pip=_PIP,
        environment=" ".join(f"{name}={value}" for name, value in variables.items()),
    )


def made() -> dict[Path, str]:
    """Every file that is made of the lock, with what belongs into it."""
    return {
        ENVS / "environment.yaml": environment(),
        ENVS / "Dockerfile": dockerfile(),
        ENVS / "unispace.def": definition(),
    }


if __name__ == "__main__":
    if "--keep-lock" not in sys.argv:
        resolve()
    for file, text in made().items():
        file.write_text(text, "utf-8")
