"""Captions: what they say is read back and held against the rows and the pictures."""

import re

import numpy as np
import pandas as pd
import pytest

from unispace.data.studio import objects
from unispace.data.studio.objects_captions import (
    BACKDROP_PHRASES,
    CLUTTER_PHRASES,
    COLOUR_WORDS,
    COLOURED,
    HIDDEN_PHRASES,
    LARGE,
    SMALL,
)
from unispace.data.studio.objects_scene import BACKDROPS, MOST_CLUTTER
from unispace.data.studio.swatches import PALETTE

N = 3000


def tables(n: int = N) -> tuple[np.ndarray, pd.DataFrame, pd.DataFrame, np.ndarray, np.ndarray]:
    labels = np.arange(n) % len(objects.CLASSES)
    instances = objects.sample_instances(np.random.default_rng(1), n)
    views = objects.sample_views(np.random.default_rng(2), n)
    styles = np.asarray(objects.STYLES, object)[(np.arange(n) // 7) % len(objects.STYLES)]
    return labels, instances, views, styles, objects.texture_labels(labels, views)


def captions(n: int = N, seeds: np.ndarray | None = None) -> list[str]:
    labels, instances, views, styles, textures = tables(n)
    numbers = np.arange(n) if seeds is None else seeds
    return objects.captions(labels, instances, views, styles, numbers, textures)


def mentioned(text: str, words: dict[str, str]) -> list[str]:
    """Keys of the words that stand in a text, in its order; of overlapping ones the longest."""
    longest = sorted(words, key=lambda key: -len(words[key]))
    pattern = "|".join(rf"\b{re.escape(words[key])}\b" for key in longest)
    keys = {words[key]: key for key in words}
    return [keys[match] for match in re.findall(pattern, text)]


def phrases(table: dict | tuple) -> dict[str, str]:
    items = table.items() if isinstance(table, dict) else enumerate(table)
    return {f"{key}/{i}": phrase for key, some in items for i, phrase in enumerate(some)}


def test_captions_read_back_agree_with_the_rows():
    labels, instances, views, styles, textures = tables()
    named = {"colour": 0, "backdrop": 0, "clutter": 0, "hidden": 0, "size": 0}
    for i, text in enumerate(captions()):
        own, foreign = objects.CLASSES[labels[i]], objects.CLASSES[textures[i]]
        expected = [own, foreign] if styles[i] == "texture_swap" else [own]
        assert mentioned(text, objects.CLASS_NAMES) == expected, text
        for colour in mentioned(
            text.replace("black and white", "").replace("with black", ""), COLOUR_WORDS
        ):
            assert colour == instances["main_colour"][i], text
            assert styles[i] == "photo"
            named["colour"] += 1
        for key in mentioned(text, phrases(BACKDROP_PHRASES)):
            assert key.split("/")[0] == views["backdrop"][i], text
            assert styles[i] in ("photo", "texture_swap")
            named["backdrop"] += 1
        for key in mentioned(text, phrases(CLUTTER_PHRASES)):
            assert int(key.split("/")[0]) == views["clutter"][i], text
            assert styles[i] in ("photo", "texture_swap")
            named["clutter"] += 1
        if any(phrase in text for phrase in HIDDEN_PHRASES):
            assert views["occluded"][i]
            named["hidden"] += 1
        for size in re.findall(r"\b(?:small|large)\b", text):
            assert views["scale"][i] < SMALL if size == "small" else views["scale"][i] > LARGE
            named["size"] += 1
    assert named["colour"] > 200
    assert named["backdrop"] > 500
    assert named["clutter"] > 300
    assert named["hidden"] > 30
    assert named["size"] > 200


def test_every_style_is_told_and_every_template_used():
    _, _, _, styles, _ = tables()
    texts = captions()
    for style, templates in objects.TEMPLATES.items():
        own = [text for text, s in zip(texts, styles, strict=True) if s == style]
        shapes = [
            re.escape(t).replace(r"\{thing\}", ".+").replace(r"\{texture\}", ".+")
            for t in templates
        ]
        for shape in shapes:
            assert any(re.match(shape, text) for text in own), shape
        assert all(any(re.match(shape, text) for shape in shapes) for text in own)
    assert tuple(objects.TEMPLATES) == objects.STYLES
    drawn = {"sketch": r"sketch|drawing|drawn", "silhouette": r"silhouette|shape of|shadow|outline"}
    for style, words in drawn.items():
        assert all(
            bool(re.search(words, text))
            for text, s in zip(texts, styles, strict=True)
            if s == style
        )


def test_articles_fit():
    for text in captions():
        assert not re.search(r"\ba [aeiou]", text), text
        assert not re.search(r"\ban [^aeiou]", text), text


def test_captions_are_varied_and_their_own_rows_alone():
    labels, instances, views, styles, textures = tables(300)
    texts = captions(300)
    assert len(set(texts)) > 250
    order = np.random.default_rng(0).permutation(300)
    again = objects.captions(
        labels[order],
        instances.iloc[order],
        views.iloc[order],
        styles[order],
        order,
        textures[order],
    )
    assert again == [texts[i] for i in order]
    other = captions(300, np.arange(300) + 1000)
    assert np.mean([a != b for a, b in zip(texts, other, strict=True)]) > 0.7


@pytest.mark.parametrize("name", sorted(COLOURED))
def test_a_named_colour_is_what_one_sees(name):
    """What changes with the main colour has that colour, more than any other, and is no small part."""
    colours = ["red", "yellow", "green", "blue"]
    label = np.full(3, objects.CLASSES.index(name))
    instances = pd.concat([objects.sample_instances(np.random.default_rng(4), 1)] * 3)
    instances = instances.assign(style=[0, 1, 2], second_colour="grey", main_tone=0.0)
    views = pd.concat([objects.sample_views(np.random.default_rng(4), 1)] * 3).assign(
        scale=0.8, shift_x=0.0, shift_y=0.0, clutter=0, light=1.0, contrast=0.0, occluded=False,
        noise=0.0,
    )  # fmt: skip
    images = np.stack(
        [objects.render(label, instances.assign(main_colour=c), views, 64) for c in colours]
    ).astype(float)
    inside = objects.masks(label, instances, views, 64) == 255
    changed = inside & (np.ptp(images, axis=0).max(axis=-1) > 60)
    assert changed.sum() / inside.sum() > 0.2
    table = np.asarray([PALETTE[c] for c in colours]) * 255
    for i, colour in enumerate(colours):
        mean = images[i][changed].mean(axis=0)
        assert colours[int(np.abs(mean - table).sum(axis=1).argmin())] == colour


def test_words_are_there_for_all_names():
    assert set(COLOUR_WORDS) == set(PALETTE)
    assert set(BACKDROP_PHRASES) == set(BACKDROPS)
    assert len(CLUTTER_PHRASES) == MOST_CLUTTER + 1
    assert set(COLOURED) <= set(objects.CLASSES)
    assert objects.CLASS_NAMES["ice_cream"] == "ice cream"
    assert len(set(objects.CLASS_NAMES.values())) == len(objects.CLASSES)


def test_bad_arguments_are_named():
    labels, instances, views, styles, textures = tables(8)
    seeds = np.arange(8)
    with pytest.raises(ValueError, match="style texture_swap need the textures"):
        objects.captions(labels, instances, views, ["texture_swap"] * 8, seeds)
    with pytest.raises(ValueError, match="labels 8, instances 8, views 8, seeds 3, styles 8"):
        objects.captions(labels, instances, views, styles, seeds[:3], textures)
    with pytest.raises(ValueError, match="lengths differ: labels 8, textures 2"):
        objects.captions(labels, instances, views, styles, seeds, textures[:2])
    with pytest.raises(ValueError, match="styles: 'oil' is not one of"):
        objects.captions(labels, instances, views, ["oil"] * 8, seeds, textures)
    with pytest.raises(ValueError, match="backdrop: 'sea' is not one of"):
        objects.captions(labels, instances, views.assign(backdrop="sea"), None, seeds)
