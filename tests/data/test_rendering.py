"""The pixels of the studio's data sets, and the truth behind them."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from unispace.config.base import BONA_FIDE
from unispace.config.datasets import Splits
from unispace.config.studio import StudioSource
from unispace.data.studio import rendering
from unispace.data.studio.world import listing

# Everything that the studio can do at once, by domain.
OPTIONS = {
    "object": {"styles": ["photo", "sketch", "silhouette", "texture_swap"], "images_per_label": 4},
    "face_hq": {"siblings": 0.2, "age_drift": 0.7},
    "face_lq": {"degrade": {"kinds": ["warp", "defocus", "motion", "dim", "noise", "jpeg"]}},
    "person": {"outfits": 2, "cameras": 3},
    "pad": {"attacks_per_label": 2, "images_per_label": 2},
    "mad": {"images_per_label": 2},
}


def source(domain, **options):
    given = {"kind": "studio", "labels": 6, "images_per_label": 3, "size": 32, **OPTIONS[domain]}
    return StudioSource.model_validate({**given, **options})


def rendered(domain, rows=None, workers=1, name="d", seed=1, **options):
    """Rows of the listing, all images, further columns and factors."""
    settings = source(domain, **options)
    if rows is None:
        rows = listing(name, domain, settings, Splits(train=0, val=0))
    batches = list(rendering.render(name, domain, settings, seed, rows, workers))
    return (
        rows,
        np.concatenate([b.images for b in batches]),
        pd.concat([b.columns for b in batches]),
        pd.concat([b.factors for b in batches]),
    )


@pytest.mark.parametrize("domain", OPTIONS)
def test_processes_and_batches_change_no_byte(domain, monkeypatch):
    _rows, images, columns, factors = rendered(domain)
    monkeypatch.setattr(rendering, "_BATCH", 5)
    for workers in (1, 2, 3):
        others = rendered(domain, workers=workers)
        assert np.array_equal(others[1], images)
        pd.testing.assert_frame_equal(others[2], columns)
        # Where no image of a batch is an attack, its column is empty and of another type.
        pd.testing.assert_frame_equal(others[3], factors, check_dtype=False)


@pytest.mark.parametrize("domain", OPTIONS)
def test_an_image_does_not_depend_on_which_others_are_asked_for(domain):
    rows, images, _, _factors = rendered(domain)
    chosen = np.random.default_rng(0).permutation(len(rows))[:7]
    part = rendered(domain, rows.iloc[chosen])
    assert np.array_equal(part[1], images[chosen])
    assert part[3].index.tolist() == chosen.tolist()


# sha256 of the images above, which must be the same on every machine.
HASHES: dict[str, str] = {}


@pytest.mark.parametrize("domain", OPTIONS)
def test_the_bytes_are_those_of_the_first_day(domain):
    images = rendered(domain)[1]
    assert hashlib.sha256(images.tobytes()).hexdigest() == HASHES[domain]


def test_bona_fide_images_do_not_depend_on_the_attacks():
    settings = {"variation": 0.5, "images_per_label": 2}
    faces = rendered("face_hq", name="x", siblings=0, age_drift=0, **settings)
    rows, _images, _, factors = rendered(
        "pad", name="x", attacks=["print"], attacks_per_label=1, **settings
    )
    bona_fide = (rows["label"] == BONA_FIDE).to_numpy()
    persons = factors.loc[bona_fide].filter(like="person.")
    # The same persons as in any other set of faces of this world.
    pd.testing.assert_frame_equal(
        persons.reset_index(drop=True), faces[3].filter(like="person.").reset_index(drop=True)
    )
    assert factors.loc[bona_fide].filter(like="attack.").isna().all().all()
    assert not factors.loc[~bona_fide].filter(like="attack.").isna().all(axis=1).any()


def test_a_morph_is_told_whole():
    rows, _images, _, factors = rendered("mad")
    morphs = rows["label"] != BONA_FIDE
    first = rows[~morphs].set_index(["identity", "_of"])
    for image in rows.index[morphs]:
        row = rows.loc[image]
        of = first.loc[(row["identity"], row["_of"])]
        other = first.loc[(row["identity_2"], row["_of"])]
        here = factors.loc[image]
        del of, other
        source_row = first.index.get_loc((row["identity"], row["_of"]))
        other_row = first.index.get_loc((row["identity_2"], row["_of"]))
        bona_fide = factors[~morphs]
        for prefix, place in (("person.", source_row), ("second.", other_row)):
            expected = bona_fide.iloc[place].filter(like="person.")
            found = here.filter(regex=f"^{prefix.replace('.', '[.]')}")
            assert found.tolist() == expected.tolist()


def test_captions_name_the_class():
    rows, _, columns, _ = rendered("object")
    from unispace.data.studio.objects import CLASS_NAMES

    names = {
        label: CLASS_NAMES[label] if isinstance(CLASS_NAMES, dict) else label
        for label in rows["label"]
    }
    for label, caption in zip(rows["label"], columns["caption"], strict=True):
        assert names[label] in caption.lower()
