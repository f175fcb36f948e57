"""Which files below data/raw a source is read from."""

from __future__ import annotations

import posixpath

from unispace.config.datasets import (
    ArchiveSource,
    HuggingfaceSource,
    RegisteredSource,
    Source,
    TorchvisionSource,
)
from unispace.data.registry import lookup
from unispace.records.files import sha256_of_text


def raw_files(source: Source) -> tuple[str, ...]:
    """Paths below data/raw of what is fetched for a source, its main file first; empty where nothing is.

    Raises:
        UserError: where a registered set does not exist.
    """
    match source:
        case ArchiveSource(path=path):
            return (posixpath.basename(path.split("?", 1)[0]),)
        case RegisteredSource(name=name):
            return tuple(file.name for file in lookup(name).files)
        case TorchvisionSource(name=name):
            return (f"torchvision-{name}-{_digest(source)}.tar",)
        case HuggingfaceSource(repo=repo):
            return (f"huggingface-{repo.replace('/', '-')}-{_digest(source)}.tar",)
        case _:
            return ()


def _digest(source: TorchvisionSource | HuggingfaceSource) -> str:
    """Other settings make another archive."""
    return sha256_of_text(source.to_json())[:12]
