"""File names for models and pairs of models."""

from __future__ import annotations


def flat_name(model: str) -> str:
    """backbone/curriculum/seedN as one part of a path."""
    return model.replace("/", "+")


def pair_name(source: str, target: str) -> str:
    """An ordered pair of models as one part of a path."""
    return f"{flat_name(source)}--{flat_name(target)}"


def model_of_flat_name(name: str) -> str:
    """The model of a part of a path, as `flat_name` makes it; no name of ours holds a plus."""
    return name.replace("+", "/")
