"""What a study takes from outside: archives, folders, weights, terms of use, and images that are here already."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from unispace.config.backbones import FileWeights, HubWeights
from unispace.config.datasets import (
    ArchiveSource,
    Dataset,
    DigitsSource,
    FolderSource,
    HuggingfaceSource,
    RegisteredSource,
    TorchvisionSource,
)
from unispace.config.studio import StudioSource
from unispace.config.study import Study
from unispace.data.audit.findings import some
from unispace.data.preflight import source_problems
from unispace.data.registry import lookup
from unispace.data.sources import folder
from unispace.data.sources.raw import raw_files
from unispace.doctor.findings import Finding, errors
from unispace.errors import UserError
from unispace.records.files import read_json, sha256_of
from unispace.records.images import ImageStore, decode
from unispace.records.manifest import read_manifest
from unispace.records.places import VARIABLE, is_url, locate

# Images of each data set that are read: the first, the last, and between.
_SAMPLE = 5
# Folders of up to so many images are read whole: some seconds.
_FEW = 500
_SHOWN = 4
_FETCHED = (ArchiveSource, RegisteredSource, TorchvisionSource, HuggingfaceSource)
# Larger archives are told by their size alone, unless all bytes are to be read.
_QUICK = 2_000_000_000

Head = Callable[[HubWeights], int]


def source_findings(study: Study, root: Path, whole: bool) -> list[Finding]:
    """Whether everything that a study names is there and is the right one.

    Args:
        study: the study.
        root: the folder that Snakemake runs in.
        whole: whether fetched archives above 2 GB are read too.
    """
    found = []
    place = os.environ.get(VARIABLE)
    if place and not Path(place).expanduser().is_dir():
        found.append(
            Finding(
                "sources", "error", f"{VARIABLE} is {place}, which is no folder here",
                f"export {VARIABLE}=/folder/with/archives, or unset it",
            )
        )  # fmt: skip
    problems = source_problems(study, root / "data" / "raw")
    if study.embeddings and not problems:
        # Half a second that most studies need not wait.
        from unispace.embedding.own_preflight import embedding_problems

        problems += embedding_problems(study, root / "data" / "raw")
    found += errors("sources", problems)
    coming = []
    for name, dataset in study.datasets.items():
        for file in raw_files(dataset.source) if isinstance(dataset.source, _FETCHED) else ():
            here = root / "data" / "raw" / file
            if here.is_file():
                found += _fetched(here, whole)
            elif not isinstance(dataset.source, ArchiveSource) or is_url(dataset.source.path):
                coming.append(f"{name} ({file})")
    if coming:
        shown = ", ".join(coming[:_SHOWN]) + (" ..." if len(coming) > _SHOWN else "")
        found.append(
            Finding("sources", "note", f"{len(coming)} archives are to be downloaded: {shown}")
        )
    return found or [
        Finding("sources", "ok", "everything that the study names is there, with its checksum")
    ]


def _fetched(file: Path, whole: bool) -> list[Finding]:
    """Whether an archive that was fetched is still what it was."""
    record = file.with_name(f"{file.name}.json")
    if not record.is_file():
        return [
            Finding(
                "sources",
                "warning",
                f"{file} was not fetched by the pipeline: the record beside it is missing",
                f"rm {file}, so that it is fetched and checked",
            )
        ]
    expected = read_json(record)
    size = expected.get("bytes", file.stat().st_size)
    same = file.stat().st_size == size
    if same and (whole or size <= _QUICK) and "sha256" in expected:
        same = sha256_of(file) == expected["sha256"]
    if same:
        return []
    return [
        Finding(
            "sources",
            "error",
            f"{file}: not the bytes that were fetched: its size or sha256 is not that of {record.name}",
            f"rm {file}, so that it is fetched again",
        )
    ]


def image_findings(study: Study, root: Path) -> list[Finding]:
    """Whether a sample of the images that are here can be read."""
    found, read = [], 0
    for name, dataset in study.datasets.items():
        where = root / "data" / study.study / name
        try:
            if (where / "images.npy").is_file():
                read += _read_store(where)
            elif isinstance(dataset.source, FolderSource):
                place = locate(dataset.source.path, f"datasets.{name}.source")
                sound, damaged = _read_folder(place)
                read += sound
                found += _folder_findings(name, dataset, place, damaged)
        except UserError as error:
            # A folder that is not there is told by `source_findings`.
            if (where / "images.npy").is_file():
                found.append(
                    Finding(
                        "images",
                        "error",
                        f"datasets.{name}: {error}",
                        f"rm -r {where} and run snakemake, which makes it anew",
                    )
                )
    if read:
        found.append(Finding("images", "ok", f"{read} images of those that are here can be read"))
    return found


def _read_store(where: Path) -> int:
    manifest, store = read_manifest(where / "manifest.parquet"), ImageStore(where / "images.npy")
    if len(manifest) != len(store):
        raise UserError(
            f"{where}: manifest.parquet lists {len(manifest)} images, images.npy holds {len(store)}"
        )
    rows = _sample(manifest)
    for row in rows:
        store.image(row)
    return len(rows)


def _read_folder(where: Path) -> tuple[int, list[str]]:
    """Read the images of a folder, or of a large one a sample: how many can be decoded, and what is said of others."""
    listing = folder.read_listing(where)
    rows = range(len(listing)) if len(listing) <= _FEW else _sample(listing)
    members, damaged = [str(listing["member"].iloc[row]) for row in rows], []
    for member, content in folder.contents(where, members):
        try:
            decode(content, member)
        except UserError as error:
            damaged.append(str(error))
    return len(members) - len(damaged), damaged


def _folder_findings(name: str, dataset: Dataset, place: Path, damaged: list[str]) -> list[Finding]:
    """What a folder holds that cannot be used, and what is not looked at."""
    found = [
        Finding("images", "note", f"datasets.{name}: not taken: {len(names)} {what}: {some(names)}")
        for what, names in folder.passed_over(place).items()
    ]
    if damaged:
        skipped = dataset.unreadable == "skip"
        found.append(
            Finding(
                "images",
                "note" if skipped else "error",
                f"datasets.{name}: {some(damaged)}",
                ""
                if skipped
                else f"mend or remove them, or set `unreadable: skip` in datasets.{name}",
            )
        )
    return found


def _sample(table: pd.DataFrame) -> list[int]:
    """Some rows, evenly from the first to the last."""
    count = min(_SAMPLE, len(table))
    return sorted({round(i * (len(table) - 1) / max(1, count - 1)) for i in range(count)})


def weight_findings(study: Study, root: Path, head: Head | None) -> list[Finding]:
    """Whether weights from the hub are here, in its cache, or to be had; files are among the sources.

    Args:
        study: the study.
        root: the folder that Snakemake runs in.
        head: asks the hub for the size of a file; None where the network is not to be used.
    """
    found, here = [], 0
    for name, backbone in study.backbones.items():
        weights = backbone.weights
        if not isinstance(weights, HubWeights):
            continue
        made = root / "checkpoints" / study.study / name / "pretrained" / "model.safetensors"
        cached = None if made.is_file() else cached_file(weights)
        what = f"backbones.{name}: {weights.repo}/{weights.filename} at {weights.revision}"
        if cached and weights.sha256 and sha256_of(cached) != weights.sha256:
            found.append(
                Finding(
                    "weights",
                    "error",
                    f"{what}: the copy in the hub's cache has another sha256 than the study says",
                    f"rm {cached}, or write its sha256 into the study if this version is the one you want",
                )
            )
        elif made.is_file() or cached:
            here += 1
        else:
            found.append(_to_come(what, weights, head))
    if here:
        found.append(Finding("weights", "ok", f"{here} weights of the hub are on this machine"))
    return found


def cached_file(weights: HubWeights) -> Path | None:
    """The copy of a file in the hub's cache, if there is one; the network is not asked."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(weights.repo, weights.filename, revision=weights.revision)
    return Path(found) if isinstance(found, str) else None


def ask_hub(weights: HubWeights) -> int:
    """Size in bytes of a file on the hub.

    Raises:
        UserError: where it is not to be had.
    """
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    try:
        url = hf_hub_url(weights.repo, weights.filename, revision=weights.revision)
        return get_hf_file_metadata(url).size or 0
    except Exception as error:
        # The client lets errors of its own, of httpx and of the operating system through.
        raise UserError(f"not to be had from the hub ({error})") from error


def _to_come(what: str, weights: HubWeights, head: Head | None) -> Finding:
    by_hand = "or fetch it by hand and use `kind: file`"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return Finding(
            "weights",
            "error",
            f"{what} is not in the hub's cache, and HF_HUB_OFFLINE forbids to fetch it",
            f"unset HF_HUB_OFFLINE, {by_hand}",
        )
    if head is None:
        return Finding(
            "weights",
            "note",
            f"{what} is not on this machine and will be downloaded",
            "unispace doctor --online asks whether it is to be had",
        )
    try:
        size = head(weights)
    except UserError as error:
        return Finding(
            "weights", "error", f"{what}: {error}", f"check names and network, {by_hand}"
        )
    return Finding("weights", "ok", f"{what}: {size / 1e6:.0f} MB, to be had from the hub")


def licence_findings(study: Study) -> list[Finding]:
    """Under which terms images and weights from outside may be used, as far as it is known."""
    found, others, own = [], [], []
    for name, dataset in study.datasets.items():
        match dataset.source:
            case RegisteredSource(name=registered):
                entry = lookup(registered)
                terms = ", ".join(filter(None, (entry.licence, entry.terms))) or "terms not known"
                asked = entry.access == "request"
                remedy = entry.how_to_get if asked else "read and accept them before use"
                found.append(
                    Finding("licences", "note", f"datasets.{name}: {entry.title}: {terms}", remedy)
                )
            case TorchvisionSource(name=set_name):
                others.append(f"{name} ({set_name})")
            case HuggingfaceSource(repo=repo):
                others.append(f"{name} ({repo})")
            case StudioSource() | DigitsSource():
                pass
            case _:
                own.append(f"datasets.{name}")
    for name, backbone in study.backbones.items():
        if isinstance(backbone.weights, HubWeights):
            others.append(f"{name} (https://huggingface.co/{backbone.weights.repo})")
        elif isinstance(backbone.weights, FileWeights):
            own.append(f"backbones.{name}")
    if others:
        found.append(
            Finding(
                "licences",
                "note",
                f"under the terms of their publishers: {', '.join(others)}",
                "read and accept them before use",
            )
        )
    if own:
        found.append(
            Finding(
                "licences",
                "note",
                f"from files of your own, whose terms are not known here: {', '.join(own)}",
            )
        )
    return found or [Finding("licences", "ok", "all images and weights are made in the pipeline")]
