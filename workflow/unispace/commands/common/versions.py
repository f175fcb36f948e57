"""What the commands about published versions share: which folders and files belong to a study."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from unispace.config.parse import load_yaml, parse_study
from unispace.config.study import Study
from unispace.errors import UserError

KINDS = ("data", "checkpoints", "results")
DEFAULT = Path("config.yaml")


@dataclass(frozen=True)
class Versions:
    """The files in Git that tell which version of a study's outputs belongs to a commit."""

    study: Study
    tag: str
    """Empty for the study of config.yaml, `-<study>` for others."""

    @property
    def provenance(self) -> Path:
        """What every published output was made from."""
        return Path(f"provenance{self.tag}.jsonl")

    @property
    def golden(self) -> Path:
        """The results that are expected."""
        return Path(f"results/golden{self.tag}.csv")

    @property
    def accepted(self) -> Path:
        """Why they are what they are: a line for each change that was accepted."""
        return Path(f"results/accepted{self.tag}.csv")

    @property
    def headline(self) -> Path:
        """The few numbers that DVC compares between commits, without the ending of the file."""
        return Path(f"results/headline{self.tag}")

    @property
    def results(self) -> Path:
        """All numbers that a run found."""
        return Path(self.folder("results"), "results.parquet")

    def pointer(self, kind: str) -> Path:
        """The .dvc file of one kind of outputs."""
        return Path(f"{kind}{self.tag}.dvc")

    def folder(self, kind: str) -> str:
        """The folder of one kind of outputs."""
        return f"{kind}/{self.study.study}"

    def places(self, kind: str) -> tuple[str, ...]:
        """The folder of one kind of outputs, and the files of that kind that Git keeps elsewhere."""
        numbers = [f"{self.headline}.json", f"{self.headline}.csv"] if kind == "results" else []
        return (self.folder(kind), *numbers)

    def parts(self, kind: str) -> set[str] | None:
        """The folders that the study fills, below that of the kind; None where that is not laid down by the study."""
        match kind:
            case "data":
                return set(self.study.datasets)
            case "checkpoints":
                return {
                    *self.study.network_models(),
                    *(f"{b}/pretrained" for b in self.study.backbones),
                }
        return None


def add_versions(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_study(parser)
    parser.add_argument("--only", nargs="+", choices=KINDS, help="these outputs and no others")


def add_study(parser: argparse.ArgumentParser) -> None:
    """Declare the argument that names the study."""
    parser.add_argument(
        "study", nargs="?", type=Path, default=DEFAULT, help="file of the study; else config.yaml"
    )


def versions_of(file: Path) -> Versions:
    """The versions of the study in a file.

    Raises:
        UserError: where this is not the top of the project, or a study is missing or wrong.
    """
    return versions_of_study(_read(file))


def versions_of_study(study: Study) -> Versions:
    """The versions of a study.

    Raises:
        UserError: where this is not the top of the project, or its own study is wrong.
    """
    default = _read(DEFAULT)
    return Versions(study, "" if study.study == default.study else f"-{study.study}")


def _read(file: Path) -> Study:
    if not file.is_file():
        raise UserError(f"{file}: no such study; call this at the top of the project")
    text = file.read_text("utf-8")
    return parse_study(load_yaml(text, str(file)), str(file), text)
