"""Tensors are written whole or not at all."""

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from unispace.backbones import tensors as module
from unispace.backbones.tensors import write_tensors
from unispace.errors import UserError

# What safetensors 0.8 says on a full tmpfs.
FULL = "Error while serializing: I/O error: No space left on device (os error 28)"


def failing(text):
    def save(tensors, path):
        path.write_bytes(b"half")
        raise SafetensorError(text)

    return save


def test_tensors_come_back_whatever_their_memory_looks_like(tmp_path):
    square = torch.arange(12.0).view(3, 4)
    write_tensors({"turned": square.t(), "number": torch.tensor(7)}, tmp_path / "t.safetensors")
    found = load_file(tmp_path / "t.safetensors")
    assert torch.equal(found["turned"], square.t())
    assert found["number"].shape == ()


def test_the_order_of_the_names_does_not_change_the_bytes(tmp_path):
    a, b = torch.rand(3), torch.rand(3)
    write_tensors({"a": a, "b": b}, tmp_path / "1")
    write_tensors({"b": b, "a": a}, tmp_path / "2")
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_a_full_disk_is_an_error_and_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    write_tensors({"a": torch.zeros(3)}, path)
    before = path.read_bytes()
    monkeypatch.setattr(module, "save_file", failing(FULL))
    with pytest.raises(UserError, match=r"w\.safetensors: no space left on the disk"):
        write_tensors({"a": torch.ones(3)}, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_another_error_of_the_system_keeps_its_kind(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "save_file", failing("I/O error: Permission denied (os error 13)"))
    with pytest.raises(PermissionError, match="denied"):
        write_tensors({"a": torch.ones(3)}, tmp_path / "w")


def test_an_error_of_the_library_stays_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "save_file", failing("HeaderTooLarge"))
    with pytest.raises(SafetensorError, match="HeaderTooLarge"):
        write_tensors({"a": torch.ones(3)}, tmp_path / "w")
