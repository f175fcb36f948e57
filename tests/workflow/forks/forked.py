"""A process that stands for Snakemake and has servers, and what runs jobs by them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

WORKFLOW = Path(__file__).resolve().parents[3] / "workflow"

# Stands for the package: `python -m unispace script FILE` runs a file, handed over as the real one is.
MAIN = """
import sys

def main():
    with open(sys.argv[2]) as file:
        code = compile(file.read(), "script", "exec")
    exec(code, {"__name__": "script"})
    return 0

if __name__ == "__main__":
    from fork_server.client import hand_over

    status = hand_over()
    sys.exit(main() if status is None else status)
"""

# Stands for Snakemake: starts servers and has them until its input ends.
OWNER = """
import os
import sys
from types import SimpleNamespace
import fork_server.start as start

start.TABLES = ("numpy", "pydantic")
workflow = SimpleNamespace(
    is_main_process=True,
    local_exec=True,
    deployment_settings=SimpleNamespace(deployment_method=set()),
)
{change}
start.start_servers(workflow, ["script", "network"], ["network"])
print(os.environ["UNISPACE_FORK_SERVER"], flush=True)
sys.stdin.read()
"""

# Whether this job was forked: the server has imported what no script asked for. Few libraries, to be quick.
FORKED = "import sys; print('forked' if 'pydantic' in sys.modules else 'started')\n"


@dataclass
class Owner:
    """A process that has servers."""

    process: subprocess.Popen[str]
    package: Path
    servers: str

    def environment(self, forked: bool = True, **more: str) -> dict[str, str]:
        return {
            **environment(self.package),
            **({"UNISPACE_FORK_SERVER": self.servers} if forked else {}),
            **more,
        }

    def start(self, script: str, command: str = "script", **options) -> subprocess.Popen[str]:
        """Start a job."""
        file = self.package / f"{len(list(self.package.glob('*.script')))}.script"
        file.write_text(script)
        options = {
            "env": self.environment(),
            "cwd": self.package,
            "stdin": subprocess.PIPE,
        } | options
        return subprocess.Popen(
            [sys.executable, "-m", "unispace", command, str(file), "an argument", "é", ""],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, script: str, **options) -> tuple[int, str, str]:
        """Exit code, output and errors of a job."""
        job = self.start(script, **options)
        output, errors = job.communicate("some input\n", timeout=120)
        return job.returncode, output, errors

    def children(self) -> set[int]:
        """The processes below this one, however deep."""
        found, new = set(), {self.process.pid}
        while new:
            new = {p for p, parent in parents().items() if parent in new} - found
            found |= new
        return found


def environment(package: Path) -> dict[str, str]:
    one = ("OMP", "GOTO", "OPENBLAS", "MKL")
    return {
        # pytest changes its own from test to test.
        **{k: v for k, v in os.environ.items() if not k.startswith(("COV_", "COVERAGE", "PYTEST"))},
        **{f"{name}_NUM_THREADS": "1" for name in one},
        **{f"{name}_THREADS": "1" for name in ("VECLIB_MAXIMUM", "NUMEXPR_NUM")},
        "PYTHONPATH": f"{package}{os.pathsep}{WORKFLOW}",
    }


def parents() -> dict[int, int]:
    """The parent of every process that is not dead."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = file.read_text().rpartition(")")[2].split()[:2]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            found[int(file.parent.name)] = int(parent)
    return found


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 240
    while not condition():
        assert time.monotonic() < end, "nothing happened for four minutes"
        time.sleep(0.02)


def start_owner(package: Path, change: str = "", **more: str) -> Owner:
    (package / "unispace").mkdir(parents=True)
    (package / "unispace/__init__.py").write_text("")
    (package / "unispace/__main__.py").write_text(MAIN)
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(change=change)],
        env={**environment(package), **more},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(package / "owner.log").open("w"),
        text=True,
    )
    assert process.stdout
    return Owner(process, package, process.stdout.readline().strip())


def end(owner: Owner) -> None:
    owner.process.communicate("", timeout=240)
