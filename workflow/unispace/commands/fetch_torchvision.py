"""Let torchvision download a data set, and pack its images and labels as an archive."""

from __future__ import annotations

import argparse
import inspect
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torchvision
from PIL import Image
from torchvision import datasets

from unispace.config.datasets import TorchvisionSource
from unispace.data.sources.export import export
from unispace.data.sources.layouts.pickles import only_arrays
from unispace.errors import UserError, did_you_mean
from unispace.records.files import sha256_of, write_json

log = logging.getLogger(__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--settings", required=True, help="JSON: name, arguments, splits")
    parser.add_argument("--root", type=Path, required=True, help="where torchvision keeps files")
    parser.add_argument("--archive", type=Path, required=True)
    parser.add_argument("--record", type=Path, required=True, help="where its checksum goes")


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    source = TorchvisionSource.model_validate(json.loads(arguments.settings))
    with only_arrays():
        count = export(_images(source, arguments.root), arguments.archive)
    log.info("%s: %d images", source.name, count)
    write_json(
        arguments.record,
        {
            "bytes": arguments.archive.stat().st_size,
            "file": arguments.archive.name,
            "sha256": sha256_of(arguments.archive),
            "source": source.model_dump(mode="json"),
            "torchvision": torchvision.__version__,
        },
    )


def _images(source: TorchvisionSource, root: Path) -> Iterator[tuple[str, str, str, bytes]]:
    """Path, label, split and PNG file of each image."""
    for split, further in (source.splits or {"": {}}).items():
        dataset = _open(source.name, {**source.arguments, **further}, root)
        classes = getattr(dataset, "classes", None)
        for i in range(_length(dataset, source.name)):
            item = dataset[i]
            where = f"torchvision {source.name}, image {i} of {split or 'the set'}"
            if not (
                isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], Image.Image)
            ):
                raise UserError(f"{where}: is no image with one label, so the set cannot be used")
            label = _label(item[1], classes, where)
            yield f"{split or 'all'}/{i:07d}.png", label, split, _png(item[0])
            if (i + 1) % 5000 == 0:
                log.info("%s %s: %d of %d images", source.name, split, i + 1, len(dataset))


def _open(name: str, arguments: dict[str, Any], root: Path) -> Any:
    """A data set of torchvision, downloaded where it can be.

    Raises:
        UserError: where there is none of that name, it takes other arguments, or the download fails.
    """
    kinds = [kind for kind in datasets.__all__ if inspect.isclass(getattr(datasets, kind))]
    if name not in kinds:
        raise UserError(f"torchvision has no data set `{name}`; {did_you_mean(name, kinds)}")
    kind = getattr(datasets, name)
    takes = inspect.signature(kind).parameters
    unknown = [argument for argument in arguments if argument not in takes]
    if unknown:
        raise UserError(
            f"torchvision {name} takes no argument `{unknown[0]}`; {did_you_mean(unknown[0], takes)}"
        )
    given: dict[str, Any] = {"root": str(root), "download": True}
    twice = [argument for argument in arguments if argument in given]
    if twice:
        raise UserError(f"torchvision {name}: `{twice[0]}` is set here and can be no argument")
    root.mkdir(parents=True, exist_ok=True)
    given = {k: v for k, v in given.items() if k in takes}
    try:
        return kind(**given, **arguments)
    # Each class raises errors of its own, of the network and of the disk.
    except Exception as error:
        # Of sets that are no longer published, files may have been put there by hand.
        if "download" in given and any(root.iterdir()):
            try:
                return kind(**{**given, "download": False}, **arguments)
            except Exception as without:
                log.info("%s: nor without a download (%s)", name, without)
        raise UserError(
            f"torchvision {name} with {arguments}: could not be made ({error}). Check arguments and network, "
            f"or put its files where torchvision looks for them: {root}"
        ) from error


def _length(dataset: Any, name: str) -> int:
    try:
        return len(dataset)
    except TypeError as error:
        raise UserError(f"torchvision {name}: does not say how many images it holds") from error


def _label(target: Any, classes: Any, where: str) -> str:
    """The label as text: the name of the class where the set has names."""
    if isinstance(target, str):
        return target
    try:
        number = int(target)
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: its label {target!r} is no class") from error
    if classes is None:
        return str(number)
    if not 0 <= number < len(classes):
        raise UserError(f"{where}: its label {number} is none of {len(classes)} classes")
    return str(classes[number])


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=1)
    return stream.getvalue()
