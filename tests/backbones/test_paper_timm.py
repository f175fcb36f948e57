"""What timm builds for the paper's study gives the vectors that transformers gives with the same weights.

Skipped where the package transformers is missing. The names of transformers 5 are given those of timm here.
"""

import pytest
import timm
import torch
from paper_models import vision_towers
from torch import nn

library = pytest.importorskip("transformers", reason="extra `paper-models` is not installed")

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
OURS = {"embed_dim": 32, "depth": 2, "num_heads": 2}


def scattered(module):
    generator = torch.Generator().manual_seed(0)
    for value in module.parameters():
        nn.init.normal_(value, std=0.3, generator=generator)
    return module.eval()


def renamed(module, *pairs):
    """Its tensors with other names, and queries, keys and values in one."""
    found = {}
    for key, value in module.state_dict().items():
        for theirs, ours in pairs:
            key = key.replace(theirs, ours)
        found[key] = value
    for key in [k for k in found if ".q_proj." in k]:
        parts = [found.pop(key.replace(".q_proj.", f".{letter}_proj.")) for letter in "qkv"]
        found[key.replace(".attention.q_proj.", ".attn.qkv.")] = torch.cat(parts)
    return found


TABLES = (
    ("embeddings.cls_token", "cls_token"),
    ("embeddings.position_embeddings", "pos_embed"),
    ("embeddings.patch_embeddings.projection", "patch_embed.proj"),
    ("attention.o_proj", "attn.proj"),
)


def same(mine, images, expected, tolerance=1e-5):
    with torch.no_grad():
        found = mine.eval()(images)
    assert expected.std() > 1e-2
    torch.testing.assert_close(found, expected, atol=tolerance, rtol=tolerance)


@torch.no_grad()
def test_dinov2_is_the_pooled_output_at_another_size_than_it_was_trained_with():
    config = library.Dinov2Config(**SMALL, image_size=70, patch_size=14)
    theirs = scattered(library.Dinov2Model(config))
    tensors = renamed(
        theirs,
        *TABLES,
        ("encoder.layer.", "blocks."),
        ("layer_scale1.lambda1", "ls1.gamma"),
        ("layer_scale2.lambda1", "ls2.gamma"),
        ("layernorm.", "norm."),
    )
    del tensors["embeddings.mask_token"]
    images = torch.randn(2, 3, 42, 42)
    mine = vision_towers.dinov2(size=42, **OURS)
    mine.load_state_dict(mine.from_published(tensors))
    same(mine, images, theirs(images).pooler_output)


@torch.no_grad()
def test_internvl_is_the_first_of_the_last_states():
    config = library.InternVLVisionConfig(
        **SMALL, intermediate_size=128, image_size=[28, 28], attention_bias=True
    )
    theirs = scattered(library.InternVLVisionModel(config))
    tensors = renamed(
        theirs,
        ("embeddings.cls_token", "embeddings.class_embedding"),
        ("embeddings.position_embeddings", "embeddings.position_embedding"),
        ("embeddings.patch_embeddings.projection", "embeddings.patch_embedding"),
        ("encoder.layer.", "encoder.layers."),
        ("lambda_1", "ls1"),
        ("lambda_2", "ls2"),
        ("layernorm_before", "norm1"),
        ("layernorm_after", "norm2"),
        ("attention.projection_layer", "attn.proj"),
    )
    images = torch.randn(2, 3, 28, 28)
    mine = vision_towers.internvl3(size=28, **OURS)
    published = {f"vision_model.{k}": v for k, v in tensors.items()}
    mine.load_state_dict(mine.from_published(published))
    same(mine, images, theirs(images).last_hidden_state[:, 0])


@torch.no_grad()
def test_sam_is_the_mean_of_the_image_embedding():
    config = library.SamVisionConfig(
        **SMALL,
        mlp_dim=128,
        image_size=64,
        patch_size=16,
        output_channels=8,
        window_size=2,
        global_attn_indexes=[1],
    )
    theirs = scattered(library.SamVisionModel(config))
    tensors = renamed(
        theirs,
        ("vision_encoder.", ""),
        ("patch_embed.projection", "patch_embed.proj"),
        ("layers.", "blocks."),
        ("neck.conv1", "neck.0"),
        ("neck.layer_norm1", "neck.1"),
        ("neck.conv2", "neck.2"),
        ("neck.layer_norm2", "neck.3"),
        ("layer_norm", "norm"),
        ("mlp.lin", "mlp.fc"),
    )
    mine = timm.create_model(
        "samvit_base_patch16",
        num_classes=0,
        global_pool="avg",
        img_size=64,
        neck_chans=8,
        window_size=2,
        global_attn_indexes=(1,),
        **OURS,
    )
    mine.load_state_dict({k.replace("neck.norm", "neck."): v for k, v in tensors.items()})
    images = torch.randn(2, 3, 64, 64)
    same(mine, images, theirs(images).last_hidden_state.mean((2, 3)))


@torch.no_grad()
def test_vit_is_the_first_of_the_last_states():
    config = library.ViTConfig(**SMALL, intermediate_size=128, image_size=32)
    theirs = scattered(library.ViTModel(config, add_pooling_layer=False))
    tensors = renamed(
        theirs,
        *TABLES,
        ("layers.", "blocks."),
        ("layernorm_before", "norm1"),
        ("layernorm_after", "norm2"),
        ("layernorm.", "norm."),
    )
    mine = timm.create_model(
        "vit_base_patch16_224", num_classes=0, global_pool="token", img_size=32, **OURS
    )
    mine.load_state_dict(tensors)
    images = torch.randn(2, 3, 32, 32)
    # The norms of the two add constants that differ by 1e-6.
    same(mine, images, theirs(images).last_hidden_state[:, 0], tolerance=1e-4)


@torch.no_grad()
def test_clip_is_the_projected_image_feature_with_quick_gelu():
    import open_clip

    config = library.CLIPVisionConfig(
        **SMALL,
        intermediate_size=128,
        image_size=64,
        patch_size=32,
        projection_dim=16,
        hidden_act="quick_gelu",
    )
    theirs = scattered(library.CLIPVisionModelWithProjection(config))
    state = theirs.state_dict()
    own = {
        "class_embedding": "vision_model.embeddings.class_embedding",
        "positional_embedding": "vision_model.embeddings.position_embedding.weight",
        "conv1.weight": "vision_model.embeddings.patch_embedding.weight",
    }
    found = {ours: state[name] for ours, name in own.items()}
    found["proj"] = state["visual_projection.weight"].T
    for side in ("weight", "bias"):
        found[f"ln_pre.{side}"] = state[f"vision_model.pre_layrnorm.{side}"]
        found[f"ln_post.{side}"] = state[f"vision_model.post_layernorm.{side}"]
        for layer in range(2):
            there = f"vision_model.encoder.layers.{layer}"
            here = f"transformer.resblocks.{layer}"
            found[f"{here}.attn.in_proj_{side}"] = torch.cat(
                [state[f"{there}.self_attn.{letter}_proj.{side}"] for letter in "qkv"]
            )
            found[f"{here}.attn.out_proj.{side}"] = state[f"{there}.self_attn.out_proj.{side}"]
            found[f"{here}.ln_1.{side}"] = state[f"{there}.layer_norm1.{side}"]
            found[f"{here}.ln_2.{side}"] = state[f"{there}.layer_norm2.{side}"]
            found[f"{here}.mlp.c_fc.{side}"] = state[f"{there}.mlp.fc1.{side}"]
            found[f"{here}.mlp.c_proj.{side}"] = state[f"{there}.mlp.fc2.{side}"]
    vision = {"layers": 2, "width": 32, "head_width": 16, "patch_size": 32, "image_size": 64}
    text = {"layers": 1, "width": 32, "heads": 2}

    def tower(quick):
        built = open_clip.CLIP(16, vision, text, quick_gelu=quick).visual
        built.load_state_dict(found)
        return built.eval()

    images = torch.randn(2, 3, 64, 64)
    expected = theirs(images).image_embeds
    same(tower(True), images, expected)
    assert not torch.allclose(tower(False)(images), expected, atol=1e-3)  # the trap
