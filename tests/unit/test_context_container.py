"""Containers, batch systems and limits, from made-up files of theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from roarctl.context.container import container, limits, scheduler

ID = "0123456789abcdef" * 4


def write(root: Path, name: str, content: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


@pytest.mark.parametrize(("line", "runtime"), [
    (f"0::/system.slice/docker-{ID}.scope", "docker"), (f"12:cpu:/docker/{ID}", "docker"),
    (f"0::/machine.slice/libpod-{ID}.scope/container", "podman"),
    (f"0::/kubepods.slice/kubepods-burstable.slice/kubepods-pod1_2.slice/cri-containerd-{ID}.scope", "containerd"),
    (f"4:memory:/kubepods/burstable/pod1-2/{ID}", None),
])
def test_by_the_cgroup(tmp_path: Path, line: str, runtime: str | None) -> None:
    write(tmp_path, "proc/self/cgroup", f"{line}\n")
    found = container({}, str(tmp_path))
    assert found is not None
    assert (found["runtime"], found["id"], found["image"], found["kubernetes"]) == (runtime, ID, None, False)


@pytest.mark.parametrize(("place", "runtime"), [
    (f"/var/lib/docker/containers/{ID}/hostname", "docker"),
    (f"/var/lib/containers/storage/overlay-containers/{ID}/userdata/hosts", "podman"), (f"/x/containers/{ID}/y", None)])
def test_by_what_is_mounted_where_the_cgroup_is_hidden(tmp_path: Path, place: str, runtime: str | None) -> None:
    write(tmp_path, "proc/self/cgroup", "0::/\n")
    write(tmp_path, "proc/self/mountinfo", f"1 2 8:1 {place} /etc/hostname rw - ext4 /dev/sda1 rw\n")
    found = container({b"KUBERNETES_SERVICE_HOST": b"10.0.0.1"}, str(tmp_path))
    assert found is not None
    assert (found["runtime"], found["id"], found["kubernetes"]) == (runtime, ID, True)


def test_podman_says_its_image(tmp_path: Path) -> None:
    write(tmp_path, "run/.containerenv",
          f'engine="podman-4.3.1"\nname="job"\nid="{ID}"\nimage="docker.io/x:1"\nimageid="{ID}"\n')
    assert container({}, str(tmp_path)) == {
        "runtime": "podman", "id": ID, "name": "job", "image": "docker.io/x:1", "image_id": ID, "kubernetes": False,
        "dockerenv": False}


def test_a_file_alone_is_no_docker(tmp_path: Path) -> None:
    write(tmp_path, ".dockerenv", "")
    found = container({}, str(tmp_path))
    assert found is not None
    assert (found["runtime"], found["dockerenv"]) == (None, True)


def test_singularity_by_its_variables(tmp_path: Path) -> None:
    found = container({b"SINGULARITY_CONTAINER": b"/img/x.sif", b"APPTAINER_CONTAINER": b"/img/x.sif", b"APPTAINER_NAME": b"x"},
                      str(tmp_path))
    assert found is not None
    assert (found["runtime"], found["image"], found["name"]) == ("apptainer", "/img/x.sif", "x")


def test_nothing_is_guessed(tmp_path: Path) -> None:
    write(tmp_path, "proc/self/cgroup", f"0::/user.slice/{ID[:63]}\n")
    write(tmp_path, "proc/self/mountinfo", "1 2 8:1 / / rw - ext4 /dev/sda1 rw\n")
    assert container({b"JOB_ID": b"3", b"HOSTNAME": b"docker"}, str(tmp_path)) is None
    assert scheduler({b"JOB_ID": b"3"}) is None


def test_batch_systems() -> None:
    assert scheduler({b"SLURM_JOB_ID": b"42", b"SLURM_JOB_NAME": b"fit", b"PATH": b"/bin"}) == {
        "name": "slurm", "SLURM_JOB_ID": "42", "SLURM_JOB_NAME": "fit"}


def test_the_tightest_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    write(tmp_path, "proc/self/cgroup", "0::/a/b\n")
    for name, processors, memory in (("a", "50000 100000", "4096"), ("a/b", "max 100000", "8192")):
        write(tmp_path, f"sys/fs/cgroup/{name}/cpu.max", f"{processors}\n")
        write(tmp_path, f"sys/fs/cgroup/{name}/memory.max", f"{memory}\n")
    assert limits(str(tmp_path)) == {"cpu_limit": 0.5, "memory_limit": 4096}
    assert limits(str(tmp_path / "none")) == {"cpu_limit": None, "memory_limit": None}
