"""The process that has imported libraries and forks jobs.

`python -m fork_server.server FOLDER LISTENER MODULE...`, started by `fork_server.start`. It imports when the first
job comes, so a run without such jobs does not pay for it. It has one thread, for only such a process can be forked
at any moment: threads of the parent do not live in the child, but locks that they hold do.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import selectors
import shutil
import signal
import socket
import struct
import sys
from dataclasses import dataclass
from pathlib import Path

from fork_server import notes
from fork_server.job import become
from fork_server.message import ACCEPTED, COMPILED, LENGTH, NOTES, Request, origin, unpack

# Seconds in which a client must have said what it wants; others wait meanwhile.
_PATIENCE = 10


@dataclass(frozen=True)
class _Job:
    """A fork.

    Attributes:
        pid: its id.
        process: file number that stands for it.
        connection: to the client.
        client: id of the client.
        shell: id of its parent.
    """

    pid: int
    process: int
    connection: socket.socket
    client: int
    shell: int


class Server:
    """Forks a job for each client."""

    def __init__(self, folder: Path, listener: socket.socket, modules: list[str]) -> None:
        """Have nothing imported yet.

        Args:
            folder: of all servers of a run; removed when that ends.
            listener: where clients come.
            modules: to import before the first fork.
        """
        self._origin = origin()
        self._folder = folder
        self._notes = folder / NOTES
        self._listener = listener
        self._modules = modules
        self._imported = False
        self._selector = selectors.DefaultSelector()

    def serve(self) -> None:
        """Serve until the other end of standard input has gone, and with it the run; jobs end then, too."""
        self._selector.register(0, selectors.EVENT_READ)
        self._selector.register(self._listener, selectors.EVENT_READ)
        while True:
            for key, _ in self._selector.select():
                if key.fileobj == 0:
                    shutil.rmtree(self._folder, ignore_errors=True)
                    return
                if key.fileobj is self._listener:
                    self._fork()
                elif key.fileobj == key.data.process:
                    self._ended(key.data)
                else:
                    self._told(key.data)

    def _fork(self) -> None:
        """Fork for the next client, where a process of its own would have what this one has."""
        if not self._imported:
            _import(self._modules)
            _keep_compiled(self._folder / COMPILED)
            self._imported = True
        connection, _ = self._listener.accept()
        request, files = _receive(connection)
        if request is None or request.origin != self._origin:
            connection.close()
            _close(files)
            return
        server = os.getpid()
        pid = os.fork()
        if pid == 0:
            connection.close()
            self._forget()
            become(request, files, server)
        _close(files)
        client = _peer(connection)
        # Somebody may have cleared old temporary files: a benchmark that shows less must not end a job.
        with contextlib.suppress(FileNotFoundError):
            notes.begin(self._notes, client, pid)
        job = _Job(pid, os.pidfd_open(pid), connection, client, _parent(client))
        self._selector.register(job.process, selectors.EVENT_READ, job)
        self._selector.register(connection, selectors.EVENT_READ, job)
        self._tell(job, ACCEPTED)

    def _forget(self) -> None:
        """Close in a fork what is the server's alone; standard input is replaced anyway."""
        for key in self._selector.get_map().values():
            if isinstance(key.fileobj, socket.socket):
                key.fileobj.close()
            elif key.fd:
                os.close(key.fd)
        self._selector.close()

    def _told(self, job: _Job) -> None:
        """Send a job the signals that its client got; kill it where the client has gone."""
        if job.connection.fileno() < 0:
            # It ended in the same moment.
            return
        try:
            numbers = job.connection.recv(64)
        except ConnectionResetError:
            numbers = b""
        if not numbers:
            self._selector.unregister(job.connection)
        for number in numbers or [signal.SIGKILL]:
            signal.pidfd_send_signal(job.process, number)

    def _ended(self, job: _Job) -> None:
        """Tell the client how its job ended, and the benchmark what it used."""
        _, status, usage = os.wait4(job.pid, 0)
        with contextlib.suppress(FileNotFoundError):
            notes.end(self._notes, job.client, job.shell, job.pid, usage)
        self._selector.unregister(job.process)
        os.close(job.process)
        if job.connection in self._selector.get_map():
            self._selector.unregister(job.connection)
        self._tell(job, status.to_bytes(4, "big"))
        job.connection.close()

    def _tell(self, job: _Job, message: bytes) -> None:
        """Tell a client, where it has not been killed meanwhile."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            job.connection.sendall(message)


def _import(modules: list[str]) -> None:
    """Import modules, and be ready to fork.

    Raises:
        RuntimeError: where one of them starts a thread.
    """
    # Arrow carries an allocator that starts a thread when it is loaded, even where another one is used.
    os.environ["JE_ARROW_MALLOC_CONF"] = "background_thread:false"
    gc.disable()
    for module in modules:
        importlib.import_module(module)
    # The first class of settings looks through all installed packages for plugins.
    if "pydantic" in modules:
        sys.modules["pydantic"].create_model("First", value=(int, 0))
    threads = [p.read_text().strip() for p in Path("/proc/self/task").glob("*/comm")]
    if len(threads) > 1:
        raise RuntimeError(
            f"a library starts threads when it is imported ({', '.join(threads)}), so no job can be forked and all"
            f" start as ever; take it off the list in fork_server/start.py: {', '.join(modules)}"
        )
    # What lies here is shared with the jobs as long as nobody touches it.
    gc.freeze()
    gc.enable()


def _keep_compiled(folder: Path) -> None:
    """Compile modules of the package for all jobs of the run, where Python must leave nothing beside their sources.

    As in most containers (PYTHONDONTWRITEBYTECODE): each job would compile what it imports, a tenth of a second and more.
    """
    if sys.dont_write_bytecode:
        sys.pycache_prefix = str(folder)
        sys.dont_write_bytecode = False


def _receive(connection: socket.socket) -> tuple[Request | None, list[int]]:
    """What a client asks for, None where it has gone or is stopped for long, and its open files."""
    connection.settimeout(_PATIENCE)
    files: list[int] = []
    size, data = 0, b""
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        head, files, _, _ = socket.recv_fds(connection, LENGTH, 3)
        size = int.from_bytes(head, "big")
        with connection.makefile("rb") as stream:
            data = stream.read(size)
    connection.settimeout(None)
    return unpack(data) if size and len(data) == size else None, files


def _close(files: list[int]) -> None:
    for file in files:
        os.close(file)


def _peer(connection: socket.socket) -> int:
    """The id of the process at the other end."""
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    return struct.unpack("3i", credentials)[0]


def _parent(process: int) -> int:
    """The id of the parent of a process; 0 where it has ended."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return 0
    # The name in brackets may hold anything; state and parent follow it.
    return int(status.rpartition(")")[2].split()[1])


if __name__ == "__main__":
    Server(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])), sys.argv[3:]).serve()
    # Jobs end with this process, and a next run is refused until then: taking down the libraries takes seconds.
    os._exit(0)
