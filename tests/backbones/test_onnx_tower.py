"""Networks in ONNX files, made here with known numbers in them."""

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from unispace.backbones.network import Network, card, load_published, load_weights, save_weights
from unispace.config.backbones import Backbone
from unispace.errors import UserError

WEIGHT = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)


def graph(
    path,
    shape=("batch", 3, 32, 32),
    outputs=("embedding",),
    kind=TensorProto.FLOAT,
    inputs=("images",),
    rank=2,
):
    """Write a network: the mean colour of an image times WEIGHT; further outputs are its negative."""
    nodes = [
        helper.make_node("GlobalAveragePool", ["images"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["mean"], axis=1),
        helper.make_node("MatMul", ["mean", "w"], [outputs[0]]),
    ]
    if rank == 4:
        nodes = [helper.make_node("Identity", ["images"], [outputs[0]])]
    nodes += [helper.make_node("Neg", [outputs[0]], [name]) for name in outputs[1:]]
    made = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info(name, kind, None) for name in outputs],
        [numpy_helper.from_array(WEIGHT, "w")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def settings(size=32, **options):
    return Backbone.model_validate(
        {
            "provider": "onnx",
            "architecture": "face-net",
            "options": options,
            "preprocessing": {"size": size, "normalisation": "half"},
            "weights": {"kind": "random"},  # as jobs see it that get a file
        }
    )


def loaded(path, **changes):
    network = Network(settings(**changes)).eval()
    assert load_published(network, path, "face") == {"resized": [], "warnings": []}
    return network


def expected(images, sign=1):
    unit = images.numpy().astype(np.float64) / 255
    raw = sign * ((unit - 0.5) / 0.5).mean(axis=(1, 2)) @ WEIGHT
    return raw / np.linalg.norm(raw, axis=1, keepdims=True)


def test_the_graph_embeds_normalised_images(tmp_path, images):
    network = loaded(graph(tmp_path / "n.onnx"))
    assert network.dimension == 5
    found = network.embed(images(7))
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found.numpy(), expected(images(7)), atol=1e-5)
    assert torch.equal(found, network.embed(images(7)))


@pytest.mark.parametrize("shape", [(1, 3, 32, 32), ("n", 3, "h", "w"), (None, 3, 32, 32)])
def test_a_graph_for_single_images_or_free_sizes_takes_batches_too(tmp_path, images, shape):
    network = loaded(graph(tmp_path / "n.onnx", shape=shape))
    np.testing.assert_allclose(network.embed(images(3)).numpy(), expected(images(3)), atol=1e-5)


@pytest.mark.parametrize(("output", "sign"), [("features", 1), ("other", -1), (0, 1), (1, -1)])
def test_the_output_is_chosen_by_name_or_place(tmp_path, images, output, sign):
    path = graph(tmp_path / "n.onnx", outputs=("features", "other"))
    found = loaded(path, output=output).embed(images(3))
    np.testing.assert_allclose(found.numpy(), expected(images(3), sign), atol=1e-5)


def test_a_checkpoint_of_it_is_a_safetensors_file_as_any_other(tmp_path, images):
    path = graph(tmp_path / "n.onnx")
    network = loaded(path)
    save_weights(network, tmp_path / "a.safetensors")
    again = Network(settings()).eval()
    assert again.dimension == 0
    load_weights(again, tmp_path / "a.safetensors", "face")
    assert again.dimension == 5
    assert torch.equal(again.embed(images(4)), network.embed(images(4)))
    save_weights(again, tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert bytes(again.body.onnx.numpy()) == path.read_bytes()


def test_the_card_says_what_is_known_of_it(tmp_path):
    network = loaded(graph(tmp_path / "n.onnx"))
    save_weights(network, tmp_path / "w.safetensors")
    found = card(network.settings, network, tmp_path / "w.safetensors")
    assert found["provider"].startswith("onnxruntime 1.")
    assert (found["dimension"], found["parameters"]) == (5, None)
    assert found["licence"] == "not stated"


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"shape": ("n", 3, 112, 112)}, {}, r"takes \('n', 3, 112, 112\), the study gives .*set preprocessing\.size"),
        ({"shape": ("n", 1, 32, 32), "rank": 4}, {}, "the study gives"),
        ({"shape": ("n", 3, 32)}, {}, "the study gives"),
        ({"shape": ("n", 32, 32, 3), "rank": 4}, {}, "channels last; convert it to channels first"),
        ({"shape": (8, 3, 32, 32)}, {}, "takes 8 images at a time; export it for 1 or for any number"),
        ({"kind": TensorProto.DOUBLE, "rank": 4}, {}, r"takes tensor\(double\), only float32 images are given"),
        ({"inputs": ("images", "mask")}, {}, r"takes 2 inputs \(images, mask\)"),
        ({"outputs": ("a", "b")}, {}, r"has 2 outputs; name the embedding in options\.output \(a .*, b "),
        ({"outputs": ("a", "b")}, {"output": 2}, "has 2 outputs and none at place 2"),
        ({"outputs": ("embedding", "b")}, {"output": "embeding"}, "no output `embeding`; did you mean `embedding`"),
        ({"rank": 4}, {}, r"gives \(3, 32, 32\) for an image, not one vector"),
    ],
)  # fmt: skip
def test_a_graph_that_does_not_fit_is_refused_with_the_reason(tmp_path, changes, options, message):
    network = Network(settings(**options))
    with pytest.raises(UserError, match=message):
        load_published(network, graph(tmp_path / "n.onnx", **changes), "face")


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x80\x04pickle" * 50])
def test_a_file_that_is_no_graph_is_refused(tmp_path, content):
    (tmp_path / "n.onnx").write_bytes(content)
    with pytest.raises(UserError, match="face-net: not an ONNX graph that runs here"):
        load_published(Network(settings()), tmp_path / "n.onnx", "face")


def test_a_checkpoint_of_another_network_is_refused(tmp_path, build):
    save_weights(build(), tmp_path / "w.safetensors")
    with pytest.raises(UserError, match="not an ONNX graph that runs here"):
        load_weights(Network(settings()), tmp_path / "w.safetensors", "face")


def test_without_a_graph_nothing_is_embedded(images):
    with pytest.raises(RuntimeError, match="the graph is not loaded yet"):
        Network(settings()).embed(images(1))
