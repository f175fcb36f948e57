"""Where images come from and how they are split."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unispace.config.base import DistinctSome, Domain, Name, Settings, Sha256

Degradation = Literal["resample", "defocus", "motion", "noise", "jpeg", "warp", "dim"]


class Degrade(Settings):
    """Synthetic loss of quality, drawn anew for every image."""

    kinds: DistinctSome[Degradation] = ("defocus", "motion", "noise", "jpeg")
    """What may happen to an image; two or three of these are chained for each image."""
    severity: tuple[float, float] = (0.2, 0.8)
    """Range of the severity of each step, 0 (none) to 1 (worst)."""
    always_resample: bool = True
    """Whether every image also loses resolution: what all low-quality faces have in common."""

    @model_validator(mode="after")
    def _range(self) -> Degrade:
        low, high = self.severity
        if not 0 <= low <= high <= 1:
            raise ValueError(f"severity must be two rising numbers in 0 to 1, got [{low}, {high}]")
        return self


class StudioSource(Settings):
    """Images rendered by the studio world: no download, known truth."""

    kind: Literal["studio"]
    """`studio`"""
    labels: Annotated[int, Field(ge=2, le=1_000_000)]
    """Number of identities (faces, bodies) or classes (objects)."""
    images_per_label: Annotated[int, Field(ge=1, le=10_000)]
    """Images of each identity or class."""
    size: Annotated[int, Field(ge=16, le=512)] = 64
    """Side of the rendered images in pixels."""
    world: Annotated[int, Field(ge=0)] = 0
    """Which world the identities come from: data sets of one world share their identities."""
    siblings: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of face identities that look almost like another one."""
    variation: Annotated[float, Field(ge=0, le=2)] = 1.0
    """How much pose, expression, light and the like differ between face images; 0 is not at all."""
    cameras: Annotated[int, Field(ge=1, le=8)] = 2
    """Cameras of body images, each with its own colours and background."""
    degrade: Degrade | None = None
    """Loss of quality after rendering; leave out for clean images."""


class ArchiveSource(Settings):
    """A tar or zip archive that holds images and a manifest."""

    kind: Literal["archive"]
    """`archive`"""
    path: str
    """File name, looked up below `UNISPACE_DATA` and the working folder, or an http(s) URL."""
    sha256: Sha256
    """Checksum of the archive (`sha256sum FILE`)."""
    manifest: str = "manifest.csv"
    """Name of the table in the archive: columns path, identity_or_class, split and further ones."""


class FolderSource(Settings):
    """A folder with one subfolder of images per identity or class."""

    kind: Literal["folder"]
    """`folder`"""
    path: str
    """The folder, absolute or looked up below `UNISPACE_DATA` and the working folder."""


class RegisteredSource(Settings):
    """A public data set that the registry knows: where it is, its checksum, and how its archive is read."""

    kind: Literal["registered"]
    """`registered`"""
    name: Name
    """Name in the registry, such as `lfw`; docs/datasets.md lists all."""
    mirror: str | None = None
    """Folder or URL prefix that holds the archive, tried first; decides nothing but where the bytes come from."""
    sha256: Sha256 | None = None
    """Checksum that the archive must have beside the published one; for sets of which none is published."""


Source = Annotated[
    StudioSource | ArchiveSource | FolderSource | RegisteredSource, Field(discriminator="kind")
]


class LfwPairs(Settings):
    """A list of pairs as LFW publishes it: `pairs.txt` with folds, or `pairsDevTest.txt` without."""

    kind: Literal["lfw"]
    """`lfw`"""
    file: str = "pairs.txt"
    """Its name: of a file in the archive or, with `sha256`, looked up as archives are."""
    sha256: Sha256 | None = None
    """Checksum of a list that lies outside the archive; leave out for one inside."""


class CfpPairs(Settings):
    """The lists of CFP: frontal with frontal (FF) and frontal with profile (FP) images, in ten folds."""

    kind: Literal["cfp"]
    """`cfp`"""
    folder: str = "Protocol"
    """Folder in the archive that holds Pair_list_F.txt, Pair_list_P.txt and Split."""
    lists: DistinctSome[Literal["FF", "FP"]] = ("FF", "FP")
    """Which of the two lists are read."""


class CsvPairs(Settings):
    """A list of your own: a CSV table with the columns first, second, same and, if there are folds, fold."""

    kind: Literal["csv"]
    """`csv`"""
    file: str
    """Its name: of a file in the archive or, with `sha256`, looked up as archives are."""
    sha256: Sha256 | None = None
    """Checksum of a list that lies outside the archive; leave out for one inside."""


Pairs = Annotated[LfwPairs | CfpPairs | CsvPairs, Field(discriminator="kind")]


class Splits(Settings):
    """How images are divided into train, val and test."""

    by: Literal["hash", "manifest"] = "hash"
    """`hash`: by a hash of the identity (of the image for objects); `manifest`: as the data set says."""
    train: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share for training (with `hash`)."""
    val: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share for choosing settings (with `hash`); the rest is the test split."""
    rename: dict[str, str] = Field(default={})
    """With `manifest`: other names for its splits, such as `{query: test, gallery: test}`. The first names stay
    known, so that `query-gallery` identification can tell the two apart."""

    @model_validator(mode="after")
    def _shares(self) -> Splits:
        if self.train + self.val > 1 + 1e-9:
            raise ValueError(f"train + val must not exceed 1, got {self.train} + {self.val}")
        if self.rename and self.by != "manifest":
            raise ValueError("rename only goes with `by: manifest`")
        return self


class Dataset(Settings):
    """A named set of labelled images of one domain."""

    domain: Domain
    """What the labels are: object classes, or identities in good faces, bad faces or bodies."""
    source: Source
    """Where the images come from."""
    splits: Splits = Splits()
    """How the images are divided."""
    pairs: Pairs | None = None
    """Where its official verification pairs are listed; leave out where there are none."""
    max_labels: Annotated[int, Field(ge=2)] | None = None
    """Keep at most this many identities or classes of each split (chosen by hash); all if left out."""
    max_images_per_label: Annotated[int, Field(ge=1)] | None = None
    """Keep at most this many images of each (chosen by hash); all if left out."""
    min_images_per_label: Annotated[int, Field(ge=1)] = 1
    """Leave out identities or classes with fewer images; how many is said in the log."""
    unreadable: Literal["fail", "skip"] = "fail"
    """What to do with an image that cannot be decoded: stop, or leave it out and count it."""

    @property
    def family(self) -> str:
        """Where its identities get their names: data sets of one family mean the same person by a name."""
        match self.source:
            case StudioSource(world=world):
                return f"studio world {world}"
            case ArchiveSource(sha256=sha256):
                return f"archive {sha256}"
            case FolderSource(path=path):
                return f"folder {path}"
            case RegisteredSource(name=name):
                return f"registered {name}"

    @model_validator(mode="after")
    def _splits_exist(self) -> Dataset:
        if self.splits.by == "manifest" and self.source.kind in ("studio", "folder"):
            raise ValueError(
                f"splits.by is `manifest`, but a source of kind {self.source.kind} has no splits; "
                f"use `by: hash`"
            )
        return self

    @model_validator(mode="after")
    def _pairs_exist(self) -> Dataset:
        if self.pairs is None or self.source.kind in ("archive", "registered"):
            return self
        if isinstance(self.pairs, CfpPairs):
            raise ValueError(
                f"pairs of kind cfp lie in an archive, and a source of kind {self.source.kind} has none"
            )
        if self.pairs.sha256 is None:
            raise ValueError(
                f"a source of kind {self.source.kind} has no archive that could hold {self.pairs.file}; "
                f"give the `sha256` of the list to have it looked up as a file"
            )
        return self

    @property
    def has_queries(self) -> bool:
        """Whether its splits, before they are renamed, tell queries from the gallery."""
        return {"query", "gallery"} <= set(self.splits.rename)
