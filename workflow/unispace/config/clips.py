"""The architectures of open_clip as they are published, and what a study changes of them."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

QUICK_GELU = "-quickgelu"
"""Ending of the architectures with the activation that OpenAI trained with."""

_POOLINGS = {"tok": "token", "token": "token", "avg": "avg", "map": "attention"} | {
    "abs_attn": "attention",
    "rot_attn": "attention",
}


@cache
def _published() -> dict[str, dict[str, Any]]:
    """The configs in the installed package, which need not be imported for them, nor torch."""
    package = find_spec("open_clip")
    folders = (package and package.submodule_search_locations) or ()
    files = [file for folder in folders for file in Path(folder, "model_configs").glob("*.json")]
    return {file.stem: json.loads(file.read_text("utf-8")) for file in files}


def known_clips() -> frozenset[str]:
    """Names of the architectures of the open_clip in use."""
    return frozenset(_published())


def clip_config(architecture: str, options: dict[str, Any]) -> dict[str, Any]:
    """The published config of an architecture with the options of a study merged into it, level by level.

    Raises:
        KeyError: where there is no such architecture.
    """
    return _merged(deepcopy(_published()[architecture]), options)


def _merged(config: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    for key, value in changes.items():
        inner = config.get(key)
        if isinstance(inner, dict) and isinstance(value, dict):
            _merged(inner, value)
        else:
            config[key] = deepcopy(value)
    return config


def clip_pooling(config: dict[str, Any]) -> str | None:
    """How an image tower pools: `token`, `avg` or `attention`; None where the network behind it decides."""
    vision = config["vision_cfg"]
    if vision.get("timm_model_name"):
        return _POOLINGS.get(vision.get("timm_pool", "avg"))
    if isinstance(vision.get("layers"), list) or vision.get("attentional_pool"):
        return "attention"
    return _POOLINGS.get(vision.get("pool_type", "tok"))


def clip_problems(
    architecture: str, options: dict[str, Any], pooling: str, size: int, normalisation: str | None
) -> list[str]:
    """What does not fit together in a backbone of open_clip.

    Args:
        architecture: a known one.
        options: as in the study.
        pooling: as in the study.
        size: side of the input in pixels.
        normalisation: of the input, for weights from outside; None for others, which learn from what they get.
    """
    for part in ("vision_cfg", "text_cfg"):
        if not isinstance(options.get(part, {}), dict):
            return [f"options.{part} must hold options, got {options[part]!r}"]
    config, problems = clip_config(architecture, options), []
    own = config["vision_cfg"].get("image_size", 224)
    if own not in (size, [size, size]):
        problems.append(
            f"{architecture}: options.vision_cfg.image_size is {own}, but preprocessing.size is {size}; "
            f"give both the same number"
        )
    pools = clip_pooling(config)
    if pools not in (None, pooling):
        problems.append(
            f"{architecture} pools by `{pools}`, not by `{pooling}`; write `pooling: {pools}`, "
            f"or change it in options.vision_cfg"
        )
    if normalisation not in (None, "half") and "siglip" in architecture.lower():
        problems.append(
            f"{architecture}: SigLIP was trained on images with mean and deviation 0.5; "
            f"write `normalisation: half` in preprocessing"
        )
    return problems


def foreign_tokenizer(config: dict[str, Any]) -> str | None:
    """The tokenizer of an architecture that does not read texts as CLIP does; it would have to be downloaded."""
    return config["text_cfg"].get("hf_tokenizer_name") or None


def says_openai(origin: str) -> bool:
    """Whether weights say by their name that OpenAI trained them; those that timm tuned further have plain GELU."""
    return "openai" in origin.lower() and "openai_ft" not in origin.lower()


def quick_gelu_problem(architecture: str, options: dict[str, Any], origin: str) -> str | None:
    """What is wrong with an architecture for weights that OpenAI trained; None where nothing is.

    Args:
        architecture: a known one.
        options: as in the study.
        origin: name of the weights, for the message.
    """
    config = clip_config(architecture, options)
    if config.get("quick_gelu") or config["vision_cfg"].get("timm_model_name"):
        return None
    right = architecture + QUICK_GELU
    remedy = (
        f"`architecture: {right}`" if right in known_clips() else "`quick_gelu: true` in options"
    )
    return (
        f"{origin} was trained by OpenAI with the activation QuickGELU, which {architecture} does not have; "
        f"its embeddings would be wrong without an error. Write {remedy}"
    )
