"""Containers by a real runtime (crun, without a daemon), attached to by their cgroups before their work begins."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Project, blake
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

    def create(self) -> None:
        if self.visible:
            self._sh(MOUNT + "true", skip=True)
        # what it inherits must not be a pipe: its first process keeps it
        self._sh(f"exec unshare -m sh -c '{'' if self.visible else MOUNT}{RUN}' sh \"$@\"", "create", "--bundle", str(self.box),
                 self.name, skip=True)

    def start(self) -> None:
        self._sh(f"exec unshare -m sh -c '{RUN}' sh \"$@\"", "start", self.name)

    def delete(self) -> None:
        self._sh(f"exec unshare -m sh -c '{RUN}' sh \"$@\"", "delete", "--force", self.name)
        if self.visible:
            self._sh("umount --lazy \"$BOX/rootfs\"")

    def _sh(self, script: str, *arguments: str, skip: bool = False) -> None:
        with (self.box / "said").open("w+") as said:
            done = subprocess.run(["sh", "-c", script, "sh", *arguments], cwd=self.box, stdin=subprocess.DEVNULL, stdout=said,
                                  stderr=said, env={**os.environ, "BOX": str(self.box), "STATE": str(self.box / "state")})
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
    if (made.box / "state" / made.name).exists():
        made.delete()


def test_a_container(project: Project, container: Container) -> None:
    """Shared files by their paths here, its own by where its root is here, what is its system's as system; names that were
    moved and removed there are not taken for those that are called so here."""
    project.write("data/in.txt", "one\n")
    project.write("data/old.txt", "old\n")
    container.create()
    assert attach(project, "--cgroup", f"/{container.name}")["processes"] == 1
    container.start()
    project.write("data/go", "")
    job = ended(project, 1)

    shared = {"data/out.txt": blake(b"one\n"), "data/back.txt": blake(b"one\n"), "data/moved.txt": blake(b"moved\n")}
    own = "box/rootfs/root/" if container.visible else "/root/"
    content = {"own.txt": blake(b"one\n"), "large.bin": blake(bytes(300_000))}
    hashes = {own + name: digest if container.visible else None for name, digest in content.items()}
    assert job.outputs == {**shared, **hashes}
    assert job.inputs == {"data/in.txt": blake(b"one\n")}
    assert set(job.entries("scratch")) == {own + "part", "data/gone"}
    assert set(job.entries("removed")) == {"data/old.txt"}
    assert reasons(job) == ["attached"] if container.visible else ["attached", "unhashed_outputs"]
    programs = {entry["path"].rpartition("/")[2]: entry for entry in job["inputs"] if "execute" in entry["access"]}
    assert {programs[name]["role"] for name in ("crun", "cat", "mv")} == {"system"}
    assert programs["cat"]["hash"] == blake(Path("/usr/bin/cat").read_bytes())
    assert programs["crun"]["path"] == shutil.which("crun")
    assert {"cat", "mv", "rm", "head"} <= {step["argv"][0] for step in job["steps"]}
