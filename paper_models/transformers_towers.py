"""Image encoders of the package `transformers`, built from their configs; nothing is downloaded here.

The package is no part of the pipeline: `pip install '.[paper-models]'` brings it. The configs are those of the
published models as far as they were known to us; a value that is wrong shows when weights are loaded, since all names
and shapes are compared. Which parts of an output are the vector follows the code of the compatibility paper
(github.com/Fizza-Rubab/face-embedding-compatibility at a828dba, cfe/embedders.py).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from unispace.errors import UserError

# `<s>Locate the objects with category name in the image.</s>`, what the processor makes of `<OD>`: as in the
# integration test of Florence-2 in transformers (tests/models/florence2), in the words of BART.
DETECTION = (0, 574, 22486, 5, 8720, 19, 4120, 766, 11, 5, 2274, 4, 2)
_OF_CODE = ".position_ids"  # counters 0, 1, 2, ... that old files hold and new code makes itself


def align(**changes: Any) -> nn.Module:
    """ALIGN (kakaobrain/align-base): its pooled EfficientNet-B7, which `get_image_features` gives as it is.

    Args:
        changes: of the config, for a small one.

    Returns:
        A module that takes images `(n, 3, 289, 289)` in [-1, 1] and gives `(n, 640)`.
    """
    library = _transformers("align")
    config = library.AlignVisionConfig(**{"image_size": 289, "hidden_dim": 640, **changes})
    return Tower(library.AlignVisionModel(config), ("vision_model.",), _pooled)


def blip2(**changes: Any) -> nn.Module:
    """The vision model of BLIP-2 (Salesforce/blip2-opt-2.7b) by its class token after the last norm.

    Args:
        changes: of the config, for a small one.

    Returns:
        A module that takes images `(n, 3, 224, 224)`, normalised as those of CLIP, and gives `(n, 1408)`.
    """
    library = _transformers("blip2")
    return Tower(
        library.Blip2VisionModel(library.Blip2VisionConfig(**changes)), ("vision_model.",), _first
    )


def llava(**changes: Any) -> nn.Module:
    """The vision tower of LLaVA-1.5 (CLIP ViT-L/14 at 336 pixels) by its class token before the last norm.

    Args:
        changes: of the config, for a small one.

    Returns:
        A module that takes images `(n, 3, 336, 336)`, normalised as those of CLIP, and gives `(n, 1024)`.
    """
    library = _transformers("llava")
    config = library.CLIPVisionConfig(**{**_large(336), **changes})
    return Tower(
        library.CLIPVisionModel(config),
        ("vision_tower.vision_model.", "model.vision_tower.vision_model.", "model.vision_tower."),
        _first,
    )


def kosmos2(**changes: Any) -> nn.Module:
    """The vision model of Kosmos-2 (CLIP ViT-L/14) by the mean of all its tokens before the last norm.

    Args:
        changes: of the config, for a small one.

    Returns:
        A module that takes images `(n, 3, 224, 224)`, normalised as those of CLIP, and gives `(n, 1024)`.
    """
    _transformers("kosmos2")
    from transformers.models.kosmos2.configuration_kosmos2 import Kosmos2VisionConfig
    from transformers.models.kosmos2.modeling_kosmos2 import Kosmos2VisionModel

    config = Kosmos2VisionConfig(**{**_large(224), **changes})
    return Tower(Kosmos2VisionModel(config), ("vision_model.",), _mean)


def florence2(
    vision: dict[str, Any] | None = None,
    text: dict[str, Any] | None = None,
    prompt: tuple[int, ...] = DETECTION,
) -> nn.Module:
    """Florence-2-base by the mean of all states of its encoder, of image and prompt.

    Args:
        vision: changes of the config of its vision tower, for a small one.
        text: the same of its language model.
        prompt: numbers of the words that follow the image.

    Returns:
        A module that takes images `(n, 3, 768, 768)`, normalised as those of ImageNet, and gives `(n, 768)`.
    """
    library = _transformers("florence2")
    of_text = {
        "model_type": "bart",
        "d_model": 768,
        "encoder_layers": 6,
        "decoder_layers": 6,
        "encoder_attention_heads": 12,
        "decoder_attention_heads": 12,
        "encoder_ffn_dim": 3072,
        "decoder_ffn_dim": 3072,
        **(text or {}),
    }
    # Its table of words is left out: of its rows only those of the prompt are ever read.
    config = library.Florence2Config(
        vision_config={
            "model_type": "florence_vision",
            "projection_dim": of_text["d_model"],
            **(vision or {}),
        },
        text_config={**of_text, "vocab_size": 8},
    )
    return Florence2(config, prompt)


class Tower(nn.Module):
    """A model of transformers, in `model`, and what of its output is the vector."""

    def __init__(
        self, model: Any, prefixes: tuple[str, ...], vector: Callable[[Any], Tensor]
    ) -> None:
        super().__init__()
        self.model = model
        self._prefixes = prefixes
        self._vector = vector

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images `(n, 3, size, size)` to vectors `(n, d)`."""
        return self._vector(self.model(pixel_values=images))

    def from_published(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of the whole published model by the names here; its other parts are left out."""
        for prefix in self._prefixes:
            if found := _below(tensors, prefix, "model."):
                return found
        return {f"model.{key}": value for key, value in tensors.items()}


class Florence2(nn.Module):
    """Vision tower, projector and encoder of Florence-2, and the words of one prompt."""

    def __init__(self, config: Any, prompt: tuple[int, ...]) -> None:
        super().__init__()
        from transformers import Florence2Model

        whole = Florence2Model(config)
        self.vision_tower = whole.vision_tower
        self.multi_modal_projector = whole.multi_modal_projector
        self.encoder = whole.language_model.encoder
        del self.encoder.embed_tokens
        self.words = prompt
        self.prompt = nn.Parameter(torch.randn(len(prompt), config.text_config.d_model) * 0.02)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images `(n, 3, size, size)` to vectors `(n, d)`."""
        seen = self.multi_modal_projector(self.vision_tower(images).last_hidden_state)
        asked = self.prompt.expand(len(images), -1, -1)
        states = self.encoder(inputs_embeds=torch.cat([seen, asked], dim=1)).last_hidden_state
        return states.mean(dim=1)

    def from_published(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of the whole published model by the names here, without decoder and words that are not asked."""
        found: dict[str, Tensor] = {}
        for part in ("vision_tower.", "multi_modal_projector."):
            found |= _below(tensors, f"model.{part}", part)
        found |= _below(tensors, "model.language_model.encoder.", "encoder.")
        found.pop("encoder.embed_tokens.weight", None)
        # One table under several names, of which a file keeps one.
        for name in ("shared", "encoder.embed_tokens", "decoder.embed_tokens"):
            table = tensors.get(
                f"model.language_model.{name}.weight", tensors.get("lm_head.weight")
            )
            if table is not None:
                found["prompt"] = table[list(self.words)]
                break
        return found


def _transformers(function: str) -> Any:
    """The package, or what to do where it is missing."""
    if find_spec("transformers") is None:
        raise UserError(
            f"paper_models.transformers_towers:{function} needs the package `transformers`, which the pipeline does "
            f"without; install it beside the pipeline with `pip install '.[paper-models]'`, or take this backbone "
            f"out of the study"
        )
    import transformers

    return transformers


def _large(size: int) -> dict[str, Any]:
    """Of CLIP ViT-L/14, which Kosmos-2 and LLaVA start from."""
    return {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "image_size": size,
        "patch_size": 14,
        "hidden_act": "quick_gelu",
    }


def _below(tensors: dict[str, Tensor], prefix: str, ours: str) -> dict[str, Tensor]:
    return {
        ours + key.removeprefix(prefix): value
        for key, value in tensors.items()
        if key.startswith(prefix) and not key.endswith(_OF_CODE)
    }


def _first(output: Any) -> Tensor:
    return output.last_hidden_state[:, 0]


def _mean(output: Any) -> Tensor:
    return output.last_hidden_state.mean(dim=1)


def _pooled(output: Any) -> Tensor:
    return output.pooler_output
