"""Embeddings that were made elsewhere: what is refused before the first job, and what enters the store."""

import json
import pickle
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from unispace.config.parse import parse_study
from unispace.data.prepare import prepare
from unispace.data.sources.own_vectors import unit_vectors
from unispace.embedding.own import import_embeddings, own_content, own_files
from unispace.embedding.own_preflight import check_embeddings
from unispace.errors import UserError
from unispace.records.embeddings import read_embeddings
from unispace.records.places import VARIABLE

IMAGES = [f"p{person}/{image}.jpg" for person in range(6) for image in range(3)]
INDEX = pd.DataFrame({"image_id": IMAGES, "identity": [name[:2] for name in IMAGES]})
VECTORS = np.random.default_rng(0).standard_normal((len(IMAGES), 5))
# The rows of the second model, in an order of their own.
ORDER = np.random.default_rng(1).permutation(len(IMAGES))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Two models' files, in the working folder."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    INDEX.to_csv("faces.csv", index=False)
    INDEX.iloc[ORDER].to_csv("2.csv", index=False)
    np.save("1.npy", VECTORS.astype(np.float32))
    np.save("2.npy", 3 * VECTORS[ORDER])
    return tmp_path


def study(domain="face_hq", splits=None, one="1.npy", index=None, **changes):
    source = {"kind": "index", "path": "faces.csv"}
    own = {"vectors": one, **({"index": index} if index else {})}
    return parse_study(
        {
            "study": "s",
            "datasets": {
                "faces": {
                    "domain": domain,
                    "source": source,
                    "splits": splits or {"train": 0, "val": 0},
                }
            },
            "embeddings": {
                "one": {"card": {"checkpoint": "a"}, "datasets": {"faces": own}},
                "two": {
                    "card": {"checkpoint": "b"},
                    "datasets": {"faces": {"vectors": "2.npy", "index": "2.csv"}},
                },
            },
            "evaluation": {"datasets": ["faces"]},
            **changes,
        }
    )


def refusal(made, folder):
    with pytest.raises(UserError) as error:
        check_embeddings(made, folder / "raw")
    return str(error.value).replace(f"{folder}/", "")


def changed(place, value, kind=np.float32):
    vectors = VECTORS.astype(kind)
    vectors[place] = value
    return vectors


# --- before the first job -----------------------------------------------------------------------


def test_what_fits_is_let_pass_and_loses_no_word(here):
    check_embeddings(study(), here / "raw")


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (changed(7, np.nan), "1 of 18 rows hold NaN or infinity, the first is row 7 (image 'p2/1.jpg')"),
        (changed(slice(4, 6), -np.inf), "2 of 18 rows hold NaN or infinity, the first is row 4 (image 'p1/1.jpg')"),
        (changed(17, 0), "1 of 18 rows are zero and have no direction, the first is row 17 (image 'p5/2.jpg')"),
        (VECTORS[:-1], "17 rows of vectors and 18 images in the index; row i of the one must be image i of"),
        (VECTORS[:, :0], "the vectors have no numbers, their shape is (18, 0)"),
        (VECTORS[0], "1.npy has the shape (5,); needs (images, dimension), one row for each image"),
        (VECTORS.reshape(18, 5, 1), "1.npy has the shape (18, 5, 1); needs (images, dimension)"),
        (np.ones((18, 5), np.int64), "1.npy holds int64; embeddings are float16, float32, float64: `vectors.astype("),
        (VECTORS.astype(complex), "1.npy holds complex128"),
        (VECTORS.astype(object), "1.npy cannot be read as an array of numbers"),
    ],
)  # fmt: skip
def test_an_array_without_directions_is_refused_with_its_first_image(here, vectors, message):
    np.save("1.npy", vectors, allow_pickle=True)
    error = refusal(study(), here)
    assert f"- embeddings.one.datasets.faces: {message}" in error
    assert error.count("\n- ") == 1


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, ">f4"])
def test_floats_of_every_width_and_order_of_bytes_are_taken(here, kind):
    np.save("1.npy", VECTORS.astype(kind))
    check_embeddings(study(), here / "raw")


class Trap:
    """What would run if a pickle were opened."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps(Trap()), "Arrays of objects and pickles are never opened, as they can run code"),
        (b"", "cannot be read as an array of numbers"),
    ],
)  # fmt: skip
def test_what_is_no_array_is_never_opened(here, content, message):
    (here / "1.npy").write_bytes(content)
    assert message in refusal(study(), here)


def test_a_cut_array_is_refused(here):
    whole = (here / "1.npy").read_bytes()
    (here / "1.npy").write_bytes(whole[:-8])
    assert "1.npy cannot be read as an array of numbers" in refusal(study(), here)


def test_an_archive_of_arrays_is_refused_with_the_line_that_writes_one(here):
    np.savez("1.npz", VECTORS)
    error = refusal(study(one="1.npz"), here)
    assert 'embeddings.one.datasets.faces: 1.npz is no .npy file; write the array by `np.save("' in error  # fmt: skip


def test_a_missing_file_is_told_with_where_it_was_looked_for(here):
    error = refusal(study(one="gone.npy"), here)
    assert "- embeddings.one.datasets.faces.vectors: `gone.npy` was not found. Looked for" in error


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (INDEX.rename(columns={"image_id": "image"}), "has no column `image_id`; it needs image_id, separated by commas; did you mean `image`?"),
        (pd.concat([INDEX, INDEX[:2]]), "image_id 'p0/0.jpg' stands there twice, 2 rows repeat an image"),
        (INDEX.assign(image_id=["", *IMAGES[1:]]), "image 1 has an empty image_id"),
        (INDEX.replace("p3", ""), "line 11: identity is empty"),
        (
            INDEX.replace("p3", "p4"),
            "i.csv and the data set disagree on 3 images: 'p3/0.jpg' is 'p4' in the one and 'p3' in the other",
        ),
        (
            INDEX.assign(image_id=[*IMAGES[:13], *"abcde"]),
            "i.csv lacks 5 of the 18 images of the data set: 'p4/1.jpg', 'p4/2.jpg', 'p5/0.jpg' and 2 more; "
            "it lists 18, the first is 'p0/0.jpg'",
        ),
    ],
)  # fmt: skip
def test_an_index_of_other_images_or_persons_is_refused(here, index, message):
    index.to_csv("i.csv", index=False)
    np.save("1.npy", np.ones((len(index), 5)))
    assert message in refusal(study(index="i.csv"), here)


@pytest.mark.parametrize(
    ("frame", "domain", "message"),
    [
        (INDEX.rename(columns={"identity": "Identity"}), "face_hq", "has no column `identity`; it needs image_id, identity, separated by commas; did you mean `Identity`?"),
        (INDEX, "object", "has no column `label`; it needs image_id, label"),
    ],
)  # fmt: skip
def test_the_index_of_a_data_set_needs_its_labels(here, frame, domain, message):
    frame.to_csv("faces.csv", index=False)
    assert message in refusal(study(domain), here)


def test_more_rows_than_images_are_no_mistake(here):
    more = pd.concat([INDEX, pd.DataFrame({"image_id": ["x"], "identity": ["somebody"]})])
    more.to_csv("i.csv", index=False)
    np.save("1.npy", np.ones((19, 5)))
    check_embeddings(study(index="i.csv"), here / "raw")


def test_an_index_need_not_say_who_is_in_the_images(here):
    INDEX[["image_id"]].to_parquet("i.parquet", index=False)
    check_embeddings(study(index="i.parquet"), here / "raw")


def test_one_file_under_two_names_is_refused(here):
    shutil.copy("1.npy", "2.npy")
    error = refusal(study(), here)
    assert "embeddings.two.datasets.faces.vectors: 2.npy holds the same bytes as that of `one`: two names" in error  # fmt: skip


def test_one_name_for_vectors_of_two_dimensions_is_refused(here):
    np.save("wide.npy", np.ones((18, 7)))
    base = study().model_dump(mode="json")
    base["datasets"]["more"] = base["datasets"]["faces"]
    base["evaluation"]["datasets"] = ["faces", "more"]
    del base["embeddings"]["two"]
    base["embeddings"]["one"]["datasets"]["more"] = {"vectors": "wide.npy"}
    error = refusal(parse_study(base), here)
    assert "embeddings.one: vectors have different numbers of dimensions (5 on faces, 7 on more)" in error  # fmt: skip


def test_a_tested_split_without_images_is_told_before_the_first_job(here):
    with pytest.raises(UserError, match="leaves no image for the split `test`, which is tested"):
        study(splits={"train": 1, "val": 0})


def test_several_problems_are_told_at_once(here):
    np.save("1.npy", changed(0, np.nan))
    (here / "2.npy").unlink()
    assert refusal(study(), here).count("\n- ") == 2


def test_images_of_the_study_are_compared_too(here):
    base = study().model_dump(mode="json")
    base["datasets"]["faces"] = {
        "domain": "face_hq",
        "source": {"kind": "studio", "labels": 3, "images_per_label": 2, "size": 32},
        "splits": {"train": 0, "val": 0},
    }
    base["embeddings"]["one"]["datasets"]["faces"]["index"] = "faces.csv"
    error = refusal(parse_study(base), here)
    assert "embeddings.one.datasets.faces: faces.csv lacks 6 of the 6 images of the data set" in error  # fmt: skip


# --- into the store -----------------------------------------------------------------------------


def imported(made, name, folder, splits=None):
    """The embeddings of a data set in the store."""
    data, out = folder / "data", folder / "store" / name
    prepare("faces", made.datasets["faces"], made.seed, None, data)
    files, card = own_files(made, name, "faces"), made.embeddings[name].card
    domain = made.datasets["faces"].domain
    import_embeddings("faces", domain, files, card, data / "manifest.parquet", out, splits)
    return read_embeddings(out)


def test_rows_in_another_order_become_the_same_embeddings(here):
    one, two = (imported(study(), name, here) for name in ("one", "two"))
    assert one.index["image_id"].tolist() == two.index["image_id"].tolist() == IMAGES
    assert one.index["identity"].tolist() == INDEX["identity"].tolist()
    expected = VECTORS / np.sqrt((VECTORS**2).sum(axis=1, keepdims=True))
    # The one was stored as float32; the other is three times as long, which is lost.
    assert two.vectors.dtype == np.float32
    np.testing.assert_array_equal(two.vectors, expected.astype(np.float32))
    np.testing.assert_allclose(one.vectors, expected, atol=1e-6)


def test_there_is_no_image_store_of_images_that_are_not_there(here):
    imported(study(), "one", here)
    assert sorted(f.name for f in (here / "data").iterdir()) == [
        "factors.parquet", "left_out.json", "manifest.parquet", "pairs.parquet",
    ]  # fmt: skip


def test_the_record_says_what_was_given(here):
    card = imported(study(), "two", here).card
    lengths = 3 * np.linalg.norm(VECTORS, axis=1)
    assert card["model"] == {"checkpoint": "b"}
    assert (card["failed"], card["normalised"], card["dimension"]) == (None, True, 5)
    assert (card["images"], card["given"]["rows"], card["given"]["type"]) == (18, 18, "float64")
    assert card["given"]["shortest"] == pytest.approx(lengths.min(), rel=1e-12)
    assert card["given"]["longest"] == pytest.approx(lengths.max(), rel=1e-12)


def test_the_key_is_of_the_content_alone(here):
    before = imported(study(), "one", here).card["key"]
    shutil.copy("1.npy", "elsewhere.npy")
    assert imported(study(one="elsewhere.npy"), "one", here).card["key"] == before
    np.save("1.npy", changed(0, 1))
    assert imported(study(), "one", here).card["key"] != before


def test_only_the_splits_that_are_needed_enter(here):
    made = study(splits={"train": 0.5, "val": 0})
    assert set(imported(made, "one", here).index["split"]) == {"train", "test"}
    assert set(imported(made, "one", here, ("test",)).index["split"]) == {"test"}
    with pytest.raises(UserError, match="no image of faces is in the splits that the study needs: val"):  # fmt: skip
        imported(made, "one", here, ("val",))


def test_further_columns_reach_the_evaluation(here):
    table = INDEX.assign(camera=["a", "b", "c"] * 6, split=["train"] * 9 + ["test"] * 9)
    table.to_csv("faces.csv", index=False)
    index = imported(study(splits={"by": "manifest"}), "one", here).index
    assert index["camera"].tolist() == ["a", "b", "c"] * 6
    assert index["split"].tolist() == ["train"] * 9 + ["test"] * 9


def test_a_data_set_in_which_all_have_one_image_is_refused(here):
    INDEX.assign(identity=IMAGES).to_csv("faces.csv", index=False)
    with pytest.raises(UserError, match="each of its 18 identities has one image only"):
        imported(study(), "one", here)


def test_content_is_the_same_wherever_the_files_lie(here):
    made = study()
    before = own_content(own_files(made, "two", "faces"), "two", "faces", here / "raw")
    moved = here / "all"
    moved.mkdir()
    for name in ("2.npy", "2.csv"):
        shutil.move(name, moved / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(moved))
        after = own_content(own_files(made, "two", "faces"), "two", "faces", here / "raw")
    assert after == before
    caches = sorted(file.name for file in (here / "raw").iterdir())
    assert caches == ["two+faces.index.json", "two+faces.vectors.json"]
    assert json.loads((here / "raw" / caches[0]).read_text())["folder"] == str(moved / "2.csv")


finite = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 6), st.integers(1, 4)),
    elements=st.floats(-1e300, 1e300, allow_nan=False),
)


@given(finite, st.floats(1e-3, 1e3))
def test_directions_do_not_depend_on_lengths(vectors, factor):
    vectors = vectors[np.abs(vectors).max(axis=1) > 1e-290]
    rows = np.arange(len(vectors))[::-1]
    unit, _ = unit_vectors(vectors, rows)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)
    again, _ = unit_vectors(vectors * factor, rows)
    np.testing.assert_allclose(again, unit, atol=1e-6)
    # Parallel to what was given, and not against it: no component changes its sign.
    assert (np.sign(unit) * np.sign(vectors[rows]) >= 0).all()
