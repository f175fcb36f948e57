"""The networks of paper_models: names as in published files, vectors as their authors make them."""

import re

import numpy as np
import pytest
import timm
import torch
from paper_models import crop_lfw, iresnet, vision_towers
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from unispace.backbones.network import Network, load_published
from unispace.config.backbones import Backbone
from unispace.errors import UserError

FACE = {"size": 112, "interpolation": "bilinear", "normalisation": "half"}
SHALLOW = {"depths": [1, 1, 2, 1]}
SMALL = {"size": 28, "embed_dim": 32, "depth": 2, "num_heads": 2}


def network(function, options, preprocessing=FACE):
    return Network(
        Backbone.model_validate(
            {
                "provider": "python",
                "architecture": f"paper_models.{function}",
                "options": options,
                "preprocessing": preprocessing,
                "weights": {"kind": "random"},
            }
        )
    )


def faces():
    """`(2, 112, 112, 3)` uint8."""
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (2, 112, 112, 3), dtype=torch.uint8, generator=generator)


def scattered(module, seed=0):
    """The same module with weights and statistics that are nobody's default."""
    generator = torch.Generator().manual_seed(seed)
    for key, value in module.state_dict().items():
        if value.is_floating_point():
            drawn = torch.randn(value.shape, generator=generator)
            if key.endswith("running_var"):
                drawn = drawn.abs() + 0.5
            elif value.ndim > 1:  # what keeps different images different through many layers
                drawn *= (2 / value[0].numel()) ** 0.5
            else:
                drawn = 0.3 * drawn + float(key.endswith("weight"))
            value.copy_(drawn)
    return module.eval()


# --- face networks ---


@pytest.mark.parametrize(
    ("function", "tensors", "parameters"),
    [("ir101", 917, 65.15e6), ("magface", 925, 65.16e6)],
)
def test_the_published_face_networks_give_512_values_of_a_face_of_112(
    function, tensors, parameters
):
    found = network(f"iresnet:{function}", {})
    assert found.dimension == 512
    state = found.body.state_dict()
    assert len(state) == tensors
    # The file of AdaFace is of 261.0 MB in single precision.
    assert sum(p.numel() for p in found.body.parameters()) == pytest.approx(parameters, rel=1e-3)


def test_the_tensors_of_cvlface_are_those_of_its_repository():
    # Positions in models/iresnet/model.py at d3d09c9: 3 + 13 + 30 + 3 blocks, a convolution on four shortcuts.
    names = set(iresnet.ir101().state_dict())
    assert {re.match(r"net\.body\.(\d+)", n)[1] for n in names if "body" in n} == {
        str(n) for n in range(49)
    }
    shortcuts = {n for n in names if "shortcut_layer.0.weight" in n}
    assert shortcuts == {f"net.body.{n}.shortcut_layer.0.weight" for n in (3, 16, 46)}
    assert {n for n in names if n.endswith("res_layer.3.weight")} == {
        f"net.body.{n}.res_layer.3.weight" for n in range(49)
    }
    assert {"net.input_layer.0.weight", "net.input_layer.2.weight"} <= names
    assert {"net.output_layer.0.weight", "net.output_layer.3.bias"} <= names
    assert "net.output_layer.4.weight" not in names  # the last norm has statistics and no weights


def test_the_tensors_of_magface_are_those_of_its_repository():
    # models/iresnet.py at 719001a: every stage halves the map, so that every first block has a convolution beside it.
    names = set(iresnet.magface().state_dict())
    downsampled = {n for n in names if n.endswith("downsample.0.weight")}
    assert downsampled == {f"layer{n}.0.downsample.0.weight" for n in (1, 2, 3, 4)}
    assert {f"layer3.29.{part}.weight" for part in ("bn1", "conv1", "bn2", "prelu", "bn3")} <= names
    assert {"conv1.weight", "bn1.bias", "prelu.weight", "fc.bias", "features.weight"} <= names


def test_a_block_of_cvlface_keeps_its_input_on_the_shortcut():
    body = scattered(iresnet.ir101(**SHALLOW)).net.body[0]
    maps = torch.randn(2, 64, 8, 8)
    residual = body.res_layer(maps)
    torch.testing.assert_close(body(maps), residual + maps[:, :, ::2, ::2])


def test_norms_of_magface_add_its_own_constant_and_those_of_cvlface_the_usual_one():
    def constants(module):
        return {m.eps for m in module.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm1d)}

    assert constants(iresnet.magface(**SHALLOW)) == {2e-5}
    assert constants(iresnet.ir101(**SHALLOW)) == {1e-5}


@pytest.mark.parametrize("prefix", ["model.net.", "net."])
def test_weights_of_cvlface_load_below_the_names_of_the_hub(prefix, tmp_path):
    theirs = scattered(iresnet.ir101(**SHALLOW))
    file = tmp_path / "model.safetensors"
    save_file({prefix + k.removeprefix("net."): v for k, v in theirs.state_dict().items()}, file)
    mine = network("iresnet:ir101", SHALLOW)
    load_published(mine, file, "arcface")
    batch = faces()
    with torch.no_grad():
        rgb = batch.permute(0, 3, 1, 2).float() / 127.5 - 1  # RGB in [-1, 1]
        expected = nn.functional.normalize(theirs(rgb))
    assert nn.functional.cosine_similarity(*expected, dim=0) < 0.99
    torch.testing.assert_close(mine.eval().embed(batch), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("prefix", ["features.module.", "module.features."])
def test_magface_reads_its_training_checkpoint_and_is_fed_as_its_authors_do(prefix, tmp_path):
    theirs = scattered(iresnet.magface(**SHALLOW))
    file = tmp_path / "magface_epoch_00025.pth"
    state = {prefix + k: v for k, v in theirs.state_dict().items()}
    checkpoint = {
        "epoch": 25,
        "arch": "iresnet100",
        "state_dict": {**state, "fc.weight": torch.ones(9, 512)},
    }
    torch.save(checkpoint, file)
    mine = network(
        "iresnet:magface", SHALLOW, {**FACE, "normalisation": "unit", "colour_order": "bgr"}
    )
    load_published(mine, file, "magface")
    batch = faces()
    with torch.no_grad():
        # As cv2.imread and ToTensor with mean 0 and deviation 1: BGR in [0, 1].
        bgr = batch.flip(3).permute(0, 3, 1, 2).float() / 255
        expected = nn.functional.normalize(theirs(bgr))
    found = mine.eval().embed(batch)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    released = network("iresnet:magface", SHALLOW)
    load_published(released, file, "magface-as-released")
    assert not torch.allclose(released.eval().embed(batch), found, atol=1e-3)


def test_weights_of_another_network_are_refused(tmp_path):
    file = tmp_path / "model.safetensors"
    save_file(iresnet.magface(**SHALLOW).state_dict(), file)
    with pytest.raises(UserError, match=r"missing net\.body\.0"):
        load_published(network("iresnet:ir101", SHALLOW), file, "arcface")


# --- transformers of timm ---


def test_positions_of_dinov2_are_resized_without_anti_aliasing(tmp_path):
    large = scattered(vision_towers.dinov2(**{**SMALL, "size": 70}))
    file = tmp_path / "model.safetensors"
    save_file({k: v.clone() for k, v in large.trunk.state_dict().items()}, file)
    mine = network("vision_towers:dinov2", SMALL, {"size": 28, "normalisation": "imagenet"})
    load_published(mine, file, "dinov2")
    table = large.trunk.pos_embed
    grid = table[:, 1:].unflatten(1, (5, 5)).permute(0, 3, 1, 2)
    # A fifth to a half: the place of each new patch, between 5 old ones, weighed by Keys' cubic with a = -0.75.
    expected = torch.zeros(1, 32, 2, 2)
    weights = np.zeros((2, 5))
    for new in range(2):
        place = (new + 0.5) * 2.5 - 0.5
        for old in range(int(np.floor(place)) - 1, int(np.floor(place)) + 3):
            far = abs(place - old)
            near = 1.25 * far**3 - 2.25 * far**2 + 1
            cubic = near if far <= 1 else -0.75 * (far**3 - 5 * far**2 + 8 * far - 4)
            weights[new, min(max(old, 0), 4)] += cubic
    w = torch.from_numpy(weights).float()
    expected = torch.einsum("ai,bj,ncij->ncab", w, w, grid).permute(0, 2, 3, 1).flatten(1, 2)
    found = mine.body.trunk.pos_embed
    torch.testing.assert_close(found[:, 1:], expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found[:, :1], table[:, :1])


def test_dinov2_gives_its_class_token_after_the_last_norm():
    tower = scattered(vision_towers.dinov2(**SMALL))
    images = torch.randn(2, 3, 28, 28)
    with torch.no_grad():
        expected = tower.trunk.forward_features(images)[:, 0]
        torch.testing.assert_close(tower(images), expected)
    assert isinstance(tower.trunk.norm, nn.LayerNorm)


def test_internvl_loads_its_vision_model_out_of_the_whole_and_no_norm_follows(tmp_path):
    tower = scattered(vision_towers.internvl3(**SMALL))
    names = {}
    for key, value in tower.trunk.state_dict().items():
        key = key.replace("cls_token", "embeddings.class_embedding")
        key = key.replace("pos_embed", "embeddings.position_embedding")
        key = key.replace("patch_embed.proj", "embeddings.patch_embedding")
        key = key.replace("blocks.", "encoder.layers.").replace(".gamma", "")
        names[f"vision_model.{key}"] = value.clone()
    # Names that files of InternVL have.
    assert {
        "vision_model.embeddings.class_embedding",
        "vision_model.embeddings.position_embedding",
        "vision_model.embeddings.patch_embedding.weight",
        "vision_model.encoder.layers.0.attn.qkv.weight",
        "vision_model.encoder.layers.0.attn.proj.bias",
        "vision_model.encoder.layers.0.ls1",
        "vision_model.encoder.layers.0.norm2.weight",
        "vision_model.encoder.layers.1.mlp.fc2.weight",
    } <= names.keys()
    file = tmp_path / "model.safetensors"
    save_file(
        {**names, "language_model.lm_head.weight": torch.ones(2), "mlp1.0.weight": torch.ones(3)},
        file,
    )
    mine = network("vision_towers:internvl3", SMALL, {"size": 28, "normalisation": "imagenet"})
    load_published(mine, file, "internvl3")
    images = torch.randn(2, 3, 28, 28)
    with torch.no_grad():
        torch.testing.assert_close(mine.eval().body(images), tower(images))
        tokens = tower.trunk.forward_features(images)
    assert isinstance(tower.trunk.norm, nn.Identity)
    torch.testing.assert_close(tower(images), tokens[:, 0])


@pytest.mark.parametrize(
    ("architecture", "pooling", "size", "dimension"),
    [("vit_base_patch16_224", "token", 224, 768), ("samvit_base_patch16", "avg", 1024, 256)],
)
def test_towers_of_timm_give_the_dimension_of_the_paper(architecture, pooling, size, dimension):
    with torch.device("meta"):
        model = timm.create_model(architecture, num_classes=0, global_pool=pooling)
        assert model(torch.zeros(1, 3, size, size)).shape == (1, dimension)


@pytest.mark.parametrize(
    ("function", "size", "dimension"), [("dinov2", 224, 768), ("internvl3", 448, 1024)]
)
def test_our_vision_towers_give_the_dimension_of_the_paper(function, size, dimension):
    with torch.device("meta"):
        model = getattr(vision_towers, function)()
        assert model(torch.zeros(1, 3, size, size)).shape == (1, dimension)


# --- faces of LFW ---


def test_the_middle_of_an_image_is_cut_out(tmp_path):
    pixels = np.zeros((250, 250, 3), np.uint8)
    pixels[50:200, 50:200] = 200
    there = tmp_path / "in" / "A_Person"
    there.mkdir(parents=True)
    Image.fromarray(pixels).save(there / "A_Person_0001.jpg", quality=95)
    assert crop_lfw.crop_folder(tmp_path / "in", tmp_path / "out", 160) == 1
    with Image.open(tmp_path / "out" / "A_Person" / "A_Person_0001.jpg") as image:
        found = np.asarray(image)
    assert found.shape == (160, 160, 3)
    assert found[8:-8, 8:-8].min() > 190  # only the bright square


def test_a_folder_without_images_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no person/image"):
        crop_lfw.crop_folder(tmp_path, tmp_path / "out", 160)
