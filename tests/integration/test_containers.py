"""Containers by a real runtime (crun, without a daemon), attached to by their cgroups before their work begins."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Project, Record, blake
from test_attach import attach, ended, reasons

#: crun wants version 2 of cgroups alone, which many machines have beside version 1.
RUN = "mount -t cgroup2 none /sys/fs/cgroup && exec crun --root \"$STATE\" --cgroup-manager=cgroupfs \"$@\""
MOUNT = "mount -t overlay overlay -o \"lowerdir=/,upperdir=$BOX/upper,workdir=$BOX/work\" \"$BOX/rootfs\" && "

WORK = """
while ! [ -e /data/go ]; do sleep 0.05; done
cat /data/in.txt > /data/out.txt
cat /data/in.txt > /root/own.txt
cat /root/own.txt > /data/back.txt
head -c 300000 /dev/zero > /root/large.bin
echo moved > /root/part
mv /root/part /data/moved.txt
echo gone > /data/gone
rm /data/gone
rm /data/old.txt
"""


class Container:
    """One whose root is an overlay of this machine's, and which has a directory of the project as /data. ``visible``: the
    overlay is mounted here too, as Docker and root's podman do it; else the runtime alone has it, as a user's podman."""

    def __init__(self, box: Path, data: Path, visible: bool) -> None:
        self.box, self.visible, self.name = box, visible, f"roar-test-{os.getpid()}-{visible:d}"
        self.environment = {"BOX": str(box), "STATE": str(box / "state")}
        for name in ("upper", "work", "rootfs", "state"):
            (box / name).mkdir(parents=True)
        mounts = [{"destination": "/proc", "type": "proc", "source": "proc"},
                  {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"},
                  {"destination": "/data", "type": "bind", "source": str(data), "options": ["rbind", "rw"]}]
        (box / "config.json").write_text(json.dumps({
            "ociVersion": "1.0.0", "root": {"path": "rootfs"}, "hostname": "box", "mounts": mounts,
            "process": {"user": {"uid": 0, "gid": 0}, "args": ["sh", "-c", WORK], "env": ["PATH=/usr/bin:/bin"], "cwd": "/"},
            "linux": {"cgroupsPath": f"/{self.name}",
                      "namespaces": [{"type": kind} for kind in ("pid", "mount", "ipc", "uts", "cgroup")]}}))

    def prepare(self) -> list[str]:
        """The command that runs it to its end."""
        if self.visible:
            self._sh(MOUNT + "true", skip=True)
        return ["unshare", "-m", "sh", "-c", ("" if self.visible else MOUNT) + RUN, "sh", "run", "--bundle", str(self.box),
                self.name]

    def create(self) -> None:
        """Until it waits to be started."""
        self._sh('exec "$@"', *("create" if word == "run" else word for word in self.prepare()), skip=True)

    def start(self) -> None:
        self._sh(f"exec unshare -m sh -c '{RUN}' sh \"$@\"", "start", self.name)

    def delete(self) -> None:
        if (self.box / "state" / self.name).exists():
            self._sh(f"exec unshare -m sh -c '{RUN}' sh \"$@\"", "delete", "--force", self.name)
        if (self.box / "rootfs/usr").exists():
            self._sh('umount --lazy "$BOX/rootfs"')

    def _sh(self, script: str, *arguments: str, skip: bool = False) -> None:
        with (self.box / "said").open("w+") as said:  # no pipe: its first process would keep that
            done = subprocess.run(["sh", "-c", script, "sh", *arguments], cwd=self.box, stdin=subprocess.DEVNULL, stdout=said,
                                  stderr=said, env={**os.environ, **self.environment})
            said.seek(0)
            text = said.read().strip()
        if done.returncode and skip:
            pytest.skip(f"no container here: {text}")
        assert done.returncode == 0, text


@pytest.fixture(params=[True, False], ids=["visible", "hidden"])
def container(project: Project, request: pytest.FixtureRequest) -> Iterator[Container]:
    if shutil.which("crun") is None:
        pytest.skip("crun is not installed")
    made = Container(project.path / "box", project.path / "data", request.param)
    yield made
    made.delete()


def check(job: Record, container: Container, *why: str) -> None:
    """Shared files by their paths here, its own by where its root is here, what is its system's as system; names that were
    moved and removed there are not taken for those that are called so here."""
    shared = {"data/out.txt": blake(b"one\n"), "data/back.txt": blake(b"one\n"), "data/moved.txt": blake(b"moved\n")}
    own = "box/rootfs/root/" if container.visible else "/root/"
    content = {"own.txt": blake(b"one\n"), "large.bin": blake(bytes(300_000))}
    hashes = {own + name: digest if container.visible else None for name, digest in content.items()}
    assert {path: digest for path, digest in job.outputs.items() if not path.startswith("box/st")} == {**shared, **hashes}
    assert {path: digest for path, digest in job.inputs.items() if path != "box/config.json"} == {
        "data/in.txt": blake(b"one\n")}
    assert {own + "part", "data/gone"} <= set(job.entries("scratch"))
    assert set(job.entries("removed")) == {"data/old.txt"}
    assert reasons(job) == [*why, *([] if container.visible else ["unhashed_outputs"])]
    programs = {entry["path"].rpartition("/")[2]: entry for entry in job["inputs"] if "execute" in entry["access"]}
    assert {programs[name]["role"] for name in ("crun", "cat", "mv")} == {"system"}
    assert programs["cat"]["hash"] == blake(Path("/usr/bin/cat").read_bytes())
    assert programs["crun"]["path"] == shutil.which("crun")
    assert {"cat", "mv", "rm", "head"} <= {step["argv"][0] for step in job["steps"]}


def test_a_container_that_is_attached_to(project: Project, container: Container) -> None:
    project.write("data/in.txt", "one\n")
    project.write("data/old.txt", "old\n")
    container.create()
    assert attach(project, "--cgroup", f"/{container.name}")["processes"] == 1
    container.start()
    project.write("data/go", "")
    check(ended(project, 1), container, "attached")


def test_a_container_that_is_run(project: Project, container: Container) -> None:
    """With its runtime as a part of the job. Where its root is here, the record is complete."""
    for name, content in (("in.txt", "one\n"), ("old.txt", "old\n"), ("go", "")):
        project.write(f"data/{name}", content)
    job = project.run(*container.prepare(), environment=container.environment)
    check(job, container)
