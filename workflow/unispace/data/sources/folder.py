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
# What systems leave in folders that were looked at.
_OF_SYSTEMS = frozenset({".db", ".ini"})


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


def passed_over(folder: Path) -> dict[str, list[str]]:
    """What lies in a folder of images and is not taken; files of systems and hidden ones are not told.

    Returns:
        In words what such things are, and their names below the folder, sorted; nothing where there are none.
    """
    taken = set(read_listing(folder)["label"])
    inner = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    found = {
        "subfolders without images": [p.name for p in inner if p.is_dir() and p.name not in taken],
        "images outside the subfolders, which have no label": [
            p.name for p in inner if p.is_file() and p.suffix.lower() in SUFFIXES
        ],
        "files that are no images by their ending": [
            file.relative_to(folder).as_posix()
            for label in sorted(taken)
            for file in sorted((folder / label).rglob("*"))
            if file.is_file() and file.suffix.lower() not in SUFFIXES | _OF_SYSTEMS
            and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        ],
    }  # fmt: skip
    return {what: names for what, names in found.items() if names}


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
