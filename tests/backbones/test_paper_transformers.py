"""Towers of paper_models that are made of the package transformers; all but one are skipped where it is missing."""

import importlib.util

import pytest
import torch
from paper_models import transformers_towers as towers
from torch import nn

from unispace.errors import UserError

SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "image_size": 28,
}
EFFICIENT = {
    "image_size": 32,
    "hidden_dim": 64,
    "width_coefficient": 0.2,
    "depth_coefficient": 0.2,
}
VISION = {
    "embed_dim": [8, 16, 32, 64],
    "num_heads": [1, 2, 4, 8],
    "num_groups": [1, 2, 4, 8],
    "window_size": 4,
}
TEXT = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 64,
    "decoder_ffn_dim": 64,
}


@pytest.fixture
def library():
    return pytest.importorskip("transformers", reason="extra `paper-models` is not installed")


def scattered(module):
    generator = torch.Generator().manual_seed(0)
    for value in module.parameters():
        nn.init.normal_(value, std=0.2, generator=generator)
    return module.eval()


def compare(mine, published, images, expected):
    found = mine.from_published(published)
    assert found.keys() == mine.state_dict().keys()
    mine.load_state_dict(found)
    with torch.no_grad():
        vectors = mine.eval()(images)
    assert expected.std() > 1e-3
    torch.testing.assert_close(vectors, expected)


@pytest.mark.skipif(
    importlib.util.find_spec("transformers") is not None, reason="transformers is installed"
)
@pytest.mark.parametrize("function", ["align", "blip2", "llava", "kosmos2", "florence2"])
def test_where_the_package_is_missing_the_remedy_is_said(function):
    with pytest.raises(
        UserError, match=rf"{function} needs the package `transformers`.*\[paper-models\]"
    ):
        getattr(towers, function)()


@torch.no_grad()
def test_align_is_its_pooled_output(library):
    theirs = scattered(library.AlignVisionModel(library.AlignVisionConfig(**EFFICIENT)))
    images = torch.randn(2, 3, 32, 32)
    published = {f"vision_model.{k}": v for k, v in theirs.state_dict().items()}
    published["text_projection.weight"] = torch.ones(2)
    expected = theirs(images).pooler_output
    compare(towers.align(**EFFICIENT), published, images, expected)


@torch.no_grad()
def test_blip2_is_the_class_token_after_the_last_norm(library):
    theirs = scattered(library.Blip2VisionModel(library.Blip2VisionConfig(**SMALL)))
    images = torch.randn(2, 3, 28, 28)
    published = {f"vision_model.{k}": v for k, v in theirs.state_dict().items()}
    tokens = theirs.encoder(inputs_embeds=theirs.embeddings(images)).last_hidden_state
    compare(towers.blip2(**SMALL), published, images, theirs.post_layernorm(tokens)[:, 0])


@torch.no_grad()
@pytest.mark.parametrize("prefix", ["vision_tower.vision_model.", "model.vision_tower."])
def test_llava_is_the_class_token_before_the_last_norm(library, prefix):
    config = library.CLIPVisionConfig(patch_size=14, hidden_act="quick_gelu", **SMALL)
    theirs = scattered(library.CLIPVisionModel(config))
    images = torch.randn(2, 3, 28, 28)
    published = {prefix + k: v for k, v in theirs.state_dict().items()}
    published[f"{prefix}embeddings.position_ids"] = torch.arange(5)
    published["language_model.model.norm.weight"] = torch.ones(2)
    begun = theirs.pre_layrnorm(theirs.embeddings(images))
    tokens = theirs.encoder(inputs_embeds=begun).last_hidden_state
    compare(towers.llava(**SMALL), published, images, tokens[:, 0])


@torch.no_grad()
def test_kosmos2_is_the_mean_of_all_tokens(library):
    from transformers.models.kosmos2.configuration_kosmos2 import Kosmos2VisionConfig
    from transformers.models.kosmos2.modeling_kosmos2 import Kosmos2VisionModel

    config = Kosmos2VisionConfig(patch_size=14, hidden_act="quick_gelu", **SMALL)
    theirs = scattered(Kosmos2VisionModel(config))
    images = torch.randn(2, 3, 28, 28)
    published = {f"vision_model.{k}": v for k, v in theirs.state_dict().items()}
    assert "vision_model.model.embeddings.class_embedding" in published  # as its converter names it
    tokens = theirs(images).last_hidden_state
    assert tokens.shape[1] == 1 + 4
    compare(towers.kosmos2(**SMALL), published, images, tokens.mean(dim=1))


@torch.no_grad()
def test_florence2_is_the_mean_of_the_encoder_states_of_image_and_prompt(library):
    image = 51289
    config = library.Florence2Config(
        vision_config={"model_type": "florence_vision", "projection_dim": 32, **VISION},
        text_config={"model_type": "bart", "vocab_size": image + 1, **TEXT},
        image_token_id=image,
    )
    whole = scattered(library.Florence2ForConditionalGeneration(config))
    images = torch.randn(2, 3, 64, 64)
    tokens = whole.model.get_image_features(images).pooler_output.shape[1]
    words = torch.tensor([[image] * tokens + list(towers.DETECTION)] * 2)
    output = whole(input_ids=words, pixel_values=images, attention_mask=torch.ones_like(words))
    expected = output.encoder_last_hidden_state.mean(dim=1)
    published = whole.state_dict()
    compare(towers.florence2(VISION, TEXT), published, images, expected)
    # Of the names of one table a file keeps one.
    for name in ("lm_head.weight", "model.language_model.shared.weight"):
        tables = [
            k
            for k in published
            if k.endswith(("embed_tokens.weight", "shared.weight", "lm_head.weight"))
        ]
        kept = {k: v for k, v in published.items() if k == name or k not in tables}
        compare(towers.florence2(VISION, TEXT), kept, images, expected)


@torch.no_grad()
@pytest.mark.parametrize(
    ("function", "size", "dimension"),
    [
        ("align", 289, 640),
        ("blip2", 224, 1408),
        ("llava", 336, 1024),
        ("kosmos2", 224, 1024),
        ("florence2", 768, 768),
    ],
)
def test_at_full_size_the_dimension_is_that_of_the_paper(library, function, size, dimension):
    with torch.device("meta"):
        model = getattr(towers, function)().eval()
        assert model(torch.zeros(1, 3, size, size)).shape == (1, dimension)
