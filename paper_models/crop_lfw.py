"""Cut the faces out of deep-funneled LFW as the compatibility paper does: `python -m paper_models.crop_lfw IN OUT`.

The central 60 % of each image, resized to a small square and written as JPEG. The authors' first script wrote 112
pixels (github.com/Fizza-Rubab/face-embedding-compatibility at a828dba, extraction/crop_lfw.py), their later
configuration names 160; nothing is known that says which of the two the published numbers rest on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image


def crop(image: Image.Image, size: int, share: float = 0.6) -> Image.Image:
    """The middle of an image as a square of `size` pixels; `share` is of its shorter side."""
    width, height = image.size
    side = min(width, height) * share
    box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
    left, top, right, bottom = (round(edge) for edge in box)
    return image.crop((left, top, right, bottom)).resize((size, size), Image.Resampling.BICUBIC)


def crop_folder(source: Path, target: Path, size: int) -> int:
    """Crop every `person/image.jpg` of a folder into another; returns how many.

    Raises:
        FileNotFoundError: where there is no such image.
    """
    files = sorted(source.glob("*/*.jpg"))
    if not files:
        raise FileNotFoundError(f"{source}: no person/image.jpg in it")
    for file in files:
        there = target / file.parent.name / file.name
        there.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as image:
            crop(image.convert("RGB"), size).save(there, quality=95)
    return len(files)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="the unpacked folder lfw-deepfunneled")
    parser.add_argument("target", type=Path, help="folder to write")
    parser.add_argument("--size", type=int, default=160, help="side in pixels (160)")
    arguments = parser.parse_args()
    count = crop_folder(arguments.source, arguments.target, arguments.size)
    print(f"{arguments.target}: {count} images of {arguments.size} pixels")


if __name__ == "__main__":
    main()
