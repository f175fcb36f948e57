"""What all commands share: arguments, log, and errors without a traceback."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import time
from collections.abc import Callable, Sequence

from unispace.errors import UserError
from unispace.records.run_lock import hold_as_job

Configure = Callable[[argparse.ArgumentParser], None]
Run = Callable[[argparse.Namespace], None]


def run_command(name: str, configure: Configure, run: Run, argv: Sequence[str]) -> int:
    """Parse the arguments of a command and run it.

    Returns:
        The exit code: 0 done, 1 an error that the user can mend (already printed).
    """
    doc = sys.modules[run.__module__].__doc__ or ""
    parser = argparse.ArgumentParser(
        prog=f"unispace {name}",
        description=doc,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configure(parser)
    arguments = parser.parse_args(argv)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)-7s %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
        force=True,
    )
    # What was imported stays to the end; looking through it again and again took a tenth of a training.
    gc.freeze()
    gc.enable()
    hold_as_job()
    start = time.monotonic()
    try:
        run(arguments)
    except UserError as error:
        logging.getLogger(name).error("%s", error)
        return 1
    logging.getLogger(name).info("done in %.1f s", time.monotonic() - start)
    return 0
