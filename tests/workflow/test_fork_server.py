"""A forked job does what a started one does: what it sees, writes, computes, how it ends, and what a benchmark says."""

from __future__ import annotations

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="jobs are forked on Linux only"),
]

WORKFLOW = Path(__file__).resolve().parents[2] / "workflow"

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
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "nothing happened for a minute"
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
    owner.process.communicate("", timeout=60)


@pytest.fixture(scope="module", autouse=True)
def signals_as_in_a_terminal():
    """What is started in the background, or by nohup, ignores some signals, and so would all that it starts."""
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGHUP: signal.SIG_DFL}
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def owner(tmp_path_factory) -> Iterator[Owner]:
    owner = start_owner(tmp_path_factory.mktemp("owner") / "package")
    yield owner
    end(owner)


@pytest.fixture
def new_owner(tmp_path) -> Iterator[Callable[..., Owner]]:
    """Makes owners that a test may kill."""
    made = []

    def make(**options) -> Owner:
        made.append(start_owner(tmp_path / f"package{len(made)}", **options))
        return made[-1]

    yield make
    for owner in made:
        if owner.process.poll() is None:
            end(owner)


def test_a_job_is_forked_and_one_without_a_server_is_started(owner):
    assert owner.run(FORKED) == (0, "forked\n", "")
    assert owner.run(FORKED, env=owner.environment(forked=False)) == (0, "started\n", "")
    # No such command, no such folder: nothing to hand over to.
    assert owner.run(FORKED, command="other") == (0, "started\n", "")
    nowhere = owner.environment(UNISPACE_FORK_SERVER="/nowhere")
    assert owner.run(FORKED, env=nowhere) == (0, "started\n", "")


@pytest.mark.parametrize(
    "change",
    [
        "start.sys = SimpleNamespace(platform='darwin')",
        "workflow.local_exec = False",
        "workflow.is_main_process = False",
        "workflow.deployment_settings.deployment_method.add('conda')",
    ],
)
def test_no_server_where_a_fork_may_not_be_what_a_start_is(change):
    done = subprocess.run(
        [sys.executable, "-c", OWNER.format(change=change)],
        env=environment(WORKFLOW),
        capture_output=True,
        text=True,
        check=False,
    )
    # Where they are, no variable says.
    assert done.stderr.endswith("KeyError: 'UNISPACE_FORK_SERVER'\n")


SEEN = """
import os, signal, sys, tempfile, threading
print(sys.argv[1:2] + sys.argv[3:], os.getcwd(), oct(os.umask(0)), sys.stdin.read())
print(sys.path, sys.flags, sys.executable, sys.prefix)
print(sorted(item for item in os.environ.items()))
print(tempfile.gettempdir(), threading.active_count())
print(sys.stdout.encoding, sys.stdout.errors, sys.stdout.line_buffering)
print([signal.getsignal(number) for number in range(1, 32)], signal.pthread_sigmask(0, []))
print(__import__("random").random() == 0.5, sorted(os.listdir("/proc/self/fd"))[:3])
print("to errors", file=sys.stderr)
"""


def test_a_job_sees_what_a_started_one_sees(owner, tmp_path):
    def seen(forked):
        there = tmp_path / "another folder"
        there.mkdir(exist_ok=True)
        return owner.run(
            SEEN,
            cwd=there,
            env=owner.environment(forked, TMPDIR=str(there), PWD=str(there)),
            preexec_fn=lambda: os.umask(0o27),
        )

    code, output, errors = seen(forked=True)
    assert (code, errors) == (0, "to errors\n")
    assert "some input" in output
    assert "0o27" in output
    assert (code, output, errors) == seen(forked=False)


@pytest.mark.parametrize(
    "script",
    [
        "",
        "import sys; sys.exit(3)",
        "import sys; sys.exit(300)",
        "import sys; sys.exit(-1)",
        "import sys; sys.exit('what is wrong')",
        "import os; print('first'); os._exit(7)",
        "import os; os.kill(os.getpid(), 9)",
        "import os; os.abort()",
        "import ctypes; ctypes.string_at(0)",
        "raise KeyboardInterrupt",
        "import atexit; atexit.register(print, 'at the end'); print('text', end='')",
        "import threading, time; threading.Timer(0.3, print, ['from a thread']).start()",
        "from concurrent.futures import ThreadPoolExecutor as E; E().submit(print, 'from a pool')",
        "import ctypes; ctypes.CDLL(None).puts(b'from C')",
    ],
)
def test_a_job_ends_as_a_started_one_ends(owner, script):
    code, output, errors = owner.run(script)
    started = owner.run(script, env=owner.environment(forked=False))
    # Which frames of the interpreter stand above those of the package is of no interest.
    assert (code, output) == started[:2]
    assert errors.splitlines()[-1:] == started[2].splitlines()[-1:]


def test_a_traceback_is_that_of_the_command(owner):
    script = "def fail():\n    raise ValueError('what is wrong')\nfail()"
    frames = re.compile(r'  File "(?!<frozen runpy>).*\n')
    code, output, errors = owner.run(script)
    started = owner.run(script, env=owner.environment(forked=False))
    assert (code, output) == started[:2] == (1, "")
    assert errors.endswith("ValueError: what is wrong\n")
    assert frames.findall(errors) == frames.findall(started[2])
    assert len(frames.findall(errors)) == 4


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_to_a_job_reaches_it(owner, number):
    job = owner.start("print('on', flush=True)\nimport time\ntime.sleep(60)")
    assert job.stdout
    assert job.stdout.readline() == "on\n"
    before = owner.children()
    job.send_signal(number)
    errors = job.communicate(timeout=30)[1]
    assert job.returncode == -number
    assert ("KeyboardInterrupt" in errors) == (number == signal.SIGINT)
    wait_until(lambda: len(owner.children()) == len(before) - 1)


def test_a_job_may_take_a_signal_and_end_in_its_own_way(owner):
    script = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print('on', flush=True)
time.sleep(60)
"""
    job = owner.start(script)
    assert job.stdout
    assert job.stdout.readline() == "on\n"
    job.terminate()
    assert job.wait(30) == 5


def test_a_job_stops_and_goes_on_with_its_client(owner):
    job = owner.start("import os\nprint(os.getpid(), flush=True)\ninput()\nprint('went on')")
    assert job.stdout
    forked = int(job.stdout.readline())

    def state(pid):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    job.send_signal(signal.SIGTSTP)
    wait_until(lambda: state(forked) == state(job.pid) == "T")
    job.send_signal(signal.SIGCONT)
    assert job.communicate("go on\n", timeout=30)[0] == "went on\n"
    assert job.returncode == 0


def test_a_job_does_not_outlive_its_client(owner):
    job = owner.start("import os\nprint(os.getpid(), flush=True)\nimport time\ntime.sleep(60)")
    assert job.stdout
    forked = int(job.stdout.readline())
    assert forked != job.pid
    assert forked in owner.children()
    job.kill()
    wait_until(lambda: forked not in parents())
    # Its server goes on.
    assert owner.run(FORKED) == (0, "forked\n", "")


def test_a_server_bears_it_when_client_and_job_end_at_once(owner):
    for _ in range(20):
        job = owner.start("import os\nprint(os.getpid(), flush=True)\nimport time\ntime.sleep(60)")
        assert job.stdout
        os.kill(int(job.stdout.readline()), signal.SIGKILL)
        job.kill()
        job.communicate(timeout=30)
    assert owner.run(FORKED) == (0, "forked\n", "")


def test_a_signal_at_the_very_end_of_a_job_changes_at_most_how_it_ends(owner):
    for delay in range(20):
        job = owner.start("import os, signal; signal.signal(signal.SIGUSR1, signal.SIG_IGN)")
        time.sleep(0.03 + delay * 0.005)
        job.send_signal(signal.SIGUSR1)
        errors = job.communicate(timeout=30)[1]
        assert (job.returncode, errors) in ((0, ""), (-signal.SIGUSR1, ""))


def test_a_job_ends_well_though_notes_of_it_were_cleared(new_owner):
    owner = new_owner()
    job = owner.start("print('on', flush=True)\ninput()")
    assert job.stdout
    assert job.stdout.readline() == "on\n"
    shutil.rmtree(Path(owner.servers) / "forks")
    job.communicate("go on\n", timeout=30)
    assert job.returncode == 0
    assert owner.run(FORKED) == (0, "forked\n", "")


def test_nothing_outlives_a_killed_snakemake(new_owner):
    owner = new_owner()
    job = owner.start("import os\nprint(os.getpid(), flush=True)\nimport time\ntime.sleep(60)")
    assert job.stdout
    processes = {int(job.stdout.readline()), *owner.children()}
    assert len(processes) == 3
    owner.process.kill()
    errors = job.communicate(timeout=30)[1]
    assert job.returncode == 1
    assert "the fork server has gone, and this job with it" in errors
    wait_until(lambda: not processes & set(parents()))
    wait_until(lambda: not Path(owner.servers).exists())


def test_jobs_do_not_wait_for_libraries_of_the_server_to_be_taken_down(new_owner):
    owner = new_owner(change="start.TABLES = ('lingering',)")
    # Twice as long as is waited for.
    (owner.package / "lingering.py").write_text(
        "import atexit, time\natexit.register(time.sleep, 120)"
    )
    job = owner.start("import os\nprint(os.getpid(), flush=True)\nimport time\ntime.sleep(120)")
    assert job.stdout
    number = int(job.stdout.readline())
    owner.process.kill()
    wait_until(lambda: number not in parents())
    assert job.wait(timeout=30) == 1


def test_nothing_outlives_a_run_that_ends(new_owner):
    owner = new_owner()
    assert owner.run(FORKED)[1] == "forked\n"
    processes = owner.children()
    assert len(processes) == 2
    assert Path(owner.servers).is_dir()
    end(owner)
    assert not processes & set(parents())
    assert not Path(owner.servers).exists()
    # A job that starts now starts as ever.
    assert owner.run(FORKED) == (0, "started\n", "")


def test_folders_of_long_names_will_do(new_owner, tmp_path):
    long = tmp_path / ("long" * 40)
    long.mkdir()
    owner = new_owner(TMPDIR=str(long))
    assert Path(owner.servers).parent == long
    assert owner.run(FORKED) == (0, "forked\n", "")


def test_jobs_run_the_code_that_lies_there(owner):
    module = owner.package / "unispace/changed.py"
    for number in range(3):
        module.write_text(f"VALUE = {'x' * number!r}\n")
        done = owner.run("from unispace.changed import VALUE\nprint(VALUE)" + "\n" + FORKED)
        assert done == (0, "x" * number + "\nforked\n", "")


@pytest.mark.parametrize(
    "change",
    [
        {"OMP_NUM_THREADS": "2"},
        {"LD_LIBRARY_PATH": "/lib"},
        {"PYTHONWARNINGS": "error"},
        {"NEW": ""},
    ],
)
def test_a_job_with_other_settings_is_started(owner, change):
    assert owner.run(FORKED, env=owner.environment(**change)) == (0, "started\n", "")


def test_a_library_with_threads_is_refused_and_jobs_start(new_owner):
    owner = new_owner(change="start.TABLES = ('pydantic', 'busy')")
    (owner.package / "busy.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=[60], daemon=True).start()"
    )
    assert owner.run(FORKED) == (0, "started\n", "")
    assert (
        "a library starts threads when it is imported" in (owner.package / "owner.log").read_text()
    )
    assert owner.run(FORKED) == (0, "started\n", "")


def test_servers_have_one_thread_and_jobs_the_threads_of_a_started_one(owner):
    script = """
import hashlib, sys, numpy, torch, threadpoolctl
from pathlib import Path
forked = 'timm' in sys.modules
def state():
    pools = [sorted((k, str(v)) for k, v in pool.items()) for pool in threadpoolctl.threadpool_info()]
    return torch.get_num_threads(), torch.get_num_interop_threads(), sorted(pools)
numbers = numpy.random.default_rng(0).normal(size=(300, 300)).astype('float32')
def work():
    weights = torch.tensor(numbers, requires_grad=True)
    torch.nn.functional.softmax(weights @ weights, 1).square().sum().backward()
    convolved = torch.nn.functional.conv2d(weights[None, None], weights[None, None, :9, :9])
    found = numpy.linalg.svd(numbers[:200] @ numbers)[1], weights.grad.numpy(), convolved.detach().numpy()
    return [hashlib.sha256(array.tobytes()).hexdigest() for array in found]
print('threads', len(list(Path('/proc/self/task').iterdir())), state())
print(work(), state())
torch.set_num_threads(2)
with threadpoolctl.threadpool_limits(2):
    print(work(), state())
print('forked' if forked else 'started')
"""

    def done(forked, **more):
        code, output, errors = owner.run(
            script, command="network", env=owner.environment(forked, **more)
        )
        assert (code, errors) == (0, "")
        *lines, how = output.splitlines()
        return lines, how

    lines, how = done(forked=True)
    assert how == "forked"
    assert lines[0].startswith("threads 1 (1, ")
    assert (lines, "started") == done(forked=False)
    two, how = done(forked=True, OMP_NUM_THREADS="2", MKL_NUM_THREADS="2")
    assert how == "started"
    assert two[0].split("(")[1].startswith("2, ")


def test_a_forked_job_may_train_in_two_processes(owner):
    (owner.package / "helper.py").write_text(
        """
import torch
from torch import distributed

def add(rank, meeting):
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    values = torch.arange(1000.0) * (rank + 1)
    distributed.all_reduce(values)
    distributed.destroy_process_group()
    return float(values.sum())
"""
    )
    script = """
import multiprocessing, sys, helper
meeting = 'file://' + sys.argv[2] + '.meeting'
other = multiprocessing.get_context('spawn').Process(target=helper.add, args=(1, meeting))
other.start()
print(helper.add(0, meeting))
other.join()
print(other.exitcode, 'timm' in sys.modules)
"""
    code, output, _ = owner.run(script, command="network")
    assert (code, output) == (0, f"{3.0 * 999 * 1000 / 2}\n0 True\n")


def test_jobs_that_seed_nothing_draw_what_no_other_draws(owner):
    script = """
import random, numpy, torch
print(random.random(), numpy.random.random(), torch.rand(()).item())
"""
    drawn = [owner.run(script, command="network")[1].split() for _ in range(3)]
    for values in zip(*drawn, strict=True):
        assert len(set(values)) == 3


@pytest.mark.parametrize("kind", ["tables", "networks"])
def test_jobs_that_come_often_find_their_libraries_imported(kind):
    script = """
import importlib, sys
from fork_server.start import NETWORKS, TABLES
from unispace.__main__ import command_names
from unispace.records.code import imports

networks = sys.argv[1] == "networks"
for module in NETWORKS if networks else TABLES:
    importlib.import_module(module)
before = {name.partition(".")[0] for name in sys.modules}
for command in command_names():
    name = command.replace("-", "_")
    once = name in ("pretrain_backbone", "doctor") or name.startswith(("fetch", "convert"))
    if imports(name, "torch", "torchvision") == networks and not once:
        importlib.import_module(f"unispace.commands.{name}")
after = {name.partition(".")[0] for name in sys.modules}
print(*sorted(after - before - set(sys.stdlib_module_names)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, kind],
        env={**os.environ, "PYTHONPATH": str(WORKFLOW)},
        capture_output=True,
        text=True,
        check=True,
    )
    # The first belongs to pydantic, and comes with the server's first class of settings; the second starts threads.
    assert set(done.stdout.split()) <= {"annotated_types", "onnxruntime"}


SNAKEFILE = """
import sys
from types import SimpleNamespace
sys.path.insert(0, {workflow!r})
from fork_server import start

rule all:
    input: "long.txt", "short.txt"

rule job:
    input: "{{name}}.script"
    output: "{{name}}.txt"
    log: "{{name}}.log"
    benchmark: "{{name}}.tsv"
    shell: "python -m unispace script {{input}} {{output}} > {{log}} 2>&1"

onstart:
    start.TABLES = ("numpy", "pydantic")
    start.start_servers(workflow, ["script", "network"], ["network"])
"""


def snakemake(folder: Path, package: Path, scripts: dict[str, str], *options: str):
    """Start a run of two jobs, `long` and `short`."""
    folder.mkdir()
    for name, script in scripts.items():
        (folder / f"{name}.script").write_text(script)
    (folder / "Snakefile").write_text(SNAKEFILE.format(workflow=str(WORKFLOW)))
    variables = environment(package)
    variables["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{variables['PATH']}"
    return subprocess.Popen(
        ["snakemake", "--cores", "1", *options],
        cwd=folder,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_an_interrupted_run(tmp_path, number):
    start_owner(tmp_path / "package").process.communicate("")
    waiting = "print('on', flush=True)\nimport time\ntime.sleep(60)"
    run = snakemake(
        tmp_path / "run", tmp_path / "package", dict.fromkeys(("long", "short"), waiting)
    )
    logs = [tmp_path / "run" / f"{name}.log" for name in ("long", "short")]
    wait_until(lambda: any(log.exists() and log.read_text() == "on\n" for log in logs))
    processes = Owner(run, tmp_path, "").children()
    # Two servers, a shell or the client that it became, and a fork.
    assert len(processes) >= 4
    if number == signal.SIGINT:
        # As a terminal does: to all in the foreground.
        os.killpg(run.pid, number)
    else:
        run.kill()
    errors = run.communicate(timeout=60)[1]
    assert run.returncode == (-number if number == signal.SIGKILL else 1), errors
    wait_until(lambda: not processes & set(parents()))
    (log,) = (log for log in logs if log.exists())
    told = "KeyboardInterrupt" if number == signal.SIGINT else "the fork server has gone"
    assert told in log.read_text()


def test_benchmarks_say_what_forked_jobs_used(tmp_path):
    start_owner(tmp_path / "package").process.communicate("")
    work = """
import sys, time
forked = 'pydantic' in sys.modules
block = bytearray(300_000_000)
while time.process_time() < {seconds}:
    pass
open(sys.argv[3], 'w').write('forked' if forked else 'started')
"""

    def benchmarks(folder, *options):
        scripts = {
            name: work.format(seconds=seconds) for name, seconds in (("long", 2.5), ("short", 0.3))
        }
        run = snakemake(folder, tmp_path / "package", scripts, *options)
        errors = run.communicate(timeout=300)[1]
        assert run.returncode == 0, errors
        found = {}
        for name in ("long", "short"):
            with (folder / f"{name}.tsv").open(newline="") as stream:
                (row,) = csv.DictReader(stream, delimiter="\t")
            found[name] = float(row["cpu_time"]), float(row["max_rss"])
        return found, {(folder / f"{name}.txt").read_text() for name in found}

    forked, how = benchmarks(tmp_path / "forked")
    assert how == {"forked"}
    started, how = benchmarks(tmp_path / "started", "--no-hooks")
    assert how == {"started"}
    block = 300_000_000 / 2**20
    for name, least in {"long": 2.5, "short": 0.3}.items():
        seconds, memory = forked[name]
        assert least - 0.05 < seconds < least + 0.5
        assert block < memory < block + 300
    # Looked at each half second, started jobs show at most as much.
    assert started["long"][0] < forked["long"][0] + 0.3
