"""The gate on the tiny study: green on what the code computes, red where a mistake is planted in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

TINY = "workflow/studies/tiny.yaml"
RESULTS = "results/tiny"
PACKAGE = "workflow/unispace"


def call(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "UNISPACE_DATA")}
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=folder,
        env={**clean, "PYTHONPATH": "workflow"},
        capture_output=True,
        text=True,
        check=False,
    )


def gate(project, *arguments: str) -> subprocess.CompletedProcess[str]:
    return call(project.folder, "unispace", "gate", TINY, *arguments)


@dataclass(frozen=True)
class Mutation:
    """A mistake in one line, what has to run again for it to have an effect, and cells that show it.

    Attributes:
        file: below the package.
        old, new: a text that stands in it once, and what stands there instead.
        again: files whose jobs run, though nothing that Snakemake looks at has changed.
        wanted: files to make from them; what else follows from them is left as it is.
        cells: regular expressions, each of which must match a line of the gate's table.
    """

    file: str
    old: str
    new: str
    again: tuple[str, ...]
    wanted: tuple[str, ...]
    cells: tuple[str, ...] = field(default=())


PIXELS = "pixels/expert-face_hq/seed0"
FLAT_PIXELS = PIXELS.replace("/", "+")
EMBEDDED = (f"{RESULTS}/embeddings/{PIXELS}/faces/vectors.npy",)
RECOGNISED = tuple(
    f"{RESULTS}/metrics/{level}/{FLAT_PIXELS}.parquet"
    for level in ("verification", "identification")
)
DETECTED = tuple(
    f"{RESULTS}/metrics/attack_detection/clip+{name}+seed0.parquet" for name in ("base", "pad")
)
MAPPED = tuple(
    f"{RESULTS}/metrics/maps/faces/micro+{name}+seed0.parquet"
    for name in ("expert-face_hq", "imic-a")
)
PLANTED = (f"{RESULTS}/metrics/planted.parquet",)
MUTATIONS = {
    "colours swapped": Mutation(
        "backbones/network.py",
        "return self(to_unit(images.to(self.device))).cpu()",
        "return self(to_unit(images.to(self.device)).flip(1)).cpu()",
        EMBEDDED,
        RECOGNISED,
        (rf"x  value .*(verification|identification), {PIXELS}, faces, ",),
    ),
    "normalisation dropped": Mutation(
        "backbones/network.py",
        "normal = (images - self.mean) / self.std",
        "normal = images",
        EMBEDDED,
        RECOGNISED,
        (rf"x  value .*(verification|identification), {PIXELS}, faces, ",),
    ),
    "tested identities in the fit": Mutation(
        "data/protocols/fitting.py",
        "return Partition(fit, ~fit, 0)",
        "return Partition(np.ones_like(fit), ~fit, 0)",
        (f"{RESULTS}/maps/faces/maps.json",),
        MAPPED,
        (r"x  value .*\+.* \* to \*, (ridge|linear|procrustes), fitted on faces, faces, ",),
    ),
    "one false match too many": Mutation(
        "evaluation/verification.py",
        'np.searchsorted(curve.fmr, target, side="right") - 1',
        'np.searchsorted(curve.fmr, target, side="right")',
        PLANTED,
        PLANTED,
        tuple(
            rf"x  value .*planted, planted/scores to planted/scores, scores, planted-scores, TMR@FMR={fmr}"
            for fmr in ("0.05", r"0.1\b")
        ),
    ),
    "threshold one step too low": Mutation(
        "evaluation/detection_rates.py",
        "return np.sum(self.apcer <= most, axis=1) - 1",
        "return np.minimum(np.sum(self.apcer <= most, axis=1), self.apcer.shape[1] - 1)",
        DETECTED,
        DETECTED,
        (r"x  value .*attack-detection, .* (APCER|BPCER)@APCER=",),
    ),
}


def mutate(folder: Path, mutation: Mutation) -> None:
    """Plant a mistake; Snakemake takes the file for unchanged, so that it runs nothing but what is asked for."""
    file = folder / PACKAGE / mutation.file
    text, times = file.read_text("utf-8"), file.stat()
    assert text.count(mutation.old) == 1, f"{file}: {mutation.old!r} does not stand there once"
    file.write_text(text.replace(mutation.old, mutation.new), "utf-8")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def remake(project, mutation: Mutation) -> None:
    """Make what a mistake concerns, and collect it with all other results."""
    # Vectors are kept by what they are made of, of which code is no part: they would hide the mistake.
    shutil.rmtree(project.folder / "results/.embeddings")
    done = project.snakemake(
        *mutation.wanted,
        *("--cores", "2", "--configfile", TINY, "--rerun-triggers", "mtime"),
        *("--forcerun", *mutation.again),
    )
    assert done.returncode == 0, done.stderr
    metrics = sorted((project.folder / RESULTS / "metrics").rglob("*.parquet"))
    files = [str(path.relative_to(project.folder)) for path in metrics]
    out = ("--results", f"{RESULTS}/results.parquet", "--all-curves", "curves.parquet")
    collected = call(project.folder, "unispace", "collect-results", "--metrics", *files, *out)
    assert collected.returncode == 0, collected.stderr


def test_the_tiny_study_gives_the_results_that_are_expected(finished):
    done = gate(finished)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"all [\d,]+ cells are as expected", done.stdout)


def test_collecting_again_without_a_mistake_keeps_the_gate_green(rerun):
    """What the tests of mistakes do, but for the mistake: their red is that of the mistake."""
    remake(rerun, Mutation("", "", "", EMBEDDED, RECOGNISED))
    done = gate(rerun)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_planted_mistake_turns_the_gate_red_and_is_named(rerun, name):
    mutation = MUTATIONS[name]
    mutate(rerun.folder, mutation)
    remake(rerun, mutation)
    done = gate(rerun, "--rows", "5000", "--markdown", "drift.md")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "cells are not as expected" in done.stderr
    for cell in mutation.cells:
        assert re.search(cell, done.stdout), done.stdout
    assert "| ---: | --- |" in (rerun.folder / "drift.md").read_text()
