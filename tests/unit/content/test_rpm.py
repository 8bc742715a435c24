"""Files of rpm's packages, by a database that the real rpm made."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from roard.content.rpm import Rpm

SPEC = """Name: {name}
Version: 1.2
Release: 3
Summary: x
License: x
BuildArch: noarch
%description
x
%install
mkdir -p %{{buildroot}}/usr/share/{name}
echo x > "%{{buildroot}}/usr/share/{name}/a file"
echo x > %{{buildroot}}/usr/share/{name}/module.py
%files
/usr/share/{name}
"""

pytestmark = pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not installed (Debian's package rpm)")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    place = tmp_path / "db"
    install(place, "tools")
    return place


def install(place: Path, name: str) -> None:
    """Into the database alone: nothing on this machine changes."""
    spec = place.parent / f"{name}.spec"
    spec.write_text(SPEC.format(name=name))
    quiet = {"check": True, "capture_output": True}
    subprocess.run(["rpmbuild", "-bb", "--define", f"_topdir {place.parent}/build", spec], **quiet)
    [package] = (place.parent / "build/RPMS").rglob(f"{name}-*.rpm")
    subprocess.run(["rpm", "--dbpath", place, "-i", "--justdb", "--nodeps", "--ignorearch", "--ignoreos", package], **quiet)


def ask(index: Rpm, *paths: str) -> dict[str, tuple[str, str, str]]:
    return {os.fsdecode(path): owner[:3] for path, owner in index.owners([os.fsencode(path) for path in paths]).items()}


def test_owners_by_path(database: Path) -> None:
    owner = ("rpm", "tools", "1.2-3")
    compiled = "/usr/share/tools/__pycache__/module.cpython-311.pyc"
    assert ask(Rpm([os.fsencode(database)]), "/usr/share/tools/a file", compiled, "/usr/bin/nobodys") == {
        "/usr/share/tools/a file": owner, compiled: owner}


def test_a_package_that_comes_later_is_known(database: Path) -> None:
    index = Rpm([os.fsencode(database)])
    assert ask(index, "/usr/share/more/module.py") == {}
    install(database, "more")
    assert ask(index, "/usr/share/more/module.py") == {"/usr/share/more/module.py": ("rpm", "more", "1.2-3")}


def test_no_database_and_one_that_is_none(tmp_path: Path) -> None:
    assert ask(Rpm([os.fsencode(tmp_path / "none")]), "/usr/bin/env") == {}
    (tmp_path / "rpmdb.sqlite").write_text("no database")
    assert ask(Rpm([os.fsencode(tmp_path)]), "/usr/bin/env") == {}
