"""What is made of the contents of files is made once, and never taken for what another content or setting gives."""

import pytest

from unispace.records.kept_made import KeptMade


@pytest.fixture
def path(tmp_path):
    return tmp_path / "kept" / "made"


def asked(path, contents, about="code", setting="small"):
    """The texts of contents, and which of them had to be made."""
    kept, made = KeptMade(path, about), []

    def make(content):
        made.append(content)
        return f"{setting} {content.decode()} by {about}"

    texts = [kept.of(c, setting, make=lambda c=c: make(c)) for c in contents]
    kept.keep()
    return texts, made


def test_a_content_that_was_seen_is_not_made_again(path):
    first = asked(path, [b"a", b"b"])
    assert first == (["small a by code", "small b by code"], [b"a", b"b"])
    assert asked(path, [b"b", b"a", b"c"]) == (
        ["small b by code", "small a by code", "small c by code"],
        [b"c"],
    )


def test_one_content_is_made_once_in_a_run_too(path):
    assert asked(path, [b"a", b"a"])[1] == [b"a"]


@pytest.mark.parametrize("other", [{"about": "other code"}, {"setting": "large"}])
def test_other_code_and_other_settings_make_it_again(path, other):
    asked(path, [b"a"])
    texts, made = asked(path, [b"a"], **other)
    assert made == [b"a"]
    assert texts == asked(None, [b"a"], **other)[0]


def test_what_is_not_asked_for_is_forgotten(path):
    asked(path, [b"a", b"b"])
    asked(path, [b"b"])
    assert asked(path, [b"a"])[1] == [b"a"]


def test_a_damaged_file_is_made_anew(path):
    asked(path, [b"a"])
    path.write_bytes(path.read_bytes()[:-1])
    assert asked(path, [b"a"]) == (["small a by code"], [b"a"])


def test_without_a_path_nothing_is_kept(tmp_path):
    asked(None, [b"a"])
    assert asked(None, [b"a"])[1] == [b"a"]
    assert list(tmp_path.iterdir()) == []
