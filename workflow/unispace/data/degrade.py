"""Low quality: what optics, air, sensor and storage do to an image, one seeded chain per image.

The kinds are applied in the order of `KINDS`, the order in which light and file pass through them.
Lengths are given for an image of 64 pixels and grow with its width. A severity of 0 leaves an
image (nearly) as it is, 1 is the worst. The result depends on the image, its seed, the kinds and
the severity; not on the batch. Bytes may differ between versions of Pillow, scipy and numpy.
"""

from __future__ import annotations

import difflib
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy import fft
from scipy.ndimage import map_coordinates

Pixels: TypeAlias = NDArray[np.uint8]
Degradation: TypeAlias = Callable[
    [Pixels, float, np.random.Generator], tuple[Pixels, dict[str, float]]
]

REFERENCE = 64  # width of the image, in pixels, that lengths below refer to
CELL = 8  # correlation length of the air's turbulence
SUPERSAMPLING = 5  # points per pixel side that a blur kernel is measured with


def warp(
    image: Pixels, severity: float, rng: np.random.Generator
) -> tuple[Pixels, dict[str, float]]:
    """Displace pixels smoothly, as turbulent air does: 0..1.5 px rms, over cells of 8 px."""
    height, width = image.shape[:2]
    shift = 1.5 * severity * width / REFERENCE
    cells = (2, max(height * REFERENCE // (width * CELL), 2) + 1, REFERENCE // CELL + 1)
    coarse = rng.standard_normal(cells).astype(np.float32)
    smooth = [
        np.asarray(Image.fromarray(c).resize((width, height), Image.Resampling.BICUBIC))
        for c in coarse
    ]
    # Interpolation takes some of the noise's power away; measured, so that the shift is as stated.
    field = np.stack(smooth) * (shift / np.sqrt(np.mean(np.square(smooth))))
    rows, columns = np.indices((height, width), dtype=np.float32)
    where = np.stack([rows + field[0], columns + field[1]])
    moved = [map_coordinates(image[..., c], where, np.float32, 1, "nearest") for c in range(3)]
    return _to_bytes(np.stack(moved, axis=-1)), {"shift": shift}


def defocus(
    image: Pixels, severity: float, rng: np.random.Generator
) -> tuple[Pixels, dict[str, float]]:
    """Blur with a disc of radius 0..3 px at 64 px."""
    del rng
    radius = 3.0 * severity * image.shape[1] / REFERENCE
    reach = int(np.ceil(radius))
    x, y = _kernel_grid(reach)
    return _blur(image, x * x + y * y <= (radius + 0.5) ** 2 * (radius > 0)), {"radius": radius}


def motion(
    image: Pixels, severity: float, rng: np.random.Generator
) -> tuple[Pixels, dict[str, float]]:
    """Blur along a line of 0..10 px at 64 px in any direction, 0..180 degrees from the x axis."""
    angle = 180 * rng.random()
    length = 10.0 * severity * image.shape[1] / REFERENCE
    x, y = _kernel_grid(int(np.ceil(length / 2)))
    cos, sin = np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))
    line = (
        (np.abs(x * cos + y * sin) <= length / 2)
        & (np.abs(y * cos - x * sin) <= 0.5)
        & (length > 0)
    )
    return _blur(image, line), {"length": length, "angle": angle}


def dim(
    image: Pixels, severity: float, rng: np.random.Generator
) -> tuple[Pixels, dict[str, float]]:
    """Take light (gain 1..0.35) and contrast (1..0.6, around the image's mean) away."""
    del rng
    gain, contrast = 1 - 0.65 * severity, 1 - 0.4 * severity
    values = image.astype(np.float32)
    mean = values.mean(dtype=np.float64)
    flat = mean + contrast * (values - np.float32(mean))
    return _to_bytes(gain * flat), {"gain": gain, "contrast": contrast}


def resample(
    image: Pixels, severity: float, rng: np.random.Generator
) -> tuple[Pixels, dict[str, float]]:
    """Shrink by area to a native width of 64..8 px, and enlarge.

    Each third of severity halves the width.
    """
    del rng
    height, width = image.shape[:2]
    native = max(round(width * 0.125**severity), 1)
    if native == width:
        return image, {"width": float(native)}
    small = Image.fromarray(image).resize(
        (native, max(round(height * native / width), 1)), Image.Resampling.BOX
    )
    return np.asarray(small.resize((width, height), Image.Resampling.BILINEAR)), {
        "width": float(native)
    }


def noise(
    image: Pixels, severity: float, rng: np.random.Generator
) -> tuple[Pixels, dict[str, float]]:
    """Add sensor noise: read noise of 0..12 grey levels, shot noise of 0..20 at full scale."""
    read, shot = 12.0 * severity, 20.0 * severity
    values = image.astype(np.float32)
    spread = np.sqrt(np.float32(read) ** 2 + values * np.float32(shot**2 / 255))
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    return _to_bytes(values + spread * grain), {"read": read, "shot": shot}


def jpeg(
    image: Pixels, severity: float, rng: np.random.Generator
) -> tuple[Pixels, dict[str, float]]:
    """Store as JPEG of quality 98..10; colours at half resolution below quality 90."""
    del rng
    quality = round(98 - 88 * severity)
    file = io.BytesIO()
    Image.fromarray(image).save(
        file, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2
    )
    with Image.open(file) as stored:
        return np.asarray(stored), {"quality": float(quality)}


KINDS: dict[str, Degradation] = {
    "warp": warp,
    "defocus": defocus,
    "motion": motion,
    "dim": dim,
    "resample": resample,
    "noise": noise,
    "jpeg": jpeg,
}
PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "warp": ("shift",),
    "defocus": ("radius",),
    "motion": ("length", "angle"),
    "dim": ("gain", "contrast"),
    "resample": ("width",),
    "noise": ("read", "shot"),
    "jpeg": ("quality",),
}


def degrade(
    images: Pixels,
    kinds: Sequence[str],
    severity: float | tuple[float, float],
    seeds: NDArray[np.integer],
    *,
    links: tuple[int, int] = (2, 3),
    always_resample: bool = True,
) -> tuple[Pixels, pd.DataFrame]:
    """Lower the quality of images, each by a random chain of kinds.

    Args:
        images: `(n, h, w, 3)`.
        kinds: names from `KINDS` to choose from.
        severity: of every link, in [0, 1]; a pair `(low, high)` is a range to draw from, once per
            image and kind.
        seeds: `(n,)` integers, not negative; all that is drawn for an image comes from its own.
        links: fewest and most kinds in a chain (at most as many as there are to choose from).
        always_resample: put `resample` into every chain, besides the links chosen.

    Returns:
        The images, `(n, h, w, 3)`, and a table of `n` rows: `chain` (the kinds applied, joined by
        `+`) and for every kind `<kind>_severity` and its parameters `<kind>_<name>` in pixels of
        this image, degrees or the units of the kind; NaN where a kind was not applied.

    Raises:
        ValueError: if shapes do not match, a kind is unknown or named twice, or a number is out of range.
    """
    seeds = np.asarray(seeds)
    low, high = _check(images, kinds, severity, seeds, links)
    choices = [k for k in KINDS if k in kinds and not (always_resample and k == "resample")]
    result = np.empty_like(images)
    records: list[dict[str, object]] = []
    for i, seed in enumerate(seeds.tolist()):
        chosen = _chain(np.random.default_rng(seed), choices, links)
        chain = [k for k in KINDS if k in chosen or (always_resample and k == "resample")]
        image = images[i]
        record: dict[str, object] = {"chain": "+".join(chain)}
        for kind in chain:
            # A stream per kind: what is drawn for one does not depend on the rest of the chain.
            rng = np.random.default_rng([seed, list(KINDS).index(kind)])
            strength = low + (high - low) * rng.random()
            image, parameters = KINDS[kind](image, strength, rng)
            record[f"{kind}_severity"] = strength
            record |= {f"{kind}_{name}": value for name, value in parameters.items()}
        result[i] = image
        records.append(record)
    columns = [f"{kind}_{name}" for kind in KINDS for name in ("severity", *PARAMETERS[kind])]
    table = pd.DataFrame(records).reindex(columns=["chain", *columns])
    return result, table.astype(dict.fromkeys(columns, np.float64))


def _chain(rng: np.random.Generator, choices: list[str], links: tuple[int, int]) -> set[str]:
    count = min(int(rng.integers(links[0], links[1] + 1)), len(choices))
    return {choices[i] for i in rng.permutation(len(choices))[:count]}


def _check(
    images: Pixels,
    kinds: Sequence[str],
    severity: float | tuple[float, float],
    seeds: NDArray[np.integer],
    links: tuple[int, int],
) -> tuple[float, float]:
    """Validate the arguments of `degrade` and return the range of severities."""
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
        raise ValueError(f"images must be uint8 (n, h, w, 3), not {images.dtype} {images.shape}")
    if seeds.shape != (len(images),):
        raise ValueError(f"{len(images)} images need as many seeds, not shape {seeds.shape}")
    if not np.issubdtype(seeds.dtype, np.integer) or (seeds < 0).any():
        raise ValueError("seeds must be integers of 0 or more")
    if not kinds:
        raise ValueError(f"name at least one kind of {', '.join(KINDS)}")
    for kind in kinds:
        if kind not in KINDS:
            near = difflib.get_close_matches(kind, KINDS, n=1, cutoff=0)
            raise ValueError(
                f"unknown degradation {kind!r}; did you mean {near[0]!r}? ({', '.join(KINDS)})"
            )
    if len(set(kinds)) < len(kinds):
        raise ValueError("kinds must not repeat a name")
    low, high = severity if isinstance(severity, tuple) else (severity, severity)
    if not 0 <= low <= high <= 1:
        raise ValueError(f"severity must be within [0, 1] and a range in order, not {severity}")
    if not 0 <= links[0] <= links[1]:
        raise ValueError(f"links must be two numbers in order, not {links}")
    return low, high


def _kernel_grid(reach: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coordinates in pixels, several per pixel, over `2 * reach + 1` pixels."""
    count = (2 * reach + 1) * SUPERSAMPLING
    line = (np.arange(count) + 0.5) / SUPERSAMPLING - reach - 0.5
    return line[None, :], line[:, None]


def _blur(image: Pixels, shape: NDArray[np.bool_]) -> Pixels:
    """Convolve with a kernel given as a finely sampled shape; an empty shape changes nothing."""
    side = shape.shape[0] // SUPERSAMPLING
    kernel = shape.reshape(side, SUPERSAMPLING, side, SUPERSAMPLING).mean(axis=(1, 3))
    total = kernel.sum()
    if side == 1 or total == 0:
        return image
    pad = side // 2
    height, width = image.shape[:2]
    # Planes, since the transform of neighbouring numbers is faster than of every third one.
    wide = np.empty((3, height + 2 * pad, width + 2 * pad), np.float32)
    wide[:, pad:-pad, pad:-pad] = image.transpose(2, 0, 1)
    wide[:, :pad], wide[:, -pad:] = wide[:, pad : pad + 1], wide[:, -pad - 1 : -pad]
    wide[:, :, :pad], wide[:, :, -pad:] = wide[:, :, pad : pad + 1], wide[:, :, -pad - 1 : -pad]
    lengths = tuple(_fast_length(length + 2 * pad) for length in wide.shape[1:])
    spectrum = np.asarray(fft.rfftn(wide, lengths, axes=(1, 2)))
    spectrum *= np.asarray(fft.rfftn((kernel / total).astype(np.float32), lengths))
    blurred = np.asarray(fft.irfftn(spectrum, lengths, axes=(1, 2), overwrite_x=True))
    inside = blurred[:, 2 * pad : 2 * pad + height, 2 * pad : 2 * pad + width]
    return _to_bytes(inside.transpose(1, 2, 0))


def _fast_length(least: int) -> int:
    """A length of at least `least` that transforms fast; scipy does not say the type."""
    return int(fft.next_fast_len(least, real=True))  # pyright: ignore[reportArgumentType]


def _to_bytes(values: NDArray[np.floating]) -> Pixels:
    kept = np.clip(values, 0, 255, order="C")
    kept += 0.5
    return kept.astype(np.uint8)
