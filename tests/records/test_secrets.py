"""What lets somebody in is found in addresses and in the environment, and nothing else is touched."""

import pytest

from unispace.records.secrets import HIDDEN, secret_of, without_secrets


@pytest.fixture(autouse=True)
def no_secrets(monkeypatch):
    import os

    for name in list(os.environ):
        if any(word in name for word in ("TOKEN", "SECRET", "PASSW", "KEY", "CREDENTIAL")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize(
    ("address", "shown", "what"),
    [
        ("https://ann:pw1@host/a.zip", "https://***@host/a.zip", "before the `@`"),
        ("https://token1@host/a.zip", "https://***@host/a.zip", "before the `@`"),
        ("https://h/a?token=s3cr&x=1", "https://h/a?token=***&x=1", "`token`"),
        ("https://h/a?x=1&sig=s3cr", "https://h/a?x=1&sig=***", "`sig`"),
        (
            "https://b.s3.example/a?X-Amz-Credential=AK&X-Amz-Date=2&X-Amz-Signature=ff",
            "https://b.s3.example/a?X-Amz-Credential=***&X-Amz-Date=2&X-Amz-Signature=***",
            "`X-Amz-Credential`",
        ),
        ("https://h/a?Key-Pair-Id=K&Policy=e30", "https://h/a?Key-Pair-Id=***&Policy=***", "`Key-Pair-Id`"),
    ],
)  # fmt: skip
def test_what_lets_somebody_in_is_hidden_and_named(address, shown, what):
    assert without_secrets(address) == shown
    assert what in secret_of(address)
    text = f"GET ({address}): 403, see '{address}' and <{address}>"
    assert without_secrets(text) == f"GET ({shown}): 403, see '{shown}' and <{shown}>"


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org/a.zip?download=1&id=abc",
        "https://www.dropbox.com/scl/fi/x/a.zip?rlkey=abc&dl=1",  # what everybody may follow
        "https://example.org/a?author=ann&monkey=1&decode=2",
        "mail ann@example.org, see http://h/@ann and s3://bucket/store",
        "no address: token=abc",
    ],
)
def test_what_is_no_secret_stays(text):
    assert without_secrets(text) == text
    assert secret_of(text) == ""


def test_secrets_of_the_environment_are_hidden_wherever_they_stand(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_abcdef")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hf_abcdef/longer")
    monkeypatch.setenv("MY_PASSWORD", "hunter22")
    said = without_secrets("a hf_abcdef/longer b hf_abcdef c hunter22")
    assert said == f"a {HIDDEN} b {HIDDEN} c {HIDDEN}"


def test_settings_that_only_sound_like_secrets_are_none(monkeypatch):
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "falsehood")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/home/ann/credentials")
    monkeypatch.setenv("SHORT_TOKEN", "abc")
    text = "falsehood /home/ann/credentials abc"
    assert without_secrets(text) == text
