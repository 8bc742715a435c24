"""Every rule of lineage/roles.py, and the cases where two of them meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.records import ROLES
from lineage.roles import Classifier, classify

PROJECT, CWD, HOME = b"/home/me/work", b"/data/run", b"/home/me"
TRACKED = frozenset([b"/home/me/work/known.csv", b"/home/me/work/conf/known.yaml", b"/elsewhere/known.txt"])

CASES = {
    "device": ["/dev/null", "/dev/nvidia0", "/dev/dri/card0", "/dev/pts/1"],
    "package": [
        "/home/me/work/.venv/lib/python3.11/site-packages/numpy/__init__.py",
        "/usr/lib/python3/dist-packages/yaml/__init__.py",
        "/usr/lib/python3.11/os.py", "/usr/lib/python3.11/__pycache__/os.cpython-311.pyc",
        "/home/me/miniconda3/pkgs/x-1/info/index.json",
        "/home/me/miniconda3/envs/ml/lib/libstdc++.so.6", "/opt/conda/bin/python3.11",
        "/home/me/R/x86_64-pc-linux-gnu-library/4.2/dplyr/R/dplyr",
        "/usr/lib/R/library/base/R/base", "/home/me/work/node_modules/left-pad/index.js",
        "/home/me/work/.venv/bin/pytest",
        "/home/me/.local/lib/python3.12/site-packages/torch/version.py", "/home/me/.julia/packages/CSV/x/src/CSV.jl",
        "/opt/python/lib/python3.13t/json/__init__.py",
    ],
    "temporary": [
        "/home/me/work/__pycache__/train.cpython-311.pyc", "/home/me/work/old.pyc",
        "/home/me/.cache/matplotlib/fontlist.json",
        "/dev/shm/torch_1_2", "/home/me/work/.ipynb_checkpoints/a-checkpoint.ipynb", "/home/me/work/.mypy_cache/x.json",
        "/home/me/work/.train.py.swp", "/home/me/work/train.py~", "/home/me/work/#train.py#",
        "/home/me/work/.#train.py",
        "/tmp/tmpa1b2c3d4", "/tmp/tmpa1b2c3d4.csv", "/tmp/tmpa1b2c3d4/deep/file.csv", "/var/tmp/tmp.Xy12Zw34Qr",
        "/tmp/ccAb12Cd.o",
        "/tmp/tmp_x1y2z3w",
    ],
    "source": [
        "/home/me/work/train.py", "/home/me/work/deep/er/run.sh", "/home/me/work/a.R", "/home/me/work/a.r",
        "/home/me/work/a.jl",
        "/home/me/work/a.ipynb", "/home/me/work/a.c", "/home/me/work/a.cpp", "/home/me/work/a.rs", "/home/me/work/a.go",
        "/home/me/work/a.sql",
        "/home/me/work/a.smk", "/home/me/work/Makefile", "/home/me/work/Snakefile", "/home/me/work/Dockerfile",
        "/home/me/work/Dockerfile.gpu", "/home/me/work/pyproject.toml", "/home/me/work/requirements-dev.txt",
        "/home/me/work/known.csv", "/home/me/work/conf/known.yaml", "/elsewhere/known.txt", "/data/run/prep.py",
        "/srv/tools/prep.py",
    ],
    "data": [
        "/home/me/work/data.csv", "/home/me/work/result.json", "/home/me/work/notes.txt", "/data/run/x.parquet",
        "/mnt/big/x.tar",
        "/tmp/out.csv", "/tmp/results/out.csv", "/tmp/tmp_results", "/tmp/tmp_results/x.csv", "/tmp/template.csv",
        "/home/me/other/x.csv",
        "/home/me/.cache/huggingface/hub/models--bert/blobs/abc", "/home/me/.cache/torch/hub/checkpoints/resnet50.pth",
        "/home/me/.keras/datasets/mnist.npz", "/run/media/me/disk/x.csv", "/library/x.csv",
        "/home/me/scikit_learn_data/x.pkz",
        "/home/me/work/.snakemake/log/x", "/home/me/work/.dvc/cache/files/ab", "/scratch/x.yaml", "/optimal/x",
    ],
    "config": [
        "/home/me/work/conf/train.yaml", "/home/me/work/a.yml", "/home/me/work/a.toml", "/home/me/work/a.ini",
        "/home/me/work/a.cfg",
        "/home/me/work/.env", "/home/me/work/.git/config", "/home/me/work/.git/objects/ab/cd", "/home/me/.gitconfig",
        "/home/me/.config/pip/pip.conf", "/home/me/.ssh/config", "/home/me/other/.git/HEAD",
        "/home/me/work/.venv/pyvenv.cfg",
        "/somewhere/pyvenv.cfg",
    ],
    "system": [
        "/usr/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libm.so.6",
        "/bin/sh", "/sbin/ldconfig",
        "/etc/ld.so.cache", "/proc/self/maps", "/sys/devices/system/cpu/online", "/run/systemd/notify",
        "/var/lib/dpkg/status",
        "/var/cache/man/index.db", "/opt/cuda/lib64/libcudart.so", "/nix/store/x/bin/y", "/boot/vmlinuz",
        "/usr/share/zoneinfo/UTC",
        "anon_inode:[eventpoll]", "pipe:[12345]",
    ],
}


@pytest.mark.parametrize(("role", "path"), [(role, path) for role, paths in CASES.items() for path in paths])
def test_rules(role: str, path: str) -> None:
    found = classify(path.encode(), project=PROJECT, cwd=CWD, home=HOME, tracked=TRACKED, executed=False, device=False)
    assert role == found


def test_the_caller_knows_devices() -> None:
    assert Classifier(project=PROJECT, cwd=CWD, home=HOME).role(b"/home/me/work/train.py", device=True) == "device"


def test_what_was_executed_is_code() -> None:
    rules = Classifier(project=PROJECT, cwd=CWD, home=HOME)
    assert rules.role(b"/home/me/work/simulate", executed=True) == "source"
    assert rules.role(b"/home/me/bin/simulate", executed=True) == "source"
    assert rules.role(b"/usr/bin/python3.11", executed=True) == "system"
    assert rules.role(b"/home/me/work/simulate") == "data"


@pytest.mark.parametrize("root",
    [b"/opt/ml/code", b"/tmp/tmp.Xy12Zw34Qr/project", b"/dev/shm/run", b"/home/me/.cache/project", b"/usr/src/app",
                                  b"/home/me/.config/project"])
def test_a_project_is_a_project_wherever_it_lies(root: bytes) -> None:
    rules = Classifier(project=root, cwd=root + b"/sub", home=HOME)
    if root.startswith(b"/dev/shm"):
        assert rules.role(b"/dev/shm/other") == "temporary"
    assert rules.role(root + b"/x.csv") == "data"
    assert rules.role(root + b"/sub/x.csv") == "data"
    assert rules.role(root + b"/x.py") == "source"
    assert rules.role(root + b"/__pycache__/x.cpython-311.pyc") == "temporary"


@pytest.mark.parametrize("root", [b"/", b"", b"/usr", b"/etc"])
def test_the_root_directory_is_no_project(root: bytes) -> None:
    rules = Classifier(project=root, cwd=root, home=b"/")
    assert rules.role(b"/usr/lib/libx.so") == "system"
    assert rules.role(b"/etc/passwd") == "system"
    assert rules.role(b"/.config/x") == "data"
    assert rules.role(b"/data/x.csv") == "data"


def test_working_in_the_home_directory() -> None:
    for base in (HOME, b"/home"):
        rules = Classifier(project=base, cwd=base, home=HOME)
        assert rules.role(b"/home/me/x.csv") == "data"
        assert rules.role(b"/home/me/.bashrc") == "config"
        assert rules.role(b"/home/me/.config/x/y") == "config"
        assert rules.role(b"/home/me/.cache/x/y") == "temporary"


def test_working_in_tmp() -> None:
    rules = Classifier(project=b"/tmp", cwd=b"/tmp", home=HOME)
    assert rules.role(b"/tmp/x.csv") == "data"
    assert rules.role(b"/tmp/tmpa1b2c3d4") == "temporary"
    assert rules.role(b"/tmp/tmpa1b2c3d4/x.csv") == "temporary"


def test_trailing_slashes_and_bytes() -> None:
    rules = Classifier(project=PROJECT + b"/", cwd=CWD + b"/", home=HOME + b"/", tracked={b"/home/me/work/\xff"})
    assert rules.role(b"/home/me/work/\xff") == "source"
    assert rules.role(b"/home/me/workshop/x.yaml") == "data"


@given(st.text(alphabet="/.atmpyhoe~#_-1", max_size=40), st.booleans())
def test_every_path_has_a_role(path: str, executed: bool) -> None:
    assert Classifier(project=b"/home/a", cwd=b"/tmp/a", home=b"/home").role(path.encode(), executed) in ROLES
