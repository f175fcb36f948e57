"""Files of claims, and what is told of wrong ones."""

from pathlib import Path

import pytest
import yaml

from unispace.config.claims import SHIPPED
from unispace.config.claims_file import read_claims
from unispace.config.study import Study
from unispace.errors import UserError
from unispace.records.results import SCHEMA

ROOT = Path(__file__).resolve().parents[2]
PLAIN = """\
claims:
  better:
    statement: IMIC is better than the base.
    source: ours
    family: curriculum
    compare:
      - kind: models
        curriculum: [imic*]
        against: base
        datasets: tasks
        holds: above
"""


def told(folder, text: str) -> str:
    (folder / "mine.yaml").write_text(text, "utf-8")
    with pytest.raises(UserError) as error:
        read_claims(["mine.yaml"], folder)
    return str(error.value)


def test_the_shipped_claims_name_their_source_and_hold_what_was_asked_for():
    (file,) = read_claims([SHIPPED], ROOT).values()
    assert file.alpha == 0.05
    assert file.correction == "holm"
    assert {claim.family for claim in file.claims.values()} == {
        *("curriculum", "space", "compatibility", "trade-offs"),
    }
    for claim in file.claims.values():
        assert claim.source == "ours" or "arXiv" in claim.source
        # The papers state no margin and no threshold.
        assert claim.ours


def test_columns_of_the_results_can_be_chosen_by():
    from unispace.config.claims import COLUMNS

    assert set(COLUMNS) <= set(SCHEMA.names)


def test_a_study_tests_the_shipped_claims_unless_it_names_others():
    assert Study.model_fields["claims"].default.files == (SHIPPED,)


def test_a_file_may_set_level_and_correction(tmp_path):
    (tmp_path / "mine.yaml").write_text(f"alpha: 0.01\ncorrection: none\n{PLAIN}", "utf-8")
    (file,) = read_claims(["mine.yaml"], tmp_path).values()
    assert (file.alpha, file.correction) == (0.01, "none")
    (claim,) = file.claims.values()
    assert claim.compare[0].than == 0


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("holds: above", "holds: over", "`claims.better.compare.0.holds`: got 'over', "),
        ("kind: models", "kind: model", "mine.yaml:7: `claims.better.compare.0.kind`: got 'model', did you mean `models`?"),
        ("against: base", "againts: base", "`claims.better.compare.0.againts`: unknown key, did you mean `against` or `margin`?"),
        ("holds: above", "holds: equivalent", "`equivalent` takes a margin; add the line `margin: study` or `margin: 0.05`"),
        ("holds: above", "holds: above\n        margin: 0.1", "`above` takes `than: 0.1`, not `margin`"),
        ("holds: above", "holds: equivalent\n        margin: 0.1\n        than: 1", "`equivalent` takes a margin and no `than`"),
        ("    family: curriculum\n", "", "mine.yaml:2: `claims.better.family`: missing; add the line `family: ...`"),
        ("  better:", "  Better one:", "a name holds small letters, digits, - and _ only"),
        ("source: ours", "source: ours\n    source: theirs", "mine.yaml:5: `claims.better.source`: stands already in line 4"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_line_and_remedy(tmp_path, old, new, message):
    assert old in PLAIN
    assert message in told(tmp_path, PLAIN.replace(old, new, 1))


ROWS = """\
        where: { experiment: families, metric: Rank-1-gain }
        holds: above
"""


def rows(where: str = ROWS) -> str:
    return PLAIN[: PLAIN.index("        curriculum: [")].replace("models", "rows") + where


def test_one_value_of_a_column_needs_no_list(tmp_path):
    (tmp_path / "mine.yaml").write_text(rows(), "utf-8")
    (file,) = read_claims(["mine.yaml"], tmp_path).values()
    asked = file.claims["better"].compare[0]
    assert asked.where == {"experiment": ("families",), "metric": ("Rank-1-gain",)}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("experiment:", "experiments:", "`experiments` is no column of the results; did you mean"),
        ("holds: above", "holds: equivalent\n        margin: study", "`study` is of kind `models`, whose metrics have margins; write a number, such as 0.05"),
        ("holds: above", "holds: below\n        p_value: -p", "permutation tests of the results are of `holds: above`"),
    ],
)  # fmt: skip
def test_mistakes_about_rows_are_told(tmp_path, old, new, message):
    assert message in told(tmp_path, rows(ROWS.replace(old, new, 1)))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(
        UserError, match=r"claims.files: `none.yaml` is not there; name a file of claims such as"
    ):
        read_claims(["none.yaml"], tmp_path)


@pytest.mark.parametrize(("text", "got"), [("", "nothing"), ("- a\n", r"['a']")])
def test_a_file_without_claims_is_refused(tmp_path, text, got):
    message = told(tmp_path, text)
    assert (
        f"mine.yaml: a file of claims is a block that begins with `claims:`, got {got}" in message
    )


def test_a_name_stands_in_one_file(tmp_path):
    for name in ("one.yaml", "two.yaml"):
        (tmp_path / name).write_text(PLAIN, "utf-8")
    with pytest.raises(UserError, match=r"two.yaml: claims.better: stands in one.yaml already"):
        read_claims(["one.yaml", "two.yaml"], tmp_path)


def test_the_example_of_the_docs_is_a_sound_file_of_claims(tmp_path):
    text = (ROOT / "docs/claims.md").read_text("utf-8")
    blocks = [part.split("```")[0] for part in text.split("```yaml\n")[1:]]
    files = [block for block in blocks if isinstance(yaml.safe_load(block).get("claims"), dict) and "files" not in yaml.safe_load(block)["claims"]]  # fmt: skip
    assert files
    for block in files:
        (tmp_path / "mine.yaml").write_text(block, "utf-8")
        read_claims(["mine.yaml"], tmp_path)
