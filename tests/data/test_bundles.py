"""The bundles of real images that workflow/studies/bundles.yaml names hold what is said of them."""

import os
from pathlib import Path

import pytest
import yaml

from unispace.config.study import Study
from unispace.data.sources.archive import read_listing
from unispace.data.sources.fetch import check
from unispace.records.places import VARIABLE

ROOT = Path(__file__).resolve().parents[2]
STUDY = Study.model_validate(yaml.safe_load((ROOT / "workflow/studies/bundles.yaml").read_text()))

# Images, labels, and images of each split, as the bundles' own page publishes them.
PUBLISHED = {
    "cifar10": (4_000, 10, {"train": 3_000, "test": 1_000}),
    "caltech101": (2_400, 61, {"train": 1_200, "val": 200, "test": 600, "ood_unseen_class": 200, "ood_background": 200}),
    "dtd": (600, 10, {"ood_texture": 600}),
    "nuaa": (1_260, 2, None),
    "lfw": (13_233, 5_749, {"train": 7_522, "val": 1_246, "test": 4_465}),
    "cfp": (7_000, 500, None),
    "cuhk03-lowres-faces": (3_472, 733, {"train": 3_121, "test": 351}),
    "cuhk03": (8_177, 843, {"train": 7_239, "query": 451, "gallery": 487}),
}  # fmt: skip


def test_all_eight_are_in_the_study():
    assert set(STUDY.datasets) == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_bundle_holds_what_is_said_of_it(name):
    source = STUDY.datasets[name].source
    assert source.kind == "archive"
    file = Path(os.environ.get(VARIABLE, "")) / source.path
    if VARIABLE not in os.environ or not file.is_file():
        pytest.skip(f"{source.path} is not below {VARIABLE}")
    check(file, source.sha256, name)
    listing = read_listing(file, source.manifest)
    images, labels, splits = PUBLISHED[name]
    assert (len(listing), listing["label"].nunique()) == (images, labels)
    if splits:
        assert listing["split"].value_counts().to_dict() == splits
