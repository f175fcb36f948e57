"""WebDataset shards: tar files in which the files of a sample lie side by side and share a name up to a dot.

Shards are never unpacked. Listing reads their headers and the small files beside the images; the images stay where
they are, and the image store says where that is.
"""

from __future__ import annotations

import json
import logging
import re
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from unispace.config.datasets import ShardsSource
from unispace.data.sources.braces import expand_braces
from unispace.errors import UserError, did_you_mean
from unispace.records import places
from unispace.records.files import sha256_of
from unispace.records.shards import Shard, ShardReader

log = logging.getLogger(__name__)

IMAGES = ("jpg", "jpeg", "png", "webp")

# Key and extension, as WebDataset takes them: up to the first dot of the file name, the folder included.
_NAME = re.compile(r"((?:.*/)?[^./]+)\.([^/]*)", re.DOTALL)
# What the listing and the record of a data set call their own; a key of these names gets a suffix.
_TAKEN = frozenset(
    {"image_id", "row", "domain", "label", "identity", "split", "shard", "offset", "size"}
)
_FIXED = pa.schema(
    [
        pa.field("image_id", pa.string()),
        pa.field("label", pa.string()),
        pa.field("shard", pa.uint32()),
        pa.field("offset", pa.uint64()),
        pa.field("size", pa.uint64()),
    ]
)
# Samples that are Python objects at one time.
_CHUNK = 1 << 15
_BLOCK = 512
_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"(\xb5/\xfd": "zstd"}


@dataclass
class _Sample:
    """The files of one sample: where its image lies, and what is said about it."""

    key: str
    extensions: list[str] = field(default_factory=list)
    image: tuple[int, int] | None = None
    about: dict[str, Any] | None = None
    label: str | None = None


def find_shards(path: str, where: str) -> dict[str, Path]:
    """The shards that a study names, in the order of their names.

    Args:
        path: with braces or wildcards; looked up as `places.locate` does.
        where: the key of the study, for errors.

    Returns:
        Of each shard its name, as the study would write it, and the file.

    Raises:
        UserError: where one is missing, or is no uncompressed tar.
    """
    if places.is_url(path):
        raise UserError(
            f"{where}: shards are read where they lie, not over the network; download them and name the files"
        )
    try:
        names = expand_braces(path)
    except UserError as error:
        raise UserError(f"{where}.path: {error}") from error
    found: dict[str, Path] = {}
    absent = []
    for name in names:
        matches = places.find_all(name)
        found |= matches
        if not matches:
            absent.append(name)
    if absent:
        many = f"{len(absent)} of {len(names)} shards are missing, such as " if names[1:] else ""
        raise UserError(f"{where}: {many}{places.not_found(absent[0], names)}")
    for file in found.values():
        _check_kind(file, where)
    return found


def _check_kind(file: Path, where: str) -> None:
    """Refuse what is no file, or compressed: no image could be read from its middle."""
    if not file.is_file():
        raise UserError(f"{where}: {file} is not a file")
    with file.open("rb") as stream:
        start = stream.read(8)
    for magic, name in _COMPRESSED.items():
        if start.startswith(magic):
            raise UserError(
                f"{where}: {file} is compressed ({name}), so that an image cannot be read without all before it; "
                f"images hardly shrink: decompress the shard and name the .tar"
            )


def shards_of(files: Mapping[str, Path]) -> list[Shard]:
    """What the image store keeps of shards; reads them whole, for their checksums."""
    return [Shard(name, file.stat().st_size, sha256_of(file)) for name, file in files.items()]


def read_listing(files: Mapping[str, Path], source: ShardsSource) -> pd.DataFrame:
    """The images of shards, in their order.

    Returns:
        Columns image_id (the key of the sample), label, shard (number in `files`), offset and size (of the image's
        bytes in the shard), split where the source has a key for it, and the further values of the samples'
        .json, as text; what a sample lacks is an empty text.

    Raises:
        UserError: where a shard is damaged, a sample has no label or two images, or two samples have one key.
    """
    tables: list[pa.Table] = []
    rows: list[dict[str, Any]] = []
    bare, example = 0, ""
    for number, (name, file) in enumerate(files.items()):
        before = len(rows) + sum(map(len, tables))
        for sample in _samples(file, name):
            if sample.image is None:
                bare, example = bare + 1, example or _bare(name, sample)
                continue
            rows.append(_row(sample, sample.image, number, name, source))
            if len(rows) >= _CHUNK:
                tables.append(_table(rows))
                rows = []
        if len(rows) + sum(map(len, tables)) == before:
            raise UserError(
                f"{file}: holds no image; {example or 'needs samples such as 0001.jpg and 0001.json'}"
            )
    tables.append(_table(rows))
    if bare:
        log.warning("%d samples without image passed over, such as %s", bare, example)
    listing = pa.concat_tables(tables, promote_options="default").to_pandas()
    texts = [name for name in listing.columns if name not in _FIXED.names]
    listing[texts] = listing[texts].fillna("")
    again = listing["image_id"].duplicated().to_numpy()
    if again.any():
        _refuse_twice(listing, listing["image_id"][again].iloc[0], list(files))
    return listing


def _bare(name: str, sample: _Sample) -> str:
    return f"{name}: {sample.key} with {', '.join(f'.{e}' for e in sample.extensions)}"


def _refuse_twice(listing: pd.DataFrame, key: str, names: list[str]) -> None:
    numbers = listing.loc[listing["image_id"] == key, "shard"]
    first, second = names[int(numbers.iloc[0])], names[int(numbers.iloc[1])]
    where = (
        f"apart in {first}; the files of a sample must lie side by side (tar --sort=name)"
        if first == second
        else f"in {first} and in {second}; keys must differ"
    )
    raise UserError(f"sample `{key}` stands twice, {where}")


def _samples(file: Path, name: str) -> Iterator[_Sample]:
    """The samples of a shard, one at a time."""
    sample = None
    for key, extension, place, content in _members(file, name):
        if sample is None or key != sample.key:
            if sample is not None:
                yield sample
            sample = _Sample(key)
        if extension in sample.extensions:
            raise UserError(f"{name}: sample `{key}` has two files .{extension}")
        sample.extensions.append(extension)
        if extension in IMAGES:
            if sample.image is not None:
                raise UserError(
                    f"{name}: sample `{key}` has two images (.{', .'.join(sample.extensions)})"
                )
            sample.image = place
        elif extension == "json":
            sample.about = _json(content, f"{name}: {key}.json")
        elif extension == "cls":
            sample.label = _decoded(content, f"{name}: {key}.cls").strip()
    if sample is not None:
        yield sample


def _members(file: Path, name: str) -> Iterator[tuple[str, str, tuple[int, int], bytes]]:
    """Key, extension in small letters, place and, but for images, content of the files in a shard."""
    try:
        with file.open("rb") as stream, tarfile.open(fileobj=stream, mode="r:") as archive:
            while (member := archive.next()) is not None:
                # The library would keep every header it has read.
                archive.members.clear()  # pyright: ignore[reportAttributeAccessIssue]
                found = _NAME.fullmatch(member.name.removeprefix("./"))
                if member.isdir() or found is None:
                    continue
                key, extension = found[1], found[2].lower()
                if not member.isfile() or member.issparse():
                    raise UserError(
                        f"{name}: {member.name!r} is no plain file but a link or the like; "
                        f"pack the files themselves (tar --dereference --hard-dereference)"
                    )
                _encodable(member.name, f"{name}: the file name {member.name!r}")
                content = b""
                if extension in ("json", "cls"):
                    stream.seek(member.offset_data)
                    content = stream.read(member.size)
                    if len(content) < member.size:
                        raise tarfile.ReadError(f"{member.name} ends early")
                yield key, extension, (member.offset_data, member.size), content
            # The library takes damage in the middle for the end.
            stream.seek(archive.offset)
            if stream.read(_BLOCK) != bytes(_BLOCK):
                raise tarfile.ReadError("its end is missing")
    except (tarfile.TarError, OSError, ValueError) as error:
        raise UserError(
            f"{file}: no tar, or truncated or damaged; fetch it again ({error})"
        ) from error


def _row(
    sample: _Sample, image: tuple[int, int], number: int, name: str, source: ShardsSource
) -> dict[str, Any]:
    """The row of a sample that has an image."""
    about, where = sample.about or {}, f"{name}: {sample.key}.json"
    used = {source.split_key, source.label_key if source.label_from == "json" else None}
    further = {
        key: value
        for key, value in about.items()
        if key not in used and not isinstance(value, list | dict)
    }
    row = {f"{k}_given" if k in _TAKEN else k: _text(v, k, where) for k, v in further.items()}
    if len(row) < len(further):
        raise UserError(f"{where}: two of its keys would give columns of one name")
    if source.split_key is not None:
        row["split"] = _text(about.get(source.split_key), source.split_key, where)
    label = _label(sample, name, source)
    return row | {
        "image_id": sample.key,
        "label": label,
        "shard": number,
        "offset": image[0],
        "size": image[1],
    }


def _label(sample: _Sample, name: str, source: ShardsSource) -> str:
    """The label of a sample, from where the study says."""
    where = f"{name}: sample `{sample.key}`"
    match source.label_from:
        case "cls":
            label, lacking = sample.label, "has no .cls file, or an empty one"
        case "folder":
            label, lacking = sample.key.rpartition("/")[0], "lies in no folder"
            label = label.rpartition("/")[2]
        case "json":
            about = sample.about or {}
            value = about.get(source.label_key)
            # A class may be a number; true, 1.5 or a list is no name of anything.
            usable = isinstance(value, str | int) and not isinstance(value, bool)
            label = _text(value, source.label_key, f"{name}: {sample.key}.json") if usable else ""
            lacking = (
                f"has no text or whole number `{source.label_key}` in its .json; "
                f"{did_you_mean(source.label_key, about)}"
                if sample.about is not None
                else "has no .json file"
            )
    if not label or not label.strip():
        raise UserError(f"{where} {lacking}: label_from is `{source.label_from}`")
    return label


def _text(value: Any, key: str, where: str) -> str:
    """A value of a .json as the cell of a table."""
    if value is None:
        return ""
    return _encodable(value if isinstance(value, str) else json.dumps(value), f"{where}: `{key}`")


def _encodable(text: str, what: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise UserError(f"{what} is not in UTF-8") from None
    return text


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is no text in UTF-8 ({error})") from error


def _json(content: bytes, name: str) -> dict[str, Any]:
    try:
        about = json.loads(_decoded(content, name))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{name}: no valid JSON ({error})") from error
    if not isinstance(about, dict):
        raise UserError(f"{name}: holds no JSON object")
    for key in about:
        _encodable(key, f"{name}: its key {key!r}")
    return about


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as Arrow columns; what some of them lack is empty there."""
    further = dict.fromkeys(name for row in rows for name in row if name not in _FIXED.names)
    schema = pa.schema([*_FIXED, *(pa.field(name, pa.string()) for name in further)])
    return pa.Table.from_pylist(rows, schema)


def contents(shards: Sequence[Shard], rows: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    """The bytes of the images of a listing, in its order, one at a time."""
    reader = ShardReader(shards, "the listing")
    columns = (rows[name] for name in ("image_id", "shard", "offset", "size"))
    for key, shard, offset, size in zip(*columns, strict=True):
        yield f"{shards[shard].path}: {key}", reader.read(shard, offset, size)
