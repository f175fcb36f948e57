"""Attention that turns queries and keys at once, beside timm's own."""

import copy

import pytest
import timm
import torch

from unispace.backbones.rotary import turn_together

OPTIONS = {"img_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 3}
# Neighbours are turned in EVA-02, halves in DINOv3, which has registers and takes images of any size.
NAMES = ["eva02_tiny_patch14_224", "vit_small_patch16_dinov3"]


def pair_of(name):
    torch.manual_seed(0)
    body = timm.create_model(name, pretrained=False, num_classes=0, **OPTIONS)
    for parameter in body.parameters():
        # Biases and scales that are zero or one would hide what they do.
        torch.nn.init.normal_(parameter, std=0.2)
    ours = copy.deepcopy(body)
    turn_together(ours)
    return ours, body


def images(n=5, side=32, seed=1):
    return torch.rand(n, 3, side, side, generator=torch.Generator().manual_seed(seed))


def gradients(body, seen):
    body.zero_grad()
    out = body(seen)
    out.pow(2).sum().backward()
    return {"out": out.detach(), **{n: p.grad.clone() for n, p in body.named_parameters()}}


@pytest.mark.parametrize("name", NAMES)
def test_outputs_and_gradients_are_timms(name):
    ours, timms = pair_of(name)
    assert any("forward" in vars(module) for module in ours.modules())
    for seed in (1, 2):
        found, expected = gradients(ours, images(seed=seed)), gradients(timms, images(seed=seed))
        assert expected["blocks.0.attn.qkv.weight"].abs().max() > 0
        for key, value in expected.items():
            torch.testing.assert_close(found[key], value, rtol=1e-5, atol=1e-6, msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_table_of_a_validation_serves_the_training(name):
    ours, timms = pair_of(name)
    with torch.inference_mode():
        ours(images())
    found, expected = gradients(ours, images()), gradients(timms, images())
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_another_grid_is_another_table():
    ours, timms = pair_of("vit_small_patch16_dinov3")
    for side in (32, 48, 32):
        seen = images(side=side)
        torch.testing.assert_close(ours(seen), timms(seen), rtol=1e-5, atol=1e-6)


def test_a_copy_computes_by_its_own_weights():
    ours, timms = pair_of(NAMES[0])
    teacher = copy.deepcopy(ours)
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.zero_()
    torch.testing.assert_close(teacher(images()), timms(images()), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_left_to_timm(name):
    ours, timms = pair_of(name)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ours(images()), timms(images()))


def test_masks_are_left_to_timm():
    ours, timms = pair_of(NAMES[0])
    mask = torch.rand(17, 17, generator=torch.Generator().manual_seed(3)) > 0.3
    mask.fill_diagonal_(True)
    found, expected = (
        body.forward_features(images(), attn_mask=mask[None, None]) for body in (ours, timms)
    )
    assert torch.equal(found, expected)
    assert not torch.allclose(found, ours.forward_features(images()))
