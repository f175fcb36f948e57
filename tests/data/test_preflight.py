"""What is missing outside the study is told before the first job, all of it at once."""

import hashlib
import json
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
import yaml

from unispace.config.datasets import ArchiveSource
from unispace.config.parse import parse_study
from unispace.config.study import Study
from unispace.data.preflight import bytes_needed, check_sources, content_of, template_content
from unispace.data.sources.raw import raw_files
from unispace.errors import UserError
from unispace.records.places import VARIABLE

CONTENT = b"an archive"
SUM = hashlib.sha256(CONTENT).hexdigest()
RANDOM = {"architecture": "eva02_tiny_patch14_224", "weights": {"kind": "random"}}


@pytest.fixture(autouse=True)
def raw(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data" / "raw"


def study(backbones=None, **sources):
    datasets = {name: {"domain": "face_hq", "source": s} for name, s in sources.items()}
    return Study.model_validate(
        {
            "study": "s",
            "datasets": datasets,
            "backbones": backbones or {"b": RANDOM},
            "curricula": {"base": {}},
            "evaluation": {"datasets": list(datasets)},
        }
    )


def archive(path="a.zip", sha256=SUM):
    return {"kind": "archive", "path": path, "sha256": sha256}


def rendered(labels=10, images=4, size=16):
    return {"kind": "studio", "labels": labels, "images_per_label": images, "size": size}


def refusal(*arguments):
    with pytest.raises(UserError) as caught:
        check_sources(*arguments)
    return str(caught.value)


def test_a_study_that_has_all_it_needs_passes(tmp_path, raw, make):
    (tmp_path / "a.zip").write_bytes(CONTENT)
    (tmp_path / "w.safetensors").write_bytes(CONTENT)
    for name in map(str, range(30)):
        (tmp_path / "people" / name).mkdir(parents=True)
        (tmp_path / "people" / name / "1.png").write_bytes(make.picture(1))
        (tmp_path / "people" / name / "2.png").write_bytes(make.picture(2))
    weights = {"kind": "file", "path": "w.safetensors", "sha256": SUM}
    check_sources(
        study(
            {"b": {**RANDOM, "weights": weights}},
            a=archive(),
            f={"kind": "folder", "path": "people"},
            s=rendered(),
        ),
        raw,
    )
    assert not raw.exists()


def test_everything_that_is_missing_is_told_at_once(raw):
    weights = {"kind": "file", "path": "w.safetensors", "sha256": SUM}
    error = refusal(
        study(
            {"b": {**RANDOM, "weights": weights}},
            a=archive("gone.zip"),
            f={"kind": "folder", "path": "people"},
            o=rendered(),
        ),
        raw,
    )
    assert error.startswith("study s:\n- ")
    assert error.count("\n- ") == 3
    for line in (
        "- datasets.a.source: `gone.zip` was not found. Looked for",
        "- datasets.f.source: `people` was not found. Looked for",
        "- backbones.b.weights: `w.safetensors` was not found. Looked for",
    ):
        assert line in error


def test_a_wrong_checksum_of_archive_or_weights_is_told(tmp_path, raw):
    for name in ("a.zip", "w.safetensors"):
        (tmp_path / name).write_bytes(b"other")
    weights = {"kind": "file", "path": "w.safetensors", "sha256": SUM}
    error = refusal(study({"b": {**RANDOM, "weights": weights}}, a=archive()), raw)
    assert "- datasets.a.source: a.zip: wrong checksum" in error
    assert "- w.safetensors: wrong checksum" in error
    assert error.count(f"expected sha256 {SUM}") == 2


def test_a_folder_in_place_of_a_file_is_told(tmp_path, raw):
    (tmp_path / "a.zip").mkdir()
    assert "a.zip is not a file" in refusal(study(a=archive()), raw)


def test_a_folder_without_images_is_told(tmp_path, raw):
    (tmp_path / "people").mkdir()
    error = refusal(study(f={"kind": "folder", "path": "people"}), raw)
    assert "people: holds no subfolder" in error


@pytest.mark.parametrize(
    ("other", "fine"),
    [
        (archive("x/a.zip"), False),
        (archive("a.zip", "0" * 64), False),
        (archive("https://example.org/a.zip?v=1"), False),
        (archive("x/b.zip"), True),
        (archive(), True),
    ],
)
def test_two_archives_of_one_name_are_refused(tmp_path, raw, other, fine):
    (tmp_path / "x").mkdir()
    for name in ("a.zip", "x/a.zip", "x/b.zip"):
        (tmp_path / name).write_bytes(CONTENT)
    both = study(one=archive(), two=other)
    if fine:
        check_sources(both, raw)
    else:
        error = refusal(both, raw)
        assert f"datasets.two.source: two archives are named a.zip (a.zip and {other['path']}); rename one" in error  # fmt: skip


def test_an_address_is_not_asked_before_the_first_job(raw):
    check_sources(study(a=archive("http://127.0.0.1:9/a.zip")), raw)


def test_an_address_without_file_name_is_refused(raw):
    error = refusal(study(a=archive("https://example.org/sets/")), raw)
    assert "datasets.a.source: `https://example.org/sets/` names no file" in error


def fetched(raw, sha256):
    raw.mkdir(parents=True)
    (raw / "a.zip").write_bytes(CONTENT)
    (raw / "a.zip.json").write_text(json.dumps({"sha256": sha256}))


def test_an_archive_that_was_fetched_is_not_looked_for_again(raw):
    fetched(raw, SUM)
    check_sources(study(a=archive()), raw)


def test_an_archive_of_which_another_version_was_fetched_is_looked_for(raw):
    fetched(raw, "0" * 64)
    assert "`a.zip` was not found" in refusal(study(a=archive()), raw)


def test_more_classes_than_there_are_are_told(raw):
    data = study(o=rendered(labels=5000)).model_dump(mode="json")
    data["datasets"]["o"]["domain"] = "object"
    error = refusal(Study.model_validate(data), raw)
    assert "- datasets.o.source.labels: the studio has" in error


Usage = namedtuple("Usage", "total used free")


def test_too_little_space_is_told_with_both_sizes(raw, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 400_000_000))
    error = refusal(study(s=rendered(1000, 10, 128), t=rendered(10, 10, 16)), raw)
    assert "the study needs about 0.5 GB for its images, 0.4 GB are free here; make room" in error
    check_sources(study(s=rendered(100, 10, 128)), raw)


def test_images_that_are_there_need_no_further_space(tmp_path, raw, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, 400_000_000))
    (tmp_path / "data" / "s" / "big").mkdir(parents=True)
    (tmp_path / "data" / "s" / "big" / "images.npy").touch()
    check_sources(study(big=rendered(1000, 10, 128)), raw)


@pytest.mark.parametrize(
    ("limits", "images"),
    [
        ({}, 1000 * 10),
        ({"max_labels": 20}, 60 * 10),
        ({"max_images_per_label": 2}, 1000 * 6),
        ({"max_labels": 900, "max_images_per_label": 9}, 1000 * 10),
    ],
)
def test_the_space_needed_counts_at_most_what_the_limits_leave(tmp_path, limits, images):
    data = study(s=rendered(1000, 10, 16)).model_dump(mode="json")
    data["datasets"]["s"] |= limits
    assert bytes_needed(Study.model_validate(data), tmp_path) == images * 16 * 16 * 3


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.zip", "a.zip"),
        ("/x/y/a.tar.gz", "a.tar.gz"),
        ("https://example.org/files/a.zip?download=1&x=/b", "a.zip"),
    ],
)
def test_a_fetched_archive_keeps_its_file_name(path, name):
    source = ArchiveSource(kind="archive", path=path, sha256="0" * 64)
    assert raw_files(source) == (name,)


def test_the_content_of_a_folder_is_its_fingerprint(tmp_path, raw, make):
    file = tmp_path / "people" / "ann" / "1.png"
    file.parent.mkdir(parents=True)
    file.write_bytes(make.picture(1))
    source = study(f={"kind": "folder", "path": "people"}).datasets["f"].source
    before = content_of(source, "f", raw)
    assert content_of(source, "f", raw) == before
    file.write_bytes(make.picture(2))
    assert content_of(source, "f", raw) != before
    assert [p.name for p in raw.iterdir()] == ["f.index.json"]


def test_a_list_of_pairs_outside_the_archive_is_looked_for(tmp_path, raw):
    (tmp_path / "a.zip").write_bytes(CONTENT)
    pairs = {"kind": "csv", "file": "mine.csv", "sha256": SUM}
    base = study(a=archive())
    listed = base.datasets["a"].model_validate({**base.datasets["a"].model_dump(), "pairs": pairs})
    asked = base.model_copy(update={"datasets": {"a": listed}})
    assert "datasets.a.pairs: `mine.csv` was not found" in refusal(asked, raw)
    (tmp_path / "mine.csv").write_bytes(b"another")
    assert "datasets.a.pairs: mine.csv: wrong checksum" in refusal(asked, raw)
    (tmp_path / "mine.csv").write_bytes(CONTENT)
    check_sources(asked, raw)


def test_the_default_study_lacks_nothing(raw):
    root = Path(__file__).parents[2]
    text = (root / "config.yaml").read_text("utf-8")
    check_sources(parse_study(yaml.safe_load(text), "config.yaml", text), raw)


def test_a_word_for_a_label_that_no_prompted_data_set_has_is_refused_before_the_first_job(raw):
    root = Path(__file__).parents[2]
    found = yaml.safe_load((root / "config.yaml").read_text("utf-8"))
    found["prompts"]["names"] = {"aple": "apple", "lock": "padlock"}
    assert "prompts.names: no data set has the label `aple`; did you mean `apple`" in refusal(
        parse_study(found, "config.yaml", ""), raw
    )


def test_lists_of_templates_are_looked_for_and_their_columns_checked(tmp_path, raw):
    whole = study(f=rendered())
    lists = {"images": "images.csv", "pairs": "pairs.csv"}
    evaluation = {"datasets": ["f"], "templates": {"f": lists}}
    asked = Study.model_validate({**whole.model_dump(mode="json"), "evaluation": evaluation})
    with pytest.raises(
        UserError, match=r"evaluation\.templates\.f\.images: `images\.csv` was not found"
    ):
        check_sources(asked, raw)
    (tmp_path / "images.csv").write_text("template_id,image_id,media_id\n")
    (tmp_path / "pairs.csv").write_text("first,second\n")
    with pytest.raises(UserError, match=r"pairs\.csv has no column `same`"):
        check_sources(asked, raw)
    (tmp_path / "pairs.csv").write_text("first,second,same\n")
    check_sources(asked, raw)
    before = template_content(asked, "f", raw)
    (tmp_path / "pairs.csv").write_text("first,second,same\na,b,1\n")
    after = template_content(asked, "f", raw)
    assert (before["images"] == after["images"], before["pairs"] == after["pairs"]) == (True, False)


def test_a_path_with_a_slip_is_suggested_as_a_whole(tmp_path, raw):
    (tmp_path / "people" / "ann").mkdir(parents=True)
    said = refusal(study(f={"kind": "folder", "path": "peopel/ann"}), raw)
    assert f"Did you mean `{tmp_path / 'people' / 'ann'}`?" in said
    # Without the rest of the path the folder that resembles is none.
    assert "Did you mean" not in refusal(study(f={"kind": "folder", "path": "peopel/bob"}), raw)


def test_every_problem_of_a_source_opens_with_its_key(tmp_path, raw):
    (tmp_path / "people").write_text("no folder")
    said = refusal(study(f={"kind": "folder", "path": "people"}), raw)
    assert "- datasets.f.source: " in said
