"""A forked job does what a started one does: what it sees and writes, and how it ends; or it is started."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from forked import FORKED, OWNER, WORKFLOW, end, environment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="jobs are forked on Linux only"),
]


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


def test_a_module_is_compiled_once_where_python_leaves_nothing_beside_it(new_owner):
    owner = new_owner(PYTHONDONTWRITEBYTECODE="1")
    module = owner.package / "lent.py"
    module.write_text("value = 1")

    def run():
        # As the server's own.
        env = owner.environment(PYTHONDONTWRITEBYTECODE="1")
        return owner.run("import lent; print(lent.value)", env=env)[:2]

    assert run() == (0, "1\n")
    (kept,) = Path(owner.servers).rglob("lent.*.pyc")
    made = kept.stat().st_mtime_ns
    assert run() == (0, "1\n")
    assert kept.stat().st_mtime_ns == made
    # What is kept is that of the source as it is, and goes with the run.
    module.write_text("value = 'another'")
    assert run() == (0, "another\n")
    assert not list(owner.package.rglob("*.pyc"))
    end(owner)
    assert not kept.exists()
