"""The card of a data set says where its images came from, for every kind of source."""

import pytest

from unispace.config.datasets import Dataset
from unispace.reporting.cards import _source


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"kind": "folder", "path": "people"}, "folder people"),
        ({"kind": "manifest", "path": "own.csv"}, "table of images own.csv"),
        ({"kind": "torchvision", "name": "FakeData"}, "torchvision data set FakeData"),
        ({"kind": "huggingface", "repo": "user/set"}, "Hugging Face hub, user/set"),
        (
            {"kind": "huggingface", "repo": "user/set", "revision": "ab" * 20},
            "Hugging Face hub, user/set at abababababab…",
        ),
        ({"kind": "archive", "path": "a.tar", "sha256": "0" * 64}, "archive a.tar, SHA-256 000000000000…"),
    ],
)  # fmt: skip
def test_a_source_in_words(source, words):
    assert _source(Dataset.model_validate({"domain": "object", "source": source})) == words
