"""Backbones of open_clip and prompts in a study: what does not fit together is told before the first job."""

import subprocess
import sys
from copy import deepcopy

import open_clip
import pytest
from pydantic import ValidationError

from unispace.config.backbones import Backbone
from unispace.config.clips import clip_config, clip_pooling, known_clips
from unispace.config.study import Study

OPTIONS = {"embed_dim": 32, "vision_cfg": {"image_size": 64, "layers": 2, "width": 32}}
CLIP = {
    "provider": "open_clip",
    "architecture": "ViT-B-16",
    "options": OPTIONS,
    "pooling": "token",
    "weights": {"kind": "random"},
}
OPENAI = {
    "kind": "hub",
    "repo": "timm/vit_base_patch16_clip_224.openai",
    "revision": "main",
    "filename": "open_clip_model.safetensors",
}


def backbone(**changes):
    return Backbone.model_validate({**deepcopy(CLIP), **changes})


def study(prompts, **changes):
    return Study.model_validate(
        {
            "study": "s",
            "datasets": {
                name: {
                    "domain": domain,
                    "source": {"kind": "studio", "labels": 4, "images_per_label": 4},
                }
                for name, domain in (("objects", "object"), ("faces", "face_hq"))
            },
            "backbones": {
                "clip": CLIP,
                "eva": {"architecture": "eva02_tiny_patch14_224", "weights": {"kind": "random"}},
            },
            "curricula": {"base": {}},
            "evaluation": {"datasets": ["objects", "faces"]},
            "prompts": prompts,
            **changes,
        }
    )


def test_the_known_architectures_are_those_of_the_open_clip_in_use():
    assert known_clips() == set(open_clip.list_models())
    for name in known_clips():
        assert clip_config(name, {}) == open_clip.get_model_config(name)


def test_configs_are_read_without_torch():
    code = (
        "import sys; from unispace.config.clips import known_clips; assert known_clips();"
        "sys.exit(bool({'torch', 'open_clip'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_options_are_merged_level_by_level_and_the_published_config_stays():
    found = clip_config("ViT-B-16", {"vision_cfg": {"width": 32}, "text_cfg": {"heads": 1}})
    assert found["vision_cfg"] == {"image_size": 224, "layers": 12, "width": 32, "patch_size": 16}
    assert found["text_cfg"]["layers"] == 12
    assert found["text_cfg"]["heads"] == 1
    assert clip_config("ViT-B-16", {}) == open_clip.get_model_config("ViT-B-16")


@pytest.mark.parametrize(
    ("architecture", "pooling"),
    [
        ("ViT-B-16", "token"),
        ("EVA02-B-16", "token"),
        ("ViT-B-16-SigLIP", "attention"),
        ("RN50", "attention"),
        ("coca_ViT-B-32", "attention"),
        ("MobileCLIP-S1", "avg"),
        ("convnext_base", None),  # its network decides
    ],
)
def test_the_pooling_of_published_towers(architecture, pooling):
    assert clip_pooling(clip_config(architecture, {})) == pooling


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "ViT-B16"}, "unknown backbone `ViT-B16`: did you mean"),
        ({"architecture": "eva02_tiny_patch14_224"}, "unknown backbone `eva02_tiny_patch14_224`"),
        ({"pooling": "avg"}, "ViT-B-16 pools by `token`, not by `avg`; write `pooling: token`"),
        ({"options": {}}, "image_size is 224, but preprocessing.size is 64; give both the same"),
        ({"options": {"vision_cfg": 3}}, "options.vision_cfg must hold options, got 3"),
        (
            {"options": {**OPTIONS, "vision_cfg": {"image_size": 64, "pool_type": "avg"}}},
            "ViT-B-16 pools by `avg`, not by `token`",
        ),
        (
            {"weights": OPENAI},
            "timm/vit_base_patch16_clip_224.openai/open_clip_model.safetensors was trained by OpenAI with the "
            "activation QuickGELU, which ViT-B-16 does not have; its embeddings would be wrong without an error. "
            "Write `architecture: ViT-B-16-quickgelu`",
        ),
        (
            {"weights": {"kind": "file", "path": "OpenAI/b16.safetensors", "sha256": "0" * 64}},
            "OpenAI/b16.safetensors was trained by OpenAI",
        ),
        (
            {
                "architecture": "ViT-B-16-SigLIP",
                "pooling": "attention",
                "weights": {**OPENAI, "repo": "timm/ViT-B-16-SigLIP"},
            },
            "SigLIP was trained on images with mean and deviation 0.5; write `normalisation: half`",
        ),
    ],
    ids=str,
)
def test_what_does_not_fit_a_clip_is_told(changes, message):
    with pytest.raises(ValidationError) as caught:
        backbone(**changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": "ViT-B-16-quickgelu", "weights": OPENAI},
        {"options": {**OPTIONS, "quick_gelu": True}, "weights": OPENAI},
        {
            "architecture": "ViT-B-16-SigLIP",
            "pooling": "attention",
            "preprocessing": {"normalisation": "half"},
            "weights": {**OPENAI, "repo": "timm/ViT-B-16-SigLIP"},
        },
        {"options": {"vision_cfg": {"image_size": [64, 64], "pool_type": "avg"}}, "pooling": "avg"},
    ],
    ids=str,
)
def test_what_fits_is_taken(changes):
    assert backbone(**changes).provider == "open_clip"


def test_attention_pooling_is_that_of_open_clip_only():
    with pytest.raises(ValidationError, match="pooling `attention` is that of towers of open_clip"):
        backbone(provider="timm", architecture="resnet18", options={}, pooling="attention")


def test_every_clip_names_images_unless_some_are_chosen():
    assert study({}).prompted_models() == ()
    found = study({"datasets": ["objects"]})
    assert found.prompted_models() == ("clip/base/seed0",)
    two = {"clip": CLIP, "other": CLIP}
    assert study({"datasets": ["objects"]}, backbones=two).prompted_backbones() == ("clip", "other")
    chosen = study({"datasets": ["objects"], "backbones": ["other"]}, backbones=two)
    assert chosen.prompted_backbones() == ("other",)


SIGLIP = {**CLIP, "architecture": "ViT-B-16-SigLIP", "pooling": "attention"}


@pytest.mark.parametrize(
    ("prompts", "changes", "message"),
    [
        ({"datasets": ["object"]}, {}, "prompts.datasets: `object` is not defined; did you mean"),
        ({"datasets": ["faces"]}, {}, "the labels of `faces` are no classes of objects"),
        (
            {"datasets": ["objects"]},
            {"evaluation": {"datasets": ["faces"]}},
            "prompts.datasets: `objects` is not in evaluation.datasets; add it there too",
        ),
        (
            {"datasets": ["objects"], "backbones": ["clp"]},
            {},
            "prompts.backbones: `clp` is not defined; did you mean `clip`",
        ),
        (
            {"datasets": ["objects"], "backbones": ["eva"]},
            {},
            "prompts.backbones: `eva` has no text tower",
        ),
        (
            {"datasets": ["objects"]},
            {"backbones": {"p": {"architecture": "resnet18", "weights": {"kind": "random"}}}},
            "prompts.datasets: texts take a backbone of provider `open_clip`, and none is one",
        ),
        (
            {"datasets": ["objects"]},
            {"backbones": {"clip": CLIP, "siglip": SIGLIP}},
            "backbones.siglip: ViT-B-16-SigLIP reads texts by the tokenizer `timm/ViT-B-16-SigLIP`",
        ),
        ({"datasets": ["objects"], "templates": ["studios"]}, {}, "prompts.templates"),
        ({"datasets": ["objects"], "names": {"car": " "}}, {}, "prompts.names.car"),
    ],
    ids=str,
)
def test_prompts_that_cannot_be_are_told(prompts, changes, message):
    with pytest.raises(ValidationError) as caught:
        study(prompts, **changes)
    assert message in str(caught.value)


def test_a_clip_with_a_foreign_tokenizer_may_stand_beside_one_that_names_images():
    backbones = {"clip": CLIP, "siglip": SIGLIP}
    found = study({"datasets": ["objects"], "backbones": ["clip"]}, backbones=backbones)
    assert found.prompted_backbones() == ("clip",)
