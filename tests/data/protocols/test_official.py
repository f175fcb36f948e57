"""Official lists: read as published, and refused with file and line where they are not."""

import hashlib
import os
from pathlib import Path

import pandas as pd
import pytest

from unispace.config.datasets import CfpPairs, CsvPairs, Dataset, LfwPairs
from unispace.data.prepare import prepare
from unispace.data.protocols.official import (
    Images,
    official_pairs,
    read_cfp_images,
    read_cfp_pairs,
    read_csv,
    read_lfw,
)
from unispace.data.sources.archive import read_listing
from unispace.errors import UserError
from unispace.records.pairs import SCHEMA, no_pairs, read_pairs, write_pairs
from unispace.records.places import VARIABLE

PEOPLE = ("Ann_Lee", "Bob_Ray", "Cy")
IMAGES = Images(
    {f"lfw/{person}/{person}_{n:04d}.jpg": person for person in PEOPLE for n in (1, 2, 3)}
)
FOLDS = """\
2\t1
Ann_Lee\t1\t3
Bob_Ray\t1\tCy\t2
Cy\t2\t1
Ann_Lee\t2\tBob_Ray\t3
"""
DEV = "1\nAnn_Lee\t1\t3\nBob_Ray\t1\tCy\t2\n"


def jpg(person, number):
    return f"lfw/{person}/{person}_{number:04d}.jpg"


def test_lfw_pairs_alternate_in_folds():
    assert list(read_lfw(FOLDS, "pairs.txt", IMAGES)) == [
        (jpg("Ann_Lee", 1), jpg("Ann_Lee", 3), True, 1),
        (jpg("Bob_Ray", 1), jpg("Cy", 2), False, 1),
        (jpg("Cy", 2), jpg("Cy", 1), True, 2),
        (jpg("Ann_Lee", 2), jpg("Bob_Ray", 3), False, 2),
    ]


def test_lfw_development_lists_have_no_folds():
    assert [row[2:] for row in read_lfw(DEV, "pairsDevTest.txt", IMAGES)] == [
        (True, 0),
        (False, 0),
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("2\t1\n", "ten folds\n", r"p, line 1: needs the number of folds and of pairs.* got `ten"),
        ("2\t1\n", "", "p, line 1: needs the number of folds"),
        ("2\t1\n", "2\t2\n", r"announces 8 pairs \(2 x 2 x 2\), 4 follow; it is truncated"),
        ("Cy\t2\t1", "Cy\t2\tCy\t1", "p, line 4: needs name, number, number, got `Cy 2 Cy 1`"),
        ("Bob_Ray\t1\tCy\t2", "Bob_Ray\t1\t2", "p, line 3: needs name, number, name, number"),
        ("Cy\t2\t1", "Cy\ttwo\t1", "p, line 4: `two` is no number of an image"),
        ("Cy\t2\t1", "Cy\t2\t9", "line 4: the data set holds no image Cy/Cy_0009; did you mean"),
        ("Cy\t2\t1", "Cy\t2\t2", r"line 4: lfw/Cy/Cy_0002.jpg is compared with itself"),
        ("Bob_Ray\t1\tCy\t2", "Cy\t1\tCy\t2", "line 3: listed as two identities, but .* is Cy and"),
    ],
)
def test_a_wrong_lfw_list_is_refused_with_its_line(old, new, message):
    assert old in FOLDS
    with pytest.raises(UserError, match=message):
        list(read_lfw(FOLDS.replace(old, new, 1), "p", IMAGES))


def test_an_image_is_found_in_any_folder_and_format_but_not_twice():
    images = Images({"a/x/Cy/Cy_0001.png": "Cy", "b/Cy/Cy_0001.jpg": "Cy"})
    assert Images({"deep/down/Cy/Cy_0001.png": "Cy"}).find("Cy/Cy_0001", "w").endswith(".png")
    with pytest.raises(UserError, match=r"w: Cy/Cy_0001 may be a/x/Cy/Cy_0001.png or b/Cy"):
        images.find("Cy/Cy_0001", "w")


CFP = Images(
    {
        f"{person:03d}/{pose}/{n:02d}.jpg": f"{person:03d}"
        for person in (1, 2)
        for pose, count in (("frontal", 2), ("profile", 1))
        for n in range(1, count + 1)
    }
)
FRONTAL = "".join(
    f"{2 * person - 2 + n} ../Data/Images/{person:03d}/frontal/{n:02d}.jpg\n"
    for person in (1, 2)
    for n in (1, 2)
)
PROFILE = "1 ../Data/Images/001/profile/01.jpg\n2 ../Data/Images/002/profile/01.jpg\n"


def test_cfp_lists_number_frontal_and_profile_images_apart():
    frontal = read_cfp_images(FRONTAL, "F", CFP)
    profile = read_cfp_images(PROFILE, "P", CFP)
    assert frontal[3] == "002/frontal/01.jpg"
    same = list(read_cfp_pairs("1,1\n3,2\n", "same", frontal, profile, True, CFP))
    assert same == [
        ("001/frontal/01.jpg", "001/profile/01.jpg", True),
        ("002/frontal/01.jpg", "002/profile/01.jpg", True),
    ]
    # In the wrong order of columns, numbers mean other persons: the labels betray it.
    with pytest.raises(UserError, match=r"listed as the same identity, but 001/profile/01.jpg is"):
        list(read_cfp_pairs("1,3\n", "same", profile, frontal, True, CFP))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n1;2\n", "d, line 2: needs two numbers, such as `4,7`, got `1;2`"),
        ("1,9\n", "d, line 1: image 9 is not in the list of images"),
        ("\n", "d lists no pair"),
        ("1,1\n", "d, line 1: listed as two identities"),
    ],
)
def test_a_wrong_cfp_list_is_refused(text, message):
    frontal, profile = (read_cfp_images(t, "l", CFP) for t in (FRONTAL, PROFILE))
    with pytest.raises(UserError, match=message):
        list(read_cfp_pairs(text, "d", frontal, profile, False, CFP))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("one 001/frontal/01.jpg", "F, line 5: needs a number and a path"),
        ("4 ../Data/Images/001/frontal/01.jpg", "F, line 5: number 4 stands twice"),
        ("5 ../Data/Images/003/frontal/01.jpg", "F, line 5: the data set holds no image 003/"),
    ],
)
def test_a_wrong_list_of_cfp_images_is_refused(line, message):
    with pytest.raises(UserError, match=message):
        read_cfp_images(FRONTAL + line, "F", CFP)


def test_a_table_of_ones_own_is_read():
    text = "first,second,same,fold\n{0},{1},1,1\n{0},{2},no,2\n".format(
        jpg("Cy", 1), jpg("Cy", 2), jpg("Ann_Lee", 1)
    )
    assert list(read_csv(text, "t", IMAGES)) == [
        (jpg("Cy", 1), jpg("Cy", 2), True, 1),
        (jpg("Cy", 1), jpg("Ann_Lee", 1), False, 2),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "t, line 1: needs the columns `first,second,same`"),
        ("a,b,same\n", "needs the columns .* got `a,b,same`"),
        ("first,second,same\n", "t lists no pair"),
        ("first,second,same\nx,y\n", "t, line 2: 2 cells, needs 3"),
        ("first,second,same\nx,y,maybe\n", "t, line 2: `same` is `maybe`, needs 1 or 0"),
        ("first,second,same,fold\nx,y,1,0\n", "t, line 2: `fold` is `0`, needs a number from 1"),
        ("first,second,same\nx,y,1\n", "t, line 2: the data set holds no image `x`"),
        ('first,second,same\n"x,y,1\n', "t, line 2: no valid CSV"),
    ],
)
def test_a_wrong_table_is_refused_with_its_line(text, message):
    with pytest.raises(UserError, match=message):
        list(read_csv(text, "t", IMAGES))


# From an archive or a file to the record


def listing():
    names = [jpg(person, n) for person in PEOPLE for n in (1, 2, 3)]
    return pd.DataFrame({"image_id": names, "label": [name.split("/")[1] for name in names]})


def test_lists_lie_in_the_archive(tmp_path, make):
    path = make.pack(tmp_path / "a.tar", {"lfw/pairs.txt": FOLDS.encode()})
    found = official_pairs("d", LfwPairs(kind="lfw"), path, listing())
    assert found["fold"].tolist() == [1, 1, 2, 2]
    assert found["genuine"].tolist() == [True, False, True, False]
    assert set(found["list"]) == {""}
    with pytest.raises(UserError, match=r"holds no list `pears.txt`; did you mean `pairs.txt`"):
        official_pairs("d", LfwPairs(kind="lfw", file="pears.txt"), path, listing())
    with pytest.raises(UserError, match=r"a.tar: lfw/pairs.txt, line 2: the data set holds no"):
        official_pairs("d", LfwPairs(kind="lfw"), path, listing().iloc[3:])


def test_a_list_outside_the_archive_needs_its_checksum(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    text = f"first,second,same\n{jpg('Cy', 1)},{jpg('Cy', 2)},1\n".encode()
    (tmp_path / "mine.csv").write_bytes(text)
    right = CsvPairs(kind="csv", file="mine.csv", sha256=hashlib.sha256(text).hexdigest())
    assert len(official_pairs("d", right, None, listing())) == 1
    wrong = CsvPairs(kind="csv", file="mine.csv", sha256="0" * 64)
    with pytest.raises(UserError, match=r"datasets.d.pairs: mine.csv: wrong checksum"):
        official_pairs("d", wrong, None, listing())
    gone = CsvPairs(kind="csv", file="gone.csv", sha256="0" * 64)
    with pytest.raises(UserError, match=r"datasets.d.pairs: `gone.csv` was not found"):
        official_pairs("d", gone, None, listing())


def test_both_lists_of_cfp_are_read_from_its_folder(tmp_path, make):
    members = {"cfp/Protocol/Pair_list_F.txt": FRONTAL, "cfp/Protocol/Pair_list_P.txt": PROFILE}
    for fold in range(1, 11):
        split = "cfp/Protocol/Split"
        members |= {f"{split}/FF/{fold:02d}/same.txt": "1,2\n", f"{split}/FF/{fold:02d}/diff.txt": "1,3\n"}  # fmt: skip
        members |= {f"{split}/FP/{fold:02d}/same.txt": "4,2\n", f"{split}/FP/{fold:02d}/diff.txt": "1,2\n"}  # fmt: skip
    path = make.pack(tmp_path / "a.zip", {name: text.encode() for name, text in members.items()})
    names = [f"{p}/{pose}/{n}.jpg" for p in ("001", "002") for pose, n in
             (("frontal", "01"), ("frontal", "02"), ("profile", "01"))]  # fmt: skip
    images = pd.DataFrame({"image_id": names, "label": [name[:3] for name in names]})
    found = official_pairs("d", CfpPairs(kind="cfp"), path, images)
    assert found.groupby("list").size().to_dict() == {"FF": 20, "FP": 20}
    assert sorted(set(found["fold"])) == list(range(1, 11))
    profile = found[found["list"] == "FP"]
    assert profile["first"].str.contains("frontal").all()
    assert profile["second"].str.contains("profile").all()
    del members["cfp/Protocol/Split/FP/07/diff.txt"]
    short = make.pack(tmp_path / "b.zip", {name: text.encode() for name, text in members.items()})
    with pytest.raises(UserError, match=r"holds no list `Protocol/Split/FP/07/diff.txt`"):
        official_pairs("d", CfpPairs(kind="cfp"), short, images)


def test_the_record_survives_the_disk_with_and_without_pairs(tmp_path):
    assert official_pairs("d", None, None, listing()).empty
    write_pairs(no_pairs(), tmp_path / "none.parquet")
    assert read_pairs(tmp_path / "none.parquet").empty
    rows = [("", *row) for row in read_lfw(FOLDS, "p", IMAGES)]
    table = pd.DataFrame(rows, columns=list(SCHEMA.names))
    write_pairs(table, tmp_path / "some.parquet")
    pd.testing.assert_frame_equal(read_pairs(tmp_path / "some.parquet"), table)


def test_prepare_writes_the_pairs_of_all_images_and_the_splits_as_given(tmp_path, make):
    rows = [(f"{who}/{who}_000{n}.png", who, split) for who, split in (("a", "query"), ("b", "gallery")) for n in (1, 2, 3)]  # fmt: skip
    members = {
        "manifest.csv": make.table(rows),
        "pairs.txt": b"1\t1\na\t1\t2\na\t1\tb\t1\n",
        **{row[0]: make.picture(i) for i, row in enumerate(rows)},
    }
    path = make.pack(tmp_path / "x.zip", members)
    dataset = Dataset.model_validate(
        {
            "domain": "face_hq",
            "source": {"kind": "archive", "path": "x.zip", "sha256": "0" * 64},
            "splits": {"by": "manifest", "rename": {"query": "test", "gallery": "test"}},
            "pairs": {"kind": "lfw"},
            "max_images_per_label": 2,
        }
    )
    manifest = prepare("f", dataset, 1, path, tmp_path)
    assert len(manifest) == 4
    # The list is of the whole source, whatever is chosen of it.
    assert len(read_pairs(tmp_path / "pairs.parquet")) == 2
    whole = dataset.model_copy(update={"max_images_per_label": None})
    manifest = prepare("f", whole, 1, path, tmp_path)
    assert manifest["split_given"].tolist() == ["query"] * 3 + ["gallery"] * 3
    assert set(manifest["split"]) == {"test"}


@pytest.mark.parametrize(
    ("archive", "pairs", "lists"),
    [
        ("lfw.tar", LfwPairs(kind="lfw"), {"": 6000}),
        ("cfp.tar", CfpPairs(kind="cfp"), {"FF": 7000, "FP": 7000}),
    ],
)
def test_the_published_lists_fit_their_images(archive, pairs, lists):
    path = Path(os.environ.get(VARIABLE, "")) / archive
    if not path.is_file():
        pytest.skip(f"{archive} is not in {VARIABLE}")
    found = official_pairs("d", pairs, path, read_listing(path, "manifest.csv"))
    assert found.groupby("list").size().to_dict() == lists
    assert found.groupby(["list", "fold"])["genuine"].mean().eq(0.5).all()
    assert set(found["fold"]) == set(range(1, 11))
