"""What can be known to be missing or wrong outside the study, before the first job."""

from __future__ import annotations

import posixpath
import shutil
from pathlib import Path

from unispace.config.backbones import FileWeights
from unispace.config.datasets import ArchiveSource, FolderSource, StudioSource
from unispace.config.study import Study
from unispace.data.sources import folder
from unispace.data.sources.fetch import check
from unispace.data.sources.places import is_url, locate
from unispace.data.studio import world
from unispace.errors import UserError


def raw_path(path: str) -> str:
    """Where a fetched archive lies below data/raw: its file name."""
    return posixpath.basename(path.split("?", 1)[0])


def content_of_folder(source: FolderSource, name: str, raw: Path) -> str:
    """Hash of the images of a folder; `raw` holds the cache that makes it cheap."""
    return folder.fingerprint(locate(source.path, f"datasets.{name}"), raw / f"{name}.index.json")


def check_sources(study: Study, raw: Path) -> None:
    """Check archives, folders, weights files and disk.

    Archives that were fetched before are not looked for again.

    Raises:
        UserError: with everything that is missing or wrong.
    """
    problems: list[str] = []
    archives: dict[str, ArchiveSource] = {}
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
        except UserError as error:
            problems.append(str(error))
    for name, backbone in study.backbones.items():
        if isinstance(backbone.weights, FileWeights):
            try:
                file = locate(backbone.weights.path, f"backbones.{name}.weights")
                check(file, backbone.weights.sha256, backbone.weights.path)
            except UserError as error:
                problems.append(str(error))
    needed, free = bytes_needed(study), shutil.disk_usage(".").free
    if needed > free:
        problems.append(
            f"the study needs about {needed / 1e9:.1f} GB for its images, {free / 1e9:.1f} GB are free here; "
            f"make room, or lower images_per_label, labels or size"
        )
    if problems:
        raise UserError(f"study {study.study}:\n" + "\n".join(f"- {p}" for p in problems))


def bytes_needed(study: Study) -> int:
    """Bytes of the images that will be rendered, a lower bound of what the study takes."""
    return sum(
        d.source.labels * d.source.images_per_label * d.source.size**2 * 3
        for d in study.datasets.values()
        if isinstance(d.source, StudioSource)
    )


def _check_archive(
    source: ArchiveSource, where: str, raw: Path, seen: dict[str, ArchiveSource]
) -> None:
    name = raw_path(source.path)
    other = seen.setdefault(name, source)
    if (other.path, other.sha256) != (source.path, source.sha256):
        raise UserError(
            f"{where}: two archives are named {name} ({other.path} and {source.path}); rename one"
        )
    if not is_url(source.path) and not (raw / name).is_file():
        check(locate(source.path, where), source.sha256, f"{where}: {source.path}")
