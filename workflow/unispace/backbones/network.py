"""Backbones behind one interface: images in, unit vectors out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from unispace.backbones.pixels import Pixels
from unispace.backbones.tensors import write_tensors
from unispace.config.backbones import (
    NORMALISATIONS,
    PIXELS,
    Backbone,
    PixelOptions,
    Preprocessing,
)
from unispace.errors import UserError
from unispace.records.files import sha256_of

# What timm and torch raise for options that make no network.
_REFUSALS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)


class Network(nn.Module):
    """A backbone and its preprocessing.

    Attributes:
        body: the timm model without classifier, or the raw-pixel control.
        dimension: length of its embeddings.
    """

    def __init__(self, settings: Backbone) -> None:
        """Build the architecture with fresh weights from the global random state.

        Raises:
            UserError: where timm refuses the options or pooling, or the network does not run on images of
                the size of its preprocessing.
        """
        super().__init__()
        self.body = _create(settings)
        self.dimension: int = _dimension(self.body, settings)
        self.preprocessing: Preprocessing = settings.preprocessing
        mean, std = NORMALISATIONS[settings.preprocessing.normalisation]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def normalise(self, images: Tensor) -> Tensor:
        """RGB images in [0, 1], `(n, 3, size, size)`, to the input that the body was trained with."""
        normal = (images - self.mean) / self.std  # pyright: ignore[reportOperatorIssue]
        # The statistics are given in RGB order; the flip comes after them.
        return normal.flip(1) if self.preprocessing.colour_order == "bgr" else normal

    def features(self, images: Tensor) -> Tensor:
        """What the body gives, `(n, d)` of any length, for images in [0, 1], `(n, 3, size, size)`."""
        return self.body(self.normalise(images))

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings `(n, d)` of unit length for images in [0, 1], `(n, 3, size, size)`."""
        return nn.functional.normalize(self.features(images), dim=1)

    @torch.inference_mode()
    def embed(self, images: Tensor) -> Tensor:
        """Embeddings `(n, d)`, float32, of unit length, for uint8 images `(n, size, size, 3)`, RGB."""
        return self(to_unit(images))


def to_unit(images: Tensor) -> Tensor:
    """uint8 `(n, h, w, 3)` to float32 in [0, 1], `(n, 3, h, w)`."""
    return images.permute(0, 3, 1, 2).contiguous().float().div_(255)


def _create(settings: Backbone) -> nn.Module:
    if settings.architecture == PIXELS:
        return Pixels(PixelOptions.model_validate(settings.options), settings.preprocessing.size)
    options: dict[str, Any] = dict(settings.options)
    fixed = timm.get_pretrained_cfg(settings.architecture)
    if fixed is not None and fixed.fixed_input_size:
        # Transformers with a position table are built for one size; others take any.
        options.setdefault("img_size", settings.preprocessing.size)
    size = settings.preprocessing.size
    if options.get("img_size", size) not in (size, [size, size]):
        raise UserError(
            f"{settings.architecture}: options.img_size is {options['img_size']}, but "
            f"preprocessing.size is {size}; give both the same number"
        )
    try:
        return timm.create_model(
            settings.architecture,
            pretrained=False,
            num_classes=0,
            global_pool=settings.pooling,
            **options,
        )
    except _REFUSALS as error:
        raise UserError(
            f"{settings.architecture}: timm refuses its options {options} with pooling "
            f"`{settings.pooling}`: {error}"
        ) from error


@torch.no_grad()
def _dimension(body: nn.Module, settings: Backbone) -> int:
    """Length of the embeddings, taken from one: what timm calls `num_features` is not it everywhere."""
    size = settings.preprocessing.size
    try:
        found = body.eval()(torch.zeros(1, 3, size, size))
    except _REFUSALS as error:
        raise UserError(
            f"{settings.architecture} with options {settings.options} does not run on images of "
            f"{size} x {size}: {error}"
        ) from error
    body.train()
    if found.ndim != 2:
        raise UserError(
            f"{settings.architecture} with pooling `{settings.pooling}` gives {tuple(found.shape[1:])} "
            f"for an image, not one vector; choose another pooling"
        )
    return found.shape[1]


def save_weights(network: Network, path: Path) -> None:
    """Write the weights of the body as safetensors.

    Raises:
        UserError: where the disk is full.
    """
    write_tensors(network.body.state_dict(), path)


def load_weights(network: Network, path: Path, name: str) -> None:
    """Load the weights of the body; classifier weights of a published file are left out.

    Raises:
        UserError: where the file is no safetensors file, or tensors are missing, unknown or of another shape.
    """
    try:
        found = load_file(path)
    except (SafetensorError, FileNotFoundError) as error:
        raise UserError(f"{name}: {path} cannot be read as safetensors ({error})") from error
    wanted = network.body.state_dict()
    head = tuple(
        f"{prefix}."
        for prefix in _classifiers(network.body)
        if not any(key.startswith(f"{prefix}.") for key in wanted)
    )
    found = {k: v for k, v in found.items() if not (head and k.startswith(head))}
    problems = [f"missing {k}" for k in sorted(wanted.keys() - found.keys())]
    problems += [f"unknown {k}" for k in sorted(found.keys() - wanted.keys())]
    problems += [
        f"{k} is {tuple(found[k].shape)}, the architecture has {tuple(wanted[k].shape)}"
        for k in sorted(wanted.keys() & found.keys())
        if wanted[k].shape != found[k].shape
    ]
    if problems:
        shown = "\n    ".join(problems[:5]) + ("\n    ..." if len(problems) > 5 else "")
        raise UserError(
            f"{name}: the weights do not fit the architecture ({len(problems)} tensors):\n    {shown}\n"
            f"  Check `architecture`, `options` and `pooling`."
        )
    network.body.load_state_dict(found)


def _classifiers(body: nn.Module) -> tuple[str, ...]:
    config = getattr(body, "default_cfg", None) or {}
    named = config.get("classifier") or ()
    return (named,) if isinstance(named, str) else tuple(named)


def card(settings: Backbone, network: Network, weights: Path) -> dict[str, Any]:
    """What decides the embeddings of a model, and the licence of what it was built from."""
    if settings.architecture == PIXELS:
        provider, licence = "this repository", "mit"
    else:
        config = timm.get_pretrained_cfg(settings.architecture)
        provider = f"timm {timm.__version__}"
        licence = (config.license if config else None) or "not stated"
    return {
        "provider": provider,
        "architecture": settings.architecture,
        "options": settings.options,
        "pooling": settings.pooling,
        "preprocessing": settings.preprocessing.model_dump(mode="json"),
        "precision": "float32",
        "dimension": network.dimension,
        "parameters": sum(p.numel() for p in network.body.parameters()),
        "weights_sha256": sha256_of(weights),
        "licence": licence,
    }
