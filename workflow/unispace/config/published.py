"""Weights from outside: which files are opened, and the traps that the names of well-known weights tell of."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlparse

from unispace.config.architectures import known_architectures
from unispace.config.clips import says_openai

# A pickle may hold code; torch opens it in a mode that refuses any, and only the one that the study names.
PICKLES = (".pt", ".pth", ".bin", ".ckpt")

SUFFIXES: dict[str, tuple[str, ...]] = {
    "timm": (".safetensors", *PICKLES),
    "open_clip": (".safetensors", *PICKLES),
    "python": (".safetensors", *PICKLES),
    "onnx": (".onnx",),
}
"""What the name of a weights file may end with, by provider."""


def suffix_of(name: str) -> str:
    """The ending of a file's name or URL, in lower case."""
    return PurePosixPath(urlparse(name).path).suffix.lower()


def problems_with_published(architecture: str, source: str, pooling_stated: bool) -> list[str]:
    """Traps of published weights that load without complaint and embed wrongly.

    Args:
        architecture: a timm model name.
        source: repository and file, or path, of the weights.
        pooling_stated: whether the study says how tokens become one vector.

    Returns:
        A sentence for each, with the remedy.
    """
    problems = []
    if "dinov3" in architecture and not pooling_stated:
        # timm takes the mean of the tokens, the weights' authors take the class token.
        problems.append(
            f"`{architecture}` is pooled by its class token where it was published and by the mean in timm; "
            f"write `pooling: token` or `pooling: avg`"
        )
    quick = architecture.replace("_clip_", "_clip_quickgelu_")
    if quick != architecture and quick in known_architectures() and says_openai(source):
        problems.append(
            f"`{source}` was trained with QuickGELU, which `{architecture}` lacks; write `architecture: {quick}`"
        )
    return problems
