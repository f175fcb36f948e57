"""What can be known to be missing or wrong outside the study, before the first job."""

from __future__ import annotations

import posixpath
import shutil
from pathlib import Path

from unispace.config.backbones import FileWeights
from unispace.config.base import IDENTITY_DOMAINS
from unispace.config.datasets import (
    ArchiveSource,
    CfpPairs,
    Dataset,
    FolderSource,
    RegisteredSource,
    StudioSource,
)
from unispace.config.study import Study
from unispace.data.registry import Entry, lookup
from unispace.data.sources import folder
from unispace.data.sources.checksums import digests_of
from unispace.data.sources.fetch import check
from unispace.data.sources.places import is_url, locate
from unispace.data.sources.registered import how_to_put, places
from unispace.data.studio import world
from unispace.errors import UserError
from unispace.records.files import read_json


def raw_path(path: str) -> str:
    """Where a fetched archive lies below data/raw: its file name."""
    return posixpath.basename(path.split("?", 1)[0])


def content_of_folder(source: FolderSource, name: str, raw: Path) -> str:
    """Hash of the images of a folder; `raw` holds the cache that makes it cheap."""
    return folder.fingerprint(locate(source.path, f"datasets.{name}"), raw / f"{name}.index.json")


def check_sources(study: Study, raw: Path) -> None:
    """Check archives, folders, lists of pairs, weights files and disk.

    Archives that were fetched before are not looked for again.

    Raises:
        UserError: with everything that is missing or wrong.
    """
    problems: list[str] = []
    archives: dict[str, tuple[str, str | None]] = {}
    for name, dataset in study.datasets.items():
        where = f"datasets.{name}.source"
        try:
            match dataset.source:
                case ArchiveSource() as source:
                    _check_archive(source, where, raw, archives)
                case FolderSource() as source:
                    folder.read_listing(locate(source.path, where))
                case StudioSource() as source:
                    world.check(name, dataset.domain, source)
                case RegisteredSource() as source:
                    _check_registered(dataset, source, where, raw, archives)
            _check_pairs(dataset, f"datasets.{name}.pairs")
        except UserError as error:
            problems.append(str(error))
    for name, backbone in study.backbones.items():
        if isinstance(backbone.weights, FileWeights):
            try:
                file = locate(backbone.weights.path, f"backbones.{name}.weights")
                check(file, backbone.weights.sha256, backbone.weights.path)
            except UserError as error:
                problems.append(str(error))
    needed, free = bytes_needed(study, raw.parent / study.study), shutil.disk_usage(".").free
    if needed > free:
        problems.append(
            f"the study needs about {needed / 1e9:.1f} GB for its images, {free / 1e9:.1f} GB are free here; "
            f"make room, or lower images_per_label, labels or size"
        )
    if problems:
        raise UserError(f"study {study.study}:\n" + "\n".join(f"- {p}" for p in problems))


def bytes_needed(study: Study, data: Path) -> int:
    """Bytes of the images still to be rendered, a lower bound of what the study takes.

    Args:
        study: the study.
        data: folder of its data sets; images that are there take no further space.
    """
    needed = 0
    for name, dataset in study.datasets.items():
        source = dataset.source
        if isinstance(source, StudioSource) and not (data / name / "images.npy").is_file():
            # The limits hold for each of the three splits.
            labels = min(source.labels, 3 * (dataset.max_labels or source.labels))
            each = min(
                source.images_per_label,
                3 * (dataset.max_images_per_label or source.images_per_label),
            )
            needed += labels * each * source.size**2 * 3
    return needed


def _check_archive(
    source: ArchiveSource, where: str, raw: Path, seen: dict[str, tuple[str, str | None]]
) -> None:
    name = raw_path(source.path)
    if not name:
        raise UserError(f"{where}: `{source.path}` names no file")
    _check_alone(name, source.path, source.sha256, where, seen)
    if not is_url(source.path) and not _fetched(raw / name, source.sha256):
        check(locate(source.path, where), source.sha256, f"{where}: {source.path}")


def _check_pairs(dataset: Dataset, where: str) -> None:
    """A list of pairs that lies outside the archive has to be there, and the right one."""
    pairs = dataset.pairs
    if pairs is not None and not isinstance(pairs, CfpPairs) and pairs.sha256 is not None:
        check(locate(pairs.file, where), pairs.sha256, f"{where}: {pairs.file}")


def _check_alone(
    file: str,
    path: str,
    sha256: str | None,
    where: str,
    seen: dict[str, tuple[str, str | None]],
) -> None:
    """Refuse two archives that would lie in one place."""
    other = seen.setdefault(file, (path, sha256))
    if other != (path, sha256):
        raise UserError(
            f"{where}: two archives are named {file} ({other[0]} and {path}); rename one, "
            f"or give both the same sha256"
        )


def _check_registered(
    dataset: Dataset,
    source: RegisteredSource,
    where: str,
    raw: Path,
    seen: dict[str, tuple[str, str | None]],
) -> None:
    """Check what a registered set can give, and that it is at hand where it cannot be downloaded.

    Never asks the network: what is there to be downloaded shows when it is fetched.
    """
    try:
        entry = lookup(source.name)
        layout = entry.reader()
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    _check_alone(entry.file, f"registered set {entry.name}", source.sha256, where, seen)
    if dataset.splits.by == "manifest" and not layout.has_splits:
        raise UserError(
            f"{where}: the archive of {entry.name} names no splits; use `by: hash` in its splits"
        )
    if (entry.domain in IDENTITY_DOMAINS) != (dataset.domain in IDENTITY_DOMAINS):
        raise UserError(
            f"{where}: {entry.name} is of domain {entry.domain}, the data set is `{dataset.domain}`"
        )
    if entry.access == "request" and not _fetched(raw / entry.file, source.sha256):
        _check_at_hand(entry, source, where)


def _check_at_hand(entry: Entry, source: RegisteredSource, where: str) -> None:
    """A set that must be asked for has to be on this machine, or on a mirror."""
    possible = list(places(entry, source.mirror))
    if any(is_url(place) for place in possible):
        return
    files = [Path(place) for place in possible if Path(place).is_file()]
    if not files:
        raise UserError(
            f"{where}: {entry.title} is not published for download and {entry.file} is not on this machine.\n"
            f"  {how_to_put(entry)}"
        )
    expected = [*entry.checksums, *([f"sha256:{source.sha256}"] if source.sha256 else [])]
    wrong = []
    for file in files:
        found = digests_of(file, expected).mismatches()
        if not found:
            return
        wrong.append(f"  {file}: wrong checksum: truncated, damaged or another version.")
        wrong += found
    raise UserError("\n".join([f"{where}: {entry.name}:", *wrong, f"  {how_to_put(entry)}"]))


def _fetched(file: Path, sha256: str | None) -> bool:
    """Whether an archive was fetched before, and was the one that the study asks for now."""
    record = file.with_name(f"{file.name}.json")
    if not (file.is_file() and record.is_file()):
        return False
    return sha256 in (None, read_json(record).get("sha256"))
