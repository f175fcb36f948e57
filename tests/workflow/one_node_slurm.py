"""A Slurm of one node on loopback: Debian's packages, its own configuration, two devices that pose as GPUs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue")
CONFIGURATION = Path("/etc/slurm")
PLUGINS = (
    "snakemake-executor-plugin-slurm==2.8.0",
    "snakemake-executor-plugin-slurm-jobstep==0.6.1",
)
SLURM = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CryptoType=crypto/munge
StateSaveLocation={run}/state
SlurmdSpoolDir={run}/spool
SlurmctldPidFile={run}/slurmctld.pid
SlurmdPidFile={run}/slurmd.pid
SlurmctldLogFile={run}/slurmctld.log
SlurmdLogFile={run}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
ReturnToService=2
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=4 Boards=1 SocketsPerBoard=1 CoresPerSocket=4 ThreadsPerCore=1 \
RealMemory=16000 Gres=gpu:2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Why no Slurm can be started here; empty where it can. Installs it where that does no harm."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "a Slurm of its own needs Linux and root"
    if any((CONFIGURATION / name).exists() for name in ("slurm.conf", "gres.conf")):
        return f"{CONFIGURATION} holds the configuration of a cluster, which a test must not touch"
    if Path("/run/systemd/system").exists():
        return "on a machine with services a test starts none; run it in a container"
    if not all(map(shutil.which, PROGRAMS)) and shutil.which("apt-get"):
        install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (("apt-get", "update", "-qq"), (*install, "slurm-wlm", "munge")):
            subprocess.run(command, env=quiet, capture_output=True, check=False)
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    return f"not here, and could not be installed: {', '.join(missing)}" if missing else ""


def environment_with_plugin(folder: Path, plugins: Sequence[str] = PLUGINS) -> str:
    """A virtual environment that has all of this one and plugins of Snakemake; why there is none, or empty."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    here = [path for path in sys.path if path.endswith("site-packages")]
    # Added as a site, so that packages installed in place are found too.
    lines = [f"import site; site.addsitedir({path!r})\n" for path in here]
    (site / "tests.pth").write_text("".join(lines))
    python = folder / "bin" / "python"
    done = subprocess.run(
        [str(python), "-m", "pip", "install", "--quiet", "--no-deps", *plugins],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return f"the plugin could not be installed: {done.stderr.strip()[-300:]}"
    # Entry points know their interpreter; ours must be that of this environment.
    program = folder / "bin" / "snakemake"
    program.write_text(
        f"#!{python}\nimport sys\nfrom snakemake.cli import main\nsys.exit(main())\n"
    )
    program.chmod(0o755)
    return ""


class Slurm:
    """The daemons; to be closed."""

    def __init__(self, run: Path) -> None:
        """Start them and wait until the node is ready.

        Args:
            run: folder for their state and logs.
        """
        self.run = run
        self.host = socket.gethostname().split(".")[0]
        for name in ("state", "spool"):
            (run / name).mkdir(parents=True)
        names = {"host": self.host, "run": run}
        CONFIGURATION.mkdir(exist_ok=True)
        (CONFIGURATION / "slurm.conf").write_text(SLURM.format(**names))
        # A GPU without a file counts for nothing.
        for number in range(2):
            subprocess.run(["mknod", str(run / f"gpu{number}"), "c", "1", "3"], check=True)
        (CONFIGURATION / "gres.conf").write_text(
            f"NodeName={self.host} Name=gpu File={run}/gpu[0-1] AutoDetect=off\n"
        )
        self._started: list[subprocess.Popen[bytes]] = []
        socket_folder = Path("/run/munge")
        socket_folder.mkdir(mode=0o755, exist_ok=True)
        for folder in (socket_folder, Path("/var/lib/munge"), Path("/var/log/munge")):
            if folder.exists():
                shutil.chown(folder, "munge", "munge")
        self._start("runuser", "-u", "munge", "--", "munged", "--foreground")
        self._wait(lambda: (socket_folder / "munge.socket.2").exists(), "munged")
        self._start("slurmctld", "-D", "-c")
        self._start("slurmd", "-D")
        self._wait(lambda: "idle" in self.call("sinfo", "--noheader", "-o", "%t"), "the node")

    def _start(self, *command: str) -> None:
        log = (self.run / f"{Path(command[-2 if command[0] == 'runuser' else 0]).name}.out").open(
            "wb"
        )
        with log:
            self._started.append(subprocess.Popen(command, stdout=log, stderr=log))

    def _wait(self, ready, what: str) -> None:
        for _ in range(300):
            if ready():
                return
            time.sleep(0.2)
        logs = "\n".join(p.read_text(errors="replace")[-2000:] for p in self.run.glob("*.log"))
        self.close()
        raise TimeoutError(f"{what} did not come up:\n{logs}")

    def call(self, *command: str) -> str:
        """What one of Slurm's programs says."""
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout

    def log(self) -> str:
        """What the controller has logged."""
        return (self.run / "slurmctld.log").read_text(errors="replace")

    def close(self) -> None:
        """End the daemons and remove their configuration."""
        self.call("scancel", "--user=root")
        for process in reversed(self._started):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for name in ("slurm.conf", "gres.conf"):
            (CONFIGURATION / name).unlink(missing_ok=True)
