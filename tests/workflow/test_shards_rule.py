"""Shards through Snakemake: told where they are missing, read where they lie, and judged by their content."""

from __future__ import annotations

import io
import os
import tarfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

TINY = "workflow/studies/tiny.yaml"
MANIFEST = "data/tiny/faces/manifest.parquet"


def write_shards(folder, seed=0):
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    for shard in range(2):
        with tarfile.open(folder / f"faces-{shard}.tar", "w") as archive:
            for person in range(4 * shard, 4 * shard + 4):
                for i in range(3):
                    stream = io.BytesIO()
                    pixels = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
                    Image.fromarray(pixels).save(stream, "PNG")
                    member = tarfile.TarInfo(f"p{person}/{i}.png")
                    member.size = stream.tell()
                    stream.seek(0)
                    archive.addfile(member, stream)


def test_shards_stay_where_they_lie_and_their_content_decides(fresh, tmp_path):
    fresh.change(
        TINY,
        "{ kind: studio, labels: 24, images_per_label: 4, size: 32 }",
        '{ kind: shards, path: "faces-{0..1}.tar", label_from: folder }',
    )
    command = (MANIFEST, "--cores", "1", "--configfile", TINY)
    refused = fresh.snakemake(*command)
    assert refused.returncode != 0
    assert "datasets.faces.source: 2 of 2 shards are missing, such as `faces-0.tar` was not found" in refused.stderr  # fmt: skip
    assert not (fresh.folder / "data").exists()

    here, there = tmp_path / "here", tmp_path / "there"
    write_shards(here)
    done = fresh.snakemake(*command, UNISPACE_DATA=str(here))
    assert done.returncode == 0, done.stderr
    assert len(pd.read_parquet(fresh.folder / MANIFEST)) == 24
    assert (fresh.folder / "data/tiny/faces/images.npy").stat().st_size < 1500

    # Touched, or copied to another place: nothing to do. Another image: prepared anew.
    os.utime(here / "faces-0.tar", (1, 1))
    assert "Nothing to be done" in fresh.snakemake(*command, UNISPACE_DATA=str(here)).stderr
    write_shards(there)
    assert "Nothing to be done" in fresh.snakemake(*command, UNISPACE_DATA=str(there)).stderr
    write_shards(there, seed=1)
    again = fresh.snakemake(*command, "--dry-run", UNISPACE_DATA=str(there))
    assert "rule prepare_data" in again.stdout + again.stderr
