"""Protocols that a study may ask for, and those that its data sets do not allow."""

import pytest

from unispace.config.parse import parse_study
from unispace.errors import UserError

ARCHIVE = {"kind": "archive", "path": "a.tar", "sha256": "0" * 64}


def study(dataset=None, **evaluation):
    return {
        "study": "s",
        "datasets": {"faces": {"domain": "face_hq", "source": ARCHIVE, **(dataset or {})}},
        "backbones": {
            "b": {"architecture": "eva02_tiny_patch14_224", "weights": {"kind": "random"}}
        },
        "curricula": {"base": {}},
        "evaluation": {"datasets": ["faces"], **evaluation},
    }


RENAMED = {"by": "manifest", "rename": {"query": "test", "gallery": "test"}}


def test_the_default_is_all_pairs_and_one_enrolled_image():
    evaluation = parse_study(study()).evaluation
    assert evaluation.verification == ("all-pairs",)
    assert evaluation.identification == ("enrol-one",)


def test_a_data_set_that_has_lists_and_queries_allows_all_protocols():
    dataset = {"splits": RENAMED, "pairs": {"kind": "lfw"}}
    protocols = {"verification": ["official", "folds"], "identification": ["query-gallery"]}
    found = parse_study(study(dataset, **protocols))
    assert found.official_datasets() == ("faces",)
    assert found.datasets["faces"].has_queries


@pytest.mark.parametrize(
    ("dataset", "evaluation", "message"),
    [
        ({}, {"verification": ["official"]}, "`official` takes a data set of identities with `pairs`"),
        ({}, {"identification": ["query-gallery"]}, "`query-gallery` takes a data set of identities"),
        ({}, {"verification": []}, "evaluation.verification"),
        ({}, {"verification": ["all-pairs", "all-pairs"]}, "`all-pairs` is named twice"),
        ({}, {"verification": ["balancd"]}, "evaluation.verification"),
        ({}, {"known": 1.0}, "evaluation.known"),
        ({}, {"folds": 1}, "evaluation.folds"),
        ({"pairs": {"kind": "vgg"}}, {}, "datasets.faces.pairs"),
        (
            {"source": {"kind": "folder", "path": "x"}, "pairs": {"kind": "csv", "file": "p.csv"}},
            {},
            "a source of kind folder has no archive that could hold p.csv; give the `sha256`",
        ),
        (
            {"source": {"kind": "folder", "path": "x"}, "pairs": {"kind": "cfp"}},
            {},
            "pairs of kind cfp lie in an archive, and a source of kind folder has none",
        ),
    ],
)  # fmt: skip
def test_what_no_data_set_allows_is_refused(dataset, evaluation, message):
    with pytest.raises(UserError) as caught:
        parse_study(study(dataset, **evaluation))
    assert message in str(caught.value)
