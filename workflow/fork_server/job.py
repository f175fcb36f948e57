"""A fork of the server becomes a job: as if `python -m unispace` had started there."""

from __future__ import annotations

import atexit
import ctypes
import importlib
import os
import runpy
import signal
import sys
import tempfile
import threading
from io import TextIOWrapper
from typing import NoReturn, cast

from fork_server.message import Request

_PR_SET_PDEATHSIG = 1


def become(request: Request, files: list[int], server: int) -> NoReturn:
    """Be the job that a client asks for, to its end.

    Args:
        request: of the client.
        files: its standard input, output and error.
        server: id of the process that forked.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        # It ended before it could be asked to take this process with it.
        os._exit(1)
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    _settle(request)
    _end(_run(request.arguments), libc)


def _settle(request: Request) -> None:
    """Be where the client is, with its environment."""
    os.environ.clear()
    os.environ.update(dict(pair.split("=", 1) for pair in request.environment))
    os.chdir(request.folder)
    os.umask(int(request.mask))
    sys.path[0] = request.folder
    # Looked up again, since all this is another place; files may have come since the server looked.
    tempfile.tempdir = None
    importlib.invalidate_caches()
    for stream in (cast(TextIOWrapper, sys.stdout), cast(TextIOWrapper, sys.stderr)):
        stream.reconfigure(line_buffering=stream is sys.stderr or stream.isatty())
    # No two processes draw the same where nobody seeds; `random` does so itself.
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.seed()


def _run(arguments: tuple[str, ...]) -> int:
    """Run the command.

    Returns:
        Its exit code; less than 0 for the signal that it ends with.
    """
    sys.argv = ["unispace", *arguments]
    try:
        runpy.run_module("unispace", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return (end.code or 0) & 0xFF
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        _tell(error)
        return -signal.SIGINT
    except BaseException as error:
        _tell(error)
        return 1
    return 0


def _tell(error: BaseException) -> None:
    """Write a traceback as an interpreter does that was started for this job."""
    frames = error.__traceback__
    while frames and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    # The command may have said how: without secrets.
    sys.excepthook(type(error), error.with_traceback(frames), frames)


def _end(code: int, libc: ctypes.CDLL) -> NoReturn:
    """End as an interpreter does, but leave the memory to the system.

    To free it piece by piece takes longer than many a job: all that the server has imported would be touched, and
    hence copied.
    """
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    libc.fflush(None)
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
