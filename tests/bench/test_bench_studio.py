"""Rendering images of the studio world, beside writing as many as PNG with Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from side_by_side import Comparison, reaches, side_by_side

from unispace.config.datasets import Splits
from unispace.config.studio import StudioSource
from unispace.data.studio import rendering, world

pytestmark = pytest.mark.bench

SETS = {
    "objects": ("object", StudioSource(kind="studio", labels=46, images_per_label=10)),
    "faces": (
        "face_hq",
        StudioSource(kind="studio", labels=100, images_per_label=5, variation=0.6),
    ),
    "bodies": ("person", StudioSource(kind="studio", labels=100, images_per_label=5, cameras=4)),
}


def paint(name):
    """All images of a set, `(n, size, size, 3)`."""
    domain, source = SETS[name]
    rows = world.listing(name, domain, source, Splits())
    parts = rendering.render(name, domain, source, 1, rows)
    return np.concatenate([part.images for part in parts])


@pytest.mark.parametrize("name", SETS)
def test_rendering(name):
    images = paint(name)

    def encode():
        """As files in memory; they hold the same pixels."""
        files = []
        for pixels in images:
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "PNG")
            files.append(stream.getvalue())
        return files

    def difference(painted, files):
        decoded = np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in files])
        return float(np.abs(painted.astype(int) - decoded).max())

    row = side_by_side(
        Comparison(
            f"08-studio-{name}",
            f"studio rendering of {len(images)} images of {name}, {images.shape[1]} px",
            "PNG encode of as many with Pillow",
            1.0,
        ),
        lambda: paint(name),
        encode,
        difference,
        within=0,
    )
    reaches(row)
