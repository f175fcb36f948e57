"""Bad input ends before the first job, with the thing and the remedy named."""

from __future__ import annotations

import io
import tarfile

import pytest
from PIL import Image

from unispace.records.files import sha256_of

pytestmark = pytest.mark.slow

TINY = "workflow/studies/tiny.yaml"


def refused(project, *words: str, **environment: str) -> str:
    done = project.snakemake("--cores", "1", "--configfile", TINY, **environment)
    assert done.returncode != 0
    for word in words:
        assert word in done.stderr
    assert "start" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project.folder / "data").exists()
    return done.stderr


def test_an_unknown_key_is_refused_with_its_line_and_the_nearest(fresh):
    fresh.change(TINY, "\ncurricula:", "\ncuriculum:")
    refused(fresh, "`curiculum`: unknown key, did you mean `curricula`?", "tiny.yaml:66")


def test_a_wrong_type_names_key_value_and_what_is_allowed(fresh):
    fresh.change(TINY, "steps: 4, batch_size: 8", "steps: many, batch_size: 8")
    refused(fresh, "`backbones.micro.weights.steps`: got 'many', needs a whole number")


def test_an_unknown_backbone_is_refused_with_the_nearest(fresh):
    fresh.change(TINY, "eva02_tiny_patch14_224", "eva02_tiny_patch14_242")
    refused(fresh, "unknown backbone `eva02_tiny_patch14_242`", "`eva02_tiny_patch14_224`")


def test_a_missing_archive_names_the_places_and_the_variable(fresh, tmp_path):
    source = "{ kind: studio, labels: 24, images_per_label: 4, size: 32 }"
    fresh.change(TINY, source, "{ kind: archive, path: persons.tar, sha256: '" + "0" * 64 + "' }")
    text = refused(fresh, "datasets.faces.source", "persons.tar", "UNISPACE_DATA")
    assert str(fresh.folder / "persons.tar") in text
    text = refused(fresh, str(tmp_path / "persons.tar"), UNISPACE_DATA=str(tmp_path))


def test_a_wrong_checksum_shows_both(fresh, tmp_path):
    (tmp_path / "persons.tar").write_bytes(b"no archive")
    source = "{ kind: studio, labels: 24, images_per_label: 4, size: 32 }"
    fresh.change(TINY, source, "{ kind: archive, path: persons.tar, sha256: '" + "0" * 64 + "' }")
    refused(
        fresh,
        "wrong checksum",
        "0" * 64,
        sha256_of(tmp_path / "persons.tar"),
        UNISPACE_DATA=str(tmp_path),
    )


def test_an_empty_folder_says_what_belongs_there(fresh, tmp_path):
    (tmp_path / "persons").mkdir()
    source = "{ kind: studio, labels: 24, images_per_label: 4, size: 32 }"
    fresh.change(TINY, source, f"{{ kind: folder, path: '{tmp_path / 'persons'}' }}")
    refused(fresh, "holds no subfolder", "one subfolder per identity or class")


def test_no_space_is_said_before_the_first_job(fresh):
    fresh.change(
        TINY,
        "labels: 24, images_per_label: 4, size: 32 }",
        "labels: 1000000, images_per_label: 10000, size: 512 }",
    )
    refused(fresh, "GB are free here")


def test_an_unreadable_image_stops_what_needs_it_and_keeps_the_rest(fresh, tmp_path):
    content = io.BytesIO()
    Image.new("RGB", (8, 8)).save(content, "PNG")
    files = {
        "persons/manifest.csv": "path,identity_or_class,split\n"
        + "".join(f"{p}{i}.png,{p},train\n" for p in "abcd" for i in range(3)),
        **{f"persons/{p}{i}.png": content.getvalue() for p in "abcd" for i in range(3)},
        "persons/b1.png": b"not an image",
    }
    archive = tmp_path / "persons.tar"
    with tarfile.open(archive, "w") as tar:
        for name, text in files.items():
            data = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    source = "{ kind: studio, labels: 24, images_per_label: 4, size: 32 }"
    new = f"{{ kind: archive, path: persons.tar, sha256: '{sha256_of(archive)}' }}"
    fresh.change(TINY, source, new)
    done = fresh.snakemake("--cores", "2", "--configfile", TINY, UNISPACE_DATA=str(tmp_path))
    assert done.returncode != 0
    assert "FAILED  prepare_data  faces" in done.stderr
    assert "persons/b1.png: cannot be read as an image" in done.stderr
    assert "unreadable: skip" in done.stderr
    # What does not need that data set was finished and is kept.
    assert (fresh.folder / "data/tiny/bodies/images.npy").is_file()
    assert (fresh.folder / "checkpoints/tiny/micro/base/seed0/model.safetensors").is_file()
    fresh.change(TINY, new + "\n", new + "\n    unreadable: skip\n")
    jobs = fresh.jobs("data/tiny/faces/images.npy")
    assert "prepare_data faces" in jobs
    done = fresh.snakemake(
        "data/tiny/faces/images.npy",
        "--cores",
        "2",
        "--configfile",
        TINY,
        UNISPACE_DATA=str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert (
        "1 unreadable images left out"
        in (fresh.folder / "logs/tiny/prepare_data/faces.log").read_text()
    )
