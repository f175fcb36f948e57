"""One data set of a study: list, split, select, check, store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray

from unispace.config.base import ATTACK_DOMAINS, BONA_FIDE, IDENTITY_DOMAINS
from unispace.config.datasets import (
    ArchiveSource,
    Dataset,
    DigitsSource,
    FolderSource,
    HuggingfaceSource,
    IndexSource,
    ManifestSource,
    RegisteredSource,
    ShardsSource,
    Source,
    TorchvisionSource,
)
from unispace.config.studio import StudioSource
from unispace.data.held_out import hold_out
from unispace.data.protocols.official import official_pairs
from unispace.data.registry import lookup
from unispace.data.sources import archive, digits, folder, own_index, own_manifest, shards
from unispace.data.sources.export import MANIFEST
from unispace.data.splits import select, split_by_hash
from unispace.data.studio import rendering, world
from unispace.errors import UserError, did_you_mean
from unispace.records.factors import write_factors
from unispace.records.images import decode, write_encoded, write_raw
from unispace.records.left_out import LeftOut, write_left_out
from unispace.records.manifest import write_manifest
from unispace.records.pairs import write_pairs
from unispace.records.places import locate
from unispace.records.shards import PLACE, write_references

log = logging.getLogger(__name__)

# Damaged images that are told at once.
_NAMED = 20

Contents = Callable[[Path, Iterable[str]], Iterator[tuple[str, bytes]]]


def prepare(
    name: str,
    dataset: Dataset,
    seed: int,
    archive_file: Path | None,
    folder: Path,
    workers: int = 1,
) -> pd.DataFrame:
    """Write the image store, manifest and official pairs of a data set, and what of its source is left out.

    Args:
        name: the data set's name in the study.
        dataset: its settings.
        seed: the study's seed, for rendered images.
        archive_file: what was fetched for the source: its archive, or the first of its files.
        folder: where manifest.parquet, images.npy, factors.parquet (the truth behind rendered images), left_out.json
            and pairs.parquet (official pairs of all images of the source) go; no images.npy where the source has none.
        workers: processes that render; changes the time and no byte.

    Returns:
        The manifest.

    Raises:
        UserError: where the source or its list of pairs is missing or malformed, an image is unreadable (unless
            these are skipped), or no identity has two images.
    """
    source = dataset.source
    listing = _divided(name, dataset, archive_file)
    # Read before the images, since a wrong list shows at once and images take long.
    pairs = official_pairs(name, dataset.pairs, archive_file, listing)
    rows = _selected(name, dataset, listing)
    if len(rows) < len(listing):
        log.info("%s: %d of %d images selected", name, len(rows), len(listing))
    if isinstance(source, StudioSource):
        rows, factors = _store_rendered(
            name, dataset, source, seed, rows, folder / "images.npy", workers
        )
        unreadable: list[str] = []
    elif isinstance(source, DigitsSource):
        pixels = digits.images(rows["image_id"], source.size)
        write_raw(pixels, len(rows), source.size, folder / "images.npy")
        factors, unreadable = pd.DataFrame(index=rows.index), []
    elif isinstance(source, IndexSource):
        factors, unreadable = pd.DataFrame(index=rows.index), []
    else:
        selected = rows["image_id"]
        if isinstance(source, FolderSource):
            _tell_passed_over(name, locate(source.path, f"datasets.{name}"))
        if isinstance(source, ShardsSource):
            rows = _store_references(name, dataset, source, rows, folder / "images.npy")
        else:
            place, contents = _place(name, source, archive_file)
            rows = _store_files(name, dataset, place, contents, rows, folder / "images.npy")
        factors = pd.DataFrame(index=rows.index)
        unreadable = list(selected[~selected.isin(rows["image_id"])])
    _check_identities(name, dataset, rows)
    manifest = rows.assign(
        row=np.arange(len(rows)),
        domain=dataset.domain,
        identity=_identity(dataset, rows),
        source=rows.get("source", _origin(name, source)),
    )
    write_manifest(manifest, folder / "manifest.parquet")
    write_factors(
        pd.concat([manifest[["image_id", "row"]], factors], axis=1),
        folder / "factors.parquet",
    )
    write_left_out(LeftOut(len(listing), tuple(unreadable)), folder / "left_out.json")
    write_pairs(pairs, folder / "pairs.parquet")
    return manifest


def listed_images(name: str, dataset: Dataset) -> pd.DataFrame:
    """The images that `prepare` keeps of a source that nothing is fetched for, before any of them is read.

    Returns:
        Columns image_id, label and split.

    Raises:
        UserError: as `prepare` does of listings.
    """
    return _selected(name, dataset, _divided(name, dataset, None))[["image_id", "label", "split"]]


def _divided(name: str, dataset: Dataset, archive_file: Path | None) -> pd.DataFrame:
    """All images of a source, with their splits."""
    listing = _list(name, dataset, archive_file)
    if dataset.domain in ATTACK_DOMAINS:
        listing = _attacks(name, dataset, listing)
    split = _splits(name, dataset, listing)
    if dataset.splits.rename:
        listing["split_given"] = listing[dataset.splits.column]
    listing["split"] = split
    return listing


def _selected(name: str, dataset: Dataset, listing: pd.DataFrame) -> pd.DataFrame:
    """The images of a listing that the study wants.

    Raises:
        UserError: where there are none.
    """
    rows = select(
        _wanted(name, dataset, listing),
        dataset.min_images_per_label,
        dataset.max_labels,
        dataset.max_images_per_label,
    )
    if rows.empty:
        raise UserError(
            f"datasets.{name}: no image is left of {len(listing)}; "
            f"min_images_per_label is {dataset.min_images_per_label}"
        )
    return rows


def _identity(dataset: Dataset, rows: pd.DataFrame) -> pd.Series | None:
    """Who is in the images: their label, or the subject of an attack."""
    if dataset.domain in IDENTITY_DOMAINS:
        return rows["label"]
    return rows["identity"] if dataset.domain in ATTACK_DOMAINS else None


def _origin(name: str, source: Source) -> str:
    """What the manifest calls the source of images that name none."""
    match source:
        case RegisteredSource(name=known_as) | TorchvisionSource(name=known_as):
            pass
        case HuggingfaceSource(repo=known_as):
            pass
        case DigitsSource():
            known_as = "scikit-learn"
        case _:
            known_as = name
    return f"{source.kind}:{known_as}"


def _place(
    name: str,
    source: ArchiveSource
    | FolderSource
    | ManifestSource
    | RegisteredSource
    | TorchvisionSource
    | HuggingfaceSource,
    archive_file: Path | None,
) -> tuple[Path, Contents]:
    """Where the files of a data set lie, and what reads them."""
    match source:
        case FolderSource():
            return locate(source.path, f"datasets.{name}"), folder.contents
        case ManifestSource():
            return locate(source.path, f"datasets.{name}"), own_manifest.contents
        case ArchiveSource() | TorchvisionSource() | HuggingfaceSource():
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
            return world.listing(name, dataset.domain, dataset.source, dataset.splits)
        case ArchiveSource():
            return archive.read_listing(_required(archive_file, name), dataset.source.manifest)
        case FolderSource():
            return folder.read_listing(locate(dataset.source.path, f"datasets.{name}"))
        case ShardsSource():
            found = shards.find_shards(dataset.source.path, f"datasets.{name}.source")
            return shards.read_listing(found, dataset.source)
        case ManifestSource():
            return own_manifest.read_listing(locate(dataset.source.path, f"datasets.{name}"))
        case IndexSource():
            return own_index.read_listing(
                locate(dataset.source.path, f"datasets.{name}"), dataset.domain
            )
        case TorchvisionSource() | HuggingfaceSource():
            return archive.read_listing(_required(archive_file, name), MANIFEST)
        case DigitsSource():
            return digits.read_listing()
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


def _splits(name: str, dataset: Dataset, listing: pd.DataFrame) -> ExtensionArray:
    splits = dataset.splits
    if splits.by == "manifest":
        if splits.column not in listing:
            raise UserError(
                f"datasets.{name}.splits.column: no column `{splits.column}` names a split; "
                f"{did_you_mean(splits.column, listing.columns)}"
            )
        column = listing[splits.column]
        part, given = pd.factorize(column)
        if "" in given:
            image = listing.loc[column == "", "image_id"].iloc[0]
            raise UserError(f"datasets.{name}: the manifest names no split for {image}")
        for split in splits.rename:
            if split not in given:
                raise UserError(
                    f"datasets.{name}.splits.rename: the manifest has no split `{split}`; "
                    f"{did_you_mean(split, given)}"
                )
        renamed = pd.array([splits.rename.get(split, split) for split in given], dtype="str")
        return renamed.take(part)
    # Identities must not be divided between splits; classes must be, since they are learnt.
    keys = _identity(dataset, listing)
    keys = listing["image_id"] if keys is None else keys
    return split_by_hash(keys, splits.train, splits.val)


def _wanted(name: str, dataset: Dataset, listing: pd.DataFrame) -> pd.DataFrame:
    """The images that the splits leave: some are held out, some splits are not wanted."""
    splits = dataset.splits
    where = f"datasets.{name}.splits"
    rows = hold_out(
        listing,
        splits.hold_out,
        f"{where}.hold_out",
        by_identity=dataset.domain in IDENTITY_DOMAINS + ATTACK_DOMAINS,
    )
    given = set(rows["split"])
    for split in splits.keep:
        if split not in given:
            raise UserError(f"{where}.keep: no split `{split}`; {did_you_mean(split, given)}")
    return rows[rows["split"].isin(splits.keep)].reset_index(drop=True) if splits.keep else rows


def _attacks(name: str, dataset: Dataset, listing: pd.DataFrame) -> pd.DataFrame:
    """A listing of attacks and bona fide images in the words of the manifest.

    Raises:
        UserError: where subjects or bona fide images are missing.
    """
    if "identity" not in listing:
        subject = listing.get("subject", pd.Series("", listing.index, "str"))
        subject = subject.where(subject != "")
        # A set that is divided by its authors may keep to itself who is in it.
        if dataset.splits.by == "hash" and subject.isna().any():
            raise UserError(
                f"datasets.{name}: domain {dataset.domain} needs the subject of every image, lest persons stand in "
                f"training and in test; give the manifest a column `subject`"
            )
        listing = listing.assign(identity=subject)
    labels = set(listing["label"])
    if dataset.bona_fide not in labels:
        raise UserError(
            f"datasets.{name}.bona_fide: no image is labelled `{dataset.bona_fide}`; "
            f"{did_you_mean(dataset.bona_fide, labels)}"
        )
    if len(labels) == 1:
        raise UserError(f"datasets.{name}: all images are bona fide; there is no attack to detect")
    renamed = listing["label"].mask(listing["label"] == dataset.bona_fide, BONA_FIDE)
    return listing.assign(label=renamed)


def _store_rendered(
    name: str,
    dataset: Dataset,
    source: StudioSource,
    seed: int,
    rows: pd.DataFrame,
    path: Path,
    workers: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Store rendered images; returns the rows with the columns that rendering adds, and the latent factors."""
    columns: list[pd.DataFrame] = []
    factors: list[pd.DataFrame] = []

    def batches() -> Iterator[np.ndarray]:
        done = 0
        for batch in rendering.render(name, dataset.domain, source, seed, rows, workers):
            columns.append(batch.columns)
            factors.append(batch.factors)
            done += len(batch.images)
            log.info("%s: %d of %d images rendered", name, done, len(rows))
            yield batch.images

    write_raw(batches(), len(rows), source.size, path)
    internal = [column for column in rows if str(column).startswith("_")]
    return rows.drop(columns=internal).join(pd.concat(columns)), pd.concat(factors)


def _store_files(
    name: str, dataset: Dataset, place: Path, contents: Contents, rows: pd.DataFrame, path: Path
) -> pd.DataFrame:
    """Store the files of `rows` that can be decoded; returns those rows."""
    readable = np.ones(len(rows), bool)
    found = ((f"{place}: {member}", content) for member, content in contents(place, rows["member"]))
    write_encoded(_checked(name, dataset, found, readable), path)
    return _kept(name, rows.drop(columns=["member"]), readable)


def _store_references(
    name: str, dataset: Dataset, source: ShardsSource, rows: pd.DataFrame, path: Path
) -> pd.DataFrame:
    """Store where the files of `rows` lie that can be decoded; returns those rows."""
    readable = np.ones(len(rows), bool)
    files = shards.shards_of(shards.find_shards(source.path, f"datasets.{name}.source"))
    for _ in _checked(name, dataset, shards.contents(files, rows), readable):
        pass  # seen is enough, the files stay where they are
    kept = _kept(name, rows, readable)
    where = [str(column) for column in PLACE.names or ()]
    write_references(files, kept[where].to_records(index=False).astype(PLACE), path)
    return kept.drop(columns=where)


def _checked(
    name: str,
    dataset: Dataset,
    images: Iterable[tuple[str, bytes]],
    readable: NDArray[np.bool_],
) -> Iterator[bytes]:
    """The files that can be decoded; the others are marked in `readable`, or end it all when the others were seen."""
    damaged: list[str] = []
    for i, (image, content) in enumerate(images):
        try:
            decode(content, image)
        except UserError as error:
            readable[i] = False
            if dataset.unreadable == "fail":
                damaged.append(str(error))
                if len(damaged) == _NAMED:
                    break
            else:
                log.warning("left out: %s", error)
            continue
        if (i + 1) % 1000 == 0:
            log.info("%s: %d of %d images stored", name, i + 1, len(readable))
        yield content
    if damaged:
        which = "that image" if len(damaged) == 1 else "these images"
        more = "; there may be more" if len(damaged) == _NAMED else ""
        raise UserError(
            "\n".join(damaged)
            + f"\n  Mend or remove {which}, or set `unreadable: skip` in datasets.{name}{more}"
        )


def _kept(name: str, rows: pd.DataFrame, readable: NDArray[np.bool_]) -> pd.DataFrame:
    """The rows whose images are readable.

    Raises:
        UserError: where there are none.
    """
    if readable.all():
        return rows
    log.warning("%s: %d unreadable images left out", name, int((~readable).sum()))
    if not readable.any():
        raise UserError(f"datasets.{name}: none of its {len(rows)} images can be read")
    return rows[readable].reset_index(drop=True)


def _tell_passed_over(name: str, place: Path) -> None:
    """Log what a folder holds beside the images that are taken."""
    for what, names in folder.passed_over(place).items():
        log.warning("%s: not taken: %d %s, such as %s", name, len(names), what, names[0])


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
