"""A Python of the recorded version on this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from lineage.reproduce.environments import Environment
from roarctl.reproducing.errors import PythonError

_PROGRAM = ("import platform, sys; print(platform.python_implementation(), platform.python_version(),"
            " sys.base_prefix, sep='\\n')")
_ASK_SECONDS = 20


class Interpreter(NamedTuple):
    """``note``: in what it is not the recorded one."""

    path: str
    version: str
    note: str


def find(environment: Environment, given: str, uv: str | None) -> Interpreter:
    """The exact version, else another of the same minor version. PythonError where there is neither."""
    wanted = environment.version
    if given:
        found = version_of(given)
        if found is None:
            raise PythonError(f"{given} is no Python that runs")
        return Interpreter(given, found[1], "" if found[1] == wanted else f"Python {found[1]} instead of {wanted}, as you said")
    near: Interpreter | None = None
    for path in _candidates(environment, uv):
        found = version_of(path)
        if found is None or found[0] != environment.implementation:
            continue
        if not wanted or found[1] == wanted or (wanted.count(".") == 1 and found[1].startswith(wanted + ".")):
            return Interpreter(path, found[1], "")
        if near is None and _minor(found[1]) == _minor(wanted):
            near = Interpreter(path, found[1], f"Python {found[1]} instead of {wanted}, which is not installed here")
    if uv:
        installed = _by_uv(uv, environment)
        if installed:
            return Interpreter(installed, wanted, "")
    if near is not None:
        return near
    hint = (f"install Python {_minor(wanted)}, or say which to take by --python PATH" if uv else
            f"install Python {_minor(wanted)}, or uv, which can fetch it; or say which to take by --python PATH")
    raise PythonError(f"Python {wanted} is not installed here", hint)


def version_of(path: str) -> tuple[str, str] | None:
    """(implementation, version); None if it does not run."""
    try:
        done = subprocess.run([path, "-I", "-S", "-c", _PROGRAM], capture_output=True, text=True, timeout=_ASK_SECONDS,
                              stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = done.stdout.split("\n")
    return (words[0], words[1]) if done.returncode == 0 and len(words) > 2 else None


def _candidates(environment: Environment, uv: str | None) -> Iterator[str]:
    """Each once; where the recorded one was first."""
    names = [f"python{_minor(environment.version)}", "python3", "python"]
    if environment.implementation == "PyPy":
        names = [f"pypy{_minor(environment.version)}", "pypy3", *names]
    paths = [str(Path(environment.base, "bin", name)) for name in names if environment.base]
    if not environment.prefix and environment.executable:
        paths.append(environment.executable)
    directories = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/local/bin", "/usr/bin"]
    paths += [str(Path(directory, name)) for name in names for directory in directories if directory]
    paths += [str(path) for path in Path("~/.pyenv/versions").expanduser().glob(f"{environment.version}*/bin/python3")]
    if uv and environment.version:
        try:
            done = subprocess.run([uv, "python", "find", "--no-project", "--offline", environment.version], capture_output=True,
                                  text=True, timeout=_ASK_SECONDS, stdin=subprocess.DEVNULL, check=False)
            paths += done.stdout.split("\n")[:1]
        except (OSError, subprocess.TimeoutExpired):
            pass
    seen: set[str] = set()
    for path in paths:
        real = os.path.realpath(path)
        # A virtual environment's python would make another environment's child of this one.
        virtual = Path(path).parent.parent.joinpath("pyvenv.cfg").exists()
        if path and real not in seen and not virtual and os.access(path, os.X_OK):
            seen.add(real)
            yield path


def _by_uv(uv: str, environment: Environment) -> str | None:
    """uv fetches it, if it may."""
    if environment.implementation != "CPython" or not environment.version:
        return None
    try:
        subprocess.run([uv, "python", "install", "-q", environment.version], capture_output=True, timeout=600,
                       stdin=subprocess.DEVNULL, check=False)
        done = subprocess.run([uv, "python", "find", "--no-project", "--offline", environment.version], capture_output=True,
                              text=True, timeout=_ASK_SECONDS, stdin=subprocess.DEVNULL, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    path = done.stdout.strip()
    found = version_of(path) if path else None
    return path if found and found[1] == environment.version else None


def uv_program() -> str | None:
    return shutil.which("uv")


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])
