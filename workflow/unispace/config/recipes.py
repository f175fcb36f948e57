"""Settings of the systems of the trade-offs paper (arXiv 2509.14921), as their authors published them.

Sources: the code of FRoundation (TaharChettaoui/FRoundation, commit 09c805a), MADation (gurayozgur/MADation, 0542cf8)
and FoundPAD (gurayozgur/FoundPAD, 14e6726), and the papers of the last two. Nothing is copied from them but numbers.

What a recipe leaves to the study: the data, and `steps`, since published are 40 epochs. The seed of MADation and
FoundPAD is 777, a key of the whole study; FRoundation states none.

What is not known: which training set and which alpha (16 or 32) stand behind the FRoundation model of the trade-offs
paper; how models were normalised there when general images were embedded, for which `input.embed_as` stands; whether
the scale of the published layers is alpha / sqrt(rank), as said, or alpha / rank, the default that the layers of
FRoundation's code seem to be left at (`alpha: 4` at rank 16 would be that).

What is done otherwise here: learning rates change with each step, not with each epoch; the gradients of network and
heads are cut together, not each to 5; biases have no weight decay; balanced batches hold equal numbers, where
FoundPAD draws with replacement by inverse frequency.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from unispace.config.base import Settings

RecipeName = Literal["froundation", "froundation-readme", "madation", "madation-l", "foundpad"]

EPOCHS = 40
"""Of all three (CODE)."""

# What all three have in common: AdamW and the norm that gradients are cut to (CODE).
_ALL: dict[str, Any] = {
    "betas": [0.9, 0.999],
    "weight_decay": 0.05,
    "clip_norm": 5.0,
    "warmup": 0.0,
}

# MADation and FoundPAD: the floor of their cosine is the rate itself, so it is constant in effect (CODE).
_CONSTANT: dict[str, Any] = {"schedule": "constant"}

# A linear layer with two outputs, binary cross-entropy with logits on one-hot labels (CODE).
_BINARY: dict[str, Any] = {"loss": "binary", "outputs": "sigmoid"}

_FROUNDATION: dict[str, Any] = {
    **_ALL,
    "lora": {"rank": 16, "alpha": 16.0, "dropout": 0.25},  # CODE, its default config
    "learning_rate": 1e-4,  # CODE
    "head_learning_rate": 1e-4,  # CODE
    # CODE: of 40 epochs, 5 at a constant rate, then a cosine that restarts after 5, 10 and 20.
    "schedule": "restarts",
    "hold": 5 / EPOCHS,
    "period": 5 / EPOCHS,
    "period_growth": 2,
    "floor": 1e-6,
    "augmentation": "froundation",  # CODE: 4 operations, magnitude 16, flip
    # CODE: batch and CosFace of the config (0.35 is the default of its class).
    "train_on": {"batch_size": 512, "head": {"loss": "cosface", "scale": 64.0, "margin": 0.3}},
}

_MADATION: dict[str, Any] = {
    **_ALL,
    **_CONSTANT,
    "lora": {"rank": 2, "alpha": 4.0, "dropout": 0.4},  # paper, ViT-B/16
    "learning_rate": 1e-5,  # paper and CODE
    "head_learning_rate": 1e-4,  # paper and CODE
    "augmentation": "flip",  # CODE
    # CODE: images are read in the order blue, green, red, and brought to [-1, 1].
    "input": {"normalisation": "half", "colour_order": "bgr", "embed_as": "backbone"},
    "train_on": {"batch_size": 256, "head": _BINARY},  # paper and CODE
}

_FOUNDPAD: dict[str, Any] = {
    **_ALL,
    **_CONSTANT,
    "lora": {"rank": 8, "alpha": 8.0, "dropout": 0.4},  # paper and CODE
    "learning_rate": 1e-6,  # paper and CODE
    "head_learning_rate": 1e-3,  # paper and CODE
    "augmentation": "foundpad",  # CODE
    "input": {"normalisation": "imagenet", "embed_as": "backbone"},  # CODE
    # CODE: as many bona fide images as attacks.
    "train_on": {"batch_size": 512, "sampling": "balanced", "head": _BINARY},
}

RECIPES: dict[RecipeName, dict[str, Any]] = {
    "froundation": _FROUNDATION,
    # CODE: the README's example for ViT-B/16.
    "froundation-readme": {**_FROUNDATION, "lora": {**_FROUNDATION["lora"], "alpha": 32.0}},
    "madation": _MADATION,
    # Paper: ViT-L/14.
    "madation-l": {**_MADATION, "lora": {"rank": 2, "alpha": 8.0, "dropout": 0.2}},
    "foundpad": _FOUNDPAD,
}
"""Keys of a curriculum by recipe; `train_on` holds what every data set of the curriculum gets."""


def expanded(data: Any) -> Any:
    """A curriculum with the settings of its recipe, where it names one; keys of its own come first.

    Args:
        data: what a curriculum is made from; anything but a mapping is left as it is.

    Raises:
        ValueError: where a recipe trains on something and `steps` is not given.
    """
    name = data.get("recipe") if isinstance(data, dict) else None
    if name not in RECIPES:
        return data
    recipe = {key: value for key, value in RECIPES[name].items() if key != "train_on"}
    every = RECIPES[name]["train_on"]
    datasets = data.get("train_on")
    if not isinstance(datasets, Mapping) or not datasets:
        return data
    if "steps" not in data:
        raise ValueError(
            f"recipe `{name}` trains {EPOCHS} epochs; add the line `steps: ...`, {EPOCHS} times the images of the "
            f"train split, divided by the batch of {every['batch_size']}"
        )
    return {
        **_merged(recipe, data),
        "train_on": {dataset: _of_dataset(every, part) for dataset, part in datasets.items()},
    }


def _of_dataset(every: dict[str, Any], part: Any) -> Any:
    """What a data set of a recipe is trained with."""
    own = part.model_dump(exclude_unset=True) if isinstance(part, Settings) else part
    if not isinstance(own, dict):
        return part
    head = own.get("head")
    replaced = (
        isinstance(head, dict)
        and head.get("loss", every["head"]["loss"]) != (every["head"]["loss"])
    )
    if replaced or own.get("share_head_of") is not None:
        # Margins and scales of one loss mean nothing for another.
        every = {key: value for key, value in every.items() if key != "head"}
    return _merged(every, own)


def _merged(recipe: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Both, block by block; `own` comes first."""
    found = {**recipe, **own}
    for key, value in own.items():
        below = recipe.get(key)
        if isinstance(value, Settings):
            value = value.model_dump(exclude_unset=True)
        if isinstance(below, dict) and isinstance(value, Mapping):
            found[key] = _merged(below, value)
    return found
