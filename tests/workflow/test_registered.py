"""Registered and exported sets through Snakemake: fetched, and not again because bytes may come from elsewhere."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import zipfile

import pandas as pd
import pytest
from PIL import Image
from scipy.io import savemat

pytestmark = pytest.mark.slow

TINY = "workflow/studies/tiny.yaml"
ARCHIVE = "data/raw/cfp-dataset.zip"


def test_another_mirror_fetches_nothing_again(fresh, tmp_path):
    with zipfile.ZipFile(tmp_path / "cfp-dataset.zip", "w") as archive:
        archive.writestr("cfp-dataset/Data/Images/001/frontal/01.jpg", b"image")
    fresh.change(
        TINY,
        "{ kind: studio, labels: 24, images_per_label: 4, size: 32 }",
        "{ kind: registered, name: cfp }",
    )
    command = (ARCHIVE, "--cores", "1", "--configfile", TINY)
    done = fresh.snakemake(*command, UNISPACE_MIRROR=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (fresh.folder / ARCHIVE).read_bytes() == (tmp_path / "cfp-dataset.zip").read_bytes()
    fresh.change(TINY, "name: cfp }", "name: cfp, mirror: https://example.org/sets }")
    assert "Nothing to be done" in fresh.snakemake(*command).stderr


def test_all_files_of_a_set_are_fetched_before_it_is_prepared(fresh, tmp_path):
    files = flowers(tmp_path / "mirror" / "flowers102")
    table = fresh.folder / "workflow" / "unispace" / "data" / "registry_files.csv"
    text = table.read_text("utf-8")
    for name, content in files.items():
        # The publisher's checksums are of the whole set.
        found = hashlib.md5(content, usedforsecurity=False).hexdigest()
        text = re.sub(rf"(flowers102/{re.escape(name)},.*,md5:).*", rf"\g<1>{found}", text)
    table.write_text(text, "utf-8")
    fresh.change(
        TINY,
        "{ kind: studio, labels: 4, images_per_label: 10, size: 32 }\n    splits: { train: 0.3, val: 0.3 }",
        "{ kind: registered, name: flowers102 }\n    splits: { by: manifest }",
    )
    target = "data/tiny/objects/manifest.parquet"
    command = (target, "--cores", "1", "--configfile", TINY)
    done = fresh.snakemake(*command, UNISPACE_MIRROR=str(tmp_path / "mirror"))
    assert done.returncode == 0, done.stderr
    manifest = pd.read_parquet(fresh.folder / target)
    assert manifest["label"].tolist() == ["077", "005", "077"]
    assert manifest["split"].tolist() == ["test", "train", "val"]
    assert "Nothing to be done" in fresh.snakemake(*command).stderr


def flowers(folder):
    """Flowers-102 of three images."""
    folder.mkdir(parents=True)
    with tarfile.open(folder / "102flowers.tgz", "w:gz") as archive:
        for i in (1, 2, 3):
            stream = io.BytesIO()
            Image.new("RGB", (8, 8), (i, 0, 0)).save(stream, "PNG")
            info = tarfile.TarInfo(f"jpg/image_0000{i}.jpg")
            info.size = len(stream.getvalue())
            archive.addfile(info, io.BytesIO(stream.getvalue()))
    savemat(folder / "imagelabels.mat", {"labels": [77, 5, 77]})
    savemat(folder / "setid.mat", {"trnid": [2], "valid": [3], "tstid": [1]})
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_a_set_of_torchvision_is_packed_and_prepared_once(fresh):
    fresh.change(
        TINY,
        "{ kind: studio, labels: 4, images_per_label: 10, size: 32 }",
        "{ kind: torchvision, name: FakeData, arguments: { size: 6, num_classes: 2 } }",
    )
    # The classes of made-up data have no words of their own.
    fresh.change(TINY, "templates: [own]", "templates: [plain]")
    target = "data/tiny/objects/manifest.parquet"
    command = (target, "--cores", "1", "--configfile", TINY)
    done = fresh.snakemake(*command)
    assert done.returncode == 0, done.stderr
    assert len(pd.read_parquet(fresh.folder / target)) == 6
    assert "Nothing to be done" in fresh.snakemake(*command).stderr
    fresh.change(TINY, "size: 6, num_classes: 2", "size: 7, num_classes: 2")
    assert [job.split()[0] for job in fresh.jobs(target)] == ["fetch_torchvision", "prepare_data"]
