"""What all commands share: arguments, log, and errors without a traceback."""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from types import TracebackType

from unispace.errors import UserError
from unispace.records.run_lock import hold_as_job
from unispace.records.secrets import without_secrets

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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Discreet("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    sys.excepthook = _print_error
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


class _Discreet(logging.Formatter):
    """Lines of the log, without secrets: libraries put whole addresses into their errors."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        return without_secrets(super().format(record))


def _print_error(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print an error that nobody expected as Python does, without secrets."""
    sys.stderr.write(without_secrets("".join(traceback.format_exception(kind, error, trace))))
