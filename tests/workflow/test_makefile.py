"""What `make` says to Snakemake: commands that this Snakemake reads."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from snakemake.cli import parse_args
from snakemake.utils import available_cpu_count

ROOT = Path(__file__).parents[2]
TINY = "workflow/studies/tiny.yaml"


def said(*words: str) -> list[str]:
    """The words after `snakemake` that a call of make comes to."""
    clean = {k: v for k, v in os.environ.items() if k not in {"CORES", "STUDY", "MAKEFLAGS"}}
    done = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", *words],
        cwd=ROOT,
        env=clean,
        capture_output=True,
        text=True,
        check=True,
    )
    before, snakemake, after = done.stdout.splitlines()[-1].rpartition("; snakemake ")
    assert snakemake, before
    return shlex.split(after)


@pytest.mark.parametrize(
    ("words", "cores", "files"),
    [
        ((), available_cpu_count(), []),
        (("CORES=1",), 1, []),
        ((f"STUDY={TINY}",), available_cpu_count(), [TINY]),
        ((f"STUDY={TINY}", "CORES=3"), 3, [TINY]),
    ],
)
def test_reproduce_takes_all_cores_or_as_many_as_are_said(words, cores, files, monkeypatch):
    monkeypatch.chdir(ROOT)
    _, arguments = parse_args(said("reproduce", *words))
    assert arguments.cores == cores
    assert [str(file) for file in arguments.configfile or []] == files
    assert not arguments.targets


def test_snakemake_alone_takes_all_cores(monkeypatch):
    monkeypatch.chdir(ROOT)
    _, arguments = parse_args(["tables"])
    assert arguments.cores == available_cpu_count()
