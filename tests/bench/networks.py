"""Networks and image sets of the benchmarks: architectures of the default study, random weights, random pixels."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from unispace.backbones.arithmetic import fix_arithmetic
from unispace.backbones.network import Network, card, save_weights
from unispace.config.backbones import Backbone
from unispace.records.images import write_encoded, write_raw
from unispace.records.manifest import write_manifest

_SMALL = {"patch_size": 8, "embed_dim": 96, "depth": 3, "num_heads": 3}
_CLIP = {
    "embed_dim": 128,
    "vision_cfg": {"patch_size": 8, "width": 96, "layers": 3, "head_width": 32},
    "text_cfg": {"context_length": 20, "width": 64, "heads": 2, "layers": 2},
}
_CONV = {"layers": [1, 1, 1, 1], "channels": [16, 32, 64, 128], "stem_width": 8}


def settings_of(name: str, size: int) -> Backbone:
    """A backbone of the default study, or `vit-b16`, for images of `size` pixels."""
    match name:
        case "clip-micro":
            vision = {**_CLIP["vision_cfg"], "image_size": size}
            parts = {
                "provider": "open_clip",
                "architecture": "ViT-B-16",
                "options": {**_CLIP, "vision_cfg": vision},
                "pooling": "token",
            }
        case "dinov3-micro":
            options = {**_SMALL, "img_size": size, "init_values": 1.0}
            parts = {
                "architecture": "vit_small_patch16_dinov3",
                "options": options,
                "pooling": "avg",
            }
        case "eva02-micro":
            options = {**_SMALL, "img_size": size}
            parts = {"architecture": "eva02_tiny_patch14_224", "options": options, "pooling": "avg"}
        case "conv-micro":
            parts = {"architecture": "resnet10t", "options": _CONV}
        case "vit-b16":
            parts = {"architecture": "vit_base_patch16_224"}
        case _:
            raise ValueError(f"no network {name}")
    how = {"size": size, "normalisation": "clip"}
    return Backbone.model_validate(
        {**parts, "preprocessing": how, "weights": {"kind": "random"}, "curricula": ["base"]}
    )


def network_of(name: str, size: int) -> Network:
    """With random weights, the same in every call, on one thread as in every job."""
    fix_arithmetic(1)
    torch.manual_seed(0)
    return Network(settings_of(name, size))


def card_of(network: Network, folder: Path) -> dict:
    """The card of a model, as its training writes it."""
    weights = folder / "model.safetensors"
    save_weights(network, weights)
    return card(network.settings, network, weights)


def write_images(folder: Path, count: int, size: int, *, jpeg: bool = False) -> None:
    """A data set of smooth random images on disk, as pixels or as JPEG files."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 8, 8, 3), np.uint8)
    images = np.stack(
        [
            np.asarray(Image.fromarray(c).resize((size, size), Image.Resampling.BICUBIC))
            for c in coarse
        ]
    )
    folder.mkdir(parents=True)
    if jpeg:
        write_encoded(map(_jpeg, images), folder / "images.npy")
    else:
        write_raw([images], count, size, folder / "images.npy")
    label = [f"p{i // 4}" for i in range(count)]
    write_manifest(
        pd.DataFrame(
            {
                "image_id": [f"i{i}" for i in range(count)],
                "row": np.arange(count),
                "domain": "face_hq",
                "label": label,
                "identity": label,
                "split": "test",
                "source": "bench",
            }
        ),
        folder / "manifest.parquet",
    )


def _jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=90)
    return stream.getvalue()
