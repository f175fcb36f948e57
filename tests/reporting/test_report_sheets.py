"""Contact sheets: which images, how large."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from synthetic_page import draw_sheet

from unispace.errors import UserError
from unispace.records.images import ImageStore, write_raw
from unispace.reporting import sheets
from unispace.reporting.sheets import SECOND, choose, choose_attacks, save_sheet
from unispace.reporting.sheets import draw_sheet as put

MANIFEST = pd.DataFrame(
    {
        "image_id": [f"{label}/{k}" for label in "abcdef" for k in range(5)],
        "label": [label for label in "abcdef" for _ in range(5)],
        "row": range(30),
        "split": "test",
    }
)


def store(tmp_path, size, count=30):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, size, size, 3), np.uint8)
    write_raw([images], count, size, tmp_path / "images.npy")
    return ImageStore(tmp_path / "images.npy")


def test_choice_does_not_depend_on_the_order_of_rows():
    shuffled = MANIFEST.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(choose(shuffled, 3, 2), choose(MANIFEST, 3, 2))


def test_choice_holds_whole_rows():
    chosen = choose(MANIFEST, 3, 2)
    assert chosen.groupby("label").size().tolist() == [2, 2, 2]


def test_a_new_label_moves_no_other_out_of_order():
    before = list(dict.fromkeys(choose(MANIFEST, 6, 1)["label"]))
    more = pd.concat([MANIFEST, MANIFEST.assign(label="zz", image_id=MANIFEST["image_id"] + "z")])
    after = [x for x in dict.fromkeys(choose(more, 7, 1)["label"]) if x != "zz"]
    assert after == before


@pytest.mark.parametrize(("size", "cell"), [(32, 96), (64, 64), (96, 96), (224, 96)])
def test_cells_grow_by_whole_factors_and_shrink_to_the_cell(tmp_path, size, cell):
    sheet = put(choose(MANIFEST, 2, 3), store(tmp_path, size))
    assert sheet.picture.height == 2 * (cell + 4) - 4


def test_pixels_of_small_images_are_shown_unchanged(tmp_path):
    images = store(tmp_path, 32)
    chosen = choose(MANIFEST, 1, 1)
    picture = put(chosen, images).picture
    right = picture.crop((picture.width - 96, 0, picture.width, 96))
    shown = np.asarray(right)[::3, ::3]
    np.testing.assert_array_equal(shown, np.asarray(images.image(int(chosen["row"][0]))))


def test_noise_still_fits_on_a_page(tmp_path, monkeypatch):
    monkeypatch.setattr(sheets, "_MAX_BYTES", 60_000)
    sheet = put(choose(MANIFEST, 4, 4), store(tmp_path, 96))
    save_sheet(sheet, tmp_path / "sheet.png", tmp_path / "sheet.csv")
    assert 30_000 < (tmp_path / "sheet.png").stat().st_size < 60_000


def test_csv_names_the_images_and_the_file_does_not_vary(drawn, tmp_path):
    draw_sheet(drawn, "faces", tmp_path)
    for kind in ("png", "csv"):
        name = f"sheet_faces.{kind}"
        assert (tmp_path / name).read_bytes() == (drawn.figures / name).read_bytes()
    shown = pd.read_csv(tmp_path / "sheet_faces.csv")
    manifest = pd.read_parquet(drawn.data("faces") / "manifest.parquet")
    assert set(shown["image_id"]) <= set(manifest["image_id"])
    assert len(shown) == 12
    with Image.open(tmp_path / "sheet_faces.png") as picture:
        assert picture.height == 3 * 100 - 4


def test_manifest_and_store_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(UserError, match="holds 5 images"):
        put(choose(MANIFEST, 6, 5), store(tmp_path, 32, 5))


ATTACKS = pd.DataFrame(
    [
        (who, kind, k, other)
        for who, other in (("ann", "bob"), ("bob", "cat"), ("cat", "ann"))
        for kind, k in (("bona_fide", 0), ("bona_fide", 1), ("splice", 0), ("blend", 0))
    ],
    columns=["identity", "label", "k", "identity_2"],
).assign(split="test", domain="mad")
ATTACKS["image_id"] = ATTACKS["identity"] + "/" + ATTACKS["label"] + ATTACKS["k"].astype(str)
ATTACKS["row"] = range(len(ATTACKS))
ATTACKS.loc[ATTACKS["label"] == "bona_fide", "identity_2"] = None


def test_a_sheet_of_morphs_shows_both_persons_in_a_column():
    chosen = choose_attacks(ATTACKS, 2)
    assert list(dict.fromkeys(chosen["label"])) == ["bona_fide", "splice", "blend", SECOND]
    assert chosen.groupby("label")["column"].agg(list).map(sorted).tolist() == [[0, 1]] * 4
    by = chosen.set_index(["column", "label"])["image_id"]
    for column in (0, 1):
        who = by[(column, "bona_fide")].split("/")[0]
        assert by[(column, "bona_fide")] == f"{who}/bona_fide0"
        assert by[(column, "splice")] == f"{who}/splice0"
        partner = ATTACKS.set_index("image_id")["identity_2"][f"{who}/splice0"]
        assert by[(column, SECOND)] == f"{partner}/bona_fide0"


def test_a_sheet_of_presentations_has_no_second_person():
    chosen = choose_attacks(ATTACKS.drop(columns=["identity_2"]), 5)
    assert list(dict.fromkeys(chosen["label"])) == ["bona_fide", "splice", "blend"]
    assert len(chosen) == 9


def test_persons_with_most_kinds_come_first():
    fewer = ATTACKS[~((ATTACKS["identity"] != "cat") & (ATTACKS["label"] == "blend"))]
    chosen = choose_attacks(fewer, 1)
    assert set(chosen.loc[chosen["label"] != SECOND, "image_id"].str[:3]) == {"cat"}
