"""In which container, and for which scheduler, a command runs: what the kernel, files and variables say, and no more."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from lineage.records import Json
from lineage.redact import redact_text
from roarctl.context.kernel import read_text

_ID = r"([0-9a-f]{64})"
#: As container engines name their cgroups.
_CGROUP = re.compile(rf"(?:/(docker|libpod|containerd|crio)/{_ID}|/(docker|libpod|cri-containerd|crio)-{_ID}\.scope"
                     rf"|/kubepods[^\n]*/(?:pod[0-9a-f_-]+/)?{_ID})")
#: Where an engine keeps a container's hostname and resolv.conf, which it mounts.
_MOUNT = re.compile(rf" /\S*?/(docker/|overlay-)?containers/{_ID}/\S* ")
_ENGINE = {"libpod": "podman", "cri-containerd": "containerd", "crio": "cri-o", "docker/": "docker", "overlay-": "podman"}
_SCHEDULERS = {
    "slurm": ("SLURM_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_NAME", "SLURM_CLUSTER_NAME", "SLURM_JOB_PARTITION"),
    "pbs": ("PBS_JOBID", "PBS_ARRAY_INDEX", "PBS_JOBNAME"), "lsf": ("LSB_JOBID", "LSB_JOBINDEX", "LSB_JOBNAME"),
    "sge": ("JOB_ID", "SGE_TASK_ID", "JOB_NAME"),
}


def container(environment: Mapping[bytes, bytes], root: str = "/") -> dict[str, Json] | None:
    """``runtime`` (docker, podman, containerd, cri-o, singularity, apptainer; None: not said), ``id, name, image, image_id``
    (None where nothing says), ``kubernetes`` (a pod's variables are there), ``dockerenv`` (there is a /.dockerenv, which an
    image may also have brought to where no Docker is). None: nothing says that it is in one."""
    found: dict[str, Json] = dict.fromkeys(("runtime", "id", "name", "image", "image_id"))
    _by_cgroup(found, root)
    _by_files(found, root)
    for runtime in ("APPTAINER", "SINGULARITY"):  # the newer one sets the older one's variables too
        image = environment.get(f"{runtime}_CONTAINER".encode())
        if image:
            found |= {"runtime": runtime.lower(), "image": _text(image), "name": _variable(environment, f"{runtime}_NAME")}
            break
    kubernetes = b"KUBERNETES_SERVICE_HOST" in environment
    dockerenv = os.path.exists(f"{root}/.dockerenv")
    if not kubernetes and not dockerenv and not any(found.values()):
        return None
    return {**found, "kubernetes": kubernetes, "dockerenv": dockerenv}


def scheduler(environment: Mapping[bytes, bytes]) -> dict[str, Json] | None:
    """Of a batch system: ``name``, and its variables that name the job."""
    for name, variables in _SCHEDULERS.items():
        if variables[0].encode() in environment and (name != "sge" or b"SGE_ROOT" in environment):
            return {"name": name, **{each: value for each in variables if (value := _variable(environment, each)) is not None}}
    return None


def limits(root: str = "/") -> dict[str, Json]:
    """What the cgroup (v2) allows, the tightest on the way up: ``cpu_limit`` (processors), ``memory_limit`` (bytes); None: no
    limit."""
    processors: float | None = None
    memory: int | None = None
    path = next((line[3:] for line in read_text(f"{root}/proc/self/cgroup").splitlines() if line.startswith("0::")), "/")
    while True:
        directory = f"{root}/sys/fs/cgroup{path.rstrip('/')}"
        quota = read_text(f"{directory}/cpu.max").split()
        if len(quota) == 2 and quota[0].isdigit() and quota[1].isdigit() and int(quota[1]):
            processors = min(processors or float("inf"), int(quota[0]) / int(quota[1]))
        most = read_text(f"{directory}/memory.max").strip()
        if most.isdigit():
            memory = min(memory, int(most)) if memory is not None else int(most)
        if path in {"", "/"}:
            return {"cpu_limit": processors, "memory_limit": memory}
        path = os.path.dirname(path)


def _by_cgroup(found: dict[str, Json], root: str) -> None:
    in_cgroup = _CGROUP.search(read_text(f"{root}/proc/self/cgroup"))
    if in_cgroup:
        engine = in_cgroup[1] or in_cgroup[3]
        found["id"] = in_cgroup[2] or in_cgroup[4] or in_cgroup[5]
        found["runtime"] = _ENGINE.get(engine, engine) if engine else None
        return
    mounted = _MOUNT.search(read_text(f"{root}/proc/self/mountinfo", 1 << 18))  # in a cgroup namespace the path is just /
    if mounted:
        found["id"] = mounted[2]
        found["runtime"] = _ENGINE[mounted[1]] if mounted[1] else None


def _by_files(found: dict[str, Json], root: str) -> None:
    said = dict(line.partition("=")[::2] for line in read_text(f"{root}/run/.containerenv").splitlines())
    if os.path.exists(f"{root}/run/.containerenv"):  # podman; filled for containers that are privileged
        found["runtime"] = "podman"
        for key, name in (("id", "id"), ("name", "name"), ("image", "image"), ("imageid", "image_id")):
            value = said.get(key, "").strip('"')
            if value:
                found[name] = value


def _variable(environment: Mapping[bytes, bytes], name: str) -> str | None:
    value = environment.get(name.encode())
    return _text(value) if value else None


def _text(value: bytes) -> str:
    return redact_text(value.decode("utf-8", "backslashreplace")[:500])
