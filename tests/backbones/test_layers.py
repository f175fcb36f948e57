"""Which layers are frozen, and how fast each learns."""

import pytest
import timm
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from timm.optim import param_groups_layer_decay
from torch import nn

from unispace.backbones.layers import freeze_blocks, parameter_groups
from unispace.errors import UserError

SMALL = {"img_size": 32, "patch_size": 16, "depth": 3, "embed_dim": 32, "num_heads": 2}


def clip():
    vision = CLIPVisionCfg(layers=3, width=32, head_width=16, patch_size=16, image_size=32)
    return CLIP(16, vision, CLIPTextCfg(layers=1, width=16, heads=1, vocab_size=64)).visual


def vit(name):
    return lambda: timm.create_model(name, num_classes=0, **SMALL)


BODIES = {
    "vit": (vit("vit_tiny_patch16_224"), 3),
    "eva02": (vit("eva02_tiny_patch14_224"), 3),
    "dinov3": (vit("vit_small_patch16_dinov3"), 3),
    "clip": (clip, 3),
    "resnet": (lambda: timm.create_model("resnet10t", num_classes=0), 4),
}
PARAMETERS = [(name, *made) for name, made in BODIES.items()]


def scales(body, decay):
    """The factor of the learning rate of each parameter."""
    names = {id(p): n for n, p in body.named_parameters()}
    groups = parameter_groups(body, decay, 0.1)
    found = [(names[id(p)], g["scale"]) for g in groups for p in g["params"]]
    assert len(found) == len(dict(found))
    return dict(found)


@pytest.mark.parametrize(("name", "make", "blocks"), PARAMETERS)
def test_every_layer_learns_slower_than_the_next_and_heads_at_the_full_rate(name, make, blocks):
    body = make()
    found = scales(body, 0.5)
    assert set(found) == {n for n, _ in body.named_parameters()}
    assert min(found.values()) == 0.5 ** (blocks + 1)
    first = {"clip": "conv1.weight", "resnet": "conv1.0.weight"}.get(
        name, "patch_embed.proj.weight"
    )
    assert found[first] == 0.5 ** (blocks + 1)
    for block in range(blocks):
        start = {
            "clip": f"transformer.resblocks.{block}.",
            "resnet": f"layer{block + 1}.0.",
        }.get(name, f"blocks.{block}.")
        inside = {scale for n, scale in found.items() if n.startswith(start)}
        assert inside == {0.5 ** (blocks - block)}


def test_the_scales_are_those_of_timm_where_a_norm_follows_the_blocks():
    body = BODIES["eva02"][0]()
    names = {id(p): n for n, p in body.named_parameters()}
    theirs = param_groups_layer_decay(body, 0.1, layer_decay=0.7)
    expected = {names[id(p)]: g["lr_scale"] for g in theirs for p in g["params"]}
    assert scales(body, 0.7) == pytest.approx(expected)


@pytest.mark.parametrize(("name", "make", "blocks"), PARAMETERS)
def test_without_decay_of_layers_there_are_two_groups(name, make, blocks):
    body = make()
    groups = parameter_groups(body, 1.0, 0.1)
    assert sorted(g["weight_decay"] for g in groups) == [0.0, 0.1]
    assert {g["scale"] for g in groups} == {1.0}
    free = next(g["params"] for g in groups if not g["weight_decay"])
    tables = ("pos_embed", "cls_token", "reg_token", "class_embedding", "positional_embedding")
    expected = [n for n, p in body.named_parameters() if p.ndim < 2 or n.endswith(tables)]
    assert {id(p) for p in free} == {id(body.get_parameter(n)) for n in expected}


def test_modules_without_layers_need_none_unless_rates_differ():
    head = nn.Linear(4, 2)
    (matrix, bias) = parameter_groups(head, 1.0, 0.1)
    assert (matrix["params"], bias["params"]) == ([head.weight], [head.bias])
    with pytest.raises(UserError, match="layer_decay: the layers of Linear are not known"):
        parameter_groups(head, 0.9, 0.1)
    with pytest.raises(UserError, match="freeze_blocks: the layers of Linear are not known"):
        freeze_blocks(head, 1)


@pytest.mark.parametrize(("name", "make", "blocks"), PARAMETERS)
@pytest.mark.parametrize("count", [1, 2])
def test_frozen_blocks_keep_every_bit_in_a_step(name, make, blocks, count):
    torch.manual_seed(0)
    body = make()
    before = {n: t.clone() for n, t in body.state_dict().items()}
    order = scales(body, 0.5)
    freeze_blocks(body, count)
    still = {n for n, scale in order.items() if scale <= 0.5 ** (blocks + 1 - count)}
    assert {n for n, p in body.named_parameters() if not p.requires_grad} == still
    body.train()
    optimiser = torch.optim.SGD(parameter_groups(body, 1.0, 0.0), lr=1.0)
    for _ in range(2):
        body(torch.randn(4, 3, 32, 32)).square().mean().backward()
        optimiser.step()
    changed = {n for n, t in body.state_dict().items() if not torch.equal(t, before[n])}
    assert changed
    assert not changed & still
    # Statistics of batch norms belong to their layer.
    frozen = {n.rsplit(".", 1)[0] for n in still}
    assert not {n for n in changed if n.rsplit(".", 1)[0] in frozen}


def test_no_blocks_frozen_is_nothing_frozen():
    body = nn.Linear(2, 2)
    freeze_blocks(body, 0)
    assert all(p.requires_grad for p in body.parameters())


def test_more_blocks_than_there_are_is_an_error():
    with pytest.raises(UserError, match="freeze_blocks: 4 is more than the 3 blocks of Eva"):
        freeze_blocks(BODIES["eva02"][0](), 4)


def test_a_tower_inside_another_module_is_found():
    wrapped = nn.ModuleDict({"visual": clip(), "after": nn.Linear(16, 8)})
    found = scales(wrapped, 0.5)
    assert found["visual.conv1.weight"] == 0.5**4
    assert found["visual.ln_post.weight"] == found["after.weight"] == 1
