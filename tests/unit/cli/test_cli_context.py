"""What surrounded a job, on its page."""

from __future__ import annotations

from samples import job

from roarctl.render.context import code_fields, setting_fields, software_fields

CONTEXT = {
    "git": {"commit": "c0ffee" * 6, "branch": "main", "dirty": True, "lfs": [{"path": "m.bin"}]},
    "repositories": [{"root": "/lib\x1b[31m", "commit": None, "dirty": True, "files": 2}],
    "python": {"implementation": "CPython", "version": "3.11.2", "prefix": "/p/.venv",
               "environment": {"kind": "virtualenv", "tool": "20", "manager": "poetry"}},
    "packages": [
        {"name": "numpy", "version": "2.0", "files": 9, "manager": "pip"},
        {"name": "mine", "version": "0.1", "files": 1, "manager": "pip", "editable": "/p/mine"},
        {"name": "far", "version": "1", "files": 1, "manager": "pip", "url": "https://host/far.git", "commit": "ab" * 20}],
    "system_packages": [{"name": "libc6", "version": "2.36", "files": 1, "manager": "dpkg"}],
    "accelerator_libraries": {"cudart": "12.1.105", "cudnn": "9"},
    "seeds": [{"name": "seed", "value": "1", "step": 0}],
    "environment": {"OMP_NUM_THREADS": "4", "PATH": "/bin", "RANK": "0\x1b[2J", "HOME": "/root"},
    "container": {"runtime": "podman", "id": "0123456789abcdef", "name": "job", "image": "x:1", "kubernetes": True},
    "scheduler": {"name": "slurm", "SLURM_JOB_ID": "42"},
    "trackers": [{"tracker": "wandb", "run": "ab12", "directory": "/p/wandb/run-1-ab12", "offline": False}],
}


def test_code() -> None:
    assert code_fields(job(context=CONTEXT)) == [
        ("git", "c0ffeec0ffee on main with uncommitted changes, 1 large file of git-lfs"),
        ("also", "/lib\\x1b[31m: git no commit with uncommitted changes (2 inputs)")]


def test_software() -> None:
    short = software_fields(job(context=CONTEXT), everything=False)
    assert short == [
        ("python", "Python 3.11.2 in .venv (virtualenv by poetry)"), ("with", "3 packages, 1 of the system"),
        ("", "mine is worked in at mine"), ("", "far is from https://host/far.git at abababababab"),
        ("cuda", "cudart 12.1.105, cudnn 9")]
    assert ("", "libc6 2.36 (dpkg)") in software_fields(job(context=CONTEXT), everything=True)


def test_settings() -> None:
    assert setting_fields(job(context=CONTEXT), everything=False) == [
        ("seeds", "seed 1"), ("env", "OMP_NUM_THREADS=4  RANK=0\\x1b[2J"),
        ("inside", "podman x:1 named job 0123456789ab, in Kubernetes"), ("batch", "slurm SLURM_JOB_ID=42"),
        ("tracked", "wandb run ab12 in wandb/run-1-ab12")]
    assert ("", "PATH=/bin") in setting_fields(job(context=CONTEXT), everything=True)


def test_where_nothing_is_known_nothing_is_said() -> None:
    bare = job(context={"container": {"runtime": None, "dockerenv": True, "kubernetes": False}, "python": None})
    assert code_fields(bare) + software_fields(bare, everything=True) + setting_fields(bare, everything=True) == []
