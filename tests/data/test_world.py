"""Which images the studio world has."""

from typing import get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unispace.config.base import BONA_FIDE
from unispace.config.datasets import Dataset, Splits
from unispace.config.studio import SMALLEST_ATTACK, Presentation, Recipe, StudioSource, Style
from unispace.data.attacks.morphs import RECIPES
from unispace.data.attacks.presentations import KINDS, SMALLEST
from unispace.data.splits import split_by_hash
from unispace.data.studio.objects import STYLES
from unispace.data.studio.world import labels_of, listing
from unispace.errors import UserError


def source(**options):
    return StudioSource.model_validate(
        {"kind": "studio", "labels": 30, "images_per_label": 3, "size": 32, **options}
    )


def test_image_ids_and_labels_of_identities_and_classes():
    rows = listing("f", "face_hq", source(world=2), Splits())
    assert rows["image_id"].is_unique
    assert len(rows) == 90
    assert rows["image_id"].iloc[4] == "f/face-2-00001/0001"
    assert rows["label"].iloc[4] == "face-2-00001"
    assert set(listing("o", "object", source(), Splits())["label"]) == set(
        labels_of("object", source())
    )


def test_good_bad_and_attacked_faces_are_the_same_persons():
    names = [tuple(labels_of(d, source())) for d in ("face_hq", "face_lq", "pad", "mad")]
    assert len(set(names)) == 1


def test_styles_and_outfits_come_by_turns():
    styles = ["photo", "sketch", "silhouette"]
    rows = listing("o", "object", source(styles=styles), Splits())
    assert (rows.groupby("label")["style"].agg(sorted).map(tuple) == tuple(sorted(styles))).all()
    rows = listing("b", "person", source(outfits=2), Splits())
    assert rows["outfit"].tolist()[:3] == ["outfit-0", "outfit-1", "outfit-0"]
    assert "outfit" not in listing("b", "person", source(), Splits())


def test_presentations_are_of_each_kind_for_each_person():
    rows = listing("p", "pad", source(attacks=["print", "mask"], attacks_per_label=2), Splits())
    counts = rows.groupby(["identity", "label"]).size().unstack()
    assert (counts[[BONA_FIDE, "print", "mask"]] == [3, 2, 2]).all().all()
    assert rows["image_id"].is_unique
    assert rows["_number"].max() == 6
    assert (rows["_second"] == rows["_label"]).all()


@settings(max_examples=30, deadline=None)
@given(
    st.integers(12, 60), st.integers(1, 3), st.sampled_from([(0.5, 0.2), (0.6, 0.0), (0.0, 0.0)])
)
def test_both_persons_of_a_morph_belong_to_one_split(labels, count, shares):
    splits = Splits(train=shares[0], val=shares[1])
    options = source(labels=labels, recipes=["splice", "blend"], attacks_per_label=count)
    split = dict(
        zip(
            labels_of("mad", options),
            split_by_hash(list(labels_of("mad", options)), *shares),
            strict=True,
        )
    )
    fewest = min(pd.Series(split).value_counts())
    if fewest <= count:
        with pytest.raises(
            UserError, match=rf"morphs of each need {count + 1}. Raise source.labels"
        ):
            listing("m", "mad", options, splits)
        return
    rows = listing("m", "mad", options, splits)
    morphs = rows[rows["label"] != BONA_FIDE]
    assert (morphs["identity"] != morphs["identity_2"]).all()
    assert (morphs["identity"].map(split) == morphs["identity_2"].map(split)).all()
    assert rows.loc[rows["label"] == BONA_FIDE, "identity_2"].isna().all()
    # Every person is the first one and the second one equally often, and never with one partner twice.
    assert morphs.groupby(["identity", "label"]).size().eq(count).all()
    assert morphs.groupby(["identity_2", "label"]).size().eq(count).all()
    assert not morphs.duplicated(["identity", "identity_2", "label"]).any()
    # The recipes differ in what is made of a pair, not in the pairs.
    pairs = morphs.groupby("label")[["identity", "identity_2", "_of"]].agg(tuple)
    assert pairs.nunique().eq(1).all()
    names = labels_of("mad", options)
    assert (names[rows["_second"]] == rows["identity_2"].fillna(rows["identity"])).all()


def test_a_morph_is_made_of_bona_fide_images():
    rows = listing(
        "m", "mad", source(images_per_label=2, attacks_per_label=3), Splits(train=0, val=0)
    )
    morphs = rows[rows["label"] != BONA_FIDE]
    assert set(morphs["_of"]) == {0, 1}
    assert np.array_equal(
        rows.loc[rows["label"] == BONA_FIDE, "_of"], rows.loc[rows["label"] == BONA_FIDE, "_number"]
    )


@pytest.mark.parametrize(
    ("domain", "option", "needs"),
    [
        ("face_hq", {"cameras": 3}, "source.cameras goes with domain person, not with face_hq"),
        (
            "object",
            {"siblings": 0.1},
            "source.siblings goes with domain face_hq or face_lq or pad or mad",
        ),
        ("person", {"styles": ["sketch"]}, "source.styles goes with domain object"),
        ("mad", {"attacks": ["print"]}, "source.attacks goes with domain pad"),
        (
            "face_lq",
            {"attacks_per_label": 2},
            "source.attacks_per_label goes with domain pad or mad",
        ),
    ],
)
def test_options_that_mean_nothing_are_refused(domain, option, needs):
    given_source = {"kind": "studio", "labels": 5, "images_per_label": 2, **option}
    with pytest.raises(ValueError, match=needs):
        Dataset.model_validate({"domain": domain, "source": given_source})


def test_the_settings_name_what_the_painters_know():
    assert get_args(Recipe) == RECIPES
    assert get_args(Presentation) == KINDS
    assert get_args(Style) == STYLES
    assert SMALLEST_ATTACK == SMALLEST
