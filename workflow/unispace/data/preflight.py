"""What can be known to be missing or wrong outside the study, before the first job."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from unispace.config.backbones import FileWeights
from unispace.config.base import IDENTITY_DOMAINS, Domain
from unispace.config.datasets import (
    ArchiveSource,
    CfpPairs,
    Dataset,
    DigitsSource,
    FolderSource,
    HuggingfaceSource,
    IndexSource,
    ManifestSource,
    RegisteredSource,
    ShardsSource,
    TorchvisionSource,
)
from unispace.config.studio import StudioSource
from unispace.config.study import Study
from unispace.data.prompts.plan import label_problems, labels_and_splits, prompt_plan
from unispace.data.protocols.templates import check_template_files
from unispace.data.registry import Entry, PublishedFile, lookup
from unispace.data.sources import folder, own_index, own_manifest
from unispace.data.sources.checksums import digests_of
from unispace.data.sources.fetch import check
from unispace.data.sources.fingerprints import fingerprint_of
from unispace.data.sources.raw import raw_files
from unispace.data.sources.registered import how_to_put, places
from unispace.data.sources.shards import find_shards
from unispace.data.studio import world
from unispace.errors import UserError
from unispace.records.files import read_json
from unispace.records.own_functions import allowed_code
from unispace.records.places import is_url, locate
from unispace.records.secrets import secret_of, without_secrets

# Tables and folders of up to so many images are divided beforehand, in a second.
_SURVEYED = 100_000


def content_of(
    source: FolderSource | IndexSource | ManifestSource | ShardsSource, name: str, raw: Path
) -> str:
    """Hash of what is read where it lies; `raw` holds the cache that makes it cheap."""
    cache = raw / f"{name}.index.json"
    if isinstance(source, ShardsSource):
        shards = find_shards(source.path, f"datasets.{name}.source")
        return fingerprint_of(shards, source.path, cache)
    place = locate(source.path, f"datasets.{name}")
    if isinstance(source, ManifestSource):
        return own_manifest.fingerprint(place, cache)
    if isinstance(source, IndexSource):
        return fingerprint_of({"index": place}, str(place.resolve()), cache)
    return folder.fingerprint(place, cache)


def template_content(study: Study, name: str, raw: Path) -> dict[str, str]:
    """Hashes of the lists of templates of a data set; `raw` holds the caches that make them cheap.

    Raises:
        UserError: where one of the lists is nowhere.
    """
    protocol, found = study.evaluation.templates[name], {}
    for kind, path in (("images", protocol.images), ("pairs", protocol.pairs)):
        file = locate(path, f"evaluation.templates.{name}.{kind}")
        cache = raw / f"{name}+templates.{kind}.json"
        found[kind] = fingerprint_of({kind: file}, str(file.resolve()), cache)
    return found


def check_sources(study: Study, raw: Path) -> None:
    """Check archives, folders, shards, lists of pairs, weights files and disk.

    Archives that were fetched before are not looked for again.

    Raises:
        UserError: with everything that is missing or wrong.
    """
    problems = source_problems(study, raw)
    needed, free = bytes_needed(study, raw.parent / study.study), shutil.disk_usage(".").free
    if needed > free:
        problems.append(
            f"the study needs about {needed / 1e9:.1f} GB for its images, {free / 1e9:.1f} GB are free here; "
            f"make room, or lower images_per_label, labels or size"
        )
    if problems:
        raise UserError(f"study {study.study}:\n" + "\n".join(f"- {p}" for p in problems))


def source_problems(study: Study, raw: Path) -> list[str]:
    """Everything that is missing or wrong among archives, folders, shards, lists of pairs and weights files.

    Archives that were fetched before are not looked for again.
    """
    problems = _secret_problems(study)
    archives: dict[str, tuple[str, str | None]] = {}
    for name, dataset in study.datasets.items():
        where = f"datasets.{name}.source"
        try:
            match dataset.source:
                case ArchiveSource() as source:
                    _check_archive(source, where, raw, archives)
                case FolderSource() as source:
                    listing = folder.read_listing(locate(source.path, where))
                    problems += _problems_of_splits(study, name, listing)
                case ShardsSource() as source:
                    find_shards(source.path, where)
                case ManifestSource() as source:
                    listing = own_manifest.read_listing(locate(source.path, where))
                    _check_split_column(dataset, source.path, listing, where)
                    problems += _problems_of_splits(study, name, listing)
                case IndexSource() as source:
                    listing = own_index.read_listing(locate(source.path, where), dataset.domain)
                    _check_split_column(dataset, source.path, listing, where)
                case TorchvisionSource() | HuggingfaceSource():
                    pass  # what they hold shows when they are fetched; the network is never asked before
                case DigitsSource():
                    pass  # they come with a library that is always there
                case StudioSource() as source:
                    world.check(name, dataset.domain, source)
                case RegisteredSource() as source:
                    _check_registered(dataset, source, where, raw, archives)
            _check_pairs(dataset, f"datasets.{name}.pairs")
        except UserError as error:
            message = str(error)
            problems.append(message if message.startswith("datasets.") else f"{where}: {message}")
    for name, protocol in study.evaluation.templates.items():
        where = f"evaluation.templates.{name}"
        try:
            files = (
                locate(protocol.images, f"{where}.images"),
                locate(protocol.pairs, f"{where}.pairs"),
            )
            check_template_files(*files, where)
        except UserError as error:
            problems.append(str(error))
    for name, backbone in study.backbones.items():
        for seen in getattr(backbone.weights, "seen", ()):
            try:
                lookup(seen)
            except UserError as error:
                problems.append(f"backbones.{name}.weights.seen: {error}")
        if backbone.provider == "python":
            try:
                allowed_code(backbone.architecture)
            except UserError as error:
                problems.append(f"backbones.{name}.architecture: {error}")
        if isinstance(backbone.weights, FileWeights):
            try:
                file = locate(backbone.weights.path, f"backbones.{name}.weights")
                check(file, backbone.weights.sha256, backbone.weights.path)
            except UserError as error:
                problems.append(str(error))
    return problems + [problem for problem in _wrong_words(study) if problem not in problems]


def _problems_of_splits(study: Study, name: str, listing: pd.DataFrame) -> list[str]:
    """Splits of a data set of one's own that hold too little; of a large one that is not looked at."""
    if len(listing) > _SURVEYED:
        return []
    # Half a second that studies of other images need not wait.
    from unispace.data.sparse_splits import sparse_splits

    return sparse_splits(study, name)


def _secret_problems(study: Study) -> list[str]:
    """Addresses with a password or token in them, which would go into logs, the record in Git and the page."""
    return [
        f"{key}: {without_secrets(value)} holds {secret}, and a study is read by all who see its results. Take that "
        f"out; passwords belong into ~/.netrc (docs/security.md), and what a signed link leads to can be fetched by "
        f"hand"
        for key, value in _texts(study.model_dump(mode="json"), "")
        if "://" in value and (secret := secret_of(value))
    ]


def _texts(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Every text of nested values with its dotted key."""
    match value:
        case str():
            yield key, value
        case dict():
            for name, inner in value.items():
                yield from _texts(inner, f"{key}.{name}" if key else str(name))
        case list():
            for place, inner in enumerate(value):
                yield from _texts(inner, f"{key}.{place}")


def _wrong_words(study: Study) -> list[str]:
    """What is wrong with prompts, as far as labels are known before the images; those of others are checked later."""
    if not study.prompts.datasets:
        return []
    # Half a second that studies without prompts need not wait.
    from unispace.data.prepare import listed_images

    try:
        plan = prompt_plan(study)
        labels = {
            name: labels_and_splits(listed_images(name, study.datasets[name]))
            for name in study.prompts.datasets
            if isinstance(study.datasets[name].source, StudioSource | DigitsSource)
        }
    except UserError as error:
        return [str(error)]
    whole = len(labels) == len(study.prompts.datasets)
    return label_problems(plan, labels, study.evaluation.split, whole=whole)


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
            each = source.images_of_each(dataset.domain)
            each = min(each, 3 * (dataset.max_images_per_label or each))
            needed += labels * each * source.size**2 * 3
    return needed


def _check_archive(
    source: ArchiveSource, where: str, raw: Path, seen: dict[str, tuple[str, str | None]]
) -> None:
    (name,) = raw_files(source)
    if not name:
        raise UserError(f"{where}: `{source.path}` names no file")
    _check_alone(name, source.path, source.sha256, where, seen)
    if not is_url(source.path) and not _fetched(raw / name, source.sha256):
        check(locate(source.path, where), source.sha256, f"{where}: {source.path}")


def _check_split_column(dataset: Dataset, path: str, listing: pd.DataFrame, where: str) -> None:
    column = dataset.splits.column
    if dataset.splits.by == "manifest" and column not in listing:
        raise UserError(
            f"{where}: {path} has no column `{column}`; add it, or use `by: hash` in its splits"
        )


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
    for file in entry.files:
        _check_alone(file.name, f"registered set {entry.name}", source.sha256, where, seen)
    if source.sha256 and len(entry.files) > 1:
        raise UserError(
            f"{where}.sha256: {entry.name} has {len(entry.files)} files, so one checksum cannot be theirs; "
            f"leave it out, their published ones are checked"
        )
    if dataset.splits.by == "manifest" and not layout.has_splits:
        raise UserError(
            f"{where}: the archive of {entry.name} names no splits; use `by: hash` in its splits"
        )
    if _labels_of(entry.domain) != _labels_of(dataset.domain):
        raise UserError(
            f"{where}: {entry.name} is of domain {entry.domain}, the data set is `{dataset.domain}`"
        )
    if entry.access == "request":
        for file in entry.files:
            if not _fetched(raw / file.name, source.sha256):
                _check_at_hand(entry, file, source, where)


def _labels_of(domain: Domain) -> str:
    """What the labels of a domain are; good faces may be taken for bad ones, but not persons for things."""
    return "identities" if domain in IDENTITY_DOMAINS else domain


def _check_at_hand(
    entry: Entry, published: PublishedFile, source: RegisteredSource, where: str
) -> None:
    """A file of a set that must be asked for has to be on this machine, or on a mirror."""
    possible = list(places(entry, published, source.mirror))
    if any(is_url(place) for place in possible):
        return
    files = [Path(place) for place in possible if Path(place).is_file()]
    if not files:
        raise UserError(
            f"{where}: {entry.title} is not published for download and {published.name} is not on this machine.\n"
            f"  {how_to_put(entry)}"
        )
    expected = [*published.checksums, *([f"sha256:{source.sha256}"] if source.sha256 else [])]
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
