"""Owners of installed files: in this very environment, and in directories made to mislead."""

from __future__ import annotations

import csv
import os
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest

from roard.content import packages
from roard.content.packages import PackageIndex, owners

SITE = Path(sysconfig.get_path("purelib"))


def make(site: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return site


@pytest.fixture
def site(tmp_path: Path) -> Path:
    directory = tmp_path / "lib/python3.11/site-packages"
    directory.mkdir(parents=True)
    return directory


def ask(site: Path, *names: str) -> dict[str, str]:
    found = owners([os.fsencode(site / name) for name in names])
    return {os.path.relpath(os.fsdecode(path), site): owner for path, owner in found.items()}


@pytest.fixture(scope="module")
def installed() -> dict[bytes, str]:
    """What importlib.metadata says of the files that really are in this environment's site-packages."""
    expected: dict[bytes, str] = {}
    for distribution in metadata.distributions(path=[str(SITE)]):
        owner = f"{distribution.metadata['Name']}=={distribution.version}"
        with (SITE / f"{distribution._path.name}/RECORD").open(newline="") as record:
            names = [row[0] for row in csv.reader(record)]
        names = [name for name in names if not name.startswith((".", "/")) and "-info/" not in name]
        expected |= {os.fsencode(SITE / name): owner for name in names}
    return expected


def test_agrees_with_importlib_metadata_on_every_file_of_this_environment(installed: dict[bytes, str]) -> None:
    assert len(installed) > 1000
    assert owners(installed) == installed


def test_record(site: Path) -> None:
    make(site, {
        "scikit_learn-1.5.dist-info/METADATA": "Name: scikit-learn\nVersion: 1.5\n\nName: evil\n",
        "scikit_learn-1.5.dist-info/RECORD":
            'sklearn/__init__.py,sha256=x,1\n"sklearn/a,b.py",,\r\n../../../bin/tool,,\ntop.py,,\n',
        "other-2.dist-info/RECORD": "other/__init__.py,,\nsklearn/extra.py,,\n",
    })
    assert ask(site, "sklearn/__init__.py", "sklearn/a,b.py", "top.py", "sklearn/extra.py", "sklearn/unknown.py",
        "none.py") == {
        "sklearn/__init__.py": "scikit-learn==1.5", "sklearn/a,b.py": "scikit-learn==1.5",
        "top.py": "scikit-learn==1.5",
        "sklearn/extra.py": "other==2",
    }


def test_compiled_files_belong_to_the_owner_of_their_source(site: Path) -> None:
    make(site, {"a-1.dist-info/RECORD": "a/b.py,,\nsix.py,,\n"})
    assert ask(site, "a/__pycache__/b.cpython-311.pyc", "a/__pycache__/b.cpython-311.opt-1.pyc",
        "__pycache__/six.cpython-311.pyc",
               "a/__pycache__/c.cpython-311.pyc") == {
        "a/__pycache__/b.cpython-311.pyc": "a==1", "a/__pycache__/b.cpython-311.opt-1.pyc": "a==1",
        "__pycache__/six.cpython-311.pyc": "a==1",
    }


def test_egg_info(tmp_path: Path) -> None:
    site = make(tmp_path / "dist-packages", {
        "PyYAML-6.0.egg-info/PKG-INFO": "Name: PyYAML\nVersion: 6.0\n",
        "PyYAML-6.0.egg-info/top_level.txt": "_yaml\nyaml\n",
        "six-1.16.0.egg-info/PKG-INFO": "Name: six\nVersion: 1.16.0\n", "six-1.16.0.egg-info/top_level.txt": "six\n",
        "bcc-0.26.0.egg-info": "Metadata-Version: 1.1\nName: bcc\nVersion: 0.26.0\n",
        "lazr.uri-1.0.egg-info/top_level.txt": "lazr\n", "lazr.rest-2.0.egg-info/top_level.txt": "lazr\n",
        "cryptography.egg-info/PKG-INFO": "Name: cryptography\nVersion: 38.0\n",
        "apt-2.6-py3.11.egg-info/top_level.txt": "apt_pkg\n",
    })
    names = ["yaml/loader.py", "yaml/__pycache__/loader.cpython-311.pyc", "six.py", "__pycache__/six.cpython-311.pyc",
    "bcc/table.py",
             "lazr/uri/__init__.py", "lazr/rest/__init__.py", "lazr/__init__.py", "cryptography/x509.py",
             "apt_pkg.cpython-311-x86_64-linux-gnu.so", "PyYAML-6.0.egg-info/PKG-INFO", "sixteen.py", "stray.txt"]
    assert ask(site, *names) == {
        "yaml/loader.py": "PyYAML==6.0", "yaml/__pycache__/loader.cpython-311.pyc": "PyYAML==6.0",
        "six.py": "six==1.16.0",
        "__pycache__/six.cpython-311.pyc": "six==1.16.0", "bcc/table.py": "bcc==0.26.0",
        "lazr/uri/__init__.py": "lazr.uri==1.0",
        "lazr/rest/__init__.py": "lazr.rest==2.0", "cryptography/x509.py": "cryptography==38.0",
        "apt_pkg.cpython-311-x86_64-linux-gnu.so": "apt==2.6",
    }


def test_to_read_metadata_is_not_to_use_the_package(site: Path) -> None:
    make(site, {"a-1.dist-info/RECORD": "a-1.dist-info/RECORD,,\na-1.dist-info/entry_points.txt,,\n",
                "b-1.egg-info": "", "c-1.egg-info/PKG-INFO": ""})
    names = ["a-1.dist-info/RECORD", "a-1.dist-info/entry_points.txt", "b-1.egg-info", "c-1.egg-info/PKG-INFO"]
    assert ask(site, *names) == {}


def test_an_upgrade_is_noticed(site: Path) -> None:
    index = PackageIndex()
    path = os.fsencode(site / "a.py")
    make(site, {"a-1.dist-info/RECORD": "a.py,,\n"})
    assert index.owners([path]) == {path: "a==1"}
    (site / "a-1.dist-info").rename(site / "a-2.dist-info")
    os.utime(site, ns=(1, 1))  # so that a coarse clock cannot hide the change
    assert index.owners([path]) == {path: "a==2"}


def test_only_what_is_needed_is_read(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(site, {"a-1.dist-info/RECORD": "a/x.py,,\n", "b-1.dist-info/RECORD": "b/x.py,,\n"})
    read: list[bytes] = []
    real = packages._record
    monkeypatch.setattr(packages, "_record", lambda path: read.append(path) or real(path))
    index = PackageIndex()
    for _ in range(2):
        index.owners([os.fsencode(site / "b/x.py")])
    assert read == [os.fsencode(site / "b-1.dist-info")]


def test_nothing_hostile_gets_out(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "MAX_RECORD", 1000)
    make(site, {
        "a-1.dist-info/METADATA": b"Name: a\x1b[31m\nVersion: 1; rm -rf\n", "a-1.dist-info/RECORD": "a.py,,\n",
        "b-1.dist-info/METADATA": b"\xff" * 5000,
        "b-1.dist-info/RECORD": b'"unclosed\n\0\n,,,\n\n"b.py",,\n\xff.py,,\n',
        "c-\x1b1.dist-info/RECORD": "c.py,,\n", "d-1.dist-info/RECORD": "x," * 1000 + "\nd.py,,\n",
        "e-1.egg-info/top_level.txt": "../../etc\n/etc\n..\n", ".dist-info": "", "-.dist-info/RECORD": "f.py,,\n",
    })
    (site / "g-1.dist-info").mkdir()
    os.mkfifo(site / "g-1.dist-info/RECORD")
    (site / "h-1.dist-info").symlink_to("h-1.dist-info")
    (site / "i-1.dist-info").mkdir()
    (site / "i-1.dist-info/RECORD").symlink_to("/dev/zero")
    os.mkfifo(site / "j-1.egg-info")
    names = [*(f"{letter}.py" for letter in "abcdefghij"), "\udcff.py", "x\n.py", "..", "../x.py"]
    assert ask(site, *names) == {
        "a.py": "a==1", "b.py": "b==1", "\udcff.py": "b==1", "e.py": "e==1",
        "h.py": "h==1", "j.py": "j==1",  # nothing to be read, but the name says it
    }


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    assert owners([b"", b"/", b"relative", b"/x/site-packages", b"/x/site-packages/", b"/x/site-packages/y.py",
        b"/x/\0/site-packages/y.py",
                   os.fsencode(tmp_path / "site-packages/a.py")]) == {}
