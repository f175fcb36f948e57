"""What the audit finds in data with planted faults, and what it lets pass."""

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance

from unispace.config.datasets import Dataset
from unispace.data.audit.audit import audit, refuse_leaks
from unispace.data.audit.duplicates import find_duplicates
from unispace.data.audit.images import read_images
from unispace.data.audit.parts import Plan, parts_of
from unispace.errors import UserError
from unispace.records.audit import SCHEMA
from unispace.records.images import write_encoded
from unispace.records.left_out import LeftOut
from unispace.records.manifest import read_manifest, write_manifest
from unispace.records.tables import read_table, write_table


def picture(seed, size=(40, 48)):
    draw = np.random.default_rng(seed)
    coarse = Image.fromarray(draw.integers(0, 256, (7, 7, 3), dtype=np.uint8))
    return coarse.resize(size, Image.Resampling.BICUBIC)


def encoded(image, form="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


class World:
    """Data sets on disk, of (identity, split, image) rows; the image is a number or a picture."""

    def __init__(self, folder):
        self.folder, self.families, self.left_out = folder, {}, {}

    def add(self, name, rows, family=None, domain="face_hq"):
        place = self.folder / name
        pictures = [picture(what) if isinstance(what, int) else what for *_, what in rows]
        write_encoded((encoded(p) for p in pictures), place / "images.npy")
        manifest = pd.DataFrame(
            {
                "image_id": [f"{who}/{k}.png" for k, (who, _, _) in enumerate(rows)],
                "row": range(len(rows)),
                "domain": domain,
                "label": [who for who, _, _ in rows],
                "identity": [who if domain != "object" else None for who, _, _ in rows],
                "split": [split for _, split, _ in rows],
                "source": "x",
            }
        )
        write_manifest(manifest.astype({"identity": object}), place / "manifest.parquet")
        self.families[name] = family or f"archive {name}"
        self.left_out[name] = LeftOut(len(rows), ())

    def audit(self, trained=("a",), tested=("a", "b"), split="test", allow=()):
        plan = Plan(self.families, trained, tested, split, allow)
        images = read_images({name: self.folder / name for name in self.families})
        return audit(images, self.left_out, plan)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


CLEAN = [("ann", "train", 1), ("ann", "train", 2), ("bob", "test", 3), ("bob", "test", 4)]


def told(result, severity="note"):
    table = result.table[result.table["severity"] == severity]
    return [tuple(row) for row in table[["dataset", "check", "subject", "count"]].to_numpy()]


def test_clean_data_has_nothing_to_tell(world):
    world.add("a", CLEAN)
    result = world.audit()
    refuse_leaks(result)
    assert set(result.table["severity"]) == {"ok"}
    assert result.leaks == ()


def test_images_labels_and_sizes_are_counted(world, tmp_path):
    rows = [*CLEAN, ("cat", "val", picture(5, (20, 90)))]
    world.add("a", rows)
    world.left_out["a"] = LeftOut(9, ("x.png", "y.png"))
    result = world.audit()
    summary = result.summary()["datasets"]["a"]
    assert summary["images"] == {"train": 2, "val": 1, "test": 2}
    assert summary["labels"] == {"train": 1, "val": 1, "test": 1}
    assert summary["images-per-label"] == {"min": 1, "median": 2, "max": 2, "single": 1}
    assert summary["width"] == {"min": 20, "median": 40, "max": 40}
    assert summary["height"] == {"min": 48, "median": 48, "max": 90}
    assert summary["left-out"] == {"not chosen": 2, "unreadable": 2}
    assert told(result) == [("a", "left-out", "unreadable", 2)]
    write_table(result.table, SCHEMA, tmp_path / "t.parquet")
    assert len(read_table(tmp_path / "t.parquet", SCHEMA)) == len(result.table)


def test_copies_within_a_split_are_a_note(world):
    world.add("a", [*CLEAN, ("ann", "train", 1)])
    result = world.audit()
    refuse_leaks(result)
    assert told(result) == [("a", "exact-duplicates", "a/train", 2)]
    assert "such as ann/0.png and ann/4.png" in set(result.table["detail"])
    assert result.summary()["datasets"]["a"]["exact-duplicates"] == {"all": 2, "a/train": 2}


def test_copies_under_two_labels_are_told_with_both(world):
    world.add("a", [*CLEAN, ("cat", "test", 4), ("cat", "test", 5), ("ann", "train", 1)])
    result = world.audit()
    refuse_leaks(result)
    (row,) = result.table[result.table["check"] == "copies-of-two-labels"].to_dict("records")
    assert (row["dataset"], row["severity"], row["count"]) == ("a", "note", 2)
    assert row["detail"] == "such as bob/3.png and cat/4.png"


@pytest.mark.parametrize(
    "change",
    [
        lambda image: Image.open(io.BytesIO(encoded(image, "JPEG", quality=60))).convert("RGB"),
        lambda image: ImageEnhance.Brightness(image).enhance(0.85),
        lambda image: image.resize((64, 77)),
    ],
    ids=["recompressed", "darker", "resized"],
)
def test_near_copies_are_notes_even_across_training_and_test(world, change):
    world.add(
        "a", [*CLEAN, ("ann", "train", change(picture(1))), ("bob", "test", change(picture(2)))]
    )
    result = world.audit()
    refuse_leaks(result)
    assert told(result) == [
        ("a", "near-duplicates", "a/train", 2),
        ("a", "near-duplicates", "a/train + a/test", 1),
    ]
    details = result.table.loc[result.table["severity"] == "note", "detail"]
    assert list(details) == ["such as ann/0.png and ann/4.png", "such as bob/5.png and ann/1.png"]


def test_a_copy_in_training_and_test_stops_the_run(world):
    world.add("a", [*CLEAN, ("bob", "test", 2)])
    result = world.audit()
    assert told(result, "error") == [("a", "exact-duplicates", "a/train + a/test", 1)]
    with pytest.raises(UserError) as error:
        refuse_leaks(result)
    assert str(error.value) == (
        "training data leaks into test data:\n"
        "  - 1 images of a/train stand in a/test too: bob/4.png\n"
        "    Mend the data: remove the copies from one of the two sides. "
        'If it is meant, let it pass: `audit: { allow: ["images:a:a"] }`'
    )


def test_an_identity_on_both_sides_stops_the_run(world):
    world.add("a", [*CLEAN, ("ann", "test", 5)])
    result = world.audit()
    assert told(result, "error") == [("a", "shared-identities", "a/train + a/test", 1)]
    with pytest.raises(UserError, match=r"1 identities of a/train stand in a/test too: ann\n"):
        refuse_leaks(result)


def test_a_set_that_is_neither_trained_nor_tested_on_keeps_its_splits_apart_too(world):
    world.add("a", [*CLEAN, ("ann", "test", 2)])
    result = world.audit(trained=(), tested=())
    assert [leak.name for leak in result.leaks] == ["identities:a:a", "images:a:a"]


def test_classes_are_learnt_and_so_on_both_sides(world):
    world.add("a", [("cup", "train", 1), ("cup", "test", 2)], domain="object")
    assert world.audit().leaks == ()


def test_an_identity_that_another_set_trains_on_stops_the_run(world):
    world.add("a", CLEAN, family="studio world 0")
    world.add("b", [("ann", "test", 5), ("ann", "test", 6)], family="studio world 0")
    result = world.audit()
    assert told(result, "error") == [("b", "shared-identities", "a/train + b/test", 1)]
    assert result.leaks[0].images == 2
    assert result.leaks[0].name == "identities:a:b"
    assert world.audit(tested=("a",)).leaks == ()
    assert world.audit(trained=("b",)).leaks == ()


def test_equal_names_in_other_archives_are_a_note(world):
    world.add("a", CLEAN)
    world.add("b", [("ann", "test", 5), ("ann", "test", 6)])
    result = world.audit()
    refuse_leaks(result)
    assert told(result) == [("b", "equal-names", "a/train + b/test", 1)]


def test_a_copy_that_another_set_trains_on_stops_the_run_whatever_the_family(world):
    world.add("a", CLEAN)
    world.add("b", [("zoe", "train", 3), ("zoe", "test", 1)], domain="object")
    result = world.audit()
    assert told(result, "error") == [("b", "exact-duplicates", "a/train + b/test", 1)]
    assert told(result) == [("b", "exact-duplicates", "a/test + b/train", 1)]
    assert "such as zoe/0.png and bob/2.png" in set(result.table["detail"])


def test_another_tested_split_is_what_counts(world):
    world.add("a", [*CLEAN, ("ann", "query", 5)])
    assert [str(leak.tested) for leak in world.audit(split="query").leaks] == ["a/query"]
    result = world.audit()
    assert result.leaks == ()
    assert told(result) == [("a", "shared-identities", "a/train + a/query", 1)]


def test_testing_on_the_training_split_is_a_leak_of_all_of_it(world):
    world.add("a", CLEAN)
    leaks = {leak.kind: leak for leak in world.audit(split="train").leaks}
    assert leaks["identities"].subjects == ("ann",)
    assert leaks["images"].subjects == ("ann/0.png", "ann/1.png")
    assert world.audit(split="train", trained=()).leaks == ()


def test_what_is_allowed_by_name_is_a_note_and_nothing_else_is(world):
    world.add("a", [*CLEAN, ("ann", "test", 2)])
    some = world.audit(allow=("images:a:a",))
    with pytest.raises(UserError, match="1 identities of a/train") as error:
        refuse_leaks(some)
    assert "images of" not in str(error.value)
    both = world.audit(allow=("images:a:a", "identities:a:a"))
    refuse_leaks(both)
    assert {row[1] for row in told(both)} == {"shared-identities", "exact-duplicates"}
    details = both.table.loc[both.table["severity"] == "note", "detail"]
    assert details.str.endswith("let pass by audit.allow").all()
    assert both.summary()["leaks"] == [
        {"name": "identities:a:a", "trained": "a/train", "tested": "a/test", "identities": ["ann"]},
        {"name": "images:a:a", "trained": "a/train", "tested": "a/test", "images": ["ann/4.png"]},
    ]


def test_an_allowance_for_nothing_is_told(world):
    world.add("a", CLEAN)
    result = world.audit(allow=("images:a:a",))
    assert told(result) == [("a", "unused-allowance", "images:a:a", 0)]


def test_a_long_list_is_cut_in_the_message_and_whole_in_the_summary(world):
    people = [f"p{i}" for i in range(8)]
    rows = [(who, split, 10 * i + k) for k, split in enumerate(("train", "test")) for i, who in enumerate(people)]  # fmt: skip
    world.add("a", rows)
    result = world.audit()
    with pytest.raises(UserError, match="p0, p1, p2, p3, p4 and 3 more"):
        refuse_leaks(result)
    assert result.summary()["leaks"][0]["identities"] == people


def test_a_store_of_another_manifest_is_refused(world):
    world.add("a", CLEAN)
    write_encoded([encoded(picture(1))], world.folder / "a/images.npy")
    with pytest.raises(UserError, match=r"4 rows in manifest.parquet and 1 images"):
        world.audit()


def test_duplicates_are_those_of_all_pairs():
    draw = np.random.default_rng(5)
    n, parts = 120, 3
    pixels = draw.integers(0, 40, n).astype(np.uint64)
    look = draw.integers(0, 2**63, 12, dtype=np.uint64)[draw.integers(0, 12, 40)]
    look ^= np.uint64(1) << draw.integers(0, 3, 40).astype(np.uint64)
    images = pd.DataFrame({"pixels": pixels, "phash": look[pixels.astype(int)]})
    part = draw.integers(0, parts, n)
    found = find_duplicates(images, part, parts)
    near = np.bitwise_count(images["phash"].to_numpy()[:, None] ^ images["phash"].to_numpy()) <= 4
    same = pixels[:, None] == pixels
    apart = ~np.eye(n, dtype=bool)
    for i in range(parts):
        for j in range(parts):
            copies = ((same & apart)[:, part == j].any(axis=1) & (part == i)).nonzero()[0]
            alike = ((near & ~same)[:, part == j].any(axis=1) & (part == i)).nonzero()[0]
            assert found.copied(i, j).tolist() == copies.tolist()
            assert found.nearly_copied(i, j).tolist() == alike.tolist()


def test_a_second_person_in_another_split_leaks_and_an_empty_cell_is_nobody(world):
    world.add("a", CLEAN)
    path = world.folder / "a" / "manifest.parquet"
    manifest = read_manifest(path)
    write_manifest(manifest.assign(identity_2=["", "carl", "", "dora"]), path)
    assert not world.audit().leaks
    write_manifest(manifest.assign(identity_2=["", "carl", "", "carl"]), path)
    (leak,) = world.audit().leaks
    assert leak.kind == "identities"
    assert leak.subjects == ("carl",)


def test_parts_come_in_the_order_of_the_study(world):
    world.add("b", [("x", "test", 1), ("y", "odd", 2), ("z", "train", 3)])
    world.add("a", [("x", "val", 4)])
    images = read_images({name: world.folder / name for name in world.families})
    parts, part = parts_of(images, Plan(world.families, (), (), "test", ()))
    assert [str(p) for p in parts] == ["b/train", "b/test", "b/odd", "a/val"]
    assert part.tolist() == [1, 2, 0, 3]


def test_a_family_is_a_world_an_archive_or_a_folder():
    def family(**source):
        return Dataset.model_validate({"domain": "face_hq", "source": source}).family

    studio = {"kind": "studio", "labels": 4, "images_per_label": 2}
    assert family(**studio, world=3) == "studio world 3"
    assert family(**studio, size=32) == family(**studio)
    assert family(kind="archive", path="a.tar", sha256="0" * 64) == family(
        kind="archive", path="b.tar", sha256="0" * 64
    )
    assert family(kind="folder", path="x") == "folder x"
