"""Throw-away copies of the project in which Snakemake runs for real."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from planted_secrets import PLANTED

ROOT = Path(__file__).resolve().parents[2]
TINY = "workflow/studies/tiny.yaml"


@dataclass(frozen=True)
class Project:
    """A copy of the project."""

    folder: Path

    def snakemake(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Snakemake; options that take several values go last."""
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "UNISPACE_DATA")}
        return subprocess.run(
            [str(Path(sys.executable).parent / "snakemake"), *arguments],
            cwd=self.folder,
            env={**clean, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def jobs(self, *arguments: str, study: str = TINY) -> list[str]:
        """What a dry run would do: rule and wildcards of every job, sorted."""
        done = self.snakemake(*arguments, "--dry-run", "--cores", "1", "--configfile", study)
        assert done.returncode == 0, done.stderr
        blocks = re.split(r"\n(?=(?:local)?rule \w+:)", done.stderr + done.stdout)
        found = []
        for block in blocks[1:]:
            rule = re.match(r"(?:local)?rule (\w+):", block)
            wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
            assert rule
            named = wildcards.group(1) if wildcards else ""
            found.append(" ".join([rule.group(1), *re.findall(r"=([^,\s]+)", named)]))
        return sorted(job for job in found if job != "all")

    def change(self, path: str, old: str, new: str) -> None:
        """Replace a text that must occur in a file."""
        file = self.folder / path
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), "utf-8")


def copy_project(folder: Path) -> Project:
    """The project's files as a clone would have them, without data and results."""
    folder.mkdir(parents=True)
    for name in ("Snakefile", "config.yaml"):
        shutil.copy2(ROOT / name, folder / name)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "workflow", folder / "workflow", ignore=ignored)
    shutil.copytree(ROOT / "envs", folder / "envs", ignore=ignored)
    (folder / "profiles").symlink_to("workflow/profiles")
    (folder / "results").mkdir()
    for kind in ("golden", "accepted"):
        for file in (ROOT / "results").glob(f"{kind}*.csv"):
            shutil.copy2(file, folder / "results" / file.name)
    return Project(folder)


@pytest.fixture(scope="session")
def new_project() -> Callable[[Path], Project]:
    """Makes a copy in a folder of one's own."""
    return copy_project


@pytest.fixture
def fresh(tmp_path: Path) -> Project:
    """A copy in which nothing has run."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="session")
def run_once(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy in which the tiny study ran to its end: once for all workers of pytest. Nothing runs in it: take `finished`."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    done = folder / "finished.done"
    # The first worker that comes here runs the study with all cores; another one waits for it.
    with (folder / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            assert not (folder / "finished").exists(), "the tiny study did not run to its end"
            project = copy_project(folder / "finished")
            run = project.snakemake("--cores", "2", "--configfile", TINY, **PLANTED)
            assert run.returncode == 0, run.stderr
            (project.folder / "run.log").write_text(run.stderr)
            done.touch()
    return Project(folder / "finished")


@pytest.fixture(scope="session")
def finished(run_once: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A copy of a worker in which the tiny study ran to its end. Do not change it: take `rerun`."""
    folder = tmp_path_factory.mktemp("finished") / "project"
    shutil.copytree(run_once.folder, folder, symlinks=True)
    return Project(folder)


@pytest.fixture
def rerun(run_once: Project, tmp_path: Path) -> Project:
    """A copy of the finished project that a test may change."""
    shutil.copytree(run_once.folder, tmp_path / "rerun", symlinks=True)
    return Project(tmp_path / "rerun")
