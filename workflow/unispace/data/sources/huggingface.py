"""Data sets of the Hugging Face hub: parquet tables with images, or images in folders of labels."""

from __future__ import annotations

import fnmatch
import json
import logging
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from unispace.config.datasets import HuggingfaceSource
from unispace.data.sources.folder import SUFFIXES
from unispace.errors import UserError, did_you_mean
from unispace.records.files import read_json

log = logging.getLogger(__name__)

_ROWS = 256  # of a table that are in memory at a time

T = TypeVar("T")


def revision_of(source: HuggingfaceSource, record: Path) -> str:
    """The commit that is fetched: of the study, or of the first fetch, or the newest.

    Args:
        source: the data set.
        record: what the first fetch wrote, if there was one.

    Raises:
        UserError: where the hub cannot be asked for the newest.
    """
    if source.revision:
        return source.revision
    if record.is_file():
        return str(read_json(record)["revision"])
    from huggingface_hub import HfApi  # only here: importing it costs time

    found = _asked(source, lambda: HfApi().dataset_info(source.repo).sha)
    log.warning(
        "%s: no revision given; %s is the newest and is kept from now on. "
        "Write `revision: %s` into the study to make it part of it",
        source.repo,
        found,
        found,
    )
    return str(found)


def images_of(source: HuggingfaceSource, revision: str) -> Iterator[tuple[str, str, str, bytes]]:
    """Path, label, split (empty where the source names none) and bytes of each image, in the order of the files.

    Raises:
        UserError: where the hub does not give the files, a pattern matches none, or a table lacks a column.
    """
    from huggingface_hub import HfApi, hf_hub_download

    names = sorted(
        _asked(
            source,
            lambda: HfApi().list_repo_files(source.repo, revision=revision, repo_type="dataset"),
        )
    )
    for split, files in _files(source, names).items():
        for name in files:
            log.info("%s: %s", source.repo, name)
            file = Path(
                _asked(
                    source,
                    lambda name=name: hf_hub_download(
                        source.repo, name, revision=revision, repo_type="dataset"
                    ),
                )
            )
            if name.endswith(".parquet"):
                yield from _of_table(source, file, name, split)
            else:
                label = posixpath.basename(posixpath.dirname(name))
                if not label:
                    raise UserError(
                        f"{source.repo}: the image {name} lies in no folder that could be its label"
                    )
                yield name, label, split, file.read_bytes()


def _asked(source: HuggingfaceSource, ask: Callable[[], T]) -> T:
    try:
        return ask()
    except Exception as error:
        # The client lets errors of its own, of httpx, of xet and of the operating system through.
        raise UserError(
            f"{source.repo}: not to be had from the hub ({error}). Check names and network, or fetch it by hand "
            f"and use `kind: archive`, `manifest` or `folder`"
        ) from error


def _files(source: HuggingfaceSource, names: list[str]) -> dict[str, list[str]]:
    """The parquet tables of each split, or its images where it has no tables."""
    made = {}
    for split, pattern in (source.files or {"": "*"}).items():
        found = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
        tables = [name for name in found if name.endswith(".parquet")]
        made[split] = tables or [
            name for name in found if posixpath.splitext(name)[1].lower() in SUFFIXES
        ]
        if not made[split]:
            raise UserError(
                f"{source.repo}: no parquet table and no image matches `{pattern}`; {did_you_mean(pattern, names)}"
            )
    return made


def _of_table(
    source: HuggingfaceSource, file: Path, name: str, split: str
) -> Iterator[tuple[str, str, str, bytes]]:
    where = f"{source.repo}: {name}"
    try:
        with pq.ParquetFile(file) as table:
            schema = table.schema_arrow
            for key, column in (("image", source.image), ("label", source.label)):
                if column not in schema.names:
                    raise UserError(
                        f"{where} has no column `{column}`; {did_you_mean(column, schema.names)}; "
                        f"say which as `{key}` of the source"
                    )
            classes = _classes(schema, source.label)
            number = 0
            for batch in table.iter_batches(_ROWS, columns=[source.image, source.label]):
                for row in batch.to_pylist():
                    at = f"{where}, row {number}"
                    content = _bytes(row[source.image], at)
                    label = _label(row[source.label], classes, at)
                    stem = name.removesuffix(".parquet")
                    yield f"{stem}/{number:07d}", label, split, content
                    number += 1
    except pa.ArrowException as error:
        raise UserError(f"{where} cannot be read as a parquet table ({error})") from error


def _classes(schema: pa.Schema, column: str) -> list[str] | None:
    """Names of the classes, where the table has them in its metadata."""
    try:
        about = json.loads((schema.metadata or {})[b"huggingface"])
        return about["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):
        return None


def _bytes(image: Any, where: str) -> bytes:
    content = image.get("bytes") if isinstance(image, dict) else image
    if not isinstance(content, bytes):
        raise UserError(
            f"{where}: its image is not in the table; only tables with the bytes are read"
        )
    return content


def _label(value: Any, classes: list[str] | None, where: str) -> str:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise UserError(f"{where}: has no label")
    if isinstance(value, int) and classes is not None:
        if not 0 <= value < len(classes):
            raise UserError(f"{where}: its label {value} is none of {len(classes)} classes")
        return classes[value]
    return str(value)
