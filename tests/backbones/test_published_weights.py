"""Weights in the forms in which others publish them, made small."""

import os
import pickle
from contextlib import suppress
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from unispace.backbones.network import Network, load_published
from unispace.backbones.published import read_published, warnings_of
from unispace.config.backbones import Backbone
from unispace.errors import UserError

CLIP = {"img_size": 32, "patch_size": 16, "embed_dim": 16, "depth": 2, "num_heads": 2}
DINO = {"patch_size": 16, "embed_dim": 16, "depth": 2, "num_heads": 2}


def same(network, body):
    """Whether a network has the weights of a module."""
    found, wanted = network.body.state_dict(), body.state_dict()
    return found.keys() == wanted.keys() and all(torch.equal(found[k], wanted[k]) for k in found)


@pytest.fixture
def original(build):
    """A small network whose weights are published."""
    return build(seed=3).body


def wrapped(state, prefix):
    return {f"{prefix}{k}": v for k, v in state.items()}


# --- the file ---


@pytest.mark.parametrize("suffix", ["safetensors", "pt", "pth", "bin", "ckpt"])
@pytest.mark.parametrize("prefix", ["", "module.", "backbone.", "model.", "module.backbone."])
def test_a_plain_table_is_read_whatever_its_prefix(
    build, original, tmp_path, caplog, suffix, prefix
):
    state, path = wrapped(original.state_dict(), prefix), tmp_path / f"w.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    network = build(seed=1)
    assert load_published(network, path, "n")["resized"] == []
    assert same(network, original)


@pytest.mark.parametrize("entry", ["state_dict", "model", "state_dict_ema"])
def test_a_checkpoint_is_opened_at_its_weights(build, original, tmp_path, entry):
    held = {entry: wrapped(original.state_dict(), "module."), "epoch": 3, "args": {"lr": 0.1}}
    torch.save(held, tmp_path / "w.pth")
    network = build(seed=1)
    load_published(network, tmp_path / "w.pth", "n")
    assert same(network, original)


def test_averaged_weights_go_before_the_last_ones(build, original, tmp_path):
    held = {"state_dict": build(seed=9).body.state_dict(), "state_dict_ema": original.state_dict()}
    torch.save(held, tmp_path / "w.pth")
    network = build(seed=1)
    load_published(network, tmp_path / "w.pth", "n")
    assert same(network, original)


def test_a_head_beside_the_backbone_is_left_out(build, original, tmp_path):
    state = {**wrapped(original.state_dict(), "backbone."), "head.weight": torch.zeros(5, 16)}
    save_file(state, tmp_path / "w.safetensors")
    network = build(seed=1)
    load_published(network, tmp_path / "w.safetensors", "n")
    assert same(network, original)


def test_half_precision_becomes_that_of_the_network(build, original, tmp_path):
    half = {k: v.half() for k, v in original.state_dict().items()}
    save_file(half, tmp_path / "w.safetensors")
    network = build(seed=1)
    load_published(network, tmp_path / "w.safetensors", "n")
    for name, value in network.body.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, half[name].float())


def test_an_old_file_without_counters_of_batch_norms_is_taken(build, tmp_path):
    state = build("test_resnet", options={}, seed=3).body.state_dict()
    old = {k: v for k, v in state.items() if not k.endswith("num_batches_tracked")}
    assert len(old) < len(state)
    save_file(old, tmp_path / "w.safetensors")
    network = build("test_resnet", options={}, seed=1)
    load_published(network, tmp_path / "w.safetensors", "n")
    assert all(torch.equal(network.body.state_dict()[k], v) for k, v in old.items())


class Evil:
    """Runs code when it is unpickled by anything but weights_only."""

    def __reduce__(self):
        return (os.mkdir, ("unpickled",))  # a folder shows that it ran


@pytest.mark.parametrize("write", [torch.save, lambda o, p: Path(p).write_bytes(pickle.dumps(o))])
def test_code_in_a_pickle_is_never_run(build, tmp_path, monkeypatch, write):
    monkeypatch.chdir(tmp_path)
    write({"state_dict": Evil()}, tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"n: w\.pth is damaged, or holds more than tensors"):
        load_published(build(), tmp_path / "w.pth", "n")
    assert not (tmp_path / "unpickled").exists()
    with suppress(RuntimeError):  # a bare pickle is no file of torch, which it notices too late
        torch.load(tmp_path / "w.pth", weights_only=False)
    assert (tmp_path / "unpickled").exists()


def test_a_whole_module_is_refused(build, tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "w.pth")
    with pytest.raises(UserError, match="holds more than tensors and plain values"):
        load_published(build(), tmp_path / "w.pth", "n")


@pytest.mark.parametrize("content", [b"", b"no weights", b"PK\x03\x04 half an archive"])
def test_a_damaged_file_is_an_error(tmp_path, content):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(UserError, match=r"n: w\.pt (is damaged|cannot be read)"):
        read_published(tmp_path / "w.pt", "n")


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (
            {"epoch": 3, "weights": {"a": torch.zeros(2)}},
            r"`epoch` is int\); its entries: epoch, w",
        ),
        ({}, "it is empty"),
    ],
)
def test_a_file_without_a_table_of_tensors_says_what_it_holds(tmp_path, held, message):
    torch.save(held, tmp_path / "w.pth")
    with pytest.raises(UserError, match=message):
        read_published(tmp_path / "w.pth", "n")


def test_weights_that_fit_in_no_form_are_told_by_their_nearest(build, original, tmp_path):
    state = wrapped(original.state_dict(), "backbone.")
    state.pop("backbone.cls_token")
    save_file(state, tmp_path / "w.safetensors")
    network = build(seed=1)
    before = {k: v.clone() for k, v in network.body.state_dict().items()}
    with pytest.raises(UserError, match=r"n: .*\(1 tensors\):\n +missing cls_token\n"):
        load_published(network, tmp_path / "w.safetensors", "n")
    assert all(torch.equal(v, before[k]) for k, v in network.body.state_dict().items())


# --- other layouts, which timm converts ---


def openai_layout(body):
    """A small ViT of timm as OpenAI saves the image tower of a CLIP: written down from its `model.py`."""
    state = body.state_dict()
    out = {
        "visual.class_embedding": state["cls_token"][0, 0],
        "visual.positional_embedding": state["pos_embed"][0],
        "visual.conv1.weight": state["patch_embed.proj.weight"],
        "visual.proj": torch.eye(16),
        "token_embedding.weight": torch.zeros(9, 8),
        "logit_scale": torch.tensor(4.6),
    }
    for old, new in (("norm_pre", "ln_pre"), ("norm", "ln_post")):
        out |= {f"visual.{new}.{p}": state[f"{old}.{p}"] for p in ("weight", "bias")}
    names = {
        "norm1": "ln_1", "norm2": "ln_2", "attn.proj": "attn.out_proj",
        "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
    }  # fmt: skip
    for n in range(2):
        block = f"visual.transformer.resblocks.{n}"
        for p in ("weight", "bias"):
            out[f"{block}.attn.in_proj_{p}"] = state[f"blocks.{n}.attn.qkv.{p}"]
            for old, new in names.items():
                out[f"{block}.{new}.{p}"] = state[f"blocks.{n}.{old}.{p}"]
    return out


def test_the_image_tower_of_openais_clip_is_found_in_its_own_layout(build, images, tmp_path):
    name = "vit_base_patch16_clip_quickgelu_224"
    original = build(name, options={**CLIP, "num_classes": 16}, pooling="token", seed=3)
    with torch.no_grad():
        original.body.head.weight.copy_(torch.eye(16))
        original.body.head.bias.zero_()
    torch.save(openai_layout(original.body), tmp_path / "ViT-B-16.pt")
    network = build(name, options=CLIP, pooling="token", seed=1)
    load_published(network, tmp_path / "ViT-B-16.pt", "n")
    # The projection is the identity, so that with and without it the vectors are the same.
    torch.testing.assert_close(network.embed(images(3)), original.embed(images(3)))


def test_with_another_activation_the_same_clip_weights_embed_otherwise(build, images, tmp_path):
    published = build("vit_base_patch16_clip_quickgelu_224", CLIP, pooling="token", seed=3)
    save_file(published.body.state_dict(), tmp_path / "w.safetensors")
    plain = build("vit_base_patch16_clip_224", CLIP, pooling="token")
    load_published(plain, tmp_path / "w.safetensors", "n")  # nothing in the file tells
    assert not torch.allclose(plain.embed(images(3)), published.embed(images(3)), atol=1e-6)


@pytest.mark.parametrize("pooling", ["avg", "token"])
def test_dinov3_is_read_in_metas_layout_and_pooled_as_stated(build, images, tmp_path, pooling):
    name = "vit_small_patch16_dinov3"
    original = build(name, options=DINO, pooling=pooling, seed=3).body
    metas = {"mask_token": torch.zeros(1, 16), "rope_embed.periods": torch.ones(2)}
    for key, value in original.state_dict().items():
        key = key.replace("reg_token", "storage_tokens").replace("gamma_1", "ls1.gamma")
        metas[key.replace("gamma_2", "ls2.gamma")] = value
    torch.save(metas, tmp_path / "dinov3.pth")
    network = build(name, options=DINO, pooling=pooling, seed=1)
    load_published(network, tmp_path / "dinov3.pth", "n")
    assert same(network, original)
    with torch.no_grad():
        tokens = original.forward_features(network.normalise(images(3).permute(0, 3, 1, 2) / 255))
        patches = tokens[:, original.num_prefix_tokens :]
        pooled = patches.mean(1) if pooling == "avg" else tokens[:, 0]
        expected = nn.functional.normalize(original.fc_norm(pooled), dim=1)
    torch.testing.assert_close(network.embed(images(3)), expected)


def test_a_position_table_of_another_size_is_resized_and_said(build, tmp_path, caplog):
    published = build(size=64, options={**CLIP, "img_size": 64}).body
    save_file(published.state_dict(), tmp_path / "w.safetensors")
    network = build(seed=1)
    notes = load_published(network, tmp_path / "w.safetensors", "n")
    assert notes["resized"] == ["pos_embed"]
    assert "n: published for another size; resized pos_embed" in caplog.text
    kept = network.body.state_dict()
    for key, value in published.state_dict().items():
        assert key == "pos_embed" or torch.equal(value, kept[key])
    # The class token's place is no grid.
    assert torch.equal(kept["pos_embed"][:, 0], published.pos_embed[:, 0])


# --- what the weights were trained on ---


def foreign(architecture, repo="who/knows", **preprocessing):
    return Backbone.model_validate(
        {
            "architecture": architecture,
            "pooling": "token",
            "preprocessing": preprocessing,
            "weights": {"kind": "hub", "repo": repo, "revision": "abc"},
        }
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            foreign("vit_small_patch16_dinov3"),
            "preprocessing.normalisation is `clip`, timm has `imagenet`",
        ),
        (
            foreign("eva02_tiny_patch14_224", colour_order="bgr"),
            "preprocessing.colour_order is `bgr`, the networks of timm take RGB",
        ),
        (
            foreign(
                "vit_base_patch16_clip_224", repo="timm/vit_base_patch16_clip_224.metaclip_400m"
            ),
            "trained with QuickGELU; build `vit_base_patch16_clip_quickgelu_224`",
        ),
        (
            foreign("eva02_small_patch14_224", repo="timm/eva02_tiny_patch14_224.mim_in22k"),
            "is `eva02_tiny_patch14_224`, the study builds `eva02_small_patch14_224`",
        ),
    ],
)
def test_what_differs_from_the_training_is_warned_of(settings, message):
    (warning,) = warnings_of(settings)
    assert message in warning


@pytest.mark.parametrize(
    "settings",
    [
        foreign("eva02_tiny_patch14_224"),
        foreign("vit_small_patch16_dinov3", normalisation="imagenet"),
        foreign(
            "vit_base_patch16_clip_quickgelu_224", repo="timm/vit_base_patch16_clip_224.openai"
        ),
        foreign("vit_base_patch16_clip_224", repo="timm/vit_base_patch16_clip_224.laion2b"),
    ],
    ids=lambda s: s.architecture,
)
def test_what_is_as_in_the_training_is_not(settings):
    assert warnings_of(settings) == []


def test_warnings_stand_in_the_log_and_in_the_notes_for_the_card(build, tmp_path, caplog):
    network = build("test_resnet", options={}, normalisation="clip")
    save_file(network.body.state_dict(), tmp_path / "w.safetensors")
    notes = load_published(network, tmp_path / "w.safetensors", "faces")
    (warning,) = notes["warnings"]
    assert "normalisation is `clip`" in warning
    assert f"faces: {warning}" in caplog.text


# --- real weights, where they are ---


def real(name):
    root = os.environ.get("UNISPACE_DATA")
    if root is None:
        pytest.skip("UNISPACE_DATA is unset; it names the folder with real weights")
    found = [p for p in (Path(root) / name, Path(root) / "weights" / name) if p.is_file()]
    if not found:
        pytest.skip(f"no {name} in the folder that UNISPACE_DATA names")
    return found[0]


def test_edgeface_is_a_backbone_whose_last_layer_makes_the_embedding():
    path = real("edgeface_xxs_dequantised_fp16.safetensors")
    settings = Backbone.model_validate(
        {
            "architecture": "edgenext_xx_small",
            "options": {"num_classes": 512},
            "preprocessing": {"size": 112, "normalisation": "half"},
            "weights": {"kind": "random"},
        }
    )
    network = Network(settings).eval()
    load_published(network, path, "edgeface")
    assert network.dimension == 512
    other = timm.create_model("edgenext_xx_small", num_classes=512).eval()
    weights = {k.removeprefix("model."): v.float() for k, v in load_file(path).items()}
    other.load_state_dict(weights)
    images = torch.randint(
        0, 256, (2, 112, 112, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    with torch.no_grad():
        expected = other((images.permute(0, 3, 1, 2) / 255 - 0.5) / 0.5)
    found = network.embed(images)
    torch.testing.assert_close(found, nn.functional.normalize(expected, dim=1))
