"""What jobs ask for: memory and run time that grow with the work, graphics processors that are counted."""

from __future__ import annotations

import re

import pytest

from unispace.records.files import sha256_of

TINY = "workflow/studies/tiny.yaml"


def asked(project, *options: str) -> dict[str, list[dict[str, str]]]:
    """The resources of all jobs of a dry run, by rule."""
    done = project.snakemake("--dry-run", "--cores", "2", "--configfile", TINY, *options)
    assert done.returncode == 0, done.stderr
    found: dict[str, list[dict[str, str]]] = {}
    blocks = re.split(r"\n(?=(?:local)?rule \w+:)", done.stdout + done.stderr)
    for block in blocks[1:]:
        rule, line = re.search(r"rule (\w+):", block), re.search(r"resources: (.*)", block)
        assert rule
        pairs = line[1].split(", ") if line else []
        found.setdefault(rule[1], []).append(dict(pair.split("=", 1) for pair in pairs))
    return found


@pytest.mark.slow
def test_devices_are_asked_for_where_they_are_counted(fresh):
    rules = ("pretrain_backbone", "train_model", "extract_embeddings")
    plain = asked(fresh)
    assert {job["gpu"] for rule in rules for job in plain[rule]} == {"0"}
    counted = asked(fresh, "--resources", "gpu=2")
    assert {job["gpu"] for job in counted["extract_embeddings"]} == {"1"}
    # What is copied or drawn needs none: two bases of seven models, the control of three backbones.
    assert sorted(job["gpu"] for job in counted["train_model"]) == list("0011111")
    assert sorted(job["gpu"] for job in counted["pretrain_backbone"]) == list("011")
    assert not any("gpu" in job for job in counted["draw_figure"])
    fresh.change(
        TINY, "expert-face_hq:\n    steps: 4", "expert-face_hq:\n    steps: 4\n    processes: 2"
    )
    assert "2" in {job["gpu"] for job in asked(fresh, "--resources", "gpu=2")["train_model"]}


@pytest.mark.slow
def test_run_time_and_memory_grow_with_the_work(fresh):
    (before,) = {job["runtime"] for job in asked(fresh)["train_model"]} - {"10"}
    fresh.change(TINY, "expert-face_hq:\n    steps: 4", "expert-face_hq:\n    steps: 400000")
    after = {int(job["runtime"]) for job in asked(fresh)["train_model"]} - {10}
    assert after == {int(before), 30 + 400000 * 16 // 100 // 60}
    # Inputs that are not there yet have no size.
    assert {job["mem_mb"] for job in asked(fresh)["audit_data"]} == {"<TBD>"}
    assert fresh.snakemake("data", "--cores", "2", "--configfile", TINY).returncode == 0
    (small,) = {int(job["mem_mb"]) for job in asked(fresh)["audit_data"]}
    store = fresh.folder / "data/tiny/faces/images.npy"
    with store.open("ab") as stream:
        stream.truncate(store.stat().st_size + 300_000_000)
    (large,) = {int(job["mem_mb"]) for job in asked(fresh)["audit_data"]}
    assert 1000 <= small < 1100
    assert large == small + 600


@pytest.mark.slow
@pytest.mark.nightly
def test_each_job_has_a_device_of_its_own_and_computes_without_it(fresh, finished, tmp_path):
    done = fresh.snakemake(
        *("models", "--cores", "4", "--configfile", TINY, "--resources", "gpu=2"),
        # Devices that no driver stands behind.
        CUDA_VISIBLE_DEVICES="5,GPU-4f",
        TMPDIR=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    logs = [*(fresh.folder / "logs/tiny").glob("pretrain_backbone/*.log")]
    logs += (fresh.folder / "logs/tiny").glob("train_model/**/*.log")
    given = re.compile(r"torch cannot use (\S+): computing on the CPU")
    names = [name for log in logs for name in given.findall(log.read_text())]
    assert len(names) == 7
    assert set(names) == {"5", "GPU-4f"}
    for path in sorted((fresh.folder / "checkpoints").rglob("*.safetensors")):
        same = finished.folder / path.relative_to(fresh.folder)
        assert sha256_of(path) == sha256_of(same)
