"""A kubectl of a cluster that is a folder: keeps manifests, runs containers as processes, answers as kubectl does.

The folder is that of PRETENDED_CLUSTER. `claims/NAME` holds the access modes of a claim; where there is a file `forbidden`,
nothing may be created, where there is a file `unreachable`, nothing is answered, and while there is a file `held`, containers
do not get to their command. There is one image, `unispace`, and no graphics processor. Every call is noted in `calls`.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
KEY = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
QUANTITY = re.compile(r"[0-9]+(\.[0-9]+)?(m|k|M|G|Ki|Mi|Gi)?")


def install(folder: Path) -> Path:
    """The folder of a program `kubectl`, to stand on the PATH."""
    program = folder / "bin" / "kubectl"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!{sys.executable}\n{Path(__file__).read_text()}")
    program.chmod(0o755)
    return program.parent


def invalid(manifest: dict) -> str:
    """What an API server would not take in a manifest; empty where it takes all."""
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    labels = manifest["metadata"]["labels"] | manifest["spec"]["template"]["metadata"]["labels"]
    limits, requests = container["resources"]["limits"], container["resources"]["requests"]
    volumes = {volume["name"] for volume in pod["volumes"]}
    wrong = {
        "kind": (manifest["apiVersion"], manifest["kind"]) != ("batch/v1", "Job"),
        "metadata.name": not NAME.fullmatch(manifest["metadata"]["name"]),
        "metadata.labels": not all(
            KEY.fullmatch(k) and VALUE.fullmatch(v) for k, v in labels.items()
        ),
        "restartPolicy": pod["restartPolicy"] not in ("Never", "OnFailure"),
        "activeDeadlineSeconds": not pod["activeDeadlineSeconds"] > 0,
        "limits": not all(QUANTITY.fullmatch(v) for v in [*limits.values(), *requests.values()]),
        # Of devices both must be the same.
        "nvidia.com/gpu": limits.get("nvidia.com/gpu") != requests.get("nvidia.com/gpu"),
        "volumeMounts": {mount["name"] for mount in container["volumeMounts"]} != volumes,
        "env": not all(isinstance(one["value"], str) for one in container["env"]),
    }
    return ", ".join(name for name, bad in wrong.items() if bad)


def refuse(text: str) -> int:
    print(text, file=sys.stderr)
    return 1


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def job(self, name: str) -> Path:
        return self.folder / "jobs" / name

    def create(self, options: list[str]) -> int:
        manifest = json.load(sys.stdin)
        name = manifest["metadata"]["name"]
        if (self.folder / "forbidden").exists():
            return refuse(
                'Error from server (Forbidden): jobs.batch is forbidden: User "ann" cannot create resource'
            )
        if wrong := invalid(manifest):
            return refuse(f'The Job "{name}" is invalid: {wrong}: Invalid value')
        if "--dry-run=server" in options:
            print(f"job.batch/{name} created (server dry run)")
            return 0
        if self.job(name).exists():
            return refuse(f'Error from server (AlreadyExists): jobs.batch "{name}" already exists')
        self.job(name).mkdir(parents=True)
        (self.job(name) / "manifest.json").write_text(json.dumps(manifest))
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        if (
            container["image"] == "unispace"
            and "nvidia.com/gpu" not in container["resources"]["limits"]
        ):
            with (self.job(name) / "log").open("w") as log:
                subprocess.Popen(
                    [sys.executable, __file__, "_run", name],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        print(f"job.batch/{name} created")
        return 0

    def run(self, name: str) -> int:
        """The life of a pod: its container, begun once, and ended when its time is over."""
        manifest = json.loads((self.job(name) / "manifest.json").read_text())
        pod = manifest["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        # What an image has, and nothing of the machine that sent the job.
        image = {
            "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
            "HOME": str(self.job(name)),
            "LOGNAME": "unispace",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        env = {**image, **{one["name"]: one["value"] for one in container["env"]}}
        (self.job(name) / "group").write_text(str(os.getpgid(0)))
        while (self.folder / "held").exists():
            time.sleep(0.1)
        started = subprocess.Popen(container["command"], cwd=container["workingDir"], env=env)
        try:
            code = started.wait(pod["activeDeadlineSeconds"])
        except subprocess.TimeoutExpired:
            started.kill()
            code = -1
        ended = self.job(name) / "code.new"
        ended.write_text(str(code))
        ended.rename(self.job(name) / "code")
        return 0

    def objects(self, name: str) -> list[dict]:
        """A Job and its pod as the API has them."""
        if not self.job(name).exists():
            return []
        manifest = json.loads((self.job(name) / "manifest.json").read_text())
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        code = self.job(name) / "code"
        pod: dict = {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}
        job: dict = {"active": 1}
        if code.exists():
            ended = int(code.read_text())
            if ended == 0:
                job = {"conditions": [{"type": "Complete", "status": "True"}]}
                pod["phase"] = "Succeeded"
            else:
                reason = "DeadlineExceeded" if ended < 0 else "BackoffLimitExceeded"
                message = "Job has reached the specified backoff limit"
                failed = {
                    "type": "Failed",
                    "status": "True",
                    "reason": reason,
                    "message": message,
                }
                job, pod["phase"] = {"conditions": [failed]}, "Failed"
            end = {"terminated": {"exitCode": ended, "reason": "Error" if ended else "Completed"}}
            pod["containerStatuses"] = [{"state": end}]
        elif "nvidia.com/gpu" in container["resources"]["limits"]:
            why = {"reason": "Unschedulable", "message": "0/1 nodes: 1 Insufficient nvidia.com/gpu"}
            pod = {
                "phase": "Pending",
                "conditions": [{"type": "PodScheduled", "status": "False", **why}],
            }
        elif container["image"] != "unispace":
            why = {
                "reason": "ImagePullBackOff",
                "message": f'Back-off pulling image "{container["image"]}"',
            }
            pod = {"phase": "Pending", "containerStatuses": [{"state": {"waiting": why}}]}
        labels = manifest["metadata"]["labels"]
        return [
            {"kind": "Job", "metadata": {"name": name, "labels": labels}, "status": job},
            {
                "kind": "Pod",
                "metadata": {"name": f"{name}-x7k2p", "labels": labels},
                "status": pod,
            },
        ]

    def get(self, what: str, rest: list[str]) -> int:
        if what == "persistentvolumeclaims":
            claim = self.folder / "claims" / rest[0]
            if not claim.is_file():
                return refuse(
                    f'Error from server (NotFound): persistentvolumeclaims "{rest[0]}" not found'
                )
            found: dict = {
                "kind": "PersistentVolumeClaim",
                "spec": {"accessModes": claim.read_text().split()},
            }
        else:
            key, value = selector(rest)
            names = sorted(path.name for path in (self.folder / "jobs").glob("*"))
            objects = [found for name in names for found in self.objects(name)]
            items = [o for o in objects if o["metadata"]["labels"].get(key) == value]
            found = {"kind": "List", "items": items}
        print(json.dumps(found))
        return 0

    def logs(self, rest: list[str]) -> int:
        log = self.job(selector(rest)[1]) / "log"
        if log.is_file():
            print("\n".join(log.read_text().splitlines()[-20:]))
        else:
            # Without pods kubectl says so and is content.
            print("No resources found", file=sys.stderr)
        return 0

    def delete(self, rest: list[str]) -> int:
        names = [word for word in rest if not word.startswith("--")]
        for name in names:
            if not self.job(name).exists():
                if "--ignore-not-found" not in rest:
                    return refuse(f'Error from server (NotFound): jobs.batch "{name}" not found')
                continue
            group = self.job(name) / "group"
            if group.is_file() and not (self.job(name) / "code").exists():
                # It may have ended meanwhile.
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(int(group.read_text()), signal.SIGKILL)
            shutil.rmtree(self.job(name))
            print(f'job.batch "{name}" deleted')
        return 0


def selector(words: list[str]) -> tuple[str, str]:
    (given,) = (word for word in words if word.startswith("--selector="))
    key, value = given.removeprefix("--selector=").split("=")
    return key, value


def main(arguments: list[str]) -> int:
    cluster = Cluster(Path(os.environ["PRETENDED_CLUSTER"]))
    if arguments[0] == "_run":
        return cluster.run(arguments[1])
    with (cluster.folder / "calls").open("a") as calls:
        calls.write(f"{time.time():.3f} {' '.join(arguments)}\n")
    if (cluster.folder / "unreachable").exists():
        return refuse("Unable to connect to the server: dial tcp: i/o timeout")
    everywhere = ("--request-timeout=", "--namespace=", "--output=")
    command, *rest = [word for word in arguments if not word.startswith(everywhere)]
    if command == "create":
        return cluster.create(rest)
    if command == "get":
        return cluster.get(rest[0], rest[1:])
    if command == "logs":
        return cluster.logs(rest)
    assert (command, rest[0]) == ("delete", "jobs"), arguments
    return cluster.delete(rest[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
