"""Devices of a machine, each held by one process at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from unispace.records import device_slots
from unispace.records.device_slots import take_devices, visible_devices

HOLDER = """
import sys
from unispace.records.device_slots import take_devices
print(*take_devices(int(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def machine(monkeypatch, tmp_path):
    """Three devices, and slots of this test alone."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,GPU-4f")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.setattr(device_slots, "_held", [])
    yield
    for file in device_slots._held:
        os.close(file)


@pytest.fixture
def holder():
    """Starts a process that takes devices, and says which."""
    started = []

    def start(count: int) -> tuple[subprocess.Popen[str], list[str]]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout
        return process, process.stdout.readline().split()

    yield start
    for process in started:
        process.kill()
        process.communicate()


def refuse(seconds: float) -> None:
    raise InterruptedError(f"waits {seconds > 0}")


def test_processes_side_by_side_hold_different_devices(holder):
    _, first = holder(1)
    _, second = holder(1)
    assert [*first, *second, *take_devices(1)] == ["0", "1", "GPU-4f"]
    with pytest.raises(InterruptedError):
        take_devices(1, pause=refuse)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_gives_its_devices_up_however_it_ends(holder, how):
    process, names = holder(2)
    assert names == ["0", "1"]
    waits = []

    def end(seconds: float) -> None:
        waits.append(seconds)
        process.send_signal(how)
        process.wait()

    assert take_devices(3, pause=end) == ["0", "1", "GPU-4f"]
    assert len(waits) == 1


def test_who_waits_for_two_holds_none(holder):
    _, _ = holder(2)

    def look(seconds: float) -> None:
        _, names = holder(1)
        raise InterruptedError(*names)

    with pytest.raises(InterruptedError, match="GPU-4f"):
        take_devices(2, pause=look)


def test_more_than_there_are_are_all(holder):
    assert take_devices(5) == ["0", "1", "GPU-4f"]


@pytest.mark.parametrize(
    ("named", "seen"),
    [("", []), ("-1", []), ("2", ["2"]), ("3, 1", ["3", "1"]), ("0,-1,1", ["0"])],
)
def test_names_are_read_as_cuda_reads_them(monkeypatch, named, seen):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible_devices() == seen
    assert take_devices(1) == seen[:1]


def test_without_the_variable_the_driver_knows(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(device_slots, "_DRIVER", tmp_path / "gpus")
    assert visible_devices() == []
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / "gpus" / name).mkdir(parents=True)
    assert visible_devices() == ["0", "1"]


def test_in_a_job_of_slurm_its_devices_are_taken_and_none_else(monkeypatch, holder):
    _, names = holder(1)
    assert names == ["0"]
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    # Its device 0 may be another one than that of its neighbour.
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert take_devices(1, pause=refuse) == ["0"]
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert take_devices(1, pause=refuse) == []
