"""What parsing says of several mistakes at once, of files that hold no study, and where keys stand."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from small_study import TEXT, line_with, refusal

from unispace.config.lines import line_of
from unispace.config.parse import parse_study
from unispace.errors import UserError, did_you_mean


def test_a_missing_key_at_the_top_has_no_line():
    assert "  `backbones`: missing; add the line `backbones: ...`" in refusal(
        TEXT.replace("backbones:", "#backbones:").replace(
            "  micro:\n    architecture: eva02_tiny_patch14_224\n"
            "    weights: { kind: pretrain, dataset: things, steps: 4 }\n",
            "",
        )
    )


def test_several_problems_are_reported_at_once():
    text = TEXT.replace("seed: 1", "seed: -1").replace("domain: face_hq", "domain: nobody")
    error = refusal(text.replace("steps: 4\n", "stepps: 4\n"))
    assert error.startswith("study.yaml: 3 problems\n")
    assert len(error.splitlines()) == 4
    for key in ("`seed`", "`datasets.faces.domain`", "`curricula.tuned.stepps`"):
        assert key in error


def test_several_dangling_references_are_counted_one_by_one():
    error = refusal(TEXT.replace("dataset: things", "dataset: a").replace("faces: {", "b: {"))
    assert error.startswith("study.yaml: 2 problems\n")
    assert error.count("is not defined") == 2


def test_a_wrong_entry_does_not_also_make_its_list_too_short():
    error = refusal(TEXT.replace("severity: [0.2, 0.8]", "kinds: [jpg]"))
    assert "1 problem" in error
    assert "at least" not in error


def test_a_misspelt_key_is_not_also_missing_but_another_one_is():
    text = TEXT.replace("curricula:", "curiculum:").replace("study: small\n", "")
    with pytest.raises(UserError) as caught:
        parse_study(yaml.safe_load(text), "small.yaml", text)
    lines = str(caught.value).splitlines()
    assert lines[0] == "small.yaml: 2 problems"
    assert "`study`: missing" in lines[1]
    assert "`curiculum`: unknown key, did you mean `curricula`?" in lines[2]


def test_without_text_there_are_no_line_numbers():
    with pytest.raises(UserError, match=r"^x: 1 problem\n  `seed`: got -1") as caught:
        parse_study({**yaml.safe_load(TEXT), "seed": -1}, "x")
    assert "x:" not in str(caught.value).splitlines()[1]


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", "nothing"), ("# only a comment", "nothing"), ("- a\n- b", r"\['a', 'b'\]"), ("hello", "'hello'"), ("3", "3")],
)  # fmt: skip
def test_a_file_that_holds_no_block_is_refused(text, shown):
    with pytest.raises(UserError, match=f"x.yaml: a study is a block of .* got {shown}$"):
        parse_study(yaml.safe_load(text), "x.yaml", text)


def test_a_number_that_yaml_takes_for_a_text_is_understood():
    # YAML 1.1 reads 1e-3, without a dot, as a text.
    text = TEXT.replace("    steps: 4\n", "    learning_rate: 1e-3\n")
    assert isinstance(yaml.safe_load(text)["curricula"]["tuned"]["learning_rate"], str)
    assert parse_study(yaml.safe_load(text)).curricula["tuned"].learning_rate == 0.001


def test_an_anchor_and_a_merge_count_as_what_they_stand_for():
    text = TEXT.replace("  base: {}", "  base: &b { steps: 9 }").replace(
        "    steps: 4\n", "    <<: *b\n"
    )
    assert parse_study(yaml.safe_load(text), "x", text).curricula["tuned"].steps == 9


def test_a_mistake_below_an_anchor_is_shown_where_it_is_written():
    text = TEXT.replace("  base: {}", "  base: &b\n    steps: -9 #!\n  twin: *b")
    error = refusal(text)
    assert error.count(f"study.yaml:{line_with(text, '#!')}: ") == 2


KEYS = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), st.none(), min_size=1),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner, min_size=1),
)


@given(KEYS, st.booleans(), st.data())
def test_every_key_of_a_yaml_text_is_found_on_its_line(tree, inline, data):
    text = yaml.safe_dump(tree, default_flow_style=None if inline else False)
    path, here = [], tree
    while here:
        path.append(data.draw(st.sampled_from(sorted(here))))
        here = here[path[-1]]
    line = line_of(text, path)
    # Independently: cutting the text before that line loses the key, cutting behind it keeps it.
    lines = text.splitlines()
    events = list(yaml.scan("\n".join(lines)))
    marks = [e.start_mark.line + 1 for e in events if isinstance(e, yaml.ScalarToken)]
    assert line in marks
    assert path[-1] in lines[line - 1]


@pytest.mark.parametrize(
    ("word", "allowed", "sentence"),
    [
        ("stpes", ["steps", "seed"], "did you mean `steps`? (allowed: seed, steps)"),
        ("stpes", ["steps", *"abcdefg"], "did you mean `steps`?"),
        ("nest_tiny", ["best_tiny", "nest_tiny_patch14", *"abcdef"], "did you mean `nest_tiny_patch14` or `best_tiny`?"),
        ("qqq", ["b", "a"], "allowed: a, b"),
        ("qqq", [], "none are defined"),
        ("qqq", [f"{i:02}" for i in range(20)], "allowed: " + ", ".join(f"{i:02}" for i in range(12)) + ", ..."),
    ],
)  # fmt: skip
def test_did_you_mean_names_the_nearest_or_what_is_allowed(word, allowed, sentence):
    assert did_you_mean(word, allowed) == sentence


def test_a_leak_is_allowed_by_kind_and_two_data_sets_of_the_study():
    study = yaml.safe_load(TEXT) | {"audit": {"allow": ["images:faces:faces"]}}
    assert parse_study(study).audit.allow == ("images:faces:faces",)


@pytest.mark.parametrize(
    ("leak", "message"),
    [
        ("images:faces", "`audit.allow.0`: got 'images:faces', needs identities:TRAINED:TESTED or"),
        ("pixels:faces:faces", "got 'pixels:faces:faces', needs identities"),
        ("identities:faces:facs", "audit.allow: `facs` is not defined; did you mean `faces`"),
    ],
)
def test_a_leak_of_another_form_or_of_no_data_set_is_refused(leak, message):
    study = yaml.safe_load(TEXT) | {"audit": {"allow": [leak]}}
    with pytest.raises(UserError, match=message):
        parse_study(study)
