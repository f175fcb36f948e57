"""CLIPs: what open_clip says of an image and a text, said by the pipeline too; and what it would get wrong silently."""

import open_clip
import pytest
import timm
import torch
from open_clip.factory import get_model_config
from safetensors.torch import save_file

from unispace.backbones import openclip
from unispace.backbones.network import Network, card, load_weights, save_weights, to_unit
from unispace.config.backbones import Backbone
from unispace.errors import UserError

TEXT = {"context_length": 16, "width": 32, "heads": 2, "layers": 2}
VIT = {
    "embed_dim": 24,
    "vision_cfg": {
        "image_size": 32,
        "layers": 2,
        "width": 32,
        "head_width": 16,
        "patch_size": 16,
    },
    "text_cfg": TEXT,
}
TOWER = {"embed_dim": 24, "depth": 2, "num_heads": 2, "patch_size": 16}
OPEN_TOKENIZER = {"hf_tokenizer_name": None, "vocab_size": 49408}
SMALL = {
    "ViT-B-16": (VIT, "token"),
    "ViT-B-16-quickgelu": (VIT, "token"),
    "EVA02-B-16": (
        {
            "embed_dim": 40,
            "vision_cfg": {"image_size": 32, "timm_options": TOWER},
            "text_cfg": TEXT,
        },
        "token",
    ),
    "ViT-B-16-SigLIP": (
        {
            "embed_dim": 24,
            "vision_cfg": {"image_size": 32, "timm_options": TOWER},
            "text_cfg": {**TEXT, **OPEN_TOKENIZER},
        },
        "attention",
    ),
    "RN50": (
        {
            "embed_dim": 24,
            "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8},
            "text_cfg": TEXT,
        },
        "attention",
    ),
}
TEXTS = ["a photo of a cat", "An  Aeroplane, over the sea!", ""]


def clip_settings(architecture="ViT-B-16", options=None, pooling=None, **preprocessing):
    found = SMALL.get(architecture, (VIT, "token"))
    return Backbone.model_validate(
        {
            "provider": "open_clip",
            "architecture": architecture,
            "options": found[0] if options is None else options,
            "pooling": pooling or found[1],
            "preprocessing": {"size": 32, **preprocessing},
            "weights": {"kind": "random"},
        }
    )


def published(architecture, seed=0):
    """The same network put together by open_clip alone, with weights drawn from a seed."""
    options, _ = SMALL[architecture]
    config = get_model_config(architecture)
    custom = config.pop("custom_text", False)
    for part, changes in options.items():
        config[part] = {**config[part], **changes} if isinstance(changes, dict) else changes
    inner = config["vision_cfg"].pop("timm_options", None)
    torch.manual_seed(seed)
    if inner is None:
        made = (open_clip.CustomTextCLIP if custom else open_clip.CLIP)(**config)
    else:
        # A tower of the right shape takes the place of the published one.
        vision = config["vision_cfg"]
        name, pool = vision["timm_model_name"], vision["timm_pool"]
        outputs = 0 if vision["timm_proj"] == "none" else config["embed_dim"]
        trunk = timm.create_model(
            name, num_classes=outputs, global_pool=pool, img_size=vision["image_size"], **inner
        )
        config["vision_cfg"] = VIT["vision_cfg"]
        made = open_clip.CustomTextCLIP(**config)
        made.visual = torch.nn.Sequential()
        made.visual.add_module("trunk", trunk)
    for (
        parameter
    ) in made.parameters():  # what starts at zero would hide a tensor that is not loaded
        torch.nn.init.normal_(parameter, std=0.3)
    return made.eval()


@pytest.fixture(params=SMALL)
def pair(request, tmp_path):
    """An architecture, open_clip's own network, and a file of its weights in published form."""
    made = published(request.param)
    path = tmp_path / "open_clip_model.safetensors"
    save_file({k: v.clone() for k, v in made.state_dict().items()}, path)
    return request.param, made, path


def test_images_get_the_vectors_that_open_clip_gives_them(pair, images):
    architecture, made, path = pair
    settings = clip_settings(architecture)
    network = Network(settings).eval()
    load_weights(network, path, "b")
    pixels = images(5)
    with torch.inference_mode():
        expected = made.encode_image(network.normalise(to_unit(pixels)), normalize=True)
    assert network.dimension == expected.shape[1] == settings.options["embed_dim"]
    assert torch.equal(network.embed(pixels), expected)


def test_texts_get_the_vectors_that_open_clip_gives_them(pair):
    architecture, made, path = pair
    settings = clip_settings(architecture)
    clip = openclip.load_clip(settings, path, "b")
    tokens = openclip.tokenize(TEXTS, architecture, settings.options)
    clean = "canonicalize" if "SigLIP" in architecture else "lower"
    own = open_clip.SimpleTokenizer(context_length=16, clean=clean)
    assert torch.equal(tokens, own(TEXTS))
    with torch.inference_mode():
        expected = made.encode_text(own(TEXTS), normalize=True)
    found = openclip.embed_texts(clip, tokens)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def test_many_texts_are_embedded_as_few_are():
    settings = clip_settings()
    clip = openclip.create_clip(settings.architecture, settings.options).eval()
    texts = [f"a photo of number {i}" for i in range(150)]
    tokens = openclip.tokenize(texts, settings.architecture, settings.options)
    alone = torch.cat([openclip.embed_texts(clip, row[None]) for row in tokens])
    torch.testing.assert_close(openclip.embed_texts(clip, tokens), alone, atol=1e-6, rtol=0)


def test_the_tower_of_a_network_is_that_of_the_whole_clip_of_the_same_draw(pair):
    architecture, _, _ = pair
    settings = clip_settings(architecture)
    torch.manual_seed(4)
    body = Network(settings).body.state_dict()
    torch.manual_seed(4)
    clip = openclip.create_clip(architecture, settings.options)
    assert body.keys() == clip.visual.state_dict().keys()
    assert all(torch.equal(v, body[k]) for k, v in clip.visual.state_dict().items())


def test_a_network_takes_its_tower_from_a_whole_clip_and_from_a_tower(tmp_path, images):
    settings = clip_settings()
    clip = published("ViT-B-16")
    openclip.save_clip(clip, tmp_path / "whole.safetensors")
    first, second = Network(settings).eval(), Network(settings).eval()
    load_weights(first, tmp_path / "whole.safetensors", "b")
    save_weights(first, tmp_path / "tower.safetensors")
    load_weights(second, tmp_path / "tower.safetensors", "b")
    assert torch.equal(first.embed(images(3)), second.embed(images(3)))
    with pytest.raises(UserError, match=r"b: .*tower\.safetensors holds no text tower"):
        openclip.load_clip(settings, tmp_path / "tower.safetensors", "b")


def test_a_text_tower_in_the_old_layout_is_found_too(tmp_path):
    clip = published("EVA02-B-16")
    old = {k.removeprefix("text."): v.clone() for k, v in clip.state_dict().items()}
    save_file(old, tmp_path / "old.safetensors")
    settings = clip_settings("EVA02-B-16")
    loaded = openclip.load_clip(settings, tmp_path / "old.safetensors", "b")
    tokens = openclip.tokenize(TEXTS, "EVA02-B-16", settings.options)
    with torch.inference_mode():
        expected = clip.encode_text(tokens, normalize=True)
    assert torch.equal(openclip.embed_texts(loaded, tokens), expected)


def test_a_text_tower_of_another_shape_is_refused(tmp_path):
    openclip.save_clip(published("ViT-B-16"), tmp_path / "w.safetensors")
    other = clip_settings(options={**VIT, "text_cfg": {**TEXT, "layers": 3}})
    with pytest.raises(UserError, match=r"b: .*\n +missing transformer\.resblocks\.2"):
        openclip.load_clip(other, tmp_path / "w.safetensors", "b")


def test_quick_gelu_changes_the_vectors(images, tmp_path):
    openclip.save_clip(published("ViT-B-16"), tmp_path / "w.safetensors")
    plain = Network(clip_settings("ViT-B-16")).eval()
    quick = Network(clip_settings("ViT-B-16-quickgelu")).eval()
    for network in (plain, quick):
        load_weights(network, tmp_path / "w.safetensors", "b")
    assert not torch.allclose(plain.embed(images(3)), quick.embed(images(3)), atol=1e-4)


def test_the_card_names_open_clip(tmp_path):
    settings = clip_settings()
    network = Network(settings)
    save_weights(network, tmp_path / "w.safetensors")
    found = card(settings, network, tmp_path / "w.safetensors")
    assert found["provider"] == f"open_clip {open_clip.__version__}"
    assert found["dimension"] == 24


def test_nothing_is_ever_downloaded(monkeypatch):
    def refused(*args, **kwargs):
        raise AssertionError("a download")

    asked = []
    real = timm.create_model
    monkeypatch.setattr("huggingface_hub.hf_hub_download", refused)
    monkeypatch.setattr("open_clip.pretrained.hf_hub_download", refused)
    monkeypatch.setattr(timm, "create_model", lambda *a, **k: asked.append(k) or real(*a, **k))
    settings = clip_settings("EVA02-B-16")
    openclip.create_clip(settings.architecture, settings.options)
    assert [k["pretrained"] for k in asked] == [False]


# --- prompts ---


def test_prompts_are_put_together_as_open_clip_does_it():
    settings = clip_settings()
    clip = openclip.create_clip(settings.architecture, settings.options).eval()
    names, templates = (
        ["cat", "dog", "kite"],
        ["a photo of a {}.", "art of the {}.", "itap of a {}."],
    )
    expected = open_clip.build_zero_shot_classifier(
        clip, open_clip.SimpleTokenizer(context_length=16), names, templates
    ).T
    texts = [template.format(name) for name in names for template in templates]
    tokens = openclip.tokenize(texts, settings.architecture, settings.options)
    found = openclip.ensemble(openclip.embed_texts(clip, tokens), 3)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_an_ensemble_is_the_mean_direction():
    vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8], [0.6, -0.8]])
    expected = torch.tensor([[0.5**0.5, 0.5**0.5], [1.0, 0.0]])
    torch.testing.assert_close(openclip.ensemble(vectors, 2), expected)
    with pytest.raises(ValueError, match="4 vectors are not 3 for each class"):
        openclip.ensemble(vectors, 3)


def test_texts_are_cut_for_captions_and_refused_for_prompts():
    options = {**VIT, "text_cfg": {**TEXT, "context_length": 6}}
    long = "a photo of a cat"
    assert openclip.tokenize([long], "ViT-B-16", options).shape == (1, 6)
    openclip.require_short(["a photo of cats"], "ViT-B-16", options)
    with pytest.raises(UserError, match=r"'a photo of a cat' takes 5 tokens, .* ViT-B-16 reads 4"):
        openclip.require_short(["a cat", long], "ViT-B-16", options)


# --- refusals ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"embed_dimm": 8}, "unknown option `embed_dimm`, did you mean `embed_dim`"),
        (
            {"vision_cfg": {"layer": 2}},
            r"unknown option `vision_cfg\.layer`, did you mean `layers`",
        ),
        ({"text_cfg": {"hed": 2}}, r"unknown option `text_cfg\.hed`, did you mean `heads`"),
        ({"vision_cfg": {"output_tokens": True}}, r"unknown option `vision_cfg\.output_tokens`"),
        ({"vision_cfg": 3}, r"options\.vision_cfg must hold options, got 3"),
        ({"vision_cfg": {"width": 33}}, "open_clip refuses its options .*'width': 33"),
        ({"vision_cfg": {"head_width": 0}}, "open_clip refuses its options"),
        (
            {"vision_cfg": {"timm_options": {"depth": 1}}},
            r"timm_options are for image towers of timm, which it has not",
        ),
        (
            {"vision_cfg": {"timm_model_name": "eva02_tiny_patch14_clip"}},
            "timm has no `eva02_tiny_patch14_clip`; did you mean",
        ),
    ],
    ids=str,
)
def test_wrong_options_are_told(options, message):
    whole = {**VIT, **options}
    if isinstance(options.get("vision_cfg"), dict):
        whole["vision_cfg"] = {**VIT["vision_cfg"], **options["vision_cfg"]}
    with pytest.raises(UserError, match=f"ViT-B-16: .*{message}|^.*{message}"):
        openclip.create_clip("ViT-B-16", whole)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ("ViT-B16", "unknown architecture `ViT-B16` of open_clip: did you mean"),
        ("coca_ViT-B-32", "CoCa has a third tower"),
        ("xlm-roberta-base-ViT-B-32", "a model of the package `transformers`"),
    ],
)
def test_architectures_that_cannot_be_built_are_told(architecture, message):
    with pytest.raises(UserError, match=message):
        openclip.create_clip(architecture, {})


def test_a_tower_without_projection_must_be_as_wide_as_the_texts():
    options = {**SMALL["ViT-B-16-SigLIP"][0], "embed_dim": 32}
    with pytest.raises(UserError, match="images become vectors of 24 values and texts of 32"):
        openclip.create_clip("ViT-B-16-SigLIP", options)


def test_a_tokenizer_that_is_a_download_is_refused():
    with pytest.raises(UserError, match=r"tokenizer `timm/ViT-B-16-SigLIP`, which is a download"):
        openclip.tokenize(["a"], "ViT-B-16-SigLIP", {})


def test_a_vocabulary_too_small_for_the_tokenizer_is_refused():
    options = {"text_cfg": {"vocab_size": 512}}
    with pytest.raises(UserError, match="vocab_size is 512, and the tokenizer of CLIP knows 49408"):
        openclip.tokenize(["a"], "ViT-B-16", options)


def test_what_the_tokenizer_does_not_take_is_refused():
    options = {"text_cfg": {"tokenizer_kwargs": {"reduction_mask": "simple"}}}
    with pytest.raises(
        UserError, match=r"tokenizer_kwargs\.reduction_mask is not for the tokenizer"
    ):
        openclip.tokenize(["a"], "ViT-B-16", options)
