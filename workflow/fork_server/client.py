"""The side of a job: hand it over, pass on signals, end as it ends. Imports little, since every job waits for it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import Any

from fork_server.message import ACCEPTED, LENGTH, VARIABLE, Request, origin

# A stop is passed on as the one that cannot be refused.
_PASSED_ON = {
    signal.SIGHUP: signal.SIGHUP,
    signal.SIGINT: signal.SIGINT,
    signal.SIGQUIT: signal.SIGQUIT,
    signal.SIGTERM: signal.SIGTERM,
    signal.SIGUSR1: signal.SIGUSR1,
    signal.SIGUSR2: signal.SIGUSR2,
    signal.SIGTSTP: signal.SIGSTOP,
    signal.SIGCONT: signal.SIGCONT,
}


def hand_over() -> int | None:
    """Have a server run the command of this process.

    Returns:
        The exit code of the command; None where no server takes it, and it has not begun. Where a signal ended the
        command, it ends this process as well.
    """
    folder = os.environ.pop(VARIABLE, None)
    if folder is None or len(sys.argv) < 2:
        return None
    connection = _accepted(folder)
    return None if connection is None else _wait(connection)


def _accepted(folder: str) -> socket.socket | None:
    """A connection to a server that has begun with the command of this process."""
    mask = os.umask(0o077)
    os.umask(mask)
    environment = tuple(f"{name}={value}" for name, value in os.environ.items())
    working = os.getcwd()  # noqa: PTH109 - pathlib takes as long to import as all else here
    request = Request(origin(), working, str(mask), tuple(sys.argv[1:]), environment)
    data = request.pack()
    connection = socket.socket(socket.AF_UNIX)
    try:
        # By the number of the folder, since names of sockets must be short.
        place = os.open(folder, os.O_PATH)
        try:
            connection.connect(f"/proc/self/fd/{place}/{sys.argv[1]}")
        finally:
            os.close(place)
        socket.send_fds(connection, [len(data).to_bytes(LENGTH, "big")], [0, 1, 2])
        connection.sendall(data)
        if connection.recv(1) == ACCEPTED:
            return connection
    except OSError:
        # No server for this command, or none any more: what every other start of a process does follows.
        pass
    connection.close()
    return None


def _wait(connection: socket.socket) -> int:
    """Pass on signals until the command has ended, and end as it did."""

    def pass_on(number: int, frame: Any) -> None:
        try:
            connection.send(bytes([_PASSED_ON[signal.Signals(number)]]))
        except (BrokenPipeError, ConnectionResetError):
            # The command has ended just now; how, is read next.
            return
        if number == signal.SIGTSTP:
            os.kill(os.getpid(), signal.SIGSTOP)

    for number in _PASSED_ON:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, pass_on)
    status = b""
    while len(status) < 4:
        part = connection.recv(4 - len(status))
        if not part:
            print(
                "unispace: the fork server has gone, and this job with it; run snakemake again",
                file=sys.stderr,
            )
            return 1
        status += part
    code = os.waitstatus_to_exitcode(int.from_bytes(status, "big"))
    if code < 0:
        # Snakemake and shells tell what killed a job from what killed this process.
        if -code in _PASSED_ON:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code
