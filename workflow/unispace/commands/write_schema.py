"""Write the editor schema, the reference page of the study model and the page of registered data sets."""

from __future__ import annotations

import argparse
from pathlib import Path

from unispace.config.reference import reference_text, schema_text
from unispace.data.registry import registry
from unispace.data.registry_page import page_text
from unispace.records.files import replacing


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--schema", type=Path, default=Path("workflow/schemas/study.schema.json"))
    parser.add_argument("--page", type=Path, default=Path("docs/config.md"))
    parser.add_argument("--datasets", type=Path, default=Path("docs/datasets.md"))


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    texts = {
        arguments.schema: schema_text(),
        arguments.page: reference_text(),
        arguments.datasets: page_text(registry()),
    }
    for path, text in texts.items():
        with replacing(path) as temporary:
            temporary.write_text(text, "utf-8")
