"""Weights of other layouts become safetensors that a backbone loads."""

import hashlib

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file

from unispace.__main__ import command_names
from unispace.commands import convert_weights
from unispace.commands.common.run import run_command


def convert(file, *arguments, architecture="test_resnet", sha256=None):
    argv = [
        str(file),
        *("--sha256", sha256 or hashlib.sha256(file.read_bytes()).hexdigest()),
        *("--architecture", architecture, "--output", str(file.parent / "out.safetensors")),
        *arguments,
    ]
    code = run_command("convert-weights", convert_weights.configure, convert_weights.run, argv)
    return code, file.parent / "out.safetensors"


@pytest.fixture
def published():
    torch.manual_seed(3)
    return timm.create_model("test_resnet", num_classes=7).state_dict()


def same(path, state):
    found = load_file(path)
    return found.keys() == state.keys() and all(torch.equal(found[k], state[k]) for k in state)


def test_a_checkpoint_becomes_plain_tensors_with_its_classifier(published, tmp_path, capsys):
    held = {"state_dict": {f"module.{k}": v for k, v in published.items()}, "epoch": 3}
    torch.save(held, tmp_path / "w.pth")
    code, out = convert(tmp_path / "w.pth", "--options", '{"num_classes": 7}')
    assert code == 0
    assert same(out, published)
    assert hashlib.sha256(out.read_bytes()).hexdigest() in capsys.readouterr().err


def test_in_order_the_names_do_not_matter(published, tmp_path):
    torch.save({f"t{n}.{k.split('.')[-1]}": v for n, (k, v) in enumerate(published.items())}, tmp_path / "w.pth")  # fmt: skip
    arguments = ("--options", '{"num_classes": 7}')
    assert convert(tmp_path / "w.pth", *arguments)[0] == 1
    code, out = convert(tmp_path / "w.pth", "--in-order", *arguments)
    assert code == 0
    assert same(out, published)


@pytest.mark.parametrize(
    ("arguments", "changes", "message"),
    [
        ((), {"sha256": "0" * 64}, "wrong checksum"),
        ((), {"architecture": "test_resnett"}, "unknown `test_resnett`: did you mean `test_resnet`"),
        (("--options", "{"), {}, "--options: `{` is no JSON"),
        (("--options", "7"), {}, "--options: `7` is no JSON object"),
        (("--options", '{"num_clases": 7}'), {}, "timm refuses the options"),
        (("--in-order",), {}, "first difference"),
        ((), {"architecture": "test_vit"}, "the weights do not fit the architecture"),
    ],
)  # fmt: skip
def test_what_cannot_be_converted_is_refused_and_nothing_is_written(
    published, tmp_path, capsys, arguments, changes, message
):
    save_file(published, tmp_path / "w.safetensors")
    code, out = convert(tmp_path / "w.safetensors", *arguments, **changes)
    assert code == 1
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_it_is_listed():
    assert "convert-weights" in command_names()
