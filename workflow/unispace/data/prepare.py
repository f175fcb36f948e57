"""One data set of a study: list, split, select, check, store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from unispace.config.base import IDENTITY_DOMAINS
from unispace.config.datasets import (
    ArchiveSource,
    Dataset,
    FolderSource,
    RegisteredSource,
    Source,
    StudioSource,
)
from unispace.data.protocols.official import official_pairs
from unispace.data.registry import lookup
from unispace.data.sources import archive, folder
from unispace.data.sources.places import locate
from unispace.data.splits import select, split_by_hash
from unispace.data.studio import world
from unispace.errors import UserError, did_you_mean
from unispace.records.images import decode, write_encoded, write_raw
from unispace.records.left_out import LeftOut, write_left_out
from unispace.records.manifest import write_manifest
from unispace.records.pairs import write_pairs

log = logging.getLogger(__name__)

Contents = Callable[[Path, list[str]], Iterator[tuple[str, bytes]]]


def prepare(
    name: str,
    dataset: Dataset,
    seed: int,
    archive_file: Path | None,
    manifest_path: Path,
    images_path: Path,
    left_out_path: Path,
    pairs_path: Path,
) -> pd.DataFrame:
    """Write the image store, manifest and official pairs of a data set, and what of its source is left out.

    Args:
        name: the data set's name in the study.
        dataset: its settings.
        seed: the study's seed, for rendered images.
        archive_file: the fetched archive of an archive source or a registered set.
        manifest_path: where the manifest goes.
        images_path: where the image store goes.
        left_out_path: where the record of the images goes that the source holds and the manifest does not.
        pairs_path: where its official pairs go, of all images of the source; an empty table where it has none.

    Returns:
        The manifest.

    Raises:
        UserError: where the source or its list of pairs is missing or malformed, an image is unreadable (unless
            these are skipped), or no identity has two images.
    """
    source = dataset.source
    listing = _list(name, dataset, archive_file)
    if dataset.splits.rename:
        listing["split_given"] = listing["split"]
    listing["split"] = _splits(name, dataset, listing)
    # Read before the images, since a wrong list shows at once and images take long.
    pairs = official_pairs(name, dataset.pairs, archive_file, listing)
    rows = select(
        listing,
        dataset.min_images_per_label,
        dataset.max_labels,
        dataset.max_images_per_label,
    )
    if rows.empty:
        raise UserError(
            f"datasets.{name}: no image is left of {len(listing)}; "
            f"min_images_per_label is {dataset.min_images_per_label}"
        )
    if len(rows) < len(listing):
        log.info("%s: %d of %d images selected", name, len(rows), len(listing))
    if isinstance(source, StudioSource):
        extra = _store_rendered(name, dataset, source, seed, rows, images_path)
        rows = rows.drop(columns=["label_number", "number"]).join(extra)
        unreadable: list[str] = []
    else:
        place, contents = _place(name, source, archive_file)
        selected = rows["image_id"]
        rows = _store_files(name, dataset, place, contents, rows, images_path)
        unreadable = list(selected[~selected.isin(rows["image_id"])])
    _check_identities(name, dataset, rows)
    manifest = rows.assign(
        row=np.arange(len(rows)),
        domain=dataset.domain,
        identity=rows["label"] if dataset.domain in IDENTITY_DOMAINS else None,
        source=rows.get("source", _origin(name, source)),
    )
    write_manifest(manifest, manifest_path)
    write_left_out(LeftOut(len(listing), tuple(unreadable)), left_out_path)
    write_pairs(pairs, pairs_path)
    return manifest


def _origin(name: str, source: Source) -> str:
    """What the manifest calls the source of images that name none."""
    known_as = source.name if isinstance(source, RegisteredSource) else name
    return f"{source.kind}:{known_as}"


def _place(
    name: str, source: ArchiveSource | FolderSource | RegisteredSource, archive_file: Path | None
) -> tuple[Path, Contents]:
    """Where the files of a data set lie, and what reads them."""
    match source:
        case FolderSource():
            return locate(source.path, f"datasets.{name}"), folder.contents
        case ArchiveSource():
            return _required(archive_file, name), archive.contents
        case RegisteredSource():
            return _required(archive_file, name), lookup(source.name).reader().contents


def _required(archive_file: Path | None, name: str) -> Path:
    if archive_file is None:
        raise ValueError(f"{name}: an archive source needs the fetched archive")
    return archive_file


def _list(name: str, dataset: Dataset, archive_file: Path | None) -> pd.DataFrame:
    match dataset.source:
        case StudioSource():
            world.check(name, dataset.domain, dataset.source)
            return world.listing(name, dataset.domain, dataset.source)
        case ArchiveSource():
            return archive.read_listing(_required(archive_file, name), dataset.source.manifest)
        case FolderSource():
            return folder.read_listing(locate(dataset.source.path, f"datasets.{name}"))
        case RegisteredSource():
            return _list_registered(dataset.source, _required(archive_file, name))


def _list_registered(source: RegisteredSource, archive_file: Path) -> pd.DataFrame:
    entry = lookup(source.name)
    listing = entry.reader().read_listing(archive_file)
    published = [
        f"{n:,} {of}" for n, of in ((entry.images, "images"), (entry.identities, "labels")) if n
    ]
    log.info(
        "%s: %s images of %s labels in the archive (published: %s)",
        source.name,
        f"{len(listing):,}",
        f"{listing['label'].nunique():,}",
        " of ".join(published) or "not known",
    )
    return listing


def _splits(name: str, dataset: Dataset, listing: pd.DataFrame) -> np.ndarray | pd.Series:
    splits = dataset.splits
    if splits.by == "manifest":
        given = set(listing["split"])
        if "" in given:
            image = listing.loc[listing["split"] == "", "image_id"].iloc[0]
            raise UserError(f"datasets.{name}: the manifest names no split for {image}")
        for split in splits.rename:
            if split not in given:
                raise UserError(
                    f"datasets.{name}.splits.rename: the manifest has no split `{split}`; "
                    f"{did_you_mean(split, given)}"
                )
        return listing["split"].map({split: splits.rename.get(split, split) for split in given})
    # Identities must not be divided between splits; classes must be, since they are learnt.
    keys = listing["label" if dataset.domain in IDENTITY_DOMAINS else "image_id"]
    return split_by_hash(list(keys), splits.train, splits.val)


def _store_rendered(
    name: str,
    dataset: Dataset,
    source: StudioSource,
    seed: int,
    rows: pd.DataFrame,
    path: Path,
) -> pd.DataFrame:
    extras: list[pd.DataFrame] = []

    def batches() -> Iterator[np.ndarray]:
        done = 0
        for extra, images in world.render(name, dataset.domain, source, seed, rows):
            extras.append(extra)
            done += len(images)
            log.info("%s: %d of %d images rendered", name, done, len(rows))
            yield images

    write_raw(batches(), len(rows), source.size, path)
    return pd.concat(extras)


def _store_files(
    name: str, dataset: Dataset, place: Path, contents: Contents, rows: pd.DataFrame, path: Path
) -> pd.DataFrame:
    """Store the files of `rows` that can be decoded; returns those rows."""
    readable = np.ones(len(rows), bool)

    def checked() -> Iterator[bytes]:
        for i, (member, content) in enumerate(contents(place, list(rows["member"]))):
            try:
                decode(content, f"{place}: {member}")
            except UserError as error:
                if dataset.unreadable == "fail":
                    raise UserError(
                        f"{error}\n  Mend or remove that image, or set `unreadable: skip` in datasets.{name}"
                    ) from error
                log.warning("left out: %s", error)
                readable[i] = False
                continue
            if (i + 1) % 1000 == 0:
                log.info("%s: %d of %d images stored", name, i + 1, len(rows))
            yield content

    write_encoded(checked(), path)
    if not readable.all():
        log.warning("%s: %d unreadable images left out", name, int((~readable).sum()))
    kept = rows[readable].drop(columns=["member"]).reset_index(drop=True)
    if kept.empty:
        raise UserError(f"datasets.{name}: none of its {len(rows)} images can be read")
    return kept


def _check_identities(name: str, dataset: Dataset, rows: pd.DataFrame) -> None:
    """Say how many identities have one image; refuse a set in which all have."""
    if dataset.domain not in IDENTITY_DOMAINS:
        return
    images = rows.groupby("label").size()
    single = int((images == 1).sum())
    if single == len(images):
        raise UserError(
            f"datasets.{name}: each of its {single} identities has one image only; recognition needs "
            f"two images of at least some identities"
        )
    if single:
        log.warning(
            "%s: %d of %d identities have one image: they can only be impostors. "
            "Set min_images_per_label: 2 to leave them out",
            name,
            single,
            len(images),
        )
