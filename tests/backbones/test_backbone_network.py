"""Images in, unit vectors out; and weights that come back as they went."""

import hashlib
import inspect

import numpy as np
import pytest
import timm
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from unispace.backbones.network import (
    Network,
    card,
    load_published,
    load_weights,
    save_weights,
    to_unit,
)
from unispace.errors import UserError
from unispace.records.files import sha256_of
from unispace.records.models import DECISIVE, decisive

TINY = {"img_size": 32, "patch_size": 16, "embed_dim": 16, "depth": 2, "num_heads": 2}

# As published: OpenAI's CLIP, torchvision's ImageNet models, Google's ViT.
PUBLISHED = {
    "clip": ([0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]),
    "imagenet": ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    "half": ([0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
    "unit": ([0, 0, 0], [1, 1, 1]),  # as it comes: MagFace
}


@given(seed=st.integers(0, 2**32), count=st.integers(1, 9))
@settings(max_examples=20, deadline=None)
def test_embeddings_are_of_unit_length_and_float32(build, images, seed, count):
    network = build(seed=seed)
    vectors = network.embed(images(count, seed))
    assert vectors.shape == (count, 16)
    assert vectors.dtype == torch.float32
    np.testing.assert_allclose(np.linalg.norm(vectors.double().numpy(), axis=1), 1, atol=1e-6)


def test_the_same_image_gives_the_same_vector_in_every_call(build, images):
    network, batch = build(), images(12)
    assert torch.equal(network.embed(batch), network.embed(batch))
    assert torch.equal(network.embed(batch), build().embed(batch))


def test_other_images_and_other_weights_give_other_vectors(build, images):
    network = build()
    vectors = network.embed(images(12))
    assert len(torch.unique(vectors, dim=0)) == 12
    assert not torch.allclose(vectors, build(seed=1).embed(images(12)), atol=1e-3)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 149])
def test_the_size_of_the_batch_never_changes_a_vector(build, images, size):
    network, all_images = build(), images(150)
    parts = [network.embed(all_images[i : i + size]) for i in range(0, 150, size)]
    assert torch.equal(torch.cat(parts), network.embed(all_images))


def test_uint8_images_become_channels_first_in_0_to_1():
    pixels = torch.arange(2 * 4 * 4 * 3, dtype=torch.uint8).view(2, 4, 4, 3)
    pixels[1, 3, 3, 2] = 255
    unit = to_unit(pixels)
    expected = pixels.numpy().transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    np.testing.assert_array_equal(unit.numpy(), expected)
    assert unit[1, 2, 3, 3] == 1


@pytest.mark.parametrize("name", PUBLISHED)
def test_input_is_normalised_with_the_published_statistics(build, name):
    mean, std = PUBLISHED[name]
    at_mean = torch.tensor(mean).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    above = at_mean + torch.tensor(std).view(1, 3, 1, 1)
    network = build(normalisation=name)
    torch.testing.assert_close(network.normalise(at_mean), torch.zeros(1, 3, 32, 32))
    torch.testing.assert_close(network.normalise(above), torch.ones(1, 3, 32, 32))


@pytest.mark.parametrize("name", PUBLISHED)
def test_bgr_swaps_the_channels_together_with_their_statistics(build, name):
    mean, std = PUBLISHED[name]
    unit = np.random.default_rng(0).random((2, 3, 32, 32)).astype(np.float32)
    found = build(normalisation=name, colour_order="bgr").normalise(torch.from_numpy(unit)).numpy()
    for place, channel in enumerate([2, 1, 0]):  # blue first
        expected = (unit[:, channel] - mean[channel]) / std[channel]
        np.testing.assert_allclose(found[:, place], expected, atol=1e-5)


def test_a_bgr_network_sees_an_rgb_image_as_an_rgb_network_sees_the_swapped_one(build, images):
    rgb = build(normalisation="half", colour_order="rgb")
    bgr = build(normalisation="half", colour_order="bgr")
    batch = images(5)
    assert torch.equal(bgr.embed(batch), rgb.embed(batch.flip(3)))
    assert not torch.allclose(bgr.embed(batch), rgb.embed(batch), atol=1e-3)


@pytest.mark.parametrize("pooling", ["avg", "token"])
def test_pooling_is_the_mean_of_the_patches_or_the_class_token(build, images, pooling):
    network = build(pooling=pooling)
    with torch.no_grad():
        tokens = network.body.forward_features(network.normalise(to_unit(images(3))))
        assert tokens.shape == (3, 1 + 4, 16)
        pooled = tokens[:, 1:].mean(1) if pooling == "avg" else tokens[:, 0]
        expected = network.body.fc_norm(pooled)
        other = network.body.fc_norm(tokens[:, 0] if pooling == "avg" else tokens[:, 1:].mean(1))
    found = network.embed(images(3))
    torch.testing.assert_close(found, torch.nn.functional.normalize(expected, dim=1))
    assert not torch.allclose(found, torch.nn.functional.normalize(other, dim=1), atol=1e-3)


def test_a_position_table_is_built_for_the_size_of_the_preprocessing(tiny):
    options = {"patch_size": 16, "embed_dim": 16, "depth": 1, "num_heads": 2}
    network = Network(tiny(options=options, size=48))
    assert network.body.pos_embed.shape == (1, 1 + 9, 16)


def test_a_size_may_be_given_as_a_pair(tiny, build, images):
    options = {"img_size": [32, 32], "patch_size": 16, "embed_dim": 16, "depth": 2, "num_heads": 2}
    assert torch.equal(build(options=options).embed(images(2)), build().embed(images(2)))


def test_an_img_size_other_than_the_preprocessing_is_an_error(tiny):
    with pytest.raises(UserError, match=r"options\.img_size is 32, but preprocessing\.size is 48"):
        Network(tiny(size=48))


@pytest.mark.parametrize(
    "wrong",
    [
        {"depht": 2},
        {"depth": "two"},
        {"num_heads": 0},
        {"patch_size": 0},
        {"embed_dim": -4},
        {"act_layer": "no-such"},
    ],
    ids=str,
)
def test_options_that_timm_refuses_are_an_error_that_shows_them(tiny, wrong):
    options = {"img_size": 32, "patch_size": 16, "embed_dim": 16, "depth": 1, "num_heads": 2}
    shown = repr(next(iter(wrong)))
    with pytest.raises(UserError, match=f"timm refuses its options .*{shown}"):
        Network(tiny(options={**options, **wrong}))


@pytest.mark.parametrize("wrong", [{"patch_size": 64}, {"in_chans": 1}, {"embed_dim": 33}], ids=str)
def test_a_network_that_does_not_run_on_its_images_is_an_error(tiny, wrong):
    options = {"img_size": 32, "patch_size": 16, "embed_dim": 16, "depth": 1, "num_heads": 2}
    with pytest.raises(UserError, match="does not run on images of 32 x 32"):
        Network(tiny(options={**options, **wrong}))


def test_a_last_layer_that_is_asked_for_makes_the_embedding(build, images):
    network = build(options={**TINY, "num_classes": 7})
    assert network.dimension == 7
    with torch.no_grad():
        before = network.body.forward_head(
            network.body.forward_features(network.normalise(to_unit(images(3)))), pre_logits=True
        )
        expected = before @ network.body.head.weight.T + network.body.head.bias
    found = network.embed(images(3))
    torch.testing.assert_close(found, torch.nn.functional.normalize(expected, dim=1))


# mobilenetv3 has a layer behind the one that timm counts as its features.
@pytest.mark.parametrize("name", ["test_resnet", "mobilenetv3_small_050"])
def test_dimension_is_the_length_of_the_embeddings_of_a_conv_net(build, images, name):
    network = build(name, options={})
    assert network.embed(images(2)).shape == (2, network.dimension)


@pytest.mark.parametrize("name", ["test_resnet", "resnet10t"])
def test_a_conv_net_has_no_class_token(tiny, name):
    with pytest.raises(UserError, match=f"{name}: timm refuses .* pooling `token`"):
        Network(tiny(name, options={}, pooling="token"))


def test_a_fresh_network_is_in_training_mode_and_leaves_the_random_state_to_its_weights(tiny):
    torch.manual_seed(3)
    network = Network(tiny())
    after = torch.rand(4)
    torch.manual_seed(3)
    timm.create_model(
        tiny().architecture, pretrained=False, num_classes=0, global_pool="avg", **tiny().options
    )
    assert torch.equal(torch.rand(4), after)
    assert all(module.training for module in network.modules())


def test_finding_the_dimension_leaves_running_statistics_alone(build):
    body = build("test_resnet", options={}).body
    running = {k: v for k, v in body.state_dict().items() if "running_" in k}
    assert running
    for name, value in running.items():
        assert (value == (1 if name.endswith("var") else 0)).all()


# --- weights ---


def test_weights_come_back_bit_for_bit(build, images, tmp_path):
    written, read = build(seed=0), build(seed=1)
    save_weights(written, tmp_path / "a.safetensors")
    load_weights(read, tmp_path / "a.safetensors", "m")
    for name, value in written.body.state_dict().items():
        assert torch.equal(value, read.body.state_dict()[name])
    assert torch.equal(written.embed(images(4)), read.embed(images(4)))
    save_weights(read, tmp_path / "b.safetensors")
    assert sha256_of(tmp_path / "a.safetensors") == sha256_of(tmp_path / "b.safetensors")


def test_running_statistics_are_weights_too(build, images, tmp_path):
    written, read = build("test_resnet", options={}), build("test_resnet", options={}, seed=1)
    written.train()(to_unit(images(8)))
    save_weights(written.eval(), tmp_path / "w.safetensors")
    load_weights(read, tmp_path / "w.safetensors", "m")
    assert torch.equal(written.embed(images(4)), read.embed(images(4)))


@pytest.fixture
def tensors(build, tmp_path):
    """Write the tensors of a network after a change; returns the file."""

    def written(change):
        content = {k: v.clone() for k, v in build().body.state_dict().items()}
        change(content)
        save_file(content, tmp_path / "changed.safetensors")
        return tmp_path / "changed.safetensors"

    return written


def test_a_missing_tensor_is_named(build, tensors):
    path = tensors(lambda t: t.pop("blocks.0.norm1.weight"))
    with pytest.raises(
        UserError, match=r"small: .*\(1 tensors\):\n +missing blocks\.0\.norm1\.weight"
    ):
        load_weights(build(), path, "small")


@pytest.mark.parametrize("name", ["blocks.2.norm1.weight", "header.weight"])
def test_an_unknown_tensor_is_named(build, tensors, name):
    path = tensors(lambda t: t.update({name: torch.zeros(16)}))
    with pytest.raises(UserError, match=rf"\(1 tensors\):\n +unknown {name}\n"):
        load_weights(build(), path, "small")


def test_a_tensor_of_another_shape_is_named_with_both_shapes(build, tensors):
    path = tensors(lambda t: t.update({"cls_token": torch.zeros(1, 1, 24)}))
    message = r"cls_token is \(1, 1, 24\), the architecture has \(1, 1, 16\)"
    with pytest.raises(UserError, match=message):
        load_weights(build(), path, "small")


def test_many_problems_are_counted_and_five_are_shown(build, tensors):
    path = tensors(lambda t: [t.pop(k) for k in list(t) if k.startswith("blocks.1.")])
    wanted = [k for k in build().body.state_dict() if k.startswith("blocks.1.")]
    with pytest.raises(UserError, match=rf"\({len(wanted)} tensors\)") as caught:
        load_weights(build(), path, "small")
    assert str(caught.value).count("missing ") == 5


def test_a_refused_file_changes_nothing(build, tensors, images):
    network = build(seed=1)
    before = network.embed(images(2))
    path = tensors(lambda t: t.pop("cls_token"))
    with pytest.raises(UserError, match="missing cls_token"):
        load_weights(network, path, "small")
    assert torch.equal(network.embed(images(2)), before)


@pytest.mark.parametrize(
    ("name", "options", "pooling", "left_out"),
    [
        ("eva02_tiny_patch14_224", None, "avg", {"head"}),
        ("test_resnet", {}, "avg", {"fc"}),
        (
            "deit_tiny_distilled_patch16_224",
            {"img_size": 32, "embed_dim": 16, "depth": 1, "num_heads": 2},
            "token",
            {"head", "head_dist"},
        ),
    ],
)
def test_the_classifier_of_a_published_file_is_left_out(
    tiny, build, images, tmp_path, name, options, pooling, left_out
):
    wanted = tiny(name, options=options, pooling=pooling)
    torch.manual_seed(5)
    published = timm.create_model(name, num_classes=10, global_pool=pooling, **wanted.options)
    content = published.state_dict()
    save_file(content, tmp_path / "published.safetensors")
    network = build(name, options=options, pooling=pooling)
    load_published(network, tmp_path / "published.safetensors", "small")
    kept = network.body.state_dict()
    assert {k.split(".")[0] for k in content.keys() - kept.keys()} == left_out
    assert all(torch.equal(content[k], kept[k]) for k in kept)


def test_weights_of_another_pooling_do_not_fit(build, tmp_path):
    save_weights(build(pooling="token"), tmp_path / "w.safetensors")
    with pytest.raises(UserError, match=r"missing fc_norm\.weight"):
        load_weights(build(pooling="avg"), tmp_path / "w.safetensors", "small")


@pytest.mark.parametrize("content", [b"", b"no tensors here", b"\x80\x04pickle" * 50])
def test_a_file_that_is_no_safetensors_file_is_an_error(build, tmp_path, content):
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"small: .*weights\.bin cannot be read as safetensors"):
        load_weights(build(), path, "small")


def test_a_truncated_file_is_an_error(build, tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(build(), path)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(UserError, match="cannot be read as safetensors"):
        load_weights(build(), path, "small")


def test_a_missing_file_is_an_error(build, tmp_path):
    with pytest.raises(UserError, match="cannot be read as safetensors"):
        load_weights(build(), tmp_path / "none.safetensors", "small")


# --- the card ---


def test_the_card_holds_all_that_decides_the_embeddings(tiny, tmp_path):
    wanted = tiny(normalisation="half", colour_order="bgr")
    network, path = Network(wanted), tmp_path / "w.safetensors"
    save_weights(network, path)
    found = card(wanted, network, path)
    assert decisive(found) == {
        "architecture": "eva02_tiny_patch14_224",
        "options": wanted.options,
        "pooling": "avg",
        "preprocessing": {
            "size": 32,
            "interpolation": "bicubic",
            "aspect": "stretch",
            "resized": None,
            "normalisation": "half",
            "colour_order": "bgr",
        },
        "precision": "float32",
        "weights_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    assert set(decisive(found)) == set(DECISIVE)


def test_the_card_counts_parameters_and_names_the_licence(tiny, tmp_path):
    network, path = Network(tiny()), tmp_path / "w.safetensors"
    save_weights(network, path)
    found = card(tiny(), network, path)
    floats = sum(v.numel() for v in load_file(path).values())
    assert found["parameters"] == floats  # this network has no buffers
    assert found["dimension"] == 16
    assert found["licence"] == "mit"
    assert found["provider"] == f"timm {timm.__version__}"


def test_a_network_is_never_pretrained_by_timm(tiny, monkeypatch):
    asked = []
    real = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda *a, **k: asked.append(k) or real(*a, **k))
    Network(tiny())
    assert "pretrained" in inspect.signature(real).parameters
    assert [k["pretrained"] for k in asked] == [False]
