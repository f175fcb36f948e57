"""The general families of the studio: what is planted in a picture can be read from it again."""

import hashlib
import string
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from unispace.config import studio as config
from unispace.config.datasets import Dataset, Splits
from unispace.config.studio import StudioSource
from unispace.data.studio import families, rendering
from unispace.data.studio.family import captions
from unispace.data.studio.swatches import PALETTE
from unispace.data.studio.world import OBJECTS, check, classes_of, listing
from unispace.errors import UserError

NAMES = tuple(families.FAMILIES)


def rendered(family, labels=None, each=3, name="d", seed=1, size=32, rows=None):
    count = len(classes_of(family)) if labels is None else labels
    source = StudioSource.model_validate(
        {
            "kind": "studio",
            "family": family,
            "labels": count,
            "images_per_label": each,
            "size": size,
        }
    )
    if rows is None:
        rows = listing(name, "object", source, Splits(train=0, val=0))
    batches = list(rendering.render(name, "object", source, seed, rows))
    return (
        rows,
        np.concatenate([b.images for b in batches]),
        pd.concat([b.columns for b in batches]),
        pd.concat([b.factors for b in batches]),
    )


def drawn(family, label, n, size=64, **fixed):
    """Pictures of one class on white, evenly lit, without noise."""
    things, views = families.sample(family, np.random.default_rng(0), n)
    plain = {
        "backdrop": "plain", "back_colour": "white", "back_second": "white", "back_tone": 1.0, "noise": 0.0,
        "contrast": 0.0, "light": 1.0,
    }  # fmt: skip
    views = views.assign(**{k: v for k, v in plain.items() if k in views})
    things = things.assign(**{k: v for k, v in fixed.items() if k in things})
    views = views.assign(**{k: v for k, v in fixed.items() if k in views})
    labels = np.full(n, label)
    return families.render(family, labels, things, views, size), things, views


def ink(images):
    """Where something stands on white."""
    return (images < 200).any(axis=3)


def test_the_settings_name_the_families_that_there_are():
    assert get_args(config.Family) == (OBJECTS, *NAMES)


@pytest.mark.parametrize("family", NAMES)
def test_a_label_does_not_depend_on_how_many_others_there_are(family):
    rows, images, columns, factors = rendered(family)
    chosen = np.random.default_rng(0).permutation(len(rows))[:7]
    part = rendered(family, rows=rows.iloc[chosen])
    assert np.array_equal(part[1], images[chosen])
    assert part[2]["caption"].tolist() == columns["caption"].iloc[chosen].tolist()
    fewer = rendered(family, labels=3)
    assert np.array_equal(fewer[1], images[: len(fewer[1])])
    pd.testing.assert_frame_equal(fewer[3], factors.iloc[: len(fewer[1])])
    assert not np.array_equal(rendered(family, name="e")[1], images)
    assert not np.array_equal(rendered(family, seed=2)[1], images)


# sha256 of the images above, which must be the same on every machine.
HASHES = {
    "textures": "c6b093ad49b7afdd75a68a9b65c624218d0f52e27de797abeb8d6d5601902af0",
    "shapes": "d04684e5df1b98eaa6087b371cd7296a21082d8df6530db99719dac68e49efc4",
    "counts": "83097287f192f398ed50422a9663e9c4bb655995f98aeb4c07dfbc6099d72f97",
    "colours": "0845862356b5b27281944dd49266caae01ee019922b4561104e59e03954fe874",
    "orientation": "00aad0c542d608f0e97a67f8de1a217c23b517a8373b02d9e8161a2f63405acf",
    "glyphs": "df2cb543aec4c39f710b7b333d278cad646359d4422e0558aad7025265088506",
}


@pytest.mark.parametrize("family", NAMES)
def test_the_bytes_are_those_of_the_first_day(family):
    assert hashlib.sha256(rendered(family)[1].tobytes()).hexdigest() == HASHES[family]


@pytest.mark.parametrize("family", NAMES)
def test_more_classes_than_there_are_and_styles_are_refused(family):
    count = len(classes_of(family))
    source = {"kind": "studio", "family": family, "labels": count + 1, "images_per_label": 1}
    with pytest.raises(UserError, match=rf"the studio has {count} classes of {family}, got {count + 1}"):  # fmt: skip
        check("x", "object", StudioSource.model_validate(source))
    with pytest.raises(
        ValueError, match=f"source.styles goes with family objects, not with {family}"
    ):
        Dataset.model_validate({"domain": "object", "source": {**source, "styles": ["sketch"]}})
    with pytest.raises(
        ValueError, match=r"source\.family goes with domain object, not with person"
    ):
        Dataset.model_validate({"domain": "person", "source": source})


@pytest.mark.parametrize("family", NAMES)
def test_captions_name_the_class(family):
    rows, _, columns, _ = rendered(family, each=20)
    words = classes_of(family)
    for label, caption in zip(rows["label"], columns["caption"], strict=True):
        said = label if family == "counts" else words[label]
        assert f" {said}" in f" {caption}", caption
        assert caption == caption.lower().strip()
        assert " a e" not in caption.replace(" a eight", "")
        assert len(caption.split()) < 16
    assert columns["caption"].nunique() > 3 * len(words)


def test_captions_say_what_is_seen():
    things, views = families.sample("counts", np.random.default_rng(0), 4000)
    labels = np.arange(4000) % 8
    texts = captions(families.FAMILIES["counts"], labels, things, views, np.arange(4000))
    assert any(text.startswith("three") and " on a striped background" in text for text in texts)
    for text, shape, label in zip(texts, things["shape"], labels, strict=True):
        nouns = {f"{shape}", "shape"} if label == 0 else {f"{shape}s", "shapes"}
        assert nouns & set(text.split())
        assert ("there is" in text) <= (label == 0)


@pytest.mark.parametrize("label", range(8))
def test_counts_are_countable(label):
    images, _, _ = drawn("counts", label, 40, main_colour="blue")
    assert [ndimage.label(shown)[1] for shown in ink(images)] == [label + 1] * 40


@pytest.mark.parametrize("label", range(12))
def test_colours_are_those_of_the_palette(label):
    images, _, _ = drawn("colours", label, 30, main_tone=0.0, outline=0.0, back_colour="teal", back_tone=0.0)  # fmt: skip
    name = list(classes_of("colours"))[label]
    want = np.rint(np.array(PALETTE[name]) * 255)
    for image in images:
        assert (np.abs(image.astype(int) - want).max(axis=2) <= 1).mean() > 0.05


@pytest.mark.parametrize(("label", "turns"), [("right", -1), ("down", 2), ("left", 1)])
def test_a_pointer_that_points_elsewhere_is_turned(label, turns):
    still = {"shift_x": 0.0, "shift_y": 0.0, "rotation": 0.0}
    names = list(classes_of("orientation"))
    up, *_ = drawn("orientation", names.index("up"), 20, **still)
    turned, *_ = drawn("orientation", names.index(label), 20, **still)
    for first, second in zip(up, turned, strict=True):
        assert np.abs(np.rot90(first, turns).astype(int) - second).max() <= 2


@pytest.mark.parametrize(
    ("label", "axis"), [("up", "y"), ("down", "y"), ("left", "x"), ("right", "x")]
)
def test_a_pointer_is_heaviest_behind_its_tip(label, axis):
    """Of a narrow triangle the broad end lies away from where it points."""
    still = {"shift_x": 0.0, "shift_y": 0.0, "rotation": 0.0, "shape": "wedge"}
    images, *_ = drawn("orientation", list(classes_of("orientation")).index(label), 5, **still)
    for shown in ink(images):
        profile = shown.sum(axis=1 if axis == "y" else 0)
        if label in ("up", "left"):
            profile = profile[::-1]
        half = len(profile) // 2
        assert profile[:half].sum() > 1.5 * profile[half:].sum()


def test_every_letter_is_a_class():
    names = sorted(name.removeprefix("letter_") for name in classes_of("glyphs"))
    assert "".join(names) == string.ascii_lowercase


def test_letters_are_told_apart_by_their_strokes():
    still = {
        "shift_x": 0.0, "shift_y": 0.0, "rotation": 0.0, "scale": 0.9, "aspect": 1.0, "slant": 0.0,
        "thickness": 0.1, "wobble": 0.0, "main_colour": "black", "main_tone": 0.0,
    }  # fmt: skip
    shown = np.stack(
        [ink(drawn("glyphs", k, 1, **still)[0])[0] for k in range(len(classes_of("glyphs")))]
    )
    for i, one in enumerate(shown):
        assert 0.04 < one.mean() < 0.35
        for other in shown[:i]:
            assert (one != other).sum() > 0.15 * (one | other).sum()


def test_textures_fill_the_picture_with_two_colours():
    for label in range(len(classes_of("textures"))):
        images, *_ = drawn("textures", label, 12, main_colour="navy", main_tone=0.0, second_colour="yellow")  # fmt: skip
        dark = (images.astype(int).sum(axis=3) < 250).mean(axis=(1, 2))
        assert ((dark > 0.03) & (dark < 0.97)).mean() > 0.8  # both are seen


def test_a_second_colour_like_the_first_is_moved_away():
    images, *_ = drawn("textures", 0, 6, main_colour="red", second_colour="red", main_tone=0.0, second_tone=0.0)  # fmt: skip
    assert (images.reshape(6, -1, 3).max(axis=1) - images.reshape(6, -1, 3).min(axis=1)).max(axis=1).min() > 60  # fmt: skip


def test_what_cannot_be_painted_is_refused():
    things, views = families.sample("shapes", np.random.default_rng(0), 2)
    with pytest.raises(ValueError, match=r"labels must lie in 0\.\.13, got 0\.\.14"):
        families.render("shapes", np.array([0, 14]), things, views, 32)
    with pytest.raises(ValueError, match="lengths differ"):
        families.render("shapes", np.array([0]), things, views, 32)
    with pytest.raises(ValueError, match="size must be at least 16"):
        families.render("shapes", np.array([0, 1]), things, views, 8)
    with pytest.raises(ValueError, match="n must be at least 1"):
        families.sample("shapes", np.random.default_rng(0), 0)
