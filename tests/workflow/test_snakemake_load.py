"""What is taken off Snakemake's own process changes neither what it runs nor what it records."""

import inspect
import json
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.persistence import PersistenceBase
from snakemake.scheduling.job_scheduler import JobScheduler

from snakemake_load import lighten

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"

SNAKEFILE = """
import sys
sys.path.insert(0, {folder!r})
from snakemake_load import lighten

rule all:
    input: "sum.txt"

rule many:
    input: "a.txt", "b.txt"
    output: expand("out{{i}}.txt", i=range(5))
    shell: "for f in {{output}}; do cat {{input}} > $f; done"

rule one:
    input: rules.many.output
    output: "sum.txt"
    shell: "cat {{input}} > {{output}}"

onstart:
    {load}
"""


def records(folder: Path, load: str) -> list[dict]:
    """What Snakemake recorded of each output of a small workflow, without times."""
    folder.mkdir()
    (folder / "a.txt").write_text("a")
    (folder / "b.txt").write_text("b")
    (folder / "Snakefile").write_text(SNAKEFILE.format(folder=str(WORKFLOW), load=load))
    snakemake = str(Path(sys.executable).parent / "snakemake")
    done = subprocess.run(
        [snakemake, "--cores", "1"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = []
    for file in sorted((folder / ".snakemake/metadata").iterdir()):
        record = json.loads(file.read_text())
        found.append(
            {k: v for k, v in record.items() if not k.endswith("time")} | {"of": file.name}
        )
    return found


def test_what_is_recorded_is_the_same(tmp_path):
    lightened = records(tmp_path / "light", "lighten(workflow)")
    assert len(lightened) == 6
    assert all(record["input_checksums"] for record in lightened)

    def settled(found):
        # A hash of the job object, which differs from run to run.
        return [{k: v for k, v in r.items() if k != "job_hash"} for r in found]

    assert settled(lightened) == settled(records(tmp_path / "plain", "pass"))


class Cache:
    """Stands for Snakemake's cache of what it knows of files."""

    def __init__(self):
        self.active, self.cleared = False, 0

    def clear(self):
        self.cleared += 1

    def deactivate(self):
        self.clear()
        self.active = False


def stand_in():
    """As much of a workflow as is touched."""
    seen = []

    async def finished(job):
        seen.append((job, cache.active))
        if job == "bad":
            raise OSError("no space")

    cache = Cache()
    persistence = SimpleNamespace(finished=finished)
    scheduler = SimpleNamespace(_open_jobs=threading.Semaphore(0))
    return SimpleNamespace(scheduler=scheduler, persistence=persistence, iocache=cache), seen


def test_looks_that_are_asked_for_meanwhile_are_one_look():
    workflow, _ = stand_in()
    lighten(workflow)
    before = threading.active_count()
    for _ in range(20):
        workflow.scheduler._schedule_reevalutation(0.1)
    assert threading.active_count() == before + 1
    assert workflow.scheduler._open_jobs.acquire(timeout=5)
    assert not workflow.scheduler._open_jobs.acquire(timeout=0.3)
    workflow.scheduler._schedule_reevalutation(0.01)
    assert workflow.scheduler._open_jobs.acquire(timeout=5)


def test_the_cache_is_on_while_a_job_is_recorded_and_off_after_a_failure_too():
    import asyncio

    workflow, seen = stand_in()
    lighten(workflow)
    asyncio.run(workflow.persistence.finished("good"))
    with pytest.raises(OSError, match="no space"):
        asyncio.run(workflow.persistence.finished("bad"))
    assert seen == [("good", True), ("bad", True)]
    assert not workflow.iocache.active
    assert workflow.iocache.cleared == 4


def test_snakemake_still_has_both_costs():
    again = inspect.getsource(JobScheduler._schedule_reevalutation)
    assert "threading.Timer(" in again, (
        "Snakemake wakes itself in another way; look at snakemake_load"
    )
    recording = inspect.getsource(PersistenceBase.finished)
    per_output = recording[
        recording.index("for f in job.output", recording.index("software_stack")) :
    ]
    assert "infile.checksum(" in per_output, (
        "inputs are read once now; take it out of snakemake_load"
    )
