"""A folder with one subfolder of images per identity or class."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from unispace.errors import UserError
from unispace.records.files import replacing, sha256_of, sha256_of_text

SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".ppm", ".pgm"}
)


def read_listing(folder: Path) -> pd.DataFrame:
    """The images of a folder, sorted.

    Returns:
        Columns image_id (path below the folder, with /), member (the same) and label (the subfolder).

    Raises:
        UserError: where it is no folder, has no subfolder, or these hold no image.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: not a folder; it needs one subfolder per identity or class")
    labels = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not labels:
        raise UserError(
            f"{folder}: holds no subfolder; images go into one subfolder per identity or class, "
            f"such as {folder.name}/alice/1.jpg"
        )
    names = [
        f"{label.name}/{file.relative_to(label).as_posix()}"
        for label in labels
        for file in sorted(label.rglob("*"))
        if file.suffix.lower() in SUFFIXES and file.is_file() and not file.name.startswith(".")
    ]
    if not names:
        raise UserError(
            f"{folder}: no images in its subfolders (looked for {', '.join(sorted(SUFFIXES))})"
        )
    return pd.DataFrame(
        {"image_id": names, "member": names, "label": [name.split("/", 1)[0] for name in names]}
    )


def contents(folder: Path, members: list[str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of images, in the order asked for, one at a time."""
    for name in members:
        yield name, (folder / name).read_bytes()


def fingerprint(folder: Path, cache: Path) -> str:
    """A hash of the names and contents of a folder's images.

    Contents are hashed once: as git does, a file whose size and time are as they were is not read again.

    Args:
        folder: the data set.
        cache: file that remembers size, time and hash of each image.
    """
    known: dict[str, list[str | int]] = {}
    if cache.is_file():
        known = json.loads(cache.read_text("utf-8"))
    seen: dict[str, list[str | int]] = {}
    for name in read_listing(folder)["image_id"]:
        stat = os.stat(folder / name)
        entry = known.get(name)
        if entry is None or entry[:2] != [stat.st_size, stat.st_mtime_ns]:
            entry = [stat.st_size, stat.st_mtime_ns, sha256_of(folder / name)]
        seen[name] = entry
    if seen != known:
        with replacing(cache) as temporary:
            temporary.write_text(json.dumps(seen), "utf-8")
    return sha256_of_text(*(f"{name} {entry[2]}" for name, entry in seen.items()))
