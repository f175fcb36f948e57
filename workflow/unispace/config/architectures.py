"""The names of timm's architectures."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def known_architectures() -> frozenset[str]:
    """Names of the timm release in the lock, from a file so that timm need not be imported."""
    text = files("unispace.config").joinpath("architectures.txt").read_text("utf-8")
    return frozenset(text.split())
