"""What the environment of a whole run keeps secret stands in no file that the run leaves."""

from __future__ import annotations

import gzip
import io
import re

import pyarrow.parquet as pq
import pytest
from planted_secrets import PLANTED

pytestmark = pytest.mark.slow

SECRETS = [re.sub(r"https://ann:(.*)@.*", r"\1", value) for value in PLANTED.values()]


def texts(path) -> list[bytes]:
    """The bytes of a file, and what is packed in them."""
    content = path.read_bytes()
    if path.suffix == ".parquet":
        table = pq.read_table(io.BytesIO(content))
        return [content, table.to_pandas().to_csv().encode(), repr(table.schema.metadata).encode()]
    return [content, gzip.decompress(content)] if content[:2] == b"\x1f\x8b" else [content]


def test_the_secrets_are_such_as_can_be_found(tmp_path):
    table = "a secret of a table: " + SECRETS[0]
    (tmp_path / "a.gz").write_bytes(gzip.compress(table.encode()))
    assert SECRETS[0].encode() in texts(tmp_path / "a.gz")[1]
    assert len(SECRETS) == 4
    assert all("planted" in secret.lower() and ":" not in secret for secret in SECRETS)


def test_no_file_of_a_whole_run_holds_a_secret_of_its_environment(finished):
    seen = {".log": 0, ".html": 0, ".json": 0, ".parquet": 0}
    for path in finished.folder.rglob("*"):
        if not path.is_file():
            continue
        seen[path.suffix] = seen.get(path.suffix, 0) + 1
        for text in texts(path):
            for secret in SECRETS:
                assert secret.encode() not in text, path
    assert min(seen.values()) > 0, seen
    # Snakemake's own notes too.
    assert any((finished.folder / ".snakemake" / "metadata").iterdir())


def test_a_study_with_a_password_is_refused_and_leaves_it_nowhere(fresh):
    old = "{ kind: studio, labels: 24, images_per_label: 4, size: 32 }"
    password = "pass4715word"  # noqa: S105
    new = (
        f"{{ kind: archive, path: 'https://ann:{password}@h.invalid/a.zip', sha256: '{'0' * 64}' }}"
    )
    study = "workflow/studies/tiny.yaml"
    fresh.change(study, old, new)
    done = fresh.snakemake("--cores", "1", "--configfile", study)
    assert done.returncode == 1
    assert "https://***@h.invalid/a.zip holds a name or password before the `@`" in done.stderr
    assert password not in done.stderr + done.stdout
    for path in fresh.folder.rglob("*"):
        if path.is_file() and path != fresh.folder / study:
            assert password.encode() not in path.read_bytes(), path
