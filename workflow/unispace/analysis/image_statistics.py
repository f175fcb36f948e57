"""What an image looks like before anything is recognised in it: colours, contrast, sharpness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Grey of Rec. 601.
_GREY = np.array([0.299, 0.587, 0.114])
_FLOOR = 1e-6


def image_statistics(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Statistics of images that know nothing of their content.

    `sharpness` is the logarithm of the variance of the Laplacian (Pech-Pacheco et al. 2000),
    `high_frequencies` the logarithm of the share of the spectral energy of the centred grey image beyond a
    quarter of the sampling rate, `contrast` the deviation of the grey values, `border_contrast` that of the
    outermost pixels, which tells a plain background from a scene.

    Args:
        pixels: `(n, side, side, 3)`, RGB.

    Returns:
        `(n, s)`, the columns as in `records.results.IMAGE_STATISTICS`; colours in [0, 1].

    Raises:
        ValueError: The images are not square RGB, or have fewer than 4 pixels a side.
    """
    if pixels.ndim != 4 or pixels.shape[3] != 3 or not 4 <= pixels.shape[1] == pixels.shape[2]:
        raise ValueError(
            f"images must be (n, side, side, 3) with a side of 4 or more, got {pixels.shape}"
        )
    colours = pixels / 255.0
    grey = colours @ _GREY
    inner = grey[:, 1:-1, 1:-1]
    laplacian = (
        grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:] - 4 * inner
    )
    centred = grey - grey.mean(axis=(1, 2), keepdims=True)
    energy = np.abs(np.fft.fft2(centred)) ** 2
    frequency = np.abs(np.fft.fftfreq(grey.shape[1]))
    high = np.maximum(frequency[:, None], frequency[None, :]) > 0.25
    whole = energy.sum(axis=(1, 2))
    share = np.divide(energy[:, high].sum(axis=1), whole, out=np.zeros(len(grey)), where=whole > 0)
    border = np.concatenate([grey[:, 0], grey[:, -1], grey[:, 1:-1, 0], grey[:, 1:-1, -1]], axis=1)
    return np.column_stack(
        [
            colours.mean(axis=(1, 2)),
            colours.std(axis=(1, 2)),
            grey.std(axis=(1, 2)),
            (colours.max(axis=3) - colours.min(axis=3)).mean(axis=(1, 2)),
            np.log(laplacian.var(axis=(1, 2)) + _FLOOR),
            np.log(share + _FLOOR),
            border.std(axis=1),
        ]
    )
