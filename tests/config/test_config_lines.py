"""Problems that were found after the file was read get its lines, too."""

from unispace.config.lines import placed, with_places

TEXT = """\
study: s
datasets:
  faces:
    domain: face_hq
    source: { kind: folder, path: people }
"""


def test_a_problem_is_placed_by_its_key():
    problem = "datasets.faces.source: `people` was not found"
    assert placed(problem, "s.yaml", TEXT) == f"s.yaml:5: {problem}"


def test_a_key_that_is_left_out_is_placed_at_the_block_that_would_hold_it():
    problem = "datasets.faces.splits.train: is 0"
    assert placed(problem, "s.yaml", TEXT) == f"s.yaml:3: {problem}"


def test_a_problem_without_key_or_text_stays_as_it_is():
    assert placed("the disk is full", "s.yaml", TEXT) == "the disk is full"
    assert placed("datasets.faces: no", "s.yaml", "") == "datasets.faces: no"


def test_only_the_entries_of_a_list_are_placed():
    message = "study s:\n- datasets.faces.source: no\n  datasets.faces: a hint\n- the disk is full"
    assert with_places(message, "s.yaml", TEXT).splitlines() == [
        "study s:",
        "- s.yaml:5: datasets.faces.source: no",
        "  datasets.faces: a hint",
        "- the disk is full",
    ]
