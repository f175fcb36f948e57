"""A folder with a study of our own, and machines that are thought up."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from unispace.config.study import Study
from unispace.doctor.machine import Machine
from unispace.records.places import VARIABLE

ROOT = Path(__file__).resolve().parents[2]
CONTENT = b"an archive"
SUM = hashlib.sha256(CONTENT).hexdigest()
RANDOM = {
    "architecture": "eva02_tiny_patch14_224",
    "options": {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 2},
    "preprocessing": {"size": 32},
    "weights": {"kind": "random"},
}
RENDERED = {"kind": "studio", "labels": 10, "images_per_label": 4, "size": 16}
LARGE = Machine(2, 16 * 10**9, 12 * 10**9, 100 * 10**9, 4096, False)


class Planted:
    """Makes studies, and machines that lack something."""

    content, sum, random, rendered = CONTENT, SUM, RANDOM, RENDERED

    @staticmethod
    def study(backbones=None, curricula=None, **sources) -> Study:
        sources = sources or {"faces": RENDERED}
        datasets = {name: {"domain": "face_hq", "source": s} for name, s in sources.items()}
        return Study.model_validate(
            {
                "study": "s",
                "datasets": datasets,
                "backbones": backbones or {"b": RANDOM},
                "curricula": curricula or {"base": {}},
                "evaluation": {"datasets": list(datasets)},
            }
        )

    @staticmethod
    def machine(**lacking) -> Machine:
        return replace(LARGE, **lacking)

    @staticmethod
    def archive(path="a.zip") -> dict[str, str]:
        return {"kind": "archive", "path": path, "sha256": SUM}


@pytest.fixture
def planted() -> type[Planted]:
    return Planted


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """The top of a project in which nothing has run; also the working folder."""
    for name in ("pyproject.toml", "envs/requirements.lock", "Snakefile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.chdir(tmp_path)
    return Path()
