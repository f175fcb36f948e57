"""From a source to a manifest and an image store."""

import hashlib
import logging

import numpy as np
import pytest

from unispace.config.datasets import Dataset
from unispace.data.prepare import prepare
from unispace.data.splits import split_by_hash
from unispace.errors import UserError
from unispace.records.factors import read_factors
from unispace.records.images import ImageStore, decode
from unispace.records.left_out import LeftOut, read_left_out
from unispace.records.manifest import read_manifest
from unispace.records.places import VARIABLE

# Two splits; ann has three images, bob two, cat one.
ROWS = [
    ("ann/1.png", "ann", "learn", "c1"),
    ("ann/2.png", "ann", "learn", "c2"),
    ("ann/3.png", "ann", "learn", "c1"),
    ("bob/1.png", "bob", "query", "c2"),
    ("bob/2.png", "bob", "gallery", "c1"),
    ("cat/1.png", "cat", "gallery", "c1"),
]


@pytest.fixture
def run(tmp_path, make):
    """Prepare an archive of some rows; returns the manifest and the store as they are on disk."""

    def prepared(rows=ROWS, damaged=(), **settings):
        images = {row[0]: make.picture(row[0].encode()) for row in rows}
        images |= dict.fromkeys(damaged, b"no image")
        columns = ("path", "identity_or_class", "split", "camera")
        path = make.pack(tmp_path / "x.zip", {"manifest.csv": make.table(rows, columns), **images})
        source = {"kind": "archive", "path": "x.zip", "sha256": "0" * 64}
        dataset = Dataset.model_validate({"domain": "face_hq", "source": source, **settings})
        prepare(
            "faces",
            dataset,
            1,
            path,
            tmp_path / "out",
        )
        return read_manifest(tmp_path / "out/manifest.parquet"), ImageStore(
            tmp_path / "out/images.npy"
        )

    return prepared


@pytest.fixture(autouse=True)
def pictures(monkeypatch, make):
    """Pictures by name instead of by number."""
    plain = make.picture

    def named(seed, *arguments):
        number = int(hashlib.sha256(seed).hexdigest()[:8], 16) if isinstance(seed, bytes) else seed
        return plain(number, *arguments)

    monkeypatch.setattr(make, "picture", staticmethod(named))


def test_an_archive_becomes_manifest_and_store(run, make):
    manifest, store = run()
    assert manifest["image_id"].tolist() == [row[0] for row in ROWS]
    assert manifest["row"].tolist() == list(range(6))
    assert manifest["label"].tolist() == [row[1] for row in ROWS]
    assert manifest["identity"].tolist() == [row[1] for row in ROWS]
    assert manifest["camera"].tolist() == [row[3] for row in ROWS]
    assert set(manifest["domain"]) == {"face_hq"}
    assert set(manifest["source"]) == {"archive:faces"}
    assert "member" not in manifest
    for row, image in zip(manifest["row"], manifest["image_id"], strict=True):
        expected = np.asarray(decode(make.picture(image.encode()), "x"))
        assert np.array_equal(np.asarray(store.image(row)), expected)


def test_a_source_column_of_the_table_is_kept(run, make, tmp_path):
    columns = ("path", "identity_or_class", "split", "source")
    rows = [("a.png", "x", "s", "mugshots"), ("b.png", "x", "s", "passports")]
    members = {"manifest.csv": make.table(rows, columns)}
    members |= {row[0]: make.picture(row[0].encode()) for row in rows}
    path = make.pack(tmp_path / "x.zip", members)
    source = {"kind": "archive", "path": "x.zip", "sha256": "0" * 64}
    dataset = Dataset.model_validate({"domain": "object", "source": source})
    manifest = prepare("d", dataset, 1, path, tmp_path)
    assert manifest["source"].tolist() == ["mugshots", "passports"]


def test_identities_are_split_whole_and_by_their_hash(run):
    manifest, _ = run()
    expected = split_by_hash([row[1] for row in ROWS], 0.5, 0.1)
    assert manifest["split"].tolist() == expected.tolist()
    assert (manifest.groupby("label")["split"].nunique() == 1).all()


def test_classes_are_split_by_image_and_have_no_identity(run):
    manifest, _ = run(domain="object")
    expected = split_by_hash([row[0] for row in ROWS], 0.5, 0.1)
    assert manifest["split"].tolist() == expected.tolist()
    assert manifest["identity"].isna().all()


def test_splits_of_the_manifest_are_taken_and_renamed(run):
    manifest, _ = run(splits={"by": "manifest"})
    assert manifest["split"].tolist() == [row[2] for row in ROWS]
    rename = {"query": "test", "gallery": "test", "learn": "query"}
    manifest, _ = run(splits={"by": "manifest", "rename": rename})
    assert manifest["split"].tolist() == ["query"] * 3 + ["test"] * 3


def test_a_rename_of_what_is_not_there_is_refused(run):
    with pytest.raises(UserError, match=r"datasets.faces.splits.rename: .* no split `querry`; did you mean `query`"):  # fmt: skip
        run(splits={"by": "manifest", "rename": {"querry": "test"}})


def test_an_image_without_split_is_refused_only_where_it_matters(run):
    rows = [*ROWS[:5], ("cat/1.png", "cat", "", "c1")]
    assert len(run(rows)[0]) == 6
    with pytest.raises(UserError, match=r"datasets.faces: the manifest names no split for cat/1.png"):  # fmt: skip
        run(rows, splits={"by": "manifest"})


@pytest.mark.parametrize(("least", "labels"), [(2, {"ann", "bob"}), (3, {"ann"})])
def test_labels_with_few_images_are_left_out(run, caplog, least, labels):
    caplog.set_level(logging.INFO)
    manifest, store = run(min_images_per_label=least)
    assert set(manifest["label"]) == labels
    assert len(store) == len(manifest)
    assert manifest["row"].tolist() == list(range(len(manifest)))
    assert f"faces: {len(manifest)} of 6 images selected" in caplog.text


def test_limits_hold_in_each_split(run):
    by = {"by": "manifest", "rename": {"query": "learn"}}
    manifest, _ = run(splits=by, max_labels=2, max_images_per_label=1)
    assert manifest.groupby("split")["label"].nunique().max() <= 2
    assert (manifest.groupby(["split", "label"]).size() == 1).all()
    assert len(manifest) == 4


def test_nothing_left_is_refused(run):
    with pytest.raises(UserError, match=r"datasets.faces: no image is left of 6; min_images_per_label is 9"):  # fmt: skip
        run(min_images_per_label=9)


def test_an_unreadable_image_stops_and_leaves_nothing(run, tmp_path):
    with pytest.raises(UserError, match=r"x.zip: ann/2.png: cannot be read as an image .*\n  Mend or remove that image, or set `unreadable: skip` in datasets.faces"):  # fmt: skip
        run(damaged=["ann/2.png"])
    assert list((tmp_path / "out").iterdir()) == []


def test_all_unreadable_images_are_named_at_once(run):
    with pytest.raises(UserError, match=r"ann/2.png: .*\n.*cat/1.png: .*\n  Mend or remove these images, or set `unreadable: skip` in datasets.faces$"):  # fmt: skip
        run(damaged=["ann/2.png", "cat/1.png"])


def test_after_many_unreadable_images_no_more_are_looked_for(run, monkeypatch):
    monkeypatch.setattr("unispace.data.prepare._NAMED", 2)
    with pytest.raises(UserError, match=r"datasets.faces; there may be more$") as caught:
        run(damaged=[row[0] for row in ROWS])
    assert str(caught.value).count("cannot be read") == 2


def test_what_a_folder_holds_beside_its_images_is_told(make, tmp_path, caplog):
    for name in ("ann/1.png", "ann/2.png"):
        (tmp_path / "people" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "people" / name).write_bytes(make.picture(name.encode()))
    (tmp_path / "people" / "bob").mkdir()
    source = {"kind": "folder", "path": str(tmp_path / "people")}
    dataset = Dataset.model_validate({"domain": "face_hq", "source": source})
    prepare("faces", dataset, 1, None, tmp_path / "out")
    assert "faces: not taken: 1 subfolders without images, such as bob" in caplog.text


def test_unreadable_images_are_skipped_and_counted(run, make, caplog, tmp_path):
    manifest, store = run(damaged=["ann/2.png", "cat/1.png"], unreadable="skip")
    left = ["ann/1.png", "ann/3.png", "bob/1.png", "bob/2.png"]
    assert manifest["image_id"].tolist() == left
    assert len(store) == 4
    for row, name in enumerate(left):
        expected = np.asarray(decode(make.picture(name.encode()), "x"))
        assert np.array_equal(np.asarray(store.image(row)), expected)
    assert "faces: 2 unreadable images left out" in caplog.text
    record = read_left_out(tmp_path / "out/left_out.json")
    assert record == LeftOut(listed=6, unreadable=("ann/2.png", "cat/1.png"))
    for name in ("ann/2.png", "cat/1.png"):
        assert f"{name}: cannot be read as an image" in caplog.text


def test_a_set_without_any_readable_image_is_refused(run):
    with pytest.raises(UserError, match=r"datasets.faces: none of its 6 images can be read"):
        run(damaged=[row[0] for row in ROWS], unreadable="skip")


def test_identities_with_one_image_are_counted(run, caplog):
    run()
    assert "faces: 1 of 3 identities have one image" in caplog.text
    caplog.clear()
    run(min_images_per_label=2)
    assert "have one image" not in caplog.text
    run(domain="object")
    assert "have one image" not in caplog.text


def test_identities_that_all_have_one_image_are_refused(run):
    rows = [ROWS[0], ROWS[3], ROWS[5]]
    with pytest.raises(UserError, match=r"datasets.faces: each of its 3 identities has one image only; recognition needs two"):  # fmt: skip
        run(rows)
    assert len(run(rows, domain="object")[0]) == 3


def test_skipping_may_leave_identities_with_one_image(run):
    with pytest.raises(UserError, match="each of its 1 identities has one image only"):
        run(ROWS[3:5], damaged=["bob/1.png"], unreadable="skip")


def test_a_folder_becomes_manifest_and_store(tmp_path, make, monkeypatch):
    for name in ("ann/1.png", "ann/deep/2.png", "bob/1.png"):
        (tmp_path / "set" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "set" / name).write_bytes(make.picture(name.encode()))
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    dataset = Dataset.model_validate(
        {"domain": "face_lq", "source": {"kind": "folder", "path": "set"}}
    )
    manifest = prepare("f", dataset, 1, None, tmp_path)
    assert manifest["image_id"].tolist() == ["ann/1.png", "ann/deep/2.png", "bob/1.png"]
    assert manifest["label"].tolist() == ["ann", "ann", "bob"]
    assert set(manifest["source"]) == {"folder:f"}
    expected = np.asarray(decode(make.picture(b"ann/deep/2.png"), "x"))
    assert np.array_equal(np.asarray(ImageStore(tmp_path / "images.npy").image(1)), expected)


def test_an_archive_source_needs_its_archive(tmp_path):
    source = {"kind": "archive", "path": "x.zip", "sha256": "0" * 64}
    dataset = Dataset.model_validate({"domain": "object", "source": source})
    with pytest.raises(ValueError, match="d: an archive source needs the fetched archive"):
        prepare("d", dataset, 1, None, tmp_path)


def test_what_is_not_chosen_counts_as_listed_and_not_as_unreadable(run, tmp_path):
    manifest, _ = run(min_images_per_label=2)
    assert len(manifest) == 5
    assert read_left_out(tmp_path / "out/left_out.json") == LeftOut(listed=6, unreadable=())


def test_a_record_of_another_kind_is_refused(tmp_path):
    (tmp_path / "left_out.json").write_text('{"listed": "many"}')
    with pytest.raises(UserError, match="no record of left out images"):
        read_left_out(tmp_path / "left_out.json")


# --- attacks ----------------------------------------------------------------------------------

ATTACKS = [
    (f"{who}-{k}.png", label, "learn", who)
    for who in ("ann", "bob", "cat")
    for k, label in enumerate(("live", "live", "print"))
]
SUBJECTS = ("path", "identity_or_class", "split", "subject")


def attacks(tmp_path, make, rows=ATTACKS, columns=SUBJECTS, **settings):
    images = {row[0]: make.picture(row[0].encode()) for row in rows}
    path = make.pack(tmp_path / "x.zip", {"manifest.csv": make.table(rows, columns), **images})
    source = {"kind": "archive", "path": "x.zip", "sha256": "0" * 64}
    dataset = Dataset.model_validate(
        {"domain": "pad", "source": source, "bona_fide": "live", **settings}
    )
    return prepare("d", dataset, 1, path, tmp_path)


def test_attacks_are_split_by_subject_and_labelled_in_one_way(tmp_path, make):
    manifest = attacks(tmp_path, make)
    assert set(manifest["label"]) == {"bona_fide", "print"}
    assert manifest["identity"].tolist() == [row[3] for row in ATTACKS]
    expected = split_by_hash([row[3] for row in ATTACKS], 0.5, 0.1)
    assert manifest["split"].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        (
            {"columns": ("path", "identity_or_class", "split", "who")},
            "needs the subject of every image",
        ),
        ({"bona_fide": "lively"}, r"bona_fide: no image is labelled `lively`; did you mean `live`"),
        ({"rows": [row for row in ATTACKS if row[1] == "live"]}, "there is no attack to detect"),
        ({"rows": [*ATTACKS, ("e.png", "live", "learn", "")]}, "needs the subject of every image"),
    ],
)
def test_attacks_without_subjects_or_bona_fide_images_are_refused(tmp_path, make, change, needs):
    with pytest.raises(UserError, match=rf"datasets.d.*{needs}"):
        attacks(tmp_path, make, **change)


def test_a_set_that_is_divided_by_its_authors_needs_no_subjects(tmp_path, make):
    columns = ("path", "identity_or_class", "split", "who")
    manifest = attacks(tmp_path, make, columns=columns, splits={"by": "manifest"})
    assert manifest["identity"].isna().all()
    assert set(manifest["split"]) == {"learn"}


def test_a_folder_of_attacks_is_refused_since_it_names_no_subjects():
    with pytest.raises(ValueError, match="a folder names no subjects"):
        Dataset.model_validate({"domain": "mad", "source": {"kind": "folder", "path": "x"}})


def test_files_have_no_factors(run, tmp_path):
    manifest, _ = run()
    factors = read_factors(tmp_path / "out/factors.parquet")
    assert list(factors) == ["image_id", "row"]
    assert len(factors) == len(manifest)
