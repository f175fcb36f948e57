"""Templates: pooled by medium first, compared on listed pairs, refused where the lists cannot be right."""

import argparse
import json

import numpy as np
import pandas as pd
import pytest

from unispace.commands import evaluate_templates
from unispace.config.parse import parse_study
from unispace.data.protocols.templates import check_template_files, read_template_lists
from unispace.errors import UserError
from unispace.evaluation.templates import compare_templates, pool_templates
from unispace.records.embeddings import INDEX_SCHEMA, Embeddings, write_embeddings


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def test_pooling_is_that_of_loops_over_templates_and_media():
    rng = np.random.default_rng(0)
    template = np.append(rng.integers(0, 6, 60), range(6))
    medium = rng.integers(0, 4, 66)
    vectors = rng.normal(size=(66, 5)) * rng.uniform(0.5, 9, (66, 1))
    found = pool_templates(vectors, template, medium)
    for t in range(6):
        media = [
            unit(vectors[(template == t) & (medium == m)]).mean(axis=0)
            for m in np.unique(medium[template == t])
        ]
        np.testing.assert_allclose(found[t], unit(np.mean(media, axis=0)), atol=1e-6)


def test_a_long_video_weighs_as_much_as_one_still():
    vectors = np.array([[1, 0]] * 9 + [[0, 1]], float)
    still = pool_templates(vectors, np.zeros(10, int), np.array([0] * 9 + [1]))
    np.testing.assert_allclose(still, [[np.sqrt(0.5)] * 2], atol=1e-6)
    # Without media the nine frames would have the better of it.
    stills = pool_templates(vectors, np.zeros(10, int), np.arange(10))
    assert stills[0, 0] > 0.99


def test_a_template_of_one_image_is_that_image():
    vectors = np.random.default_rng(1).normal(size=(4, 3))
    found = pool_templates(vectors, np.arange(4), np.zeros(4, int))
    np.testing.assert_allclose(found, unit(vectors), atol=1e-6)


def test_vectors_that_cancel_each_other_out_are_told():
    with pytest.raises(ValueError, match="templates: row 0 is zero"):
        pool_templates(np.array([[1.0, 0], [-1, 0]]), np.zeros(2, int), np.arange(2))


# --- from lists to rows ---


def lists(folder, images=None, pairs=None):
    folder.mkdir(exist_ok=True)
    images = images or [
        ("t1", "a-0", "v"),
        ("t1", "a-1", "v"),
        ("t2", "a-2", "w"),
        ("t3", "b-0", "x"),
    ]
    pairs = pairs or [("t1", "t2", "1"), ("t1", "t3", "0")]
    columns = ["template_id", "image_id", "media_id"]
    pd.DataFrame(images, columns=columns).to_csv(folder / "images.csv", index=False)
    pd.DataFrame(pairs, columns=["first", "second", "same"]).to_csv(
        folder / "pairs.csv", index=False
    )
    return folder / "images.csv", folder / "pairs.csv", "evaluation.templates.ijb"


def compared(folder, **given):
    found = read_template_lists(*lists(folder, **given))
    images = np.array(["b-0", "a-2", "a-1", "a-0"])
    vectors = np.array([[0, 1], [1, 0.1], [1, 0], [1, 0]])
    return compare_templates(found, images, np.array(["b", "a", "a", "a"]), vectors, "here")


def test_listed_pairs_are_scored_by_the_cosine_of_their_templates(tmp_path):
    found = compared(tmp_path)
    assert found.genuine.tolist() == [True, False]
    np.testing.assert_allclose(found.scores, [1 / np.hypot(1, 0.1), 0], atol=1e-6)
    assert found.identities == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"images": [("t1", "a-0", "v"), ("t1", "a-0", "w")]}, "line 3: image `a-0` stands twice in template `t1`"),
        ({"images": [("t1", "", "v")]}, "images.csv, line 2: a cell is empty"),
        ({"pairs": [("t1", "t9", "1")]}, "line 2: template `t9` has no image"),
        ({"pairs": [("t1", "t2", "1"), ("t1", "t1", "1")]}, "line 3: template `t1` is compared with itself"),
        ({"pairs": [("t1", "t2", "maybe")]}, "line 2: same is `maybe`; write 1 or 0"),
        ({"pairs": [("t1", "t2", "0")]}, "`t1` and `t2` are listed as different, but show `a` and `a`"),
        ({"images": [("t1", "a-0", "v"), ("t1", "b-0", "v"), ("t2", "a-1", "v"), ("t3", "a-1", "v")]}, "template `t1` shows two identities"),
        ({"images": [("t1", "a-0", "v"), ("t2", "a-9", "v"), ("t3", "b-0", "x")]}, "1 of 3 images are not in the tested split, such as `a-9`"),
    ],
)  # fmt: skip
def test_lists_that_cannot_be_right_are_refused(tmp_path, given, message):
    with pytest.raises(UserError) as caught:
        compared(tmp_path, **given)
    assert message in str(caught.value)


def test_a_table_without_its_columns_is_refused_before_it_is_read_whole(tmp_path):
    images, pairs, where = lists(tmp_path)
    check_template_files(images, pairs, where)
    with pytest.raises(
        UserError, match="has no column `first`; its first line must name first, second, same"
    ):
        check_template_files(images, images, where)


def run(folder, people=8, fmr=(0.0001, 0.1)):
    """Three templates of two media for each of some people, all compared with all."""
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(people, 6))
    rows = [
        (f"p{p}-{t}-{m}", f"p{p}", f"p{p}-{t}", f"m{m}")
        for p in range(people)
        for t in range(3)
        for m in range(2)
    ]
    index = pd.DataFrame(
        {
            "image_id": [r[0] for r in rows],
            "row": range(len(rows)),
            "domain": "face_hq",
            "label": [r[1] for r in rows],
            "identity": [r[1] for r in rows],
            "split": "test",
        }
    )[INDEX_SCHEMA.names]
    vectors = np.repeat(centre, 6, axis=0) + rng.normal(size=(len(rows), 6)) * 0.8
    card = {"dataset": "ijb", "key": "k", "failed": None}
    write_embeddings(
        Embeddings(unit(vectors).astype(np.float32), index, card), folder / "embeddings" / "ijb"
    )
    templates = sorted({r[2] for r in rows})
    pairs = [
        (one, other, str(int(one.split("-")[0] == other.split("-")[0])))
        for i, one in enumerate(templates)
        for other in templates[i + 1 :]
    ]
    images, listed, _ = lists(folder, [(r[2], r[0], r[3]) for r in rows], pairs)
    settings = {
        "study": "s", "model": "net/base/seed0", "seed": 1, "dataset": "ijb", "fmr": list(fmr), "content": {},
        "evaluation": {"resamples": 100},
    }  # fmt: skip
    out = {name: folder / f"{name}.parquet" for name in ("metrics", "curves", "samples")}
    evaluate_templates.run(
        argparse.Namespace(
            settings=json.dumps(settings),
            embeddings=folder / "embeddings",
            images=str(images),
            pairs=str(listed),
            **out,
        )
    )
    return {name: pd.read_parquet(path) for name, path in out.items()}


def test_templates_are_verified_and_an_fmr_that_the_pairs_cannot_support_is_refused(tmp_path):
    found = run(tmp_path)
    metrics = found["metrics"].set_index("metric")
    assert set(metrics["experiment"]) == {"template-verification"}
    assert set(metrics["protocol"]) == {"templates"}
    # 24 templates: 276 pairs, of which 8 * 3 are of one person.
    assert metrics.loc["AUC", "n"] == 276
    assert metrics.loc["TMR@FMR=0.1", "n"] == 24
    assert metrics.loc["AUC", "value"] > 0.9
    assert metrics.loc["TMR@FMR=0.0001", "status"] == (
        "failed: FMR 0.0001 needs at least 100,000 impostor comparisons for 10 expected false matches, there are 252"
    )
    assert len(found["samples"].query("metric == 'AUC'")) == 100
    assert found["curves"]["x"].is_monotonic_increasing


def test_a_study_names_evaluated_sets_of_identities():
    source = {"kind": "studio", "labels": 20, "images_per_label": 2}
    raw = {
        "study": "s",
        "datasets": {
            "faces": {"domain": "face_hq", "source": source},
            "things": {"domain": "object", "source": source},
        },
        "backbones": {
            "b": {"architecture": "eva02_tiny_patch14_224", "weights": {"kind": "random"}}
        },
        "curricula": {"base": {}},
        "evaluation": {
            "datasets": ["faces", "things"],
            "templates": {"faces": {"images": "i.csv", "pairs": "p.csv"}},
        },
    }
    assert parse_study(raw).evaluation.templates["faces"].fmr == (0.0001, 0.001, 0.01)
    raw["evaluation"]["templates"] = {"things": {"images": "i.csv", "pairs": "p.csv"}}
    with pytest.raises(UserError, match="`things` must be an evaluated data set of identities"):
        parse_study(raw)
