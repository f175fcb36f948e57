"""YAML is read strictly: what another loader would drop without a word is refused."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from unispace.config.parse import check_text, load_yaml
from unispace.errors import UserError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", r"^x: 1 problem\n  x:3: `a`: stands already in line 1; delete one"),
        ("a:\n  b: 1\n  c: 2\n  b: 3", r"x:4: `a\.b`: stands already in line 2"),
        ("a: { b: 1, c: 2,\n  b: 3 }", r"x:2: `a\.b`: stands already in line 1"),
        ("a:\n- c: 1\n- b: 1\n  b: 2", r"x:4: `a\.1\.b`: stands already in line 3"),
        ("a: 1\n'a': 2", r"x:2: `a`: stands already in line 1"),
        ("a: 1\na: 2\na: 3", r"2 problems\n  x:2: .*line 1.*\n  x:3: .*line 1"),
        ("a: {b: 1, b: 2}\nc: 1\nc: 2", r"2 problems\n  x:1: `a\.b`.*\n  x:3: `c`"),
        ("a: 1\nb: [1, 2", r"^x:2: no valid YAML: .*flow sequence"),
        ("a: 1\n\tb: 2", r"^x:2: no valid YAML: .*indent with spaces, not tabs"),
        ("a: 1\n b: 2", r"^x:2: no valid YAML: "),
        ("a: *nothing", r"^x:1: no valid YAML: .*undefined alias"),
        ("a: 1\nb: \x00", r"^x:2: no valid YAML: special characters are not allowed"),
        ("a: 1\n---\nb: 2", r"^x:\d: no valid YAML: .*single document"),
        ("a: !!python/object:os.system x", r"^x:1: no valid YAML: .*constructor"),
        ("a: 1\nb: 2020-13-45", r"^x: no valid YAML: month must be in 1..12"),
        ("a: 1\nbb:2\nc: 3", r"^x:2: no valid YAML: a space is missing behind `bb:`; write `bb: "),
        ("a:\n  size:32 # px\n\n  b: { c: 1 }", r"^x:2: .* behind `size:`"),
        ("a:\n  - b: 1\n    size:32\n    c: 2", r"^x:3: .* behind `size:`"),
        ("a: http://b\n c: 1", r"^x:2: no valid YAML: mapping values"),
        ("{a: 1}: 2", r"^x:1: no valid YAML: .*unhashable"),
    ],
)
def test_a_text_that_is_no_clear_yaml_is_refused_with_its_line(text, message):
    with pytest.raises(UserError, match=message):
        check_text(text, "x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing",
        "a: 1",
        "a: {x: 1}\nb: {x: 2}",
        "- a: 1\n- a: 2",
        "a: &k {x: 1, y: 2}\nb:\n  <<: *k\n  x: 3",
        "a: &k [1]\nb: *k\nc: *k",
        "a: &k {b: *k}",
        "1: a\n'1': b",
    ],
)
def test_a_clear_text_is_read_as_every_loader_reads_it(text):
    assert repr(load_yaml(text, "x")) == repr(yaml.safe_load(text))


TREES = st.recursive(
    st.integers() | st.text() | st.booleans() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(TREES, st.booleans())
def test_what_a_dumper_writes_is_read_back(tree, flow):
    assert load_yaml(yaml.safe_dump(tree, default_flow_style=flow), "x") == tree


@given(st.lists(st.sampled_from("abcdef"), min_size=1))
def test_exactly_the_repeated_keys_are_reported(keys):
    text = "\n".join(f"{key}: {i}" for i, key in enumerate(keys))
    again = [i for i, key in enumerate(keys) if key in keys[:i]]
    if not again:
        assert load_yaml(text, "x") == {key: i for i, key in enumerate(keys)}
        return
    with pytest.raises(UserError) as caught:
        load_yaml(text, "x")
    lines = [int(line.split(":")[1]) for line in str(caught.value).splitlines()[1:]]
    assert lines == [i + 1 for i in again]
