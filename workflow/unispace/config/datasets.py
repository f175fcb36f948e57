"""Where images come from and how they are split."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from unispace.config.base import (
    ATTACK_DOMAINS,
    BONA_FIDE,
    Distinct,
    DistinctSome,
    Domain,
    Name,
    Settings,
    Sha256,
)
from unispace.config.studio import StudioSource, misplaced

# Values that JSON and YAML share; a mapping or list of them would be no argument of a data set.
Argument = bool | int | float | str | None


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


class ManifestSource(Settings):
    """A table of your own images, which stay where they are."""

    kind: Literal["manifest"]
    """`manifest`"""
    path: str
    """A .csv or .parquet file with the columns path, identity_or_class and further ones such as split, looked up below `UNISPACE_DATA` and the working folder; its paths begin beside it or below `UNISPACE_DATA`."""


class TorchvisionSource(Settings):
    """A data set that torchvision downloads and reads: any class of `torchvision.datasets` of labelled images."""

    kind: Literal["torchvision"]
    """`torchvision`"""
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=40)]
    """Name of the class, such as `OxfordIIITPet`."""
    arguments: dict[str, Argument] = Field(default={})
    """What it is called with, such as `{split: trainval}`; root and download are set where it takes them."""
    splits: dict[str, dict[str, Argument]] = Field(default={})
    """Further arguments for each split, such as `{train: {train: true}, test: {train: false}}`, for `splits.by: manifest`."""


class HuggingfaceSource(Settings):
    """A data set of the Hugging Face hub whose files are parquet tables with images, or images in folders."""

    kind: Literal["huggingface"]
    """`huggingface`"""
    repo: Annotated[str, StringConstraints(pattern=r"^[\w.-]+(/[\w.-]+)?$", max_length=100)]
    """Its repository, such as `user/set`."""
    revision: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")] | None = None
    """Commit of the repository; left out, the newest is taken once, recorded and kept."""
    files: dict[str, str] = Field(default={})
    """Pattern of the files of each split, such as `{train: data/train-*.parquet}`; left out, all files count and there are no splits."""
    image: str = "image"
    """Column of parquet tables that holds the image."""
    label: str = "label"
    """Column of parquet tables that holds the label, as text or as number of a class that the table names."""


class ShardsSource(Settings):
    """WebDataset shards: tar files whose images stay in them, for sets too large to be copied."""

    kind: Literal["shards"]
    """`shards`"""
    path: str
    """The tar files, as `faces-{0000..0099}.tar` or `faces-*.tar`; absolute or looked up as those of archives are."""
    label_from: Literal["json", "cls", "folder"] = "json"
    """Where a sample's label stands: in its .json, as the text of its .cls, or as the folder that it lies in."""
    label_key: str = "label"
    """With `label_from: json`: the key of the label."""
    split_key: str | None = None
    """Key of the .json that holds the split, for `splits.by: manifest`."""

    @model_validator(mode="after")
    def _used(self) -> ShardsSource:
        if self.label_from != "json" and self.label_key != "label":
            raise ValueError("label_key only goes with `label_from: json`")
        return self


class RegisteredSource(Settings):
    """A public data set that the registry knows: where it is, its checksum, and how its archive is read."""

    kind: Literal["registered"]
    """`registered`"""
    name: Name
    """Name in the registry, such as `lfw`; docs/datasets.md lists all."""
    mirror: str | None = None
    """Folder or URL prefix that holds its files, tried first; decides nothing but where the bytes come from."""
    sha256: Sha256 | None = None
    """Checksum that its file must have beside the published one; for sets of one file of which none is published."""


class DigitsSource(Settings):
    """The 1,797 handwritten digits that come with scikit-learn: real images without a download."""

    kind: Literal["digits"]
    """`digits`"""
    size: Annotated[int, Field(ge=8, le=512)] = 64
    """Side in pixels that the images of 8 x 8 are enlarged to."""


class IndexSource(Settings):
    """A list of images without the images, for embeddings that were made elsewhere."""

    kind: Literal["index"]
    """`index`"""
    path: str
    """A .csv or .parquet file with the columns image_id, identity (for objects: label) and further ones such as camera or split, looked up below `UNISPACE_DATA` and the working folder."""


Source = Annotated[
    StudioSource
    | ArchiveSource
    | FolderSource
    | ManifestSource
    | ShardsSource
    | RegisteredSource
    | TorchvisionSource
    | HuggingfaceSource
    | DigitsSource
    | IndexSource,
    Field(discriminator="kind"),
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
    column: str = "split"
    """With `manifest`: the column that names the split, for sets with several official divisions."""
    rename: dict[str, str] = Field(default={})
    """With `manifest`: other names for its splits, such as `{query: test, gallery: test}`. The first names stay
    known, so that `query-gallery` identification can tell the two apart."""
    hold_out: dict[str, DistinctSome[str]] = Field(default={})
    """What no training may see, by column of the manifest: `{label: [mask]}`, `{style: [sketch]}`. Such images make
    the split `held_out`; those of identities of the other splits than test are left out."""
    keep: Distinct[str] = ()
    """Splits that are kept, such as `[test]`; all if left out."""

    @model_validator(mode="after")
    def _shares(self) -> Splits:
        if self.train + self.val > 1 + 1e-9:
            raise ValueError(f"train + val must not exceed 1, got {self.train} + {self.val}")
        if self.rename and self.by != "manifest":
            raise ValueError("rename only goes with `by: manifest`")
        if self.column != "split" and self.by != "manifest":
            raise ValueError("column only goes with `by: manifest`")
        return self


class Dataset(Settings):
    """A named set of labelled images of one domain."""

    domain: Domain
    """What the labels are: object classes (`object`); identities in good faces (`face_hq`), bad faces (`face_lq`) or
    bodies (`person`); `bona_fide` or the kind of attack in presentation attacks (`pad`) or morphs (`mad`)."""
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
    bona_fide: str = BONA_FIDE
    """With `pad` and `mad`: what the source calls images that are no attack; they become `bona_fide`."""

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
            case ShardsSource(path=path):
                return f"shards {path}"
            case ManifestSource(path=path):
                return f"manifest {path}"
            case RegisteredSource(name=name):
                return f"registered {name}"
            case TorchvisionSource(name=name):
                return f"torchvision {name}"
            case HuggingfaceSource(repo=repo):
                return f"huggingface {repo}"
            case DigitsSource():
                return "digits of scikit-learn"
            case IndexSource(path=path):
                return f"index {path}"

    @property
    def has_images(self) -> bool:
        """Whether its images are there, or only what is known of them."""
        return not isinstance(self.source, IndexSource)

    @model_validator(mode="after")
    def _splits_exist(self) -> Dataset:
        if self.splits.by == "manifest" and self.source.kind in (
            "studio",
            "folder",
            "digits",
        ):
            raise ValueError(
                f"splits.by is `manifest`, but a source of kind {self.source.kind} has no splits; "
                f"use `by: hash`"
            )
        if self.splits.by == "manifest":
            match self.source:
                case ShardsSource() as source if source.split_key is None:
                    raise ValueError(
                        "splits.by is `manifest`: name the key of the splits in source.split_key"
                    )
                case TorchvisionSource() as source if not source.splits:
                    raise ValueError(
                        "splits.by is `manifest`, so source.splits must name the splits"
                    )
                case HuggingfaceSource() as source if not source.files:
                    raise ValueError(
                        "splits.by is `manifest`, so source.files must name the files of each split"
                    )
                case _:
                    pass
        return self

    @model_validator(mode="after")
    def _options_of_the_domain(self) -> Dataset:
        if isinstance(self.source, DigitsSource) and self.domain != "object":
            raise ValueError(f"digits are of domain object, not {self.domain}")
        if isinstance(self.source, StudioSource):
            wrong = misplaced(self.source, self.domain)
            if wrong:
                raise ValueError(wrong)
        if self.domain in ATTACK_DOMAINS and isinstance(self.source, IndexSource):
            raise ValueError(
                f"a list of images without the images is of domain object, face_hq, face_lq or person, "
                f"not {self.domain}"
            )
        if self.domain in ATTACK_DOMAINS and isinstance(self.source, FolderSource):
            raise ValueError(
                f"a folder names no subjects, which a data set of domain `{self.domain}` is split by; pack it with "
                f"a manifest.csv that has a column `subject`, and use `kind: archive`"
            )
        if self.domain not in ATTACK_DOMAINS and self.bona_fide != BONA_FIDE:
            raise ValueError(f"bona_fide goes with domain pad and mad, not with {self.domain}")
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
