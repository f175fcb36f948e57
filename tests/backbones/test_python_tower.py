"""Networks made by a function of the user's own."""

import hashlib

import pytest
import torch

from unispace.backbones.network import Network, card, load_weights, save_weights, to_unit
from unispace.config.backbones import Backbone
from unispace.errors import UserError
from unispace.records.code import own_code
from unispace.records.models import decisive

CODE = """
from torch import nn

WIDTH = 3

def small(width=4, pool=True):
    layers = [nn.Conv2d(3, width, 8, 8), nn.GELU()]
    if pool:
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers)

def nothing():
    return 7

def broken():
    raise ZeroDivisionError("of the author's")
"""


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """The name of a module that is found as jobs find it: in the working folder."""
    name = f"nets_{tmp_path.name}"  # another for each test: modules are imported once
    (tmp_path / f"{name}.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def settings(architecture, **changes):
    return Backbone.model_validate(
        {
            "provider": "python",
            "architecture": architecture,
            "preprocessing": {"size": 32},
            "weights": {"kind": "random"},
            **changes,
        }
    )


def test_its_module_embeds_normalised_images(nets, images):
    torch.manual_seed(0)
    network = Network(settings(f"{nets}:small", options={"width": 6})).eval()
    assert network.dimension == 6
    with torch.no_grad():
        expected = network.body(network.normalise(to_unit(images(3))))
    found = network.embed(images(3))
    torch.testing.assert_close(found, expected / expected.norm(dim=1, keepdim=True))


def test_its_weights_come_back(nets, images, tmp_path):
    written = Network(settings(f"{nets}:small")).eval()
    save_weights(written, tmp_path / "w.safetensors")
    read = Network(settings(f"{nets}:small")).eval()
    assert not torch.equal(read.embed(images(2)), written.embed(images(2)))
    load_weights(read, tmp_path / "w.safetensors", "mine")
    assert torch.equal(read.embed(images(2)), written.embed(images(2)))


def test_its_code_is_part_of_what_identifies_an_embedding(nets, tmp_path):
    network = Network(settings(f"{nets}:small"))
    save_weights(network, tmp_path / "w.safetensors")
    found = card(network.settings, network, tmp_path / "w.safetensors")
    assert decisive(found)["code_sha256"] == hashlib.sha256(CODE.encode()).hexdigest()
    assert found["licence"] == "not stated"


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        ("smal", {}, "has no function `smal`; did you mean `small`"),
        ("WIDTH", {}, "has no function `WIDTH`"),
        ("small", {"widht": 3}, r"does not take its options .*unexpected keyword argument 'widht'"),
        ("nothing", {}, r"returned int, and has to return a torch\.nn\.Module"),
        ("small", {"pool": False}, r"gives \(4, 4, 4\) for an image, not one vector"),
    ],
)
def test_what_is_wrong_with_it_is_said(nets, function, options, message):
    with pytest.raises(UserError, match=message):
        Network(settings(f"{nets}:{function}", options=options))


def test_what_the_function_raises_keeps_its_traceback(nets):
    with pytest.raises(ZeroDivisionError, match="of the author's"):
        Network(settings(f"{nets}:broken"))


def test_a_missing_module_is_named():
    with pytest.raises(
        UserError, match=r"no module `nets_that_are_not`; put nets_that_are_not\.py beside"
    ):
        Network(settings("nets_that_are_not:small"))


# --- found before the first job, without being imported ---


def test_its_file_is_found_beside_the_snakefile(nets):
    assert str(own_code(f"{nets}:small")) == f"{nets}.py"


def test_an_installed_module_has_no_file_to_watch():
    assert own_code("torchvision.models:resnet18") is None


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("{}:smal", r"\.py has no function `smal`; did you mean `small`"),
        ("not_{}:small", r"no module `not_.*`; put not_.*\.py beside the Snakefile"),
    ],
)
def test_what_is_missing_is_said_before_the_first_job(nets, function, message):
    with pytest.raises(UserError, match=message):
        own_code(function.format(nets))


def test_a_mistake_in_its_file_is_shown_with_its_line(nets, tmp_path):
    (tmp_path / f"{nets}.py").write_text("x = 1\ndef small(:\n")
    with pytest.raises(UserError, match=r"\.py: line 2: "):
        own_code(f"{nets}:small")
