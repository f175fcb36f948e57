"""CLIP and its kin by open_clip: image towers as backbones, text towers for prompts and captions."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import open_clip
import timm
import torch
from open_clip.model import CLIPTextCfg, CLIPVisionCfg, convert_to_custom_text_state_dict
from open_clip.tokenizer import SimpleTokenizer
from torch import Tensor, nn

from unispace.backbones.refusals import REFUSALS
from unispace.backbones.tensors import read_tensors, require_fitting, write_tensors
from unispace.config.architectures import known_architectures
from unispace.config.backbones import Backbone
from unispace.config.clips import clip_config, foreign_tokenizer, known_clips
from unispace.errors import UserError, did_you_mean

Clip = open_clip.CLIP | open_clip.CustomTextCLIP

TIMM_OPTIONS = "timm_options"
"""Option of `vision_cfg` that is ours: arguments of the timm model inside, which open_clip only takes as published."""

IMAGE_TOWER = "visual."
"""What the names of an image tower's tensors begin with in the weights of a whole CLIP."""

_BATCH = 64
_TOP = {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "custom_text"} | {
    "init_logit_scale",
    "init_logit_bias",
    "nonscalar_logit_scale",
}
# Downloads, and outputs that are no vector.
_BARRED = {"timm_model_pretrained", "hf_model_pretrained", "output_tokens"}
_ALLOWED = {
    "vision_cfg": {f.name for f in fields(CLIPVisionCfg)} - _BARRED | {TIMM_OPTIONS},
    "text_cfg": {f.name for f in fields(CLIPTextCfg)} - _BARRED,
}


def create_clip(architecture: str, options: dict[str, Any]) -> Clip:
    """Build both towers with fresh weights from the global random state; nothing is downloaded.

    Args:
        architecture: an open_clip model name, such as `ViT-B-16`.
        options: changes of its config, merged level by level; `vision_cfg.timm_options` are arguments of the
            timm model inside, where there is one.

    Raises:
        UserError: where the architecture or an option is unknown, open_clip refuses them, or the text tower is
            one that this project cannot build.
    """
    config = _checked_config(architecture, options)
    if "multimodal_cfg" in config:
        raise UserError(
            f"{architecture}: CoCa has a third tower, which nothing here uses; take a CLIP"
        )
    if config["text_cfg"].get("hf_model_name"):
        raise UserError(
            f"{architecture}: its text tower is a model of the package `transformers`, which this project "
            f"does without; take an architecture with a text tower of open_clip, such as `ViT-B-16`"
        )
    custom = config.pop("custom_text", False)
    build = open_clip.CustomTextCLIP if custom else open_clip.CLIP
    inner = config["vision_cfg"].pop(TIMM_OPTIONS, None) or {}
    name = config["vision_cfg"].get("timm_model_name")
    if inner and not name:
        raise UserError(
            f"{architecture}: options.vision_cfg.{TIMM_OPTIONS} are for image towers of timm, which it has not"
        )
    try:
        if not name:
            return build(**config)
        config["vision_cfg"]["timm_model_pretrained"] = False
        with tempfile.TemporaryDirectory() as folder:
            config["vision_cfg"]["timm_model_name"] = _timm_name(
                name, inner, config["vision_cfg"].get("image_size", 224), Path(folder)
            )
            clip = build(**config)
    except REFUSALS as error:
        raise UserError(
            f"{architecture}: open_clip refuses its options {options}: {error}"
        ) from error
    trunk: Any = clip.visual.trunk
    width: int = trunk.num_features
    if config["vision_cfg"].get("timm_proj", "linear") == "none" and width != config["embed_dim"]:
        # Without a projection nothing in open_clip compares the two.
        raise UserError(
            f"{architecture}: images become vectors of {width} values and texts of {config['embed_dim']}; "
            f"give options.embed_dim the width of the image tower"
        )
    return clip


def create_tower(settings: Backbone) -> nn.Module:
    """Build the image tower with fresh weights: normalised images `(n, 3, s, s)` to vectors `(n, embed_dim)`.

    Raises:
        UserError: as `create_clip`.
    """
    return create_clip(settings.architecture, settings.options).visual


def tower_weights(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """The image tower's tensors, out of those of a whole CLIP or as they are."""
    found = {
        key.removeprefix(IMAGE_TOWER): v for key, v in state.items() if key.startswith(IMAGE_TOWER)
    }
    return found or state


def save_clip(clip: Clip, path: Path) -> None:
    """Write both towers as safetensors, named as published files name them.

    Raises:
        UserError: where the disk is full.
    """
    write_tensors(clip.state_dict(), path)


def load_clip(settings: Backbone, path: Path, name: str) -> Clip:
    """Build both towers with the weights of a file, in evaluation mode.

    Args:
        settings: the backbone.
        path: weights of the whole CLIP.
        name: what messages call it.

    Raises:
        UserError: as `create_clip`; where the file is no safetensors file, holds an image tower alone, or does
            not fit the architecture.
    """
    return clip_of(settings, read_tensors(path, name), f"{name}: {path}")


def clip_of(settings: Backbone, found: dict[str, Tensor], name: str) -> Clip:
    """Build both towers with weights, in evaluation mode.

    Args:
        settings: the backbone.
        found: weights of the whole CLIP by name.
        name: what messages call them.

    Raises:
        UserError: as `create_clip`; where there is an image tower alone, or the weights do not fit the
            architecture.
    """
    clip = create_clip(settings.architecture, settings.options)
    if not any(key.startswith(IMAGE_TOWER) for key in found):
        raise UserError(f"{name} holds no text tower; give the weights of the whole CLIP")
    if isinstance(clip, open_clip.CustomTextCLIP):
        found = convert_to_custom_text_state_dict(found)
    require_fitting(found, clip.state_dict(), name)
    clip.load_state_dict(found)
    return clip.eval()


def tokenize(texts: Sequence[str], architecture: str, options: dict[str, Any]) -> Tensor:
    """Words to numbers `(n, context_length)`, int64, by the tokenizer of CLIP; what is too long is cut off.

    Raises:
        UserError: where the architecture has a tokenizer of its own, or a vocabulary that is too small.
    """
    return _tokenizer_of(architecture, options)(list(texts))


def require_short(texts: Sequence[str], architecture: str, options: dict[str, Any]) -> None:
    """Refuse texts of which `tokenize` would cut something off.

    Raises:
        UserError: naming the first; and as `tokenize`.
    """
    tokenizer = _tokenizer_of(architecture, options)
    places = int(tokenizer.context_length or 0) - 2  # a text stands between two marks
    for text in texts:
        if (tokens := len(tokenizer.encode(text))) > places:
            raise UserError(
                f"{text!r} takes {tokens} tokens, and the text tower of {architecture} reads {places}; shorten it, "
                f"or give options.text_cfg.context_length"
            )


@torch.inference_mode()
def embed_texts(clip: Clip, tokens: Tensor) -> Tensor:
    """Embeddings `(n, d)`, float32, of unit length, for tokens `(n, context_length)`."""
    parts = [clip.encode_text(part, normalize=True) for part in tokens.split(_BATCH)]
    return torch.cat(parts).float()


def ensemble(vectors: Tensor, sentences: int) -> Tensor:
    """One vector for each class: the mean direction of its sentences, as CLIP does it (Radford et al. 2021, 3.1.4).

    Args:
        vectors: `(classes * sentences, d)` of unit length, class by class.
        sentences: sentences of each class.

    Returns:
        `(classes, d)`, of unit length.

    Raises:
        ValueError: where the vectors are not so many for each class.
    """
    if len(vectors) % sentences:
        raise ValueError(f"{len(vectors)} vectors are not {sentences} for each class")
    mean = vectors.unflatten(0, (-1, sentences)).mean(dim=1)
    return nn.functional.normalize(mean, dim=1)


def _checked_config(architecture: str, options: dict[str, Any]) -> dict[str, Any]:
    if architecture not in known_clips():
        raise UserError(
            f"unknown architecture `{architecture}` of open_clip: {did_you_mean(architecture, known_clips())}"
        )
    for key in options:
        if key not in _TOP:
            raise UserError(f"{architecture}: unknown option `{key}`, {did_you_mean(key, _TOP)}")
    for part, allowed in _ALLOWED.items():
        given = options.get(part, {})
        if not isinstance(given, dict):
            raise UserError(f"{architecture}: options.{part} must hold options, got {given!r}")
        for key in given:
            if key not in allowed:
                raise UserError(
                    f"{architecture}: unknown option `{part}.{key}`, {did_you_mean(key, allowed)}"
                )
    return clip_config(architecture, options)


def _timm_name(name: str, options: dict[str, Any], size: int, folder: Path) -> str:
    """What timm calls a model with other arguments than the published ones: a folder that holds them."""
    published = timm.get_pretrained_cfg(name)
    if published is None:
        raise UserError(
            f"options.vision_cfg.timm_model_name: timm has no `{name}`; "
            f"{did_you_mean(name, known_architectures())}"
        )
    if published.fixed_input_size and published.input_size[-1] != size:
        options = {"img_size": size, **options}
    if not options:
        return name
    config = {
        "architecture": name,
        "pretrained_cfg": published.to_dict(),
        "model_args": options,
    }
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    return f"local-dir:{folder}"


@cache
def _bpe(context_length: int, clean: str) -> SimpleTokenizer:
    return SimpleTokenizer(context_length=context_length, clean=clean)


def _tokenizer_of(architecture: str, options: dict[str, Any]) -> SimpleTokenizer:
    whole = _checked_config(architecture, options)
    config = whole["text_cfg"]
    if other := foreign_tokenizer(whole):
        raise UserError(
            f"{architecture}: its texts go through the tokenizer `{other}`, which is a download; its image tower "
            f"can be used here and its text tower cannot. For weights made here, write `text_cfg: "
            f"{{ hf_tokenizer_name: null, vocab_size: 49408 }}` in options"
        )
    how = config.get("tokenizer_kwargs") or {}
    if other := sorted(
        how.keys() - {"clean", "strip_sep_token"}
    ):  # the second is for marks it does not set
        raise UserError(
            f"{architecture}: options.text_cfg.tokenizer_kwargs.{other[0]} is not for the tokenizer of CLIP; "
            f"only `clean` is"
        )
    tokenizer = _bpe(config.get("context_length", 77), how.get("clean", "lower"))
    words = config.get("vocab_size", tokenizer.vocab_size)
    if words < tokenizer.vocab_size:
        raise UserError(
            f"{architecture}: options.text_cfg.vocab_size is {words}, and the tokenizer of CLIP knows "
            f"{tokenizer.vocab_size} pieces of words; leave it out"
        )
    return tokenizer
