"""A forked job computes what a started one computes: threads, processes, random numbers, libraries."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from forked import WORKFLOW

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="jobs are forked on Linux only"),
]


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
