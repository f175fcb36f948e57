"""A folder with one subfolder of images per identity or class."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from unispace.data.sources.fingerprints import fingerprint_of
from unispace.errors import UserError

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
        f"{label.name}/{inner.as_posix()}"
        for label in labels
        for inner in sorted(file.relative_to(label) for file in label.rglob("*"))
        if inner.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in inner.parts)
        and (label / inner).is_file()
    ]
    if not names:
        raise UserError(
            f"{folder}: no images in its subfolders (looked for {', '.join(sorted(SUFFIXES))})"
        )
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise UserError(
                f"{folder}: the file name {name!r} is not in UTF-8; rename it"
            ) from None
    return pd.DataFrame(
        {"image_id": names, "member": names, "label": [name.split("/", 1)[0] for name in names]}
    )


def contents(folder: Path, members: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of images, in the order asked for, one at a time."""
    for name in members:
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise UserError(f"{folder / name}: cannot be read ({error.strerror})") from error
        yield name, content


def fingerprint(folder: Path, cache: Path) -> str:
    """A hash of the names and contents of a folder's images, as `fingerprint_of` makes it."""
    files = {name: folder / name for name in read_listing(folder)["image_id"]}
    return fingerprint_of(files, str(folder.resolve()), cache)
