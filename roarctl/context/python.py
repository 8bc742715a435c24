"""Which Python a job will run, asked of that Python, before the job and outside of it."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

from lineage.records import Json
from roarctl.context.command import Command

TIMEOUT = 2.0  # seconds
_PYTHON = re.compile(rb"(?:python|pypy)\d*(?:\.\d+)?t?")
_KEYS = ("implementation", "version", "executable", "prefix", "base_prefix")
_PROGRAM = (
    "import json, platform, sys; print(json.dumps([platform.python_implementation(), platform.python_version(),"
    " sys.executable, sys.prefix, sys.base_prefix]))"
)


class PythonProbe:
    """Asks the program at ``path`` (as found on PATH, links not resolved: they name the venv), if it is a Python.

    -I and -S keep out the user's modules, site-packages and .pth files: nothing but the interpreter itself runs.
    """

    def __init__(self, path: bytes) -> None:
        self._path = path
        self._deadline = time.monotonic() + TIMEOUT
        is_python = _PYTHON.fullmatch(os.path.basename(path)) is not None
        self._command = Command([path, "-I", "-S", "-c", _PROGRAM]) if is_python else None

    def result(self) -> dict[str, Json] | None:
        """``implementation, version, executable, prefix, base_prefix, environment`` (see ``environment_of``); or None if it is
        no Python or did not say."""
        if self._command is None:
            return None
        answer = self._command.answer(self._deadline, 1 << 16)
        self._command = None
        try:
            values = json.loads(answer.stdout)
        except ValueError:
            return None
        if answer.status != 0 or not isinstance(values, list) or len(values) != len(_KEYS):
            return None
        section: dict[str, Json] = dict(zip(_KEYS, map(str, values), strict=True))
        # Up to 3.13 it is site.py, which -S leaves out, that finds a venv's prefix.
        venv = os.path.dirname(os.path.dirname(os.path.abspath(self._path)))
        if os.path.exists(os.path.join(venv, b"pyvenv.cfg")):
            section["prefix"] = venv.decode("utf-8", "backslashreplace")
        section["environment"] = environment_of(str(section["prefix"]))
        return section

    def stop(self) -> None:
        """Ends it, for who does not want the result any more."""
        if self._command is not None:
            self._command.stop()
            self._command = None


def environment_of(prefix: str) -> dict[str, Json]:
    """What sort of environment is at ``prefix``, by the files there: ``kind`` (venv, virtualenv, uv, conda, system), ``tool``
    (the version of what made it, where that says so), ``manager`` (poetry, pipenv, pixi or None), ``name`` (of conda's)."""
    root = Path(prefix)
    found: dict[str, Json] = {"kind": "system", "tool": None, "manager": None}
    settings = _settings(root / "pyvenv.cfg")
    if settings is not None:
        found["kind"] = next((tool for tool in ("uv", "virtualenv") if tool in settings), "venv")
        found["tool"] = settings.get(str(found["kind"]))
        if "/pypoetry/virtualenvs/" in f"{prefix}/":
            found["manager"] = "poetry"
        elif (root / ".project").is_file():  # where pipenv keeps to whom it belongs
            found["manager"] = "pipenv"
    elif (root / "conda-meta").is_dir():
        found |= {"kind": "conda", "name": root.name}
        if "/.pixi/envs/" in f"{prefix}/":
            found["manager"] = "pixi"
    return found


def _settings(path: Path) -> dict[str, str] | None:
    """pyvenv.cfg: `key = value`, a line each (https://docs.python.org/3/library/site.html); None: there is none."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(1 << 14).splitlines()
    except OSError:
        return None
    pairs = (line.partition("=") for line in lines)
    return {key.strip().lower(): value.strip() for key, _, value in pairs}
