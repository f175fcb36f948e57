"""Real handwritten digits that come with scikit-learn: a far set for models that saw none, without a download.

1,797 images of 8 x 8 pixels with 16 steps of grey, the test part of "Optical Recognition of Handwritten Digits"
(E. Alpaydin and C. Kaynak, UCI machine learning repository, 1998).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from unispace.records.images import resize

BATCH = 256
BRIGHTEST = 16
"""Largest grey value of the published images."""


def read_listing() -> pd.DataFrame:
    """All images in the published order.

    Returns:
        Columns image_id (`digit-0000`, ...) and label (the digit).
    """
    _, digits = _published()
    names = [f"digit-{i:04}" for i in range(len(digits))]
    return pd.DataFrame({"image_id": names, "label": [str(digit) for digit in digits]})


def images(image_ids: pd.Series, size: int) -> Iterator[NDArray[np.uint8]]:
    """Images as squares, bright on dark as they are published, enlarged by bicubic interpolation.

    Args:
        image_ids: which, as `read_listing` names them.
        size: side in pixels.

    Yields:
        Batches `(b, size, size, 3)`, RGB, in the order asked for.
    """
    from PIL import Image

    grey, _ = _published()
    number = image_ids.str.removeprefix("digit-").astype(int).to_numpy()
    for start in range(0, len(number), BATCH):
        batch = np.rint(grey[number[start : start + BATCH]] * (255 / BRIGHTEST)).astype(np.uint8)
        yield np.stack(
            [resize(Image.fromarray(image).convert("RGB"), size, "bicubic") for image in batch]
        )


def _published() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Images `(1797, 8, 8)` with grey values 0 to 16, and their digits `(1797,)`."""
    from sklearn.datasets import load_digits

    published = load_digits()
    return published["images"], published["target"]
