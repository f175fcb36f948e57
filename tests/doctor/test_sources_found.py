"""Missing and wrong archives, weights and images are each told with their remedy."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from unispace.config.backbones import HubWeights
from unispace.doctor import sources
from unispace.doctor.findings import Finding, diagnosis, errors
from unispace.doctor.networks import network_findings
from unispace.doctor.sources import (
    image_findings,
    licence_findings,
    source_findings,
    weight_findings,
)
from unispace.errors import UserError
from unispace.records.files import write_json
from unispace.records.images import write_encoded, write_raw
from unispace.records.manifest import write_manifest
from unispace.records.places import VARIABLE

HUB = {"kind": "hub", "repo": "timm/some", "revision": "abc123", "filename": "m.safetensors"}


def one(findings, severity):
    (found,) = [f for f in findings if f.severity == severity]
    return found


def test_a_missing_archive(root, planted):
    found = one(source_findings(planted.study(a=planted.archive()), root, False), "error")
    assert "datasets.a.source: `a.zip` was not found" in found.message
    assert found.remedy.strip().startswith("Put it there, or set UNISPACE_DATA")
    assert "\n" not in found.text()


def test_a_wrong_archive(root, planted):
    (root / "a.zip").write_bytes(b"truncated")
    found = one(source_findings(planted.study(a=planted.archive()), root, False), "error")
    assert "wrong checksum: truncated, damaged or another version" in found.message
    assert "Fetch it again" in found.remedy


def test_a_right_archive_and_studio_data_need_nothing(root, planted):
    (root / "a.zip").write_bytes(planted.content)
    (found,) = source_findings(planted.study(a=planted.archive(), f=planted.rendered), root, False)
    assert found.severity == "ok"


def fetched(root, planted, content):
    raw = root / "data" / "raw"
    raw.mkdir(parents=True)
    (raw / "a.zip").write_bytes(content)
    write_json(raw / "a.zip.json", {"bytes": len(planted.content), "sha256": planted.sum})


def test_a_fetched_archive_that_was_damaged_since(root, planted):
    fetched(root, planted, planted.content[::-1])
    found = one(source_findings(planted.study(a=planted.archive()), root, False), "error")
    assert "data/raw/a.zip: not the bytes that were fetched" in found.message
    assert found.remedy == "rm data/raw/a.zip, so that it is fetched again"


def test_large_archives_are_told_by_their_size_unless_all_is_to_be_read(root, planted, monkeypatch):
    monkeypatch.setattr(sources, "_QUICK", 5)
    fetched(root, planted, planted.content[::-1])
    study = planted.study(a=planted.archive())
    assert one(source_findings(study, root, False), "ok")
    assert one(source_findings(study, root, True), "error")
    (root / "data" / "raw" / "a.zip").write_bytes(b"short")
    assert one(source_findings(study, root, False), "error")


def test_an_archive_without_record(root, planted):
    fetched(root, planted, planted.content)
    (root / "data" / "raw" / "a.zip.json").unlink()
    (root / "a.zip").write_bytes(planted.content)
    found = one(source_findings(planted.study(a=planted.archive()), root, False), "warning")
    assert "was not fetched by the pipeline" in found.message


def test_what_will_be_downloaded_is_a_note(root, planted):
    study = planted.study(a=planted.archive("http://127.0.0.1:9/a.zip"))
    found = one(source_findings(study, root, False), "note")
    assert found.message == "1 archives are to be downloaded: a (a.zip)"


def test_missing_and_wrong_weights_files(root, planted):
    weights = {"kind": "file", "path": "w.safetensors", "sha256": planted.sum}
    study = planted.study({"b": {**planted.random, "weights": weights}})
    found = one(source_findings(study, root, False), "error")
    assert "backbones.b.weights: `w.safetensors` was not found" in found.message
    (root / "w.safetensors").write_bytes(b"others")
    found = one(source_findings(study, root, False), "error")
    assert "w.safetensors: wrong checksum" in found.message


def test_a_folder_of_data_that_is_none(root, planted, monkeypatch):
    monkeypatch.setenv(VARIABLE, "/nowhere/at/all")
    found = one(source_findings(planted.study(), root, False), "error")
    assert found.message == "UNISPACE_DATA is /nowhere/at/all, which is no folder here"
    assert "unset it" in found.remedy


def hub_study(planted, **changes):
    pooled = {"pooling": "avg", "weights": {**HUB, **changes}}
    return planted.study({"b": {**planted.random, **pooled}})


def test_weights_of_the_hub_that_are_not_here(root, planted, monkeypatch):
    monkeypatch.setattr(sources, "cached_file", lambda weights: None)
    found = one(weight_findings(hub_study(planted), root, None), "note")
    assert "timm/some/m.safetensors at abc123 is not on this machine" in found.message
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    found = one(weight_findings(hub_study(planted), root, None), "error")
    assert "HF_HUB_OFFLINE forbids to fetch it" in found.message
    assert found.remedy.startswith("unset HF_HUB_OFFLINE")


def test_the_hub_is_asked_where_it_may_be(root, planted, monkeypatch):
    monkeypatch.setattr(sources, "cached_file", lambda weights: None)

    def refuse(weights: HubWeights) -> int:
        raise UserError("not to be had from the hub (404)")

    found = one(weight_findings(hub_study(planted), root, lambda weights: 5_000_000), "ok")
    assert "5 MB, to be had from the hub" in found.message
    found = one(weight_findings(hub_study(planted), root, refuse), "error")
    assert "404" in found.message
    assert "kind: file" in found.remedy


def test_weights_in_the_cache_are_compared(root, planted, monkeypatch):
    cached = root / "cached"
    cached.write_bytes(planted.content)
    monkeypatch.setattr(sources, "cached_file", lambda weights: cached)
    assert one(weight_findings(hub_study(planted, sha256=planted.sum), root, None), "ok")
    found = one(weight_findings(hub_study(planted, sha256="0" * 64), root, None), "error")
    assert "has another sha256 than the study says" in found.message
    assert found.remedy.startswith("rm cached")


def test_the_cache_is_where_the_hub_has_it(root, planted, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    weights = hub_study(planted).backbones["b"].weights
    assert isinstance(weights, HubWeights)
    assert sources.cached_file(weights) is None


def prepared(root, manifest_rows=6):
    where = root / "data" / "s" / "faces"
    where.mkdir(parents=True)
    images = np.zeros((6, 16, 16, 3), np.uint8)
    write_raw([images], 6, 16, where / "images.npy")
    write_manifest(
        pd.DataFrame(
            {
                "image_id": [str(i) for i in range(manifest_rows)],
                "row": np.arange(manifest_rows),
                "domain": "face_hq", "label": "a", "identity": "a", "split": "test", "source": "s",
            }
        ),
        where / "manifest.parquet",
    )  # fmt: skip
    return where


def test_images_that_are_here_are_read_at_a_sample(root, planted):
    assert image_findings(planted.study(), root) == []
    prepared(root)
    (found,) = image_findings(planted.study(), root)
    assert (found.severity, found.message) == ("ok", "5 images of those that are here can be read")


def test_a_damaged_store_and_one_that_is_not_of_its_manifest(root, planted):
    where = prepared(root, manifest_rows=7)
    found = one(image_findings(planted.study(), root), "error")
    assert "lists 7 images, images.npy holds 6" in found.message
    write_encoded([b"no image"] * 7, where / "images.npy")
    found = one(image_findings(planted.study(), root), "error")
    assert "cannot be read as an image" in found.message
    assert found.remedy.startswith("rm -r data/s/faces")


def test_images_of_a_folder_are_read(root, planted):
    person = root / "people" / "ann"
    person.mkdir(parents=True)
    (person / "1.png").write_bytes(b"no image")
    study = planted.study(f={"kind": "folder", "path": "people"})
    found = one(image_findings(study, root), "error")
    assert "datasets.f: " in found.message
    assert "1.png: cannot be read as an image" in found.message


def test_damaged_images_of_a_folder_are_all_named_and_matter_only_where_they_stop_the_run(
    root, planted
):
    person = root / "people" / "ann"
    person.mkdir(parents=True)
    for i in range(12):
        (person / f"{i:02}.png").write_bytes(b"no image")
    study = planted.study(f={"kind": "folder", "path": "people"})
    found = one(image_findings(study, root), "error")
    assert found.message.startswith("datasets.f: ann/00.png: cannot be read as an image")
    assert found.message.endswith(" and 7 more")
    assert found.remedy == "mend or remove them, or set `unreadable: skip` in datasets.f"
    skipped = study.datasets["f"].model_copy(update={"unreadable": "skip"})
    study = study.model_copy(update={"datasets": {"f": skipped}})
    found = one(image_findings(study, root), "note")
    assert "cannot be read" in found.message
    assert found.remedy == ""


def test_what_a_folder_holds_beside_images_is_a_note(root, planted):
    person = root / "people" / "ann"
    person.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(person / "1.png")
    (root / "people" / "bob").mkdir()
    study = planted.study(f={"kind": "folder", "path": "people"})
    found = one(image_findings(study, root), "note")
    assert found.message == "datasets.f: not taken: 1 subfolders without images: bob"


def test_options_that_timm_refuses_are_told_with_the_backbone(planted):
    fitting = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 1, "num_heads": 2}
    network = {
        "architecture": "eva02_tiny_patch14_224",
        "options": fitting,
        "preprocessing": {"size": 32},
        "weights": {"kind": "random"},
    }
    pixels = {"architecture": "pixels", "weights": {"kind": "random"}}
    found = one(network_findings(planted.study({"b": network, "p": pixels})), "ok")
    assert found.message == "1 networks of timm can be built"
    wrong = network | {"options": fitting | {"dept": 2}}
    found = one(network_findings(planted.study({"b": wrong})), "error")
    assert found.message.startswith("backbones.b: eva02_tiny_patch14_224: timm refuses its options")
    assert "'dept'" in found.message


def test_terms_to_accept(planted):
    assert one(licence_findings(planted.study()), "ok")
    study = planted.study(a=planted.archive(), b={"kind": "registered", "name": "agedb30"})
    texts = [f.text() for f in licence_findings(study)]
    assert any("AgeDB" in t and "research only" in t and "Ask the authors" in t for t in texts)
    assert any("whose terms are not known here: datasets.a" in t for t in texts)
    hub = [f.text() for f in licence_findings(hub_study(planted))]
    assert "https://huggingface.co/timm/some" in hub[0]


@pytest.mark.parametrize(
    ("problem", "message", "remedy"),
    [
        ("a: wrong; write b", "a: wrong", "write b"),
        ("a: wrong:\n  x\n  Put it there.", "a: wrong:\n  x", "  Put it there."),
        ("a: wrong", "a: wrong", ""),
    ],
)
def test_messages_of_errors_end_with_their_remedy(problem, message, remedy):
    assert errors("config", [problem]) == [Finding("config", "error", message, remedy)]


def test_the_worst_comes_first_and_an_error_is_ill():
    found = diagnosis("s.yaml", [Finding("a", "ok", "x"), Finding("b", "error", "y", "z")])
    assert [f.severity for f in found.findings] == ["error", "ok"]
    assert not found.healthy
    assert found.text().splitlines() == [
        "error    b          y -> z",
        "ok       a          x",
        "s.yaml: 1 error, 1 ok",
    ]
    assert found.as_json()["findings"][0]["remedy"] == "z"
    assert diagnosis("s.yaml", [Finding("a", "warning", "x")]).healthy
