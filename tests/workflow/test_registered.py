"""A registered set through Snakemake: fetched, and not again because its bytes may come from elsewhere."""

from __future__ import annotations

import zipfile

import pytest

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
