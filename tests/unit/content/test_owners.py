"""Who owns files: Debian's packages, conda's, R's, npm's, and modules of editable installs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from roard.content import managers
from roard.content.managers import Conda, Described, Dpkg
from roard.content.owners import Owners
from roard.content.packages import PackageIndex


def make(root: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def ask(index: object, *paths: str | Path) -> dict[str, tuple[str, str, str]]:
    found = index.owners([os.fsencode(path) for path in paths])
    return {os.fsdecode(path): owner[:3] for path, owner in found.items()}


@pytest.fixture
def dpkg(tmp_path: Path) -> Path:
    root = tmp_path / "dpkg"
    make(root, {
        "status": "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 2.36-9\n"
                  "Description: x\n Version: 9\n\nPackage: libpy\nVersion: 1:3.11\n\nPackage: ev\x1b[1mil\nVersion: 1\n",
        "info/libc6:amd64.list": "/.\n/lib\n/lib/x86_64-linux-gnu/libc.so.6\n/usr/bin/ldd\n",
        "info/libpy.list": "/usr/lib/python3.11/os.py\n", "info/ev\x1b[1mil.list": "/usr/bin/evil\n",
        "info/unknown.list": "/usr/bin/nobody\n",
    })
    return root


def test_dpkg_names_files_as_they_were_installed(dpkg: Path) -> None:
    """Also below /usr, where /lib leads now, and of what was compiled from them."""
    libc, python = ("dpkg", "libc6", "2.36-9"), ("dpkg", "libpy", "1:3.11")
    compiled = "/usr/lib/python3.11/__pycache__/os.cpython-311.pyc"
    asked = ("/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/bin/ldd", compiled, "/usr/lib/python3.11/os.py", "/usr/bin/evil",
             "/usr/bin/nobody", "/usr/bin/none", "/")
    assert ask(Dpkg(os.fsencode(dpkg)), *asked) == {asked[0]: libc, asked[1]: libc, compiled: python, asked[3]: python}


def test_dpkgs_lists_are_read_for_new_files_only(dpkg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Dpkg(os.fsencode(dpkg))
    ask(index, "/usr/bin/ldd", "/usr/bin/none")
    read: list[bytes] = []
    real = managers.read_file
    monkeypatch.setattr(managers, "read_file", lambda path, limit: read.append(path) or real(path, limit))
    assert ask(index, "/usr/bin/ldd", "/usr/bin/none") == {"/usr/bin/ldd": ("dpkg", "libc6", "2.36-9")}
    assert read == []
    (dpkg / "status").write_text("Package: libc6\nVersion: 2.37\n")
    assert ask(index, "/usr/bin/ldd") == {"/usr/bin/ldd": ("dpkg", "libc6", "2.37")}


def test_without_dpkg_nobody_owns(tmp_path: Path) -> None:
    assert ask(Dpkg(os.fsencode(tmp_path / "none")), "/bin/sh") == {}


def test_conda(tmp_path: Path) -> None:
    prefix = tmp_path / "envs/ml"
    make(prefix, {
        "conda-meta/history": "", "conda-meta/mkl-2024.0-h1.json": json.dumps(
            {"name": "mkl", "version": "2024.0", "build": "h1", "channel": "conda-forge", "files": ["lib/libmkl.so", 7]}),
        "conda-meta/bad.json": "{", "conda-meta/list.json": "[]", "conda-meta/x.json": '{"name": "x", "files": ["lib/x"]}',
    })
    found = Conda().owners([os.fsencode(prefix / name) for name in ("lib/libmkl.so", "lib/x", "lib/none")])
    assert {os.fsdecode(path): (owner.name, owner.more) for path, owner in found.items()} == {
        str(prefix / "lib/libmkl.so"): ("mkl", (("build", "h1"), ("channel", "conda-forge")))}


def test_r_and_npm(tmp_path: Path) -> None:
    make(tmp_path, {
        "R/library/dplyr/DESCRIPTION": "Package: dplyr\nVersion: 1.1.4\nRemoteSha: abc123\n", "R/library/dplyr/R/dplyr.rdb": "",
        "R/library/broken/DESCRIPTION": "Version: 1\n",
        "w/node_modules/@a/b/package.json": '{"name": "@a/b", "version": "2.0.0"}',
        "w/node_modules/@a/b/node_modules/c/package.json": '{"name": "c", "version": "1.0"}',
        "w/node_modules/d/package.json": '{"name": ["d"], "version": "bad version"}',
    })
    w = tmp_path / "w/node_modules"
    asked = (tmp_path / "R/library/dplyr/R/dplyr.rdb", tmp_path / "R/library/broken/x", w / "@a/b/index.js",
             w / "@a/b/node_modules/c/lib/x.js", w / "d/x.js", w / ".bin/x")
    assert ask(Described(), *asked) == {
        str(asked[0]): ("R", "dplyr", "1.1.4"), str(asked[2]): ("npm", "@a/b", "2.0.0"), str(asked[3]): ("npm", "c", "1.0")}
    found = Described().owners([os.fsencode(asked[0])])
    assert next(iter(found.values())).more == (("commit", "abc123"),)


def test_editable_installs_own_their_modules_alone(tmp_path: Path) -> None:
    """By setuptools' finder, by a .pth file, by an old egg-link; not the project that they lie in."""
    site = tmp_path / "v/lib/python3/site-packages"
    url = {"dir_info": {"editable": True}, "url": f"file://{tmp_path}/flat%20one"}
    make(tmp_path, {
        "flat one/mine/__init__.py": "", "flat one/mine/deep/x.py": "", "flat one/train.py": "", "flat one/single.py": "",
        "src2/src/other/__init__.py": "", "old/legacy/__init__.py": "",
        "old/Leg_acy.egg-info/PKG-INFO": "Name: leg-acy\nVersion: 0.1\n",
    })
    make(site, {
        "mine-1.dist-info/METADATA": "Name: mine\nVersion: 1\n", "mine-1.dist-info/direct_url.json": json.dumps(url),
        "mine-1.dist-info/RECORD": "__editable__.mine-1.pth,,\n__editable___mine_1_finder.py,,\nmine-1.dist-info/RECORD,,\n",
        "__editable__.mine-1.pth": "import __editable___mine_1_finder\n",
        "__editable___mine_1_finder.py": "import sys\nMAPPING: dict[str, str] = "
                                         f"{{'mine': '{tmp_path}/flat one/mine', 'single': '{tmp_path}/flat one/single'}}\n",
        "other-2.dist-info/METADATA": "Name: other\nVersion: 2\n",
        "other-2.dist-info/direct_url.json": json.dumps({**url, "url": f"file://{tmp_path}/src2"}),
        "other-2.dist-info/RECORD": "_other.pth,,\n", "_other.pth": f"{tmp_path}/src2/src\n",
        "Leg-acy.egg-link": f"{tmp_path}/old\n.\n", "easy-install.pth": f"{tmp_path}/old\n",
    })
    asked = [tmp_path / name for name in (
        "flat one/mine/__init__.py", "flat one/mine/deep/x.py", "flat one/single.py", "flat one/train.py",
        "src2/src/other/__init__.py", "src2/src/other/data.csv", "old/legacy/__init__.py")]
    found = ask(Owners(), site / "easy-install.pth", *asked)
    assert {path.removeprefix(f"{tmp_path}/"): owner[1:] for path, owner in found.items()} == {
        "flat one/mine/__init__.py": ("mine", "1"), "flat one/mine/deep/x.py": ("mine", "1"),
        "flat one/single.py": ("mine", "1"), "src2/src/other/__init__.py": ("other", "2"),
        "old/legacy/__init__.py": ("leg-acy", "0.1")}
    origin = PackageIndex().look([os.fsencode(site / "x.py"), os.fsencode(asked[0])])
    assert next(iter(origin.values())).more == (("editable", f"{tmp_path}/flat one"),)


def test_installs_from_a_repository_have_their_commit(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3/site-packages"
    make(site, {
        "a-1.dist-info/RECORD": "a.py,,\n", "b-1.dist-info/RECORD": "b.py,,\n", "a.py": "", "b.py": "",
        "a-1.dist-info/direct_url.json": json.dumps({"url": "https://host/a.git", "vcs_info": {
            "vcs": "git", "commit_id": "c0ffee", "requested_revision": "main\x1b"}}),
        "b-1.dist-info/direct_url.json": '{"url": 5, "vcs_info": []}',
    })
    found = PackageIndex().look([os.fsencode(site / name) for name in ("a.py", "b.py")])
    assert [owner.more for owner in found.values()] == [
        (("url", "https://host/a.git"), ("vcs", "git"), ("commit", "c0ffee")), ()]


@pytest.mark.parametrize("finder", [
    "MAPPING = {", "MAPPING = {'a': ['b']}", "MAPPING = {__import__('os'): 1}", "MAPPING = {}" * 9,
    "MAPPING = {'a': 'relative'}",
    "MAPPING = {" + "[" * 5000 + "}"])
def test_finders_are_not_believed(finder: str) -> None:
    from roard.content.installed import mapped

    assert mapped(finder.encode()) == []
