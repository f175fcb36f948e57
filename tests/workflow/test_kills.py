"""Runs that are killed, begun twice, or meet a full disk end as one that was left in peace."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from killing import files_of, hidden_files_of, kill_all, start
from soaking import EXPORTS, PHASES, Soak, lengthen

from unispace.records.files import sha256_of

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

TINY = "workflow/studies/tiny.yaml"
KILLS = 50
PAGE = "results/tiny/report/index.html"


def started_jobs(folder: Path) -> str:
    return (folder / "run.log").read_text()


def wait_for(run, what, seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert run.poll() is None, "the run ended before"
        assert time.monotonic() < end
        time.sleep(0.2)


def export(project, **environment: str) -> int:
    """Write the provenance of all that the study made; gives the exit code."""
    clean = {k: v for k, v in os.environ.items() if k != "UNISPACE_DATA"}
    return subprocess.run(
        [sys.executable, "-m", "unispace", "provenance", "export", TINY],
        cwd=project.folder,
        env={**clean, "PYTHONPATH": str(project.folder / "workflow"), **environment},
        check=False,
    ).returncode


@pytest.fixture(scope="module")
def whole(new_project, tmp_path_factory):
    """A copy with a longer training that ran to its end, and what a second run beside it was told."""
    project = new_project(tmp_path_factory.mktemp("whole") / "project")
    lengthen(project)
    run = start(project.folder, TINY)
    wait_for(run, lambda: "  done   " in started_jobs(project.folder))
    second = project.snakemake("--cores", "1", "--configfile", TINY)
    code = run.wait()
    assert code == 0, started_jobs(project.folder)
    return project, second, run.pid


def test_a_second_run_is_refused_and_the_first_unharmed(whole):
    project, second, pid = whole
    assert second.returncode == 1
    assert "is at work in this folder" in second.stderr
    assert f"  {pid}  " in second.stderr
    assert "Do not unlock" in second.stderr
    assert "LockException" in second.stderr
    assert "start  " not in second.stderr
    assert project.jobs() == []
    assert hidden_files_of(project.folder) == []


def test_fifty_kills_lose_nothing_and_change_nothing(whole, new_project, tmp_path):
    project = new_project(tmp_path / "project")
    lengthen(project)
    export(whole[0])
    record = whole[0].folder / "provenance-tiny.jsonl"
    soak = Soak(project.folder, TINY, files_of(whole[0].folder), record.read_bytes())
    assert {
        PAGE,
        "results/tiny/results.parquet",
        "results/headline-tiny.json",
    } <= soak.expected.keys()
    # Which moments these are is drawn alike each time; which job is at work then, the machine decides.
    draw = random.Random(8)  # noqa: S311
    while soak.kills < KILLS:
        done = soak.complete
        soak.round(draw)
        if soak.complete > done:
            soak.export(draw)
            soak.begin_anew()
    soak.finish()
    soak.export(draw)
    print(soak.report())
    # Each phase was hit, and trainings were killed after a state was saved, and between two of them.
    assert soak.hit.keys() >= PHASES.keys()
    assert all(training.resumed > 1 for training in soak.trainings)
    assert sum(training.repeated for training in soak.trainings) > 0
    assert soak.exports >= EXPORTS
    assert 0 < soak.alone < soak.kills
    assert project.jobs() == []


# Ends a process that writes one of some files, when half of it is written. Python runs this file by its name when it
# starts; in the package it would be a change of the code, on which the page depends.
DIES = """
import os
from contextlib import contextmanager
from unispace.records import files

_replacing = files.replacing

@contextmanager
def replacing(path):
    with _replacing(path) as temporary:
        yield temporary
        if any(part in str(path) for part in os.environ.get("DIES_AT", "no such file").split(",")):
            os.truncate(temporary, temporary.stat().st_size // 2)
            os.kill(os.getpid(), 9)

files.replacing = replacing
"""


def test_a_job_killed_half_way_through_a_file_leaves_no_half_file(rerun, finished):
    (rerun.folder / "workflow/sitecustomize.py").write_text(DIES)
    assert rerun.jobs() == []
    wanted = files_of(finished.folder)
    model = "micro/imic-a/seed0"
    shutil.rmtree(rerun.folder / "results" / ".embeddings")
    removed = [
        "data/tiny/shapes/images.npy",
        f"checkpoints/tiny/{model}/model.safetensors",
        f"results/tiny/embeddings/{model}/faces/vectors.npy",
        "results/tiny/report/figures/roc.svg",
        PAGE,
    ]
    for name in removed:
        (rerun.folder / name).unlink()
    # One after the other, since each stands in the way of the next.
    for name in removed:
        about = "results/.embeddings" if "vectors" in name else name
        done = rerun.snakemake(name, "--cores", "2", "--configfile", TINY, DIES_AT=about)
        assert done.returncode == 1, done.stderr
        assert not (rerun.folder / name).exists()
        assert any(about.rpartition("/")[2] in left for left in hidden_files_of(rerun.folder))
        done = rerun.snakemake(name, "--cores", "2", "--configfile", TINY)
        assert done.returncode == 0, done.stderr
        assert hidden_files_of(rerun.folder) == []
    done = rerun.snakemake("--cores", "2", "--configfile", TINY)
    assert done.returncode == 0, done.stderr
    found = files_of(rerun.folder)
    # The shelf was emptied, and only what was made anew is back on it.
    assert {name: digest for name, digest in wanted.items() if name in found} == found
    assert {name for name in wanted.keys() - found.keys() if ".embeddings" not in name} == set()


def test_an_export_of_provenance_that_is_killed_leaves_the_old_file(rerun):
    record = rerun.folder / "provenance-tiny.jsonl"
    assert export(rerun) == 0
    before, whole = record.read_bytes(), sha256_of(record)
    (rerun.folder / "workflow/sitecustomize.py").write_text(DIES)
    record.write_bytes(before[: len(before) // 2].rpartition(b"\n")[0] + b"\n")
    half = sha256_of(record)
    assert export(rerun, DIES_AT="provenance-tiny") == -signal.SIGKILL
    assert sha256_of(record) == half
    assert export(rerun) == 0
    assert sha256_of(record) == whole
    assert not list(rerun.folder.glob(".provenance*.part"))


def test_a_job_that_outlives_a_killed_run_keeps_the_next_off_until_it_ends(rerun):
    """Jobs that are started as processes of their own do not end with Snakemake."""
    (rerun.folder / PAGE).unlink()
    (rerun.folder / "results/tiny/results.parquet").unlink()
    page = "workflow/unispace/commands/collect_results.py"
    rerun.change(page, '"""', '"""Changed. ')
    rerun.change(page, "    write_table(", "    __import__('time').sleep(20)\n    write_table(")
    run = start(rerun.folder, TINY, "--no-hooks")
    log = rerun.folder / "logs/tiny/collect_results.log"
    log.unlink(missing_ok=True)
    wait_for(run, log.exists)
    time.sleep(4)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    second = rerun.snakemake("--cores", "1", "--configfile", TINY)
    assert second.returncode == 1
    assert "unispace collect-results" in second.stderr
    time.sleep(25)
    third = rerun.snakemake("--cores", "1", "--configfile", TINY)
    assert third.returncode == 0, third.stderr
    assert "was killed, and none is alive: going on where it was" in third.stderr


def test_a_killed_run_needs_no_unlocking(rerun):
    (rerun.folder / PAGE).unlink()
    run = start(rerun.folder, TINY)
    wait_for(run, lambda: "start  render_report" in started_jobs(rerun.folder))
    kill_all(run)
    assert list((rerun.folder / ".snakemake/locks").glob("*.lock"))
    done = rerun.snakemake("--cores", "1", "--configfile", TINY)
    assert done.returncode == 0, done.stderr
    assert "was killed, and none is alive: going on where it was" in done.stderr
    assert rerun.jobs() == []


@pytest.fixture
def small_disk(rerun):
    """A disk of 128 KB in the place of a data set of 295 KB; gives what makes it larger."""
    place = rerun.folder / "data/tiny/faces"
    shutil.rmtree(place)
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here; that takes root")
    larger = ["mount", "-o", "remount,size=64m", str(place)]
    yield lambda: subprocess.run(larger, check=True)
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_said_and_the_next_run_with_room_completes(rerun, finished, small_disk):
    done = rerun.snakemake("data", "--cores", "2", "--configfile", TINY)
    assert done.returncode == 1
    log = (rerun.folder / "logs/tiny/prepare_data/faces.log").read_text()
    assert "data/tiny/faces/images.npy: no space left on the disk; free some and run again" in log
    assert "Traceback" not in log
    assert not (rerun.folder / "data/tiny/faces/images.npy").exists()
    assert not [name for name in hidden_files_of(rerun.folder) if "faces/" in name]
    small_disk()
    done = rerun.snakemake("data", "--cores", "2", "--configfile", TINY)
    assert done.returncode == 0, done.stderr
    assert files_of(rerun.folder) == files_of(finished.folder)
    assert rerun.jobs() == []
