"""Backbones behind one interface: images in, unit vectors out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import open_clip
import timm
import torch
from torch import Tensor, nn

from unispace.backbones import openclip, published, python_tower, timm_tower
from unispace.backbones.onnx_tower import OnnxTower
from unispace.backbones.pixels import Pixels
from unispace.backbones.refusals import REFUSALS
from unispace.backbones.tensors import read_tensors, require_fitting, write_tensors
from unispace.config.backbones import NORMALISATIONS, Backbone, PixelOptions, Preprocessing
from unispace.errors import UserError
from unispace.records.files import sha256_of

log = logging.getLogger(__name__)


class Network(nn.Module):
    """A backbone and its preprocessing.

    Attributes:
        body: what its provider builds: normalised images to embeddings.
        dimension: length of its embeddings; 0 for an ONNX graph that is not loaded yet.
    """

    def __init__(self, settings: Backbone) -> None:
        """Build the architecture with fresh weights from the global random state.

        Raises:
            UserError: where its provider refuses the options or pooling, or the network does not run on images
                of the size of its preprocessing.
        """
        super().__init__()
        self.settings = settings
        self.body = _create(settings)
        graph_to_come = isinstance(self.body, OnnxTower)
        self.dimension: int = 0 if graph_to_come else _dimension(self.body, settings)
        self.preprocessed_as(settings.preprocessing)

    def preprocessed_as(self, preprocessing: Preprocessing) -> None:
        """Take images in this way from now on; their size is that of the settings."""
        self.preprocessing: Preprocessing = preprocessing
        mean, std = NORMALISATIONS[preprocessing.normalisation]
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.get_buffer("mean").device

    def compute_on(self, device: torch.device) -> None:
        """Move it to a device; an ONNX graph stays on the CPU, where its runtime is."""
        if isinstance(self.body, OnnxTower):
            log.info("an ONNX graph computes on the CPU")
        else:
            self.to(device)

    def normalise(self, images: Tensor) -> Tensor:
        """RGB images in [0, 1], `(n, 3, size, size)`, to the input that the body was trained with."""
        normal = (images - self.mean) / self.std  # pyright: ignore[reportOperatorIssue]
        # The statistics are given in RGB order; the flip comes after them.
        return normal.flip(1) if self.preprocessing.colour_order == "bgr" else normal

    def features(self, images: Tensor) -> Tensor:
        """Embeddings `(n, d)` before they are normalised, for images in [0, 1], `(n, 3, size, size)`."""
        return self.body(self.normalise(images))

    def forward(self, images: Tensor) -> Tensor:
        """Embeddings `(n, d)` of unit length for images in [0, 1], `(n, 3, size, size)`."""
        return nn.functional.normalize(self.features(images), dim=1)

    @torch.inference_mode()
    def embed(self, images: Tensor) -> Tensor:
        """Embeddings `(n, d)`, float32, of unit length, for uint8 images `(n, size, size, 3)`, RGB; both on the CPU."""
        return self(to_unit(images.to(self.device))).cpu()


def to_unit(images: Tensor) -> Tensor:
    """uint8 `(n, h, w, 3)` to float32 in [0, 1], `(n, 3, h, w)`."""
    # Turned and converted in one pass.
    planes = images.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    return planes.div_(255)


def _create(settings: Backbone) -> nn.Module:
    match settings.provider:
        case "timm" if settings.is_control:
            options = PixelOptions.model_validate(settings.options)
            return Pixels(options, settings.preprocessing.size)
        case "timm":
            return timm_tower.create_tower(settings)
        case "open_clip":
            return openclip.create_tower(settings)
        case "onnx":
            return OnnxTower(settings)
        case "python":
            return python_tower.create_tower(settings)


@torch.no_grad()
def _dimension(body: nn.Module, settings: Backbone) -> int:
    """Length of the embeddings, taken from one: what timm calls `num_features` is not it everywhere."""
    size = settings.preprocessing.size
    try:
        found = body.eval()(torch.zeros(1, 3, size, size))
    except REFUSALS as error:
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
    """Load the weights of the body, as `save_weights` wrote them.

    Raises:
        UserError: where the file is no safetensors file, or tensors are missing, unknown or of another shape.
    """
    found = read_tensors(path, name)
    if isinstance(network.body, OnnxTower):
        _load_graph(network, network.body, found.get("onnx", torch.empty(0, dtype=torch.uint8)))
        return
    if network.settings.provider == "open_clip":
        found = openclip.tower_weights(found)
    require_fitting(found, network.body.state_dict(), name)
    network.body.load_state_dict(found)


def load_published(network: Network, path: Path, name: str) -> dict[str, Any]:
    """Load the weights of the body from a file of others'; what differs from how they were trained is warned of.

    Args:
        network: takes the weights.
        path: the file, its checksum compared; its ending tells what it is.
        name: what messages call it.

    Returns:
        For the card: `warnings`, and `resized`, the tensors whose grid was made to fit the size of the images.

    Raises:
        UserError: where the file is damaged or holds code, or tensors are missing, unknown or of another shape.
    """
    if isinstance(network.body, OnnxTower):
        _load_graph(network, network.body, torch.from_numpy(np.fromfile(path, np.uint8)))
        return {"resized": [], "warnings": []}
    settings = network.settings
    tensors = published.read_published(path, name)
    if settings.provider == "open_clip":
        clip = openclip.clip_of(settings, tensors, name)
        network.body.load_state_dict(openclip.tower_weights(clip.state_dict()))
        return {"resized": [], "warnings": []}
    found, resized = published.adapt(tensors, network.body, settings.architecture)
    require_fitting(found, network.body.state_dict(), name)
    network.body.load_state_dict(found)
    warnings = published.warnings_of(settings) if settings.provider == "timm" else []
    if resized:
        log.warning("%s: published for another size; resized %s", name, ", ".join(resized))
    for warning in warnings:
        log.warning("%s: %s", name, warning)
    return {"resized": resized, "warnings": warnings}


def _load_graph(network: Network, body: OnnxTower, graph: Tensor) -> None:
    body.load(graph)
    network.dimension = _dimension(body, network.settings)


def card(settings: Backbone, network: Network, weights: Path) -> dict[str, Any]:
    """What decides the embeddings of a model, and the licence of what it was built from."""
    provider, licence = _origin(settings)
    found = {
        "provider": provider,
        "architecture": settings.architecture,
        "options": settings.options,
        "pooling": settings.pooling,
        "preprocessing": settings.preprocessing.model_dump(mode="json"),
        "precision": "float32",
        "dimension": network.dimension,
        "parameters": _parameters(network.body),
        "weights_sha256": sha256_of(weights),
        "licence": licence,
    }
    if settings.provider == "python":
        found["code_sha256"] = python_tower.code_sha256(settings.architecture)
    return found


def _parameters(body: nn.Module) -> int | None:
    """How many weights; an ONNX runtime does not tell those of a graph."""
    if isinstance(body, OnnxTower):
        return None
    return sum(p.numel() for p in body.parameters())


def _origin(settings: Backbone) -> tuple[str, str]:
    """Who provides a network, and the licence of what it is built from."""
    match settings.provider:
        case "timm" if settings.is_control:
            return "this repository", "mit"
        case "timm":
            config = timm.get_pretrained_cfg(settings.architecture)
            return f"timm {timm.__version__}", (config.license if config else None) or "not stated"
        case "open_clip":
            # Weights are published under many terms, which open_clip does not record.
            return f"open_clip {open_clip.__version__}", "not stated"
        case "onnx":
            return f"onnxruntime {onnxruntime.__version__}", "not stated"
        case "python":
            return settings.architecture, "not stated"
