"""Which device a job computes on."""

from __future__ import annotations

import logging

import pytest
import torch

from unispace.backbones import devices
from unispace.backbones.devices import CPU, devices_for, moved
from unispace.curricula.processes import _backend


@pytest.fixture
def machine(monkeypatch):
    """A machine with some devices, of which torch uses as many as are visible."""

    def with_devices(names: list[str], *, usable: bool = True) -> None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "as it was")
        monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
        monkeypatch.setattr(devices, "take_devices", lambda count: names[:count])
        monkeypatch.setattr(torch.cuda, "is_available", lambda: usable)

    return with_devices


def test_nothing_is_taken_that_was_not_granted(machine, monkeypatch):
    machine(["0"])
    monkeypatch.setattr(devices, "take_devices", lambda count: pytest.fail("taken"))
    assert devices_for(0, 2) == [CPU, CPU]


def test_a_job_sees_its_devices_alone(machine):
    machine(["GPU-4f", "3"])
    assert devices_for(1) == [torch.device("cuda", 0)]
    assert devices.os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-4f"
    assert devices_for(2, 2) == [torch.device("cuda", 0), torch.device("cuda", 1)]
    assert devices.os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-4f,3"
    assert devices.os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


@pytest.mark.parametrize(
    ("names", "usable", "said"),
    [([], True, "there is none"), (["5"], False, "torch cannot use 5")],
)
def test_without_a_device_the_cpu_computes_and_the_log_says_so(
    machine, caplog, names, usable, said
):
    machine(names, usable=usable)
    with caplog.at_level(logging.WARNING):
        assert devices_for(1, 2) == [CPU, CPU]
    assert f"{said}: computing on the CPU" in caplog.text


def test_processes_share_devices_where_there_are_fewer(machine):
    machine(["0"])
    shared = devices_for(2, 2)
    assert shared == [torch.device("cuda", 0)] * 2
    assert _backend(shared) == "gloo"
    assert _backend([torch.device("cuda", 0), torch.device("cuda", 1)]) == "nccl"
    assert _backend([CPU, CPU]) == "gloo"


def test_tensors_move_however_deep_they_lie():
    meta = torch.device("meta")
    values = torch.zeros(2), [torch.zeros(1), 3], "text"
    there = moved(values, meta)
    assert there[0].device == there[1][0].device == meta
    assert there[1][1:] == [3]
    assert there[2] == "text"
    assert values[0].device == CPU
