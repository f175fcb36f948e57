"""A folder with one subfolder of images per identity or class."""

from __future__ import annotations

import json
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


def contents(folder: Path, members: list[str]) -> Iterator[tuple[str, bytes]]:
    """The bytes of images, in the order asked for, one at a time."""
    for name in members:
        try:
            content = (folder / name).read_bytes()
        except OSError as error:
            raise UserError(f"{folder / name}: cannot be read ({error.strerror})") from error
        yield name, content


def fingerprint(folder: Path, cache: Path) -> str:
    """A hash of the names and contents of a folder's images.

    Contents are hashed once: as git does, a file whose size and times are as they were is not read again.

    Args:
        folder: the data set.
        cache: file that remembers size, times and hash of each image.
    """
    where = str(folder.resolve())
    known = _remembered(cache, where)
    seen: dict[str, list[str | int]] = {}
    for name in read_listing(folder)["image_id"]:
        stat = (folder / name).stat()
        # The time of the last change of any kind too: tools that unpack or copy set the other one back.
        now = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
        entry = known.get(name)
        if entry is None or entry[:3] != now:
            entry = [*now, sha256_of(folder / name)]
        seen[name] = entry
    if seen != known:
        with replacing(cache) as temporary:
            temporary.write_text(json.dumps({"folder": where, "files": seen}), "utf-8")
    return sha256_of_text(*(f"{name} {entry[3]}" for name, entry in seen.items()))


def _remembered(cache: Path, where: str) -> dict[str, list[str | int]]:
    """What the cache knows of this folder; nothing where it is about another one, or damaged."""
    try:
        content = json.loads(cache.read_text("utf-8"))
        return content["files"] if content["folder"] == where else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
