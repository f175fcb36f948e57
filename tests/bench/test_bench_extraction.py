"""Embedding extraction, from images on disk to vectors on disk, beside the network alone.

The other way is the forward pass of the same body on tensors that lie in memory, already decoded, resized, normalised
and cut into the same batches. All that it leaves out is ours to pay: decoding, resizing, normalising, hashing what the
vectors are made of, checking that they are finite, scaling them to length 1, and writing them.
"""

from __future__ import annotations

import shutil
from functools import partial

import numpy as np
import pytest
import torch
from networks import card_of, network_of, write_images
from side_by_side import Comparison, growth, reaches, side_by_side

from unispace.embedding.extract import _BATCH, extract
from unispace.records.embeddings import read_embeddings
from unispace.records.images import ImageStore

pytestmark = pytest.mark.bench

# place, model, side of its input, side of the images, files, images
SETS = [
    ("01-clip", "clip-micro", 64, 64, False, 2048),
    ("01-dinov3", "dinov3-micro", 64, 64, False, 2048),
    ("01-eva02", "eva02-micro", 64, 64, False, 2048),
    ("01-vit-b16", "vit-b16", 224, 256, True, 32),
]


def extracted(network, model_card, folder, splits=None):
    """The vectors, written anew."""
    for made in ("shelf", "store"):
        shutil.rmtree(folder / made, ignore_errors=True)
    extract(
        network,
        model_card,
        "set",
        folder / "data",
        folder / "shelf",
        folder / "store",
        splits,
        code="",
    )
    return read_embeddings(folder / "store").vectors


def in_memory(network, folder):
    """Batches of normalised tensors."""
    store, how = ImageStore(folder / "data" / "images.npy"), network.preprocessing
    pixels = store.batch(np.arange(len(store)), how.size, how.interpolation)
    inputs = network.normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255))
    return [part.contiguous() for part in inputs.split(_BATCH)]


@torch.inference_mode()
def forward(network, batches):
    return [network.body(batch) for batch in batches]


def difference(vectors, outputs):
    expected = torch.nn.functional.normalize(torch.cat(outputs), dim=1)
    return float(np.abs(vectors - expected.numpy()).max())


@pytest.mark.parametrize(("place", "name", "size", "side", "files", "count"), SETS)
def test_extraction(tmp_path, place, name, size, side, files, count):
    write_images(tmp_path / "data", count, side, jpeg=files)
    network = network_of(name, size).eval()
    model_card = card_of(network, tmp_path)
    batches = in_memory(network, tmp_path)
    stored = f"JPEG files of {side} px" if files else f"pixels of {side} px"
    row = side_by_side(
        Comparison(
            place,
            f"embedding extraction, disk to disk: {name} at {size} px",
            "bare forward pass on tensors in memory",
            0.9,
            note=f"{count:,} images, {stored}, batches of {min(_BATCH, count)}",
        ),
        partial(extracted, network, model_card, tmp_path),
        partial(forward, network, batches),
        difference,
        within=1e-5,
        repeats=3 if name == "vit-b16" else 5,
    )
    reaches(row)


def test_twice_the_images(tmp_path):
    network = network_of("dinov3-micro", 64).eval()
    model_card = card_of(network, tmp_path)
    calls = []
    for count in (1024, 2048):
        folder = tmp_path / str(count)
        write_images(folder / "data", count, 64)
        calls.append(partial(extracted, network, model_card, folder))
    row = growth(
        Comparison("12-images", "embedding extraction: images x 2", "images (x 2)", 1.1),
        calls,
        [1024, 2048],
    )
    reaches(row)
