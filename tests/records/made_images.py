"""Images of noise, and as files."""

import io

import numpy as np
from PIL import Image


def pixels(height=9, width=7, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def encoded(image, form="PNG", **options):
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        stream, form, **options
    )
    return stream.getvalue()
