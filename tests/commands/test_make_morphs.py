"""An archive of faces becomes one of morphs that a study reads. The faces are rendered."""

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from unispace.__main__ import command_names
from unispace.commands import make_morphs
from unispace.commands.common.run import run_command
from unispace.config.datasets import Dataset
from unispace.data.prepare import prepare
from unispace.data.sources.archive import contents, read_listing
from unispace.data.studio import faces
from unispace.records.images import decode
from unispace.records.manifest import read_manifest

PERSONS, PICTURES, SIDE = 5, 2, 48
COLUMNS = "path,identity_or_class,split,pose"


@pytest.fixture(scope="session")
def portraits():
    """Five persons of each split, two pictures of each, `{path: (label, split, pixels)}`."""
    made = {}
    for number, split in enumerate(("train", "val", "test")):
        people = faces.sample_identities(np.random.default_rng(number), PERSONS)
        people = people.loc[people.index.repeat(PICTURES)].reset_index(drop=True)
        views = faces.sample_views(np.random.default_rng(9), PERSONS * PICTURES, 0.2)
        for k, picture in enumerate(faces.render(people, views, SIDE)):
            person = f"{split}-{k // PICTURES}"
            made[f"{split}/{k}.png"] = (person, split, picture)
    return made


def archive(path, portraits, columns=COLUMNS):
    table = [columns]
    with tarfile.open(path, "w") as file:

        def add(name, content):
            info = tarfile.TarInfo(f"faces/{name}")
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))

        for name, (person, split, picture) in portraits.items():
            stream = io.BytesIO()
            Image.fromarray(picture).save(stream, "PNG")
            add(name, stream.getvalue())
            table.append(f"{name},{person},{split},frontal")
        add("manifest.csv", "\n".join(table).encode())
    return path


def make(source, output, *arguments):
    argv = [str(source), "--output", str(output), *arguments]
    return run_command("make-morphs", make_morphs.configure, make_morphs.run, argv)


@pytest.fixture(scope="session")
def made(portraits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("morphs")
    source = archive(folder / "faces.tar", portraits)
    assert make(source, folder / "morphs.tar", "--seed", "3") == 0
    return source, folder / "morphs.tar"


def test_each_couple_of_a_split_gives_one_morph_of_each_recipe(made, portraits):
    rows = read_listing(made[1], "manifest.csv")
    bona_fide, morphs = rows[rows["label"] == "bona_fide"], rows[rows["label"] != "bona_fide"]
    assert set(bona_fide["image"]) == set(portraits)
    assert set(morphs["label"]) == {"complete", "splice", "frequency", "retouch", "seamless"}
    assert (morphs.groupby(["split", "label"]).size() == PERSONS // 2).all()
    for _, row in morphs.iterrows():
        assert row["subject"] != row["identity_2"]
        assert row["subject"].split("-")[0] == row["identity_2"].split("-")[0] == row["split"]
        for person, image in ((row["subject"], row["image"]), (row["identity_2"], row["image_2"])):
            assert portraits[image][0] == person
    for _, of_recipe in morphs.groupby(["split", "label"]):
        persons = [*of_recipe["subject"], *of_recipe["identity_2"]]
        assert len(set(persons)) == len(persons)


def test_a_complete_morph_of_aligned_crops_is_the_mean_that_its_row_tells(made, portraits):
    rows = read_listing(made[1], "manifest.csv")
    rows = rows[rows["label"] == "complete"]
    for (name, content), (_, row) in zip(
        contents(made[1], rows["member"]), rows.iterrows(), strict=True
    ):
        first, second = (portraits[row[i]][2].astype(float) for i in ("image", "image_2"))
        share = float(row["alpha"])
        assert 0.35 <= share <= 0.65
        found = np.asarray(decode(content, name), float)
        expected = (1 - share) * first + share * second
        assert np.abs(found - expected).mean() < 2  # JPEG
        assert np.abs(found - first).mean() > 4


def test_equal_arguments_give_equal_bytes_and_another_seed_others(made, tmp_path):
    assert make(made[0], tmp_path / "again.tar", "--seed", "3") == 0
    assert (tmp_path / "again.tar").read_bytes() == made[1].read_bytes()
    assert make(made[0], tmp_path / "other.tar", "--seed", "4", "--recipes", "splice") == 0
    splice = read_listing(tmp_path / "other.tar", "manifest.csv")
    assert set(splice["label"]) == {"bona_fide", "splice"}
    first = read_listing(made[1], "manifest.csv")
    first = first[first["label"] == "splice"]
    assert not set(splice["alpha"]) - {""} & set(first["alpha"])


def test_a_study_reads_it_with_the_subjects_of_both(made, tmp_path):
    dataset = Dataset.model_validate(
        {
            "domain": "mad",
            "source": {"kind": "archive", "path": "morphs.tar", "sha256": "0" * 64},
            "splits": {"by": "manifest", "hold_out": {"label": ["seamless"]}},
        }
    )
    manifest = prepare("morphs", dataset, 0, made[1], tmp_path)
    assert set(manifest["split"]) == {"train", "val", "test", "held_out"}
    assert set(manifest.loc[manifest["split"] == "held_out", "label"]) == {"seamless"}
    stored = read_manifest(tmp_path / "manifest.parquet")
    morphs = stored[stored["label"] != "bona_fide"]
    assert morphs["identity"].str.startswith(("train-", "val-", "test-")).all()
    assert (morphs["identity_2"] != morphs["identity"]).all()
    assert (morphs["identity_2"] != "").all()
    assert (stored.loc[stored["label"] == "bona_fide", "identity_2"].fillna("") == "").all()


def changed(portraits, name, picture):
    person, split, _ = portraits[name]
    return {**portraits, name: (person, split, picture)}


BLACK = np.zeros((SIDE, SIDE, 3), np.uint8)


@pytest.mark.parametrize(
    ("picture", "arguments", "message"),
    [
        (BLACK[:40], (), "is 48 x 40; aligned crops are square"),
        (BLACK[:24, :24], (), "is 24 x 24; aligned crops are square, of at least 32"),
        (np.zeros((64, 64, 3), np.uint8), (), "resize all to one size"),
        (BLACK, ("--only", "pose=profile"), "no image has it; allowed: frontal"),
        (BLACK, ("--manifest", "list.csv"), "holds no `list.csv`"),
        (BLACK, ("--persons", "9999"), "every two are compared; take 5000"),
    ],
)  # fmt: skip
def test_what_cannot_be_morphed_is_refused_and_nothing_is_written(
    portraits, tmp_path, capsys, picture, arguments, message
):
    source = archive(tmp_path / "faces.tar", changed(portraits, "train/3.png", picture))
    assert make(source, tmp_path / "out.tar", *arguments) == 1
    error = capsys.readouterr().err
    assert message in error
    assert not (tmp_path / "out.tar").exists()


@pytest.mark.parametrize(
    "arguments",
    [("--recipes", "blend"), ("--persons", "1"), ("--bona-fide", "0"), ("--seed", "-1")],
)
def test_arguments_out_of_range_are_refused(tmp_path, arguments, capsys):
    with pytest.raises(SystemExit):
        make(tmp_path / "faces.tar", tmp_path / "out.tar", *arguments)
    assert json.dumps(arguments[1])[1:-1] in capsys.readouterr().err


def test_a_missing_split_names_the_archive(portraits, tmp_path, capsys):
    person, _, picture = portraits["val/0.png"]
    source = archive(tmp_path / "faces.tar", {**portraits, "val/0.png": (person, "", picture)})
    assert make(source, tmp_path / "out.tar") == 1
    assert "faces.tar: the manifest names no split for val/0.png" in capsys.readouterr().err


def test_it_is_listed():
    assert "make-morphs" in command_names()
