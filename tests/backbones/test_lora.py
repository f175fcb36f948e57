"""Low-rank updates: nothing at the start, their formula, and exact merging."""

import math

import pytest
import timm
import torch
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from torch import nn

from unispace.backbones.lora import add_lora, merge_lora, unmerge_lora
from unispace.errors import UserError

SMALL = {"img_size": 32, "patch_size": 16, "depth": 2, "num_classes": 0}


def timm_body(name, **options):
    return timm.create_model(name, **{**SMALL, **options})


def open_clip_tower():
    vision = CLIPVisionCfg(layers=2, width=32, head_width=16, patch_size=16, image_size=32)
    return CLIP(16, vision, CLIPTextCfg(layers=1, width=16, heads=1, vocab_size=64)).visual


# One fused matrix with a bias of its own, without key bias, separate ones, and torch's own attention.
BODIES = {
    "vit": lambda: timm_body("vit_tiny_patch16_224", embed_dim=32, num_heads=2),
    "eva02": lambda: timm_body("eva02_tiny_patch14_224", embed_dim=32, num_heads=2),
    "eva02-separate": lambda: timm_body("eva02_base_patch14_448", embed_dim=32, num_heads=2),
    "dinov3": lambda: timm_body("vit_small_patch16_dinov3", embed_dim=32, num_heads=2),
    "clip": open_clip_tower,
}
# Names of the adapted weights of the first block.
ADAPTED = {
    "vit": ["blocks.0.attn.qkv.weight"],
    "eva02": ["blocks.0.attn.qkv.weight"],
    "eva02-separate": ["blocks.0.attn.q_proj.weight", "blocks.0.attn.v_proj.weight"],
    "dinov3": ["blocks.0.attn.qkv.weight"],
    "clip": ["transformer.resblocks.0.attn.in_proj_weight"],
}


@pytest.fixture(params=BODIES)
def kind(request):
    return request.param


@pytest.fixture
def body(kind):
    torch.manual_seed(0)
    return BODIES[kind]().eval()


def add(body, rank=3, alpha=5.0, seed=1):
    return add_lora(body, rank, alpha, torch.Generator().manual_seed(seed))


def train_a_little(parameters):
    draw = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in parameters:
            parameter += torch.randn(parameter.shape, generator=draw) * 0.3


@torch.inference_mode()
def outputs(body):
    images = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(3))
    return body(images)


def test_nothing_changes_at_the_start_and_only_the_updates_are_trainable(body):
    before = outputs(body)
    adapted = add(body)
    assert torch.equal(outputs(body), before)
    trainable = [p for p in body.parameters() if p.requires_grad]
    assert {id(p) for p in trainable} == {id(p) for p in adapted}
    assert len(adapted) == len(trainable)


def test_rows_of_queries_and_values_follow_the_formula_and_those_of_keys_stay(kind, body):
    before = {name: p.detach().clone() for name, p in body.named_parameters()}
    adapted = add(body, rank=3, alpha=5.0)
    train_a_little(adapted)
    pairs = [p.detach().double() for p in adapted]
    merge_lora(body)
    names = ADAPTED[kind]
    for number, name in enumerate(names):
        change = (body.get_parameter(name) - before[name]).detach().double()
        down, up = pairs[2 * number], pairs[2 * number + 1]
        products = [5.0 / math.sqrt(3) * u @ d for u, d in zip(up, down, strict=True)]
        if len(names) == 1:
            side = len(change) // 3
            assert torch.equal(change[side : 2 * side], torch.zeros_like(change[:side]))
            found = [change[:side], change[2 * side :]]
        else:
            found = [change]
        for part, product in zip(found, products, strict=True):
            assert torch.linalg.matrix_rank(product) == 3
            torch.testing.assert_close(part, product, atol=1e-5, rtol=1e-4)
    elsewhere = {n for n, p in body.named_parameters() if not torch.equal(p, before[n])}
    second = {n.replace(".0.attn", ".1.attn") for n in names}
    assert elsewhere == {*names, *second}


def test_merging_keeps_every_bit_of_the_outputs_and_unmerging_gives_the_weights_back(body):
    names = set(body.state_dict())
    before = {name: tensor.clone() for name, tensor in body.state_dict().items()}
    first = outputs(body)
    train_a_little(add(body))
    adapted = outputs(body)
    assert not torch.allclose(adapted, first)
    kept = merge_lora(body)
    assert set(body.state_dict()) == names
    assert torch.equal(outputs(body), adapted)
    assert all(p.requires_grad for p in body.parameters())
    unmerge_lora(body, kept)
    for name, tensor in body.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert torch.equal(outputs(body), first)


def test_a_merged_state_loads_into_a_fresh_network(kind, body):
    train_a_little(add(body))
    merge_lora(body)
    torch.manual_seed(9)
    other = BODIES[kind]().eval()
    other.load_state_dict(body.state_dict())
    assert torch.equal(outputs(other), outputs(body))


def test_gradients_reach_the_updates(body):
    adapted = add(body)
    body.train()
    body(torch.randn(2, 3, 32, 32)).square().sum().backward()
    # The upper matrices are zero, so the lower ones have no slope yet.
    assert all(p.grad is not None for p in adapted)
    assert all(p.grad.abs().sum() > 0 for p in adapted[1::2])


def test_the_generator_alone_decides_the_first_weights(kind):
    drawn = []
    for global_seed in (0, 1):
        torch.manual_seed(global_seed)
        drawn.append([p.detach().clone() for p in add(BODIES[kind]())])
    assert all(torch.equal(a, b) for a, b in zip(*drawn, strict=True))


def test_a_network_without_attention_is_an_error_that_says_what_was_looked_for():
    body = timm.create_model("resnet10t", num_classes=0)
    with pytest.raises(UserError, match=r"lora: ResNet has no query .*`qkv` or `q_proj` and `v_pr"):
        add(body)
    assert all(p.requires_grad for p in body.parameters())


def test_a_rank_above_the_dimensions_is_an_error():
    with pytest.raises(UserError, match=r"lora\.rank 33 exceeds the 32 dimensions"):
        add(BODIES["vit"](), rank=33)


def test_rows_that_take_turns_by_head_are_not_taken_for_queries():
    class HeadFirst(nn.Module):
        head_first = True

        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(6, 18)

    with pytest.raises(UserError, match="HeadFirst has no query and value projection"):
        add(HeadFirst(), rank=2)
