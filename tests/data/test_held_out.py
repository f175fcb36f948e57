"""What no training may see."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unispace.data.held_out import HELD_OUT, hold_out
from unispace.errors import UserError

LISTING = pd.DataFrame(
    {
        "image_id": list("abcdef"),
        "label": ["bona_fide", "mask", "bona_fide", "mask", "print", "mask"],
        "split": ["train", "train", "test", "test", "test", "val"],
        "_number": range(6),
    }
)


def test_without_values_nothing_changes():
    pd.testing.assert_frame_equal(hold_out(LISTING, {}, "x", by_identity=True), LISTING)


def test_of_identities_only_the_images_of_the_test_split_are_kept():
    rows = hold_out(LISTING, {"label": ["mask"]}, "x", by_identity=True)
    assert dict(zip(rows["image_id"], rows["split"], strict=True)) == {
        "a": "train",
        "c": "test",
        "d": HELD_OUT,
        "e": "test",
    }


def test_of_classes_all_images_are_kept():
    rows = hold_out(LISTING, {"label": ["mask"]}, "x", by_identity=False)
    assert rows["image_id"].tolist() == list("abcdef")
    assert rows.loc[rows["label"] == "mask", "split"].eq(HELD_OUT).all()
    assert not rows.loc[rows["label"] != "mask", "split"].eq(HELD_OUT).any()


@given(
    st.lists(
        st.tuples(
            st.sampled_from("xyz"), st.sampled_from("pq"), st.sampled_from(["train", "test"])
        ),
        min_size=1,
        max_size=30,
    ),
    st.booleans(),
)
def test_no_split_but_held_out_holds_what_is_held_out(rows, by_identity):
    listing = pd.DataFrame(rows, columns=["label", "style", "split"]).assign(
        image_id=range(len(rows))
    )
    values = {"label": [rows[0][0]], "style": [rows[0][1]]}
    held = listing["label"].isin(values["label"]) | listing["style"].isin(values["style"])
    if held.all():
        with pytest.raises(UserError, match="holds out every image"):
            hold_out(listing, values, "x", by_identity=by_identity)
        return
    made = hold_out(listing, values, "x", by_identity=by_identity)
    seen = made[made["split"] != HELD_OUT]
    assert not seen["label"].isin(values["label"]).any()
    assert not seen["style"].isin(values["style"]).any()
    # Nothing else is touched.
    others = listing[~held]
    assert seen["image_id"].tolist() == others["image_id"].tolist()
    assert seen["split"].tolist() == others["split"].tolist()
    lost = set(listing["image_id"]) - set(made["image_id"])
    expected = held & (listing["split"] != "test") if by_identity else held & False
    assert lost == set(listing.loc[expected, "image_id"])


def test_what_is_not_there_is_refused_by_name():
    with pytest.raises(UserError, match=r"d.hold_out: no column `lable`; did you mean `label`"):
        hold_out(LISTING, {"lable": ["mask"]}, "d.hold_out", by_identity=True)
    with pytest.raises(
        UserError, match=r"d.hold_out.label: no image has `maks`; did you mean `mask`"
    ):
        hold_out(LISTING, {"label": ["maks"]}, "d.hold_out", by_identity=True)
    with pytest.raises(UserError, match=r"allowed: image_id, label, split"):
        hold_out(LISTING, {"number": ["1"]}, "d.hold_out", by_identity=True)
