"""Write the editor schema and the reference page of the study model."""

from __future__ import annotations

import argparse
from pathlib import Path

from unispace.config.reference import reference_text, schema_text
from unispace.records.files import replacing


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--schema", type=Path, default=Path("workflow/schemas/study.schema.json"))
    parser.add_argument("--page", type=Path, default=Path("docs/config.md"))


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    for path, text in ((arguments.schema, schema_text()), (arguments.page, reference_text())):
        with replacing(path) as temporary:
            temporary.write_text(text, "utf-8")
