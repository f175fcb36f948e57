"""Passwords of mirrors, signed links and tokens of the hub reach no file and no line of a log."""

import hashlib
import logging
import sys

import pytest

from unispace.commands.common.run import run_command
from unispace.config.parse import parse_study
from unispace.data.preflight import check_sources
from unispace.data.registry import PublishedFile, lookup
from unispace.data.sources import registered
from unispace.data.sources.download import Expected, download
from unispace.errors import UserError
from unispace.records.places import VARIABLE

PASSWORD, SIGNATURE, TOKEN = "pass-4711", "signed-4712", "hf_token-4713"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def everything_written(folder) -> str:
    return "\n".join(
        f"{path}: {path.read_bytes().decode('latin1')}"
        for path in folder.rglob("*")
        if path.is_file()
    )


def test_neither_what_fails_nor_what_is_cut_shows_them(files, here, capsys):
    host = files.url.removeprefix("http://")
    signed = f"/cdn/a?X-Amz-Signature={SIGNATURE}&x=1"
    files.redirects["/m/a"] = f"{files.url}{signed}"
    files.contents[signed] = b"not the archive" * 1000
    files.cut_after = [500, 0, 0]

    def run(arguments):
        known = Expected((f"sha256:{'0' * 64}",))
        download(f"http://ann:{PASSWORD}@{host}/m/a", here / "raw" / "a", known)

    assert run_command("fetch", lambda parser: None, run, []) == 1
    said, left = capsys.readouterr().err, everything_written(here)
    assert ".part.json" in left, "the cut part and what is known of it are kept"
    assert f"***@{host}/m/a" in said
    assert "X-Amz-Signature=***&x=1" in said
    for secret in (PASSWORD, SIGNATURE, TOKEN):
        assert secret not in said
        assert secret not in left


def test_the_record_of_what_came_names_its_place_without_them(files, here):
    content = b"whole" * 100
    known = hashlib.sha256(content).hexdigest()
    file = PublishedFile("a.bin", (), len(content), (f"sha256:{known}",))
    files.contents["/m/a.bin"] = content
    host = files.url.removeprefix("http://")
    record = here / "raw" / "a.bin.json"
    registered.fetch_registered(
        lookup("lfw"), file, None, f"http://ann:{PASSWORD}@{host}/m", here / "raw" / "a.bin", record
    )
    assert f'"from": "http://***@{host}/m/a.bin"' in record.read_text()
    assert PASSWORD not in everything_written(here)


def test_errors_of_libraries_and_tracebacks_do_not_show_them(capsys):
    def fails(arguments):
        logging.getLogger("x").warning("GET https://h/a?token=%s gave 403", SIGNATURE)
        raise UserError(f"the hub says: https://u:{PASSWORD}@h/a, Authorization: Bearer {TOKEN}")

    assert run_command("x", lambda parser: None, fails, []) == 1
    try:
        raise RuntimeError(f"https://u:{PASSWORD}@h/a with {TOKEN}")
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    said = capsys.readouterr().err
    assert "RuntimeError: https://***@h/a with ***" in said
    assert "https://h/a?token=*** gave 403" in said
    for secret in (PASSWORD, SIGNATURE, TOKEN):
        assert secret not in said


@pytest.mark.parametrize(
    "source",
    [
        {"kind": "archive", "path": f"https://ann:{PASSWORD}@h/a.zip", "sha256": "0" * 64},
        {"kind": "archive", "path": f"https://h/a.zip?sig={PASSWORD}", "sha256": "0" * 64},
        {"kind": "registered", "name": "lfw", "mirror": f"https://{PASSWORD}@h/m"},
    ],
)
def test_a_study_with_a_secret_in_it_is_refused_without_showing_it(source, here):
    study = parse_study(
        {
            "study": "s",
            "datasets": {"faces": {"domain": "face_hq", "source": source}},
            "backbones": {
                "b": {"architecture": "eva02_tiny_patch14_224", "weights": {"kind": "random"}}
            },
            "curricula": {"base": {}},
            "evaluation": {"datasets": ["faces"]},
        },
        "mine.yaml",
        "",
    )
    with pytest.raises(
        UserError, match=r"datasets\.faces\.source\.(path|mirror): https://"
    ) as said:
        check_sources(study, here / "raw")
    assert "~/.netrc" in str(said.value)
    assert PASSWORD not in str(said.value)
