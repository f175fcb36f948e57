"""The pixels of the studio's data sets, and the truth behind them."""

import hashlib

import numpy as np
import pandas as pd
import pytest

from unispace.config.base import BONA_FIDE
from unispace.config.datasets import Splits
from unispace.config.studio import StudioSource
from unispace.data.studio import rendering
from unispace.data.studio.objects import CLASS_NAMES
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


# sha256 of the images above, which must be the same on every machine. Bad faces are not among them: their blur goes
# through a Fourier transform, whose last bits a processor may round in its own way.
HASHES = {
    "object": "d881c26e726aee579e3ba02afada5cca3e6839eda1718c21d9700baa8d27899f",
    "face_hq": "ed4dd73f1337fee8acd4ae9ad9a139bb83c90b15bcbf01176d41e8723c24ec41",
    "person": "008b55e3f055f8454dfb316962a859663198a7c44d3386b9ebd2b165d382a130",
    "pad": "f504caef82fe5959603ab9b7e78e5a8e56d6d225f262986a22f06b5a93f4f75d",
    "mad": "4c17e372da937ed949bdcdbd3659b182f0705b8094606542055db9c9e01e0a66",
}


@pytest.mark.parametrize("domain", HASHES)
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
    rows, _, _, factors = rendered("mad")
    morph = (rows["label"] != BONA_FIDE).to_numpy()
    persons = factors.filter(regex=r"^person[.]").set_axis(
        pd.MultiIndex.from_frame(rows[["identity", "_of"]])
    )
    bona_fide = persons[~morph]
    partners = factors.filter(regex=r"^second[.]").rename(
        columns=lambda name: name.replace("second.", "person.")
    )
    for image in rows.index[morph]:
        row = rows.loc[image]
        first, second = (
            bona_fide.loc[(row[who], row["_of"])] for who in ("identity", "identity_2")
        )
        assert persons.iloc[image].tolist() == first.tolist()
        assert partners.loc[image, bona_fide.columns].tolist() == second.tolist()


def test_captions_name_the_class():
    rows, _, columns, _ = rendered("object")
    for label, caption in zip(rows["label"], columns["caption"], strict=True):
        assert CLASS_NAMES[label] in caption
