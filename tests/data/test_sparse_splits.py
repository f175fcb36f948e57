"""Splits of one's own images that are too small are told before any image is read."""

import pytest

from unispace.config.study import Study
from unispace.data.preflight import check_sources
from unispace.data.sparse_splits import sparse_splits
from unispace.errors import UserError
from unispace.records.places import VARIABLE


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_table(folder, rows):
    """A manifest of (label, split, number of images); the images are empty files, since none is read."""
    lines = [f"{label}{split}{i}.png,{label},{split}" for label, split, n in rows for i in range(n)]
    (folder / "a.csv").write_text("path,identity_or_class,split\n" + "\n".join(lines))
    for line in lines:
        (folder / line.split(",")[0]).touch()


def study(folder, rows, domain="face_hq", **splits):
    write_table(folder, rows)
    dataset = {
        "domain": domain,
        "source": {"kind": "manifest", "path": "a.csv"},
        "splits": splits or {"by": "manifest"},
    }
    return Study.model_validate(
        {
            "study": "s",
            "datasets": {"mine": dataset},
            "backbones": {
                "b": {"architecture": "eva02_tiny_patch14_224", "weights": {"kind": "random"}}
            },
            "curricula": {"base": {}, "tuned": {"train_on": {"mine": {}}}},
            "evaluation": {"datasets": ["mine"]},
        }
    )


ENOUGH = [("ann", "train", 1), ("bob", "train", 1), ("cat", "test", 2), ("dan", "test", 1)]


def test_two_identities_of_which_one_has_two_images_suffice(here):
    assert sparse_splits(study(here, ENOUGH), "mine") == []


def test_a_test_split_in_which_nobody_has_two_images(here):
    (problem,) = sparse_splits(
        study(here, [*ENOUGH[:2], ("cat", "test", 1), ("dan", "test", 1)]), "mine"
    )
    assert problem == (
        "datasets.mine.splits: the split `test`, which is tested, holds 2 images of 2 identities, and needs two "
        "identities, one of them with two images. There are: test: 2 images of 2 identities; train: 2 images of 2 "
        "identities. Mend the column `split` of its table"
    )


def test_classes_need_no_pairs(here):
    rows = [*ENOUGH[:2], ("cat", "test", 1), ("dan", "test", 1)]
    assert sparse_splits(study(here, rows, domain="object"), "mine") == []


def test_one_identity_cannot_be_told_from_others(here):
    rows = [("ann", "train", 4), ("cat", "test", 9)]
    tested, trained = sparse_splits(study(here, rows), "mine")
    assert "`test`, which is tested, holds 9 images of 1 identities" in tested
    assert (
        "`train`, which is trained on, holds 4 images of 1 identities, and needs two identities. "
        in trained
    )


def test_shares_that_leave_nothing_are_told_by_the_check_before_the_first_job(here):
    rows = [(name, "-", 2) for name in ("ann", "bob", "cat")]
    with pytest.raises(UserError, match=r"- datasets.mine.splits: the split `test`, .* 0 images of 0 identities.*\n?.*Give `test` a larger share") as caught:  # fmt: skip
        check_sources(study(here, rows, train=0.99, val=0.005), here / "data" / "raw")
    assert str(caught.value).count("datasets.mine") == 1


def test_what_is_held_out_and_not_there_is_told_too(here):
    with pytest.raises(
        UserError, match=r"splits.hold_out.label: no image has `bod`; did you mean `bob`"
    ):
        check_sources(
            study(here, ENOUGH, train=0.5, hold_out={"label": ["bod"]}), here / "data" / "raw"
        )
