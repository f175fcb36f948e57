"""Reading files of claims."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from unispace.config.claims import SHIPPED, ClaimsFile
from unispace.config.parse import parse_file
from unispace.errors import UserError


def read_claims(files: Sequence[str], folder: Path = Path()) -> dict[str, ClaimsFile]:
    """Read and check files of claims.

    Args:
        files: their paths.
        folder: where relative ones begin.

    Returns:
        Each by its path, in order.

    Raises:
        UserError: a file is missing or wrong, or a name stands in two of them; with all problems of a file.
    """
    found: dict[str, ClaimsFile] = {}
    seen: dict[str, str] = {}
    for file in files:
        try:
            text = (folder / file).read_text("utf-8")
        except (FileNotFoundError, IsADirectoryError) as error:
            raise UserError(
                f"claims.files: `{file}` is not there; name a file of claims such as {SHIPPED}, or write "
                f"`claims: {{ files: [] }}` for none"
            ) from error
        found[file] = parse_file(
            text, ClaimsFile, file, "a file of claims is a block that begins with `claims:`"
        )
        for name in found[file].claims:
            if name in seen:
                raise UserError(
                    f"{file}: claims.{name}: stands in {seen[name]} already; call one of the two otherwise"
                )
            seen[name] = file
    return found
