"""The side of Snakemake: start the servers of a run, and end them with it."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fork_server.benchmark import count_forks
from fork_server.message import NOTES, VARIABLE

# What most jobs import; what is missing here, a job imports itself.
TABLES = (
    "numpy",
    "pandas",
    "pandas.io.formats.csvs",
    "pandas.io.formats.string",
    # The first table that is read imports these two.
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "pydantic",
    "safetensors.numpy",
    "yaml",
    "scipy.cluster.hierarchy",
    "scipy.fft",
    "scipy.linalg",
    "scipy.ndimage",
    "scipy.sparse",
    "scipy.spatial",
    "scipy.special",
    "scipy.stats",
    "sklearn.linear_model",
    "sklearn.manifold",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "matplotlib.style",
    "PIL.Image",
    "PIL.ImageDraw",
    "PIL.ImageFont",
    "PIL.ImageOps",
    "jinja2",
)
NETWORKS = (
    "numpy",
    "pandas",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "pyarrow.parquet",
    "pydantic",
    "PIL.Image",
    "psutil",
    "safetensors.torch",
    "torch",
    "torch.distributed",
    "timm",
    "open_clip",
)

# As Snakemake sets it for jobs of one thread; others start as ever.
_ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "GOTO_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ),
    "1",
)


def start_servers(workflow: Any, commands: Iterable[str], networks: Iterable[str]) -> None:
    """Have jobs of this run forked, where that gives what starting them gives.

    That is on Linux, in the process that schedules, for jobs that run here and with this interpreter. Elsewhere
    nothing is started and jobs start as ever.

    Args:
        workflow: Snakemake's, about to run.
        commands: of the package, as on its command line.
        networks: those of them that import torch.
    """
    here = workflow.is_main_process and workflow.local_exec
    if not (sys.platform == "linux" and here):
        return
    if workflow.deployment_settings.deployment_method:
        return
    folder = Path(tempfile.mkdtemp(prefix="unispace-"))
    (folder / NOTES).mkdir()
    networks = set(networks)
    atexit.register(
        _stop,
        [
            _start(folder, TABLES, sorted(set(commands) - networks)),
            _start(folder, NETWORKS, sorted(networks)),
        ],
        folder,
    )
    count_forks(folder / NOTES)
    os.environ[VARIABLE] = str(folder)


def _start(folder: Path, modules: Iterable[str], commands: list[str]) -> subprocess.Popen[bytes]:
    """A server of some commands, each of which is a name of its socket."""
    with socket.socket(socket.AF_UNIX) as listener:
        # By the number of the folder, since names of sockets must be short.
        place = os.open(folder, os.O_PATH)
        try:
            listener.bind(f"/proc/self/fd/{place}/{commands[0]}")
        finally:
            os.close(place)
        for other in commands[1:]:
            (folder / other).symlink_to(commands[0])
        listener.listen(socket.SOMAXCONN)
        return subprocess.Popen(  # noqa: S603  # this interpreter, with names of modules
            [
                *(sys.executable, "-m", "fork_server.server"),
                *(str(folder), str(listener.fileno()), *modules),
            ],
            # It ends when this process, however that ends, no longer holds the other end.
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            env={**os.environ, **_ONE_THREAD},
            # An interrupt of the terminal is for the jobs, through their clients.
            start_new_session=True,
        )


def _stop(servers: list[subprocess.Popen[bytes]], folder: Path) -> None:
    """End the servers, and with them what they forked."""
    for server in servers:
        server.kill()
        server.wait()
    shutil.rmtree(folder, ignore_errors=True)
