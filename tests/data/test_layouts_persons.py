"""Official layouts of face and body sets: identities, cameras, templates and pairs."""

import io
import pickle

import numpy as np
import pytest
from scipy.io import savemat

from unispace.data.sources.layouts import layout_of
from unispace.errors import UserError


def mat(**variables):
    """A MATLAB file in which lists of names and numbers lie as the publishers' do: `(n, 1)`."""
    columns = {}
    for key, values in variables.items():
        column = np.empty((len(values), 1), object)
        column[:, 0] = values
        columns[key] = column if isinstance(values[0], str) else np.array(values)[:, None]
    stream = io.BytesIO()
    savemat(stream, columns)
    return stream.getvalue()


def lines(*rows):
    return ("\n".join(rows) + "\n").encode()


def columns(listing, *names):
    return list(listing[list(names)].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("root", "train", "test"),
    [("MSMT17_V1", "train", "test"), ("MSMT17_V2", "mask_train_v2", "mask_test_v2")],
)
def test_msmt17_numbers_persons_of_training_and_test_apart(read_layout, root, train, test):
    name = "{0}/{0}_000_{1}_0303morning_0008_0.jpg"
    one, two, three, four = (name.format("0000", c) for c in ("01", "02", "03", "14"))
    lists = {
        f"{root}/list_train.txt": lines(f"{one} 0"),
        f"{root}/list_val.txt": lines(f"{two} 0"),
        f"{root}/list_query.txt": lines(f"{three} 0"),
        f"{root}/list_gallery.txt": lines(f"{four} 0"),
    }
    images = [f"{root}/{train}/{one}", f"{root}/{train}/{two}", f"{root}/{test}/{three}", f"{root}/{test}/{four}"]  # fmt: skip
    listing = read_layout("msmt17", images, extra=lists)
    assert columns(listing, "label", "split", "camera", "time") == [
        ("train-0000", "train", "01", "0303morning"),
        ("train-0000", "val", "02", "0303morning"),
        ("test-0000", "query", "03", "0303morning"),
        ("test-0000", "gallery", "14", "0303morning"),
    ]
    lists[f"{root}/list_val.txt"] = lines("nothing")
    with pytest.raises(UserError, match="`nothing` is no key and value"):
        read_layout("msmt17", images, extra=lists)


def test_cuhk03_numbers_persons_within_each_pair_of_cameras(read_layout):
    names = ["images_labeled/1_001_1_01.png", "images_labeled/1_001_2_06.png"]
    names += ["images_labeled/2_001_1_01.png", "images_detected/1_001_1_01.png"]
    listing = read_layout("cuhk03:images_labeled", names, "cuhk03.zip")
    assert columns(listing, "label", "camera") == [("1-001", "1-1"), ("1-001", "1-2"), ("2-001", "2-1")]  # fmt: skip


TINY = {
    "tinyface/Testing_Set/gallery_match_img_ID_pairs.mat": mat(
        gallery_set=["1_2.jpg"], gallery_ids=[1]
    ),
    "tinyface/Testing_Set/probe_img_ID_pairs.mat": mat(
        probe_set=["1_1.jpg", "7_1.jpg"], probe_ids=[1, 7]
    ),
}


def test_tinyface(read_layout):
    names = [
        "tinyface/Training_Set/1/1_1.jpg",
        "tinyface/Testing_Set/Gallery_Match/1_2.jpg",
        "tinyface/Testing_Set/Probe/1_1.jpg",
        "tinyface/Testing_Set/Probe/7_1.jpg",
        "tinyface/Testing_Set/Gallery_Distractor/5.jpg",
    ]
    listing = read_layout("tinyface", names, "tinyface.zip", TINY)
    assert columns(listing, "label", "split", "mated") == [
        ("train-1", "train", "yes"),
        ("test-1", "gallery", "yes"),
        ("test-1", "query", "yes"),
        ("test-7", "query", "yes"),
        ("gallery_distractor-5", "gallery", "no"),
    ]
    with pytest.raises(UserError, match=r"its lists give no identity to Probe/8_1\.jpg"):
        read_layout("tinyface", [*names, "tinyface/Testing_Set/Probe/8_1.jpg"], "t.zip", TINY)


def test_survface(read_layout):
    root = "QMUL-SurvFace"
    tests = f"{root}/Face_Identification_Test_Set"
    pairs = f"{root}/Face_Identification_Evaluation"
    lists = {
        f"{pairs}/gallery_img_ID_pairs.mat": mat(gallery_set=["9_cam1_1.jpg"], gallery_ids=[9]),
        f"{pairs}/mated_probe_img_ID_pairs.mat": mat(
            mated_probe_set=["9_cam3_2.jpg"], mated_probe_ids=[9]
        ),
    }
    names = [
        f"{root}/training_set/10/10_cam2_1.jpg",
        f"{tests}/gallery/9_cam1_1.jpg",
        f"{tests}/mated_probe/9_cam3_2.jpg",
        f"{tests}/unmated_probe/77.jpg",
    ]
    listing = read_layout("survface", names, "QMUL-SurvFace.zip", lists)
    assert columns(listing, "label", "split", "mated", "camera") == [
        ("train-10", "train", "yes", "2"),
        ("test-9", "gallery", "yes", "1"),
        ("test-9", "query", "yes", "3"),
        ("unmated_probe-77", "query", "no", ""),
    ]


IJB = {
    "IJBC/meta/ijbc_face_tid_mid.txt": lines("1.jpg 11 501", "2.jpg 11 502", "3.jpg 12 503", "4.jpg 13 504"),
    "IJBC/meta/ijbc_1N_gallery_G1.csv": lines("TEMPLATE_ID,SUBJECT_ID,FILENAME", '11,70,"img/1.jpg"'),
    "IJBC/meta/ijbc_1N_gallery_G2.csv": lines("TEMPLATE_ID,SUBJECT_ID,FILENAME", "12,71,frames/3.jpg"),
    "IJBC/meta/ijbc_1N_probe_mixed.csv": lines("TEMPLATE_ID,SUBJECT_ID,FILENAME", "13,70,img/4.jpg"),
}  # fmt: skip


def test_ijb_has_templates_media_and_subjects(read_layout):
    names = [f"IJBC/loose_crop/{i}.jpg" for i in (1, 2, 3, 4, 5)]
    listing = read_layout("ijb", names, "IJBC.tar", IJB)
    assert columns(listing, "image_id", "label", "template", "media", "split") == [
        (names[0], "70", "11", "501", "gallery-1"),
        (names[1], "70", "11", "502", "gallery-1"),
        (names[2], "71", "12", "503", "gallery-2"),
        (names[3], "70", "13", "504", "probe"),
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"face_tid_mid.txt": lines("1.jpg 11")}, "`1.jpg 11` in its list of templates is no name"),
        ({"face_tid_mid.txt": lines("1.jpg 99 5")}, "names the subject of template 99"),
        ({"face_tid_mid.txt": lines("6.jpg 11 5")}, r"not in it, such as 6\.jpg"),
    ],
)
def test_wrong_lists_of_templates_are_named(read_layout, change, message):
    changed = {f"IJBC/meta/ijbc_{name}": content for name, content in change.items()}
    with pytest.raises(UserError, match=message):
        read_layout("ijb", ["IJBC/loose_crop/1.jpg"], "IJBC.tar", IJB | changed)


# --- verification files -----------------------------------------------------------------------


@pytest.fixture
def faces(make):
    return [make.picture(i, form="JPEG") for i in range(4)]


FORMS = {
    "Python 3": lambda images: images,
    "arrays": lambda images: [np.frombuffer(image, np.uint8) for image in images],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("protocol", [2, 4])
def test_a_verification_file_names_pairs(tmp_path, faces, form, protocol):
    path = tmp_path / "agedb_30.bin"
    path.write_bytes(pickle.dumps((FORMS[form](faces), [True, False]), protocol=protocol))
    reader = layout_of("verification-bin")
    listing = reader.read_listing(path)
    assert columns(listing, "label", "pair", "genuine", "split") == [
        ("pair-00000", "0", "yes", "test"),
        ("pair-00000", "0", "yes", "test"),
        ("pair-00001a", "1", "no", "test"),
        ("pair-00001b", "1", "no", "test"),
    ]
    assert [content for _, content in reader.contents(path, list(listing["member"]))] == faces


def test_a_verification_file_of_python_2_is_read(tmp_path, faces):
    # Python 2 wrote its bytes as BINSTRING, here spelt out: a tuple of a list of texts and a list of one truth.
    body = b"\x80\x02]q\x01("
    for image in faces[:2]:
        body += b"T" + len(image).to_bytes(4, "little") + image
    body += b"e]q\x02\x88a\x86q\x03."
    path = tmp_path / "calfw.bin"
    path.write_bytes(body)
    reader = layout_of("verification-bin")
    assert reader.read_listing(path)["genuine"].tolist() == ["yes", "yes"]
    assert [c for _, c in reader.contents(path, ["000000", "000001"])] == faces[:2]


class Attack:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>log in</html>", "is damaged or is no verification file"),
        (pickle.dumps([1, 2, 3]), "is no verification file: no images and pairs"),
        (pickle.dumps(([b"x"], [True])), "needs two images for each of its pairs"),
        (pickle.dumps(([], [])), "needs two images for each of its pairs"),
    ],
)
def test_what_is_no_verification_file_is_refused(tmp_path, content, message):
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        layout_of("verification-bin").read_listing(path)
    with pytest.raises(UserError, match=r"y\.bin: not there"):
        layout_of("verification-bin").read_listing(tmp_path / "y.bin")


def test_a_forged_verification_file_does_nothing(tmp_path):
    path = tmp_path / "x.bin"
    path.write_bytes(pickle.dumps(([Attack(tmp_path / "owned")], [True])))
    with pytest.raises(UserError, match=r"it asks for \S+open"):
        layout_of("verification-bin").read_listing(path)
    assert not (tmp_path / "owned").exists()
