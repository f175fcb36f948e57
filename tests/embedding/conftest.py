"""A small network, its card, and data sets on disk."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from unispace.backbones.network import Network, card, save_weights
from unispace.config.backbones import Backbone
from unispace.records.images import write_encoded, write_raw
from unispace.records.manifest import write_manifest


@pytest.fixture
def model(tmp_path):
    """A network in evaluation mode and its card."""

    def made(seed=0, **preprocessing):
        settings = Backbone.model_validate(
            {
                "architecture": "eva02_tiny_patch14_224",
                "options": {
                    "img_size": 32,
                    "patch_size": 16,
                    "embed_dim": 16,
                    "depth": 1,
                    "num_heads": 2,
                },
                "preprocessing": {"size": 32, **preprocessing},
                "weights": {"kind": "random"},
            }
        )
        torch.manual_seed(seed)
        network = Network(settings).eval()
        weights = tmp_path / f"weights-{seed}.safetensors"
        save_weights(network, weights)
        return network, card(settings, network, weights)

    return made


def png(image):
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()


@pytest.fixture
def dataset(tmp_path):
    """Write a data set of random images; returns its folder and the images."""

    def written(count=9, *, size=32, encoded=False, name="set", seed=0, **columns):
        folder = tmp_path / name
        images = np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)
        if encoded:
            write_encoded((png(image) for image in images), folder / "images.npy")
        else:
            write_raw([images], count, size, folder / "images.npy")
        manifest = pd.DataFrame(
            {
                "image_id": [f"i{n}" for n in range(count)],
                "row": range(count),
                "domain": "face_hq",
                "label": [f"p{n // 3}" for n in range(count)],
                "identity": [f"p{n // 3}" for n in range(count)],
                "split": ["train", "val", "test"] * (count // 3) + ["test"] * (count % 3),
                "source": "drawn",
                **columns,
            }
        )
        write_manifest(manifest, folder / "manifest.parquet")
        return folder, images

    return written
