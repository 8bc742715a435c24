"""A virtual environment with the recorded packages: by uv where it is, else by venv and pip."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from lineage.reproduce.environments import Environment, Package
from roarctl.reproducing import interpreters
from roarctl.reproducing.errors import PackagesError, PythonError

#: exact: the recorded versions or none; near: where one is not to be had, the next best; none: no packages at all.
Packages: TypeAlias = Literal["exact", "near", "none"]

_SECONDS = 3600
_LONGEST_COMPLAINT = 300  # characters
_NOT_FOR_INSTALLERS = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX")
#: What uv has its own options for; it does not read pip's configuration.
_PIP_OPTIONS = {"index-url": "--default-index", "extra-index-url": "--index", "find-links": "--find-links"}


class Virtual:
    """One environment in its directory; ``with_pip``: build steps may want it. ``say``: progress; ``note``: what is not as
    it was recorded."""

    def __init__(self, environment: Environment, directory: Path, *, with_pip: bool, python: str = "",
                 packages: Packages = "exact", say: Callable[[str], None],
                 note: Callable[[str], None]) -> None:
        self.directory = directory
        self._environment = environment
        self._with_pip = with_pip
        self._given = python
        self._choice = packages
        self._say = say
        self._note = note
        self._uv = interpreters.uv_program()

    @property
    def python(self) -> str:
        return str(self.directory / "bin" / "python")

    def make(self, state: dict[str, Any]) -> None:
        """Does what is not done yet. PythonError, PackagesError."""
        if not state.get("made") or interpreters.version_of(self.python) is None:
            state.clear()
            interpreter = interpreters.find(self._environment, self._given, self._uv)
            if interpreter.note:
                self._note(interpreter.note)
            shutil.rmtree(self.directory, ignore_errors=True)
            self._create(interpreter.path)
            state |= {"made": True, "python": interpreter.version, "note": interpreter.note}
        wanted = [] if self._choice == "none" else list(self._environment.packages)
        installed: dict[str, str] = state.setdefault("packages", {})
        missing = [package for package in wanted if package.name not in installed]
        if missing:
            self._say(f"installing {len(missing)} packages")
            self._install(missing, installed)

    def _create(self, interpreter: str) -> None:
        # Without pip nothing has to be unpacked; it can install into an environment from outside only by uv.
        needs_pip = self._with_pip or (not self._uv and bool(self._environment.packages) and self._choice != "none")
        command = ([self._uv, "venv", "-q", "--no-project", *(["--seed"] if self._with_pip else []), "--python", interpreter,
                    str(self.directory)] if self._uv else
                   [interpreter, "-I", "-m", "venv", *([] if needs_pip else ["--without-pip"]), str(self.directory)])
        done = _run(command)
        if done.returncode:
            words = _last_line(done)
            hint = "install uv, or your system's package for Python's venv (python3-venv)" if "ensurepip" in done.stdout else ""
            raise PythonError(f"no virtual environment could be made with {interpreter}: {words}", hint)

    def _install(self, packages: Sequence[Package], installed: dict[str, str]) -> None:
        """All at once; if that fails one by one, to know which."""
        if not self._installer([package.requirement for package in packages]).returncode:
            installed |= {package.name: package.version for package in packages}
            return
        refused: list[str] = []
        for package in packages:
            done = self._installer([package.requirement])
            if not done.returncode:
                installed[package.name] = package.version
            elif self._choice != "near" or not self._near(package, installed):
                refused.append(f"{package.requirement}: {_last_line(done)}")
        if refused:
            raise PackagesError(
                f"{len(refused)} of {len(self._environment.packages)} packages cannot be had", "configure pip's index (pip "
                "config, PIP_INDEX_URL) or choose: --packages near takes other versions, --packages none goes on without any",
                tuple(refused))

    def _near(self, package: Package, installed: dict[str, str]) -> bool:
        release = package.version.partition("+")[0].split(".")
        for requirement in (package.version.partition("+")[0], ".".join(release[:2]) + ".*", ""):
            spelled = f"{package.name}=={requirement}" if requirement else package.name
            if not self._installer([spelled]).returncode:
                version = self._version(package.name)
                installed[package.name] = version
                self._note(f"{package.name} {version} instead of {package.version}, which cannot be had")
                return True
        return False

    def _version(self, name: str) -> str:
        program = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
        return _run([self.python, "-I", "-c", program, name]).stdout.strip()

    def _installer(self, requirements: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Without dependencies: what was used of them was read, and so is among the recorded ones itself."""
        if self._uv:
            return _run([self._uv, "pip", "install", "-q", "--no-deps", "--python", self.python, *self._pip_options(),
                         *requirements])
        return _run([self.python, "-I", "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check", "--no-deps",
                     *requirements])

    def _pip_options(self) -> list[str]:
        """pip's configuration, for uv."""
        pip = next((command for command in (["pip"], ["pip3"], ["python3", "-m", "pip"]) if shutil.which(command[0])), None)
        configured = _run([*pip, "config", "list"]).stdout if pip else ""
        options: list[str] = []
        for line in configured.splitlines():
            name, _, quoted = line.partition("=")
            name = name.rpartition(".")[2]
            value = quoted.strip("'\"")
            if name in _PIP_OPTIONS:
                values = value.replace("\\n", " ").split()
                options += [word for one in values for word in (_PIP_OPTIONS[name], one)]
                # pip takes the best of all; uv would ask no other index where one knows the name
                options += ["--index-strategy", "unsafe-best-match"] if name == "extra-index-url" else []
            elif name == "no-index" and value.lower() in {"1", "true", "yes", "on"}:
                options.append("--no-index")
        return options


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_INSTALLERS}
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", env=environment, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, f"{command[0]}: {error}", "")


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    """What says most: of pip the last error, which notices may follow; of uv all of its error, which has several lines."""
    lines = [line.strip(" │╰─▶\u00d7\t") for line in done.stdout.splitlines()]
    lines = [line for line in lines if line]
    if "there is no version of" in done.stdout:
        return "no index has this version"
    if "was not found in the" in done.stdout:
        return "no index knows it"
    errors = [at for at, line in enumerate(lines) if line.lower().startswith("error")]
    if not errors:
        no_solution = [at for at, line in enumerate(lines) if line.startswith("No solution")]
        return " ".join(lines[no_solution[0]:] if no_solution else lines[-1:])[:_LONGEST_COMPLAINT] or "it does not say why"
    words = lines[errors[-1]:] if "solution" in lines[errors[-1]] else lines[errors[-1]:errors[-1] + 1]
    return " ".join(words)[:_LONGEST_COMPLAINT]
