"""Which Python, with which packages, each job had: as few environments as there were different ones."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from lineage.records import BUILD, Job

_PYTHON = re.compile(rb"(?:python|pypy)(\d+(?:\.\d+)?)?t?\Z")
_SEPARATORS = re.compile(r"[-_.]+")


class Package(NamedTuple):
    """``source``: where it was installed from, if not from an index by its version: ``git+https://…@commit``."""

    name: str
    version: str
    source: str = ""

    @property
    def requirement(self) -> str:
        return f"{self.name} @ {self.source}" if self.source else f"{self.name}=={self.version}"


@dataclass(frozen=True, slots=True)
class Environment:
    """``version`` is as told by the interpreter (3.11.2), or the part of it that the program's name tells (3.11), or empty.
    ``prefix``: of the virtual environment that was used, else empty; ``base``: of the interpreter itself, else empty."""

    implementation: str
    version: str
    executable: str
    prefix: str
    base: str
    packages: tuple[Package, ...]


def environments(jobs: Sequence[Job]) -> tuple[list[Environment], list[int | None]]:
    """(environments, by job the index of its own; None: it runs no Python). Jobs share one where they had the same
    interpreter and no package in two versions: each was seen by what it read, so together they tell more of it."""
    built = _built(jobs)
    found: list[tuple[Environment, dict[str, Package]]] = []
    places: list[int | None] = []
    for job in jobs:
        python = _python(job)
        if python is None:
            places.append(None)
            continue
        own = {normal(package.name): package for package in packages_of(job) if normal(package.name) not in built}
        for at, (known, packages) in enumerate(found):
            if _same(known, python) and all(packages.get(name, package) == package for name, package in own.items()):
                packages.update(own)
                places.append(at)
                break
        else:
            places.append(len(found))
            found.append((python, own))
    return [Environment(one.implementation, one.version, one.executable, one.prefix, one.base,
                        tuple(packages[name] for name in sorted(packages))) for one, packages in found], places


def packages_of(job: Job) -> list[Package]:
    """Those that pip can install again: without what was worked in where it lay (see ``editable_of``)."""
    return [Package(str(row["name"]), str(row["version"]), _source(row)) for row in _rows(job) if not row.get("editable")]


def editable_of(job: Job) -> list[tuple[str, str]]:
    """(name, directory) of packages that were installed editable: their files are a project's, and no index has them."""
    return [(str(row["name"]), str(row["editable"])) for row in _rows(job) if row.get("editable")]


def _rows(job: Job) -> list[Mapping[str, Any]]:
    return [row for row in job.context.get("packages") or [] if isinstance(row, Mapping) and row.get("name")
            and row.get("version") and row.get("manager", "pip") == "pip"]


def _source(row: Mapping[str, Any]) -> str:
    if row.get("vcs") and row.get("url") and row.get("commit"):
        return f"{row['vcs']}+{row['url']}@{row['commit']}"
    return ""


def normal(name: str) -> str:
    """Of a package's name, as PEP 503 has it."""
    return _SEPARATORS.sub("-", name).lower()


def _same(one: Environment, other: Environment) -> bool:
    return (one.implementation, one.version, one.prefix) == (other.implementation, other.version, other.prefix)


def _python(job: Job) -> Environment | None:
    told = job.context.get("python")
    if isinstance(told, Mapping) and told.get("version"):
        text = {key: str(told.get(key) or "") for key in ("implementation", "version", "executable", "prefix", "base_prefix")}
        prefix = text["prefix"] if text["prefix"] != text["base_prefix"] else ""
        return Environment(text["implementation"] or "CPython", text["version"], text["executable"], prefix,
                           text["base_prefix"], ())
    for step in job.steps:
        match = _PYTHON.search(step.executable.rpartition(b"/")[2])
        if match:
            version = (match[1] or b"").decode() if b"." in (match[1] or b"") else ""
            return Environment("CPython", version, step.executable.decode("utf-8", "replace"), "", "", ())
    return None


def _built(jobs: Sequence[Job]) -> set[str]:
    """Packages whose files a build step of the plan made: no index has them as they were."""
    made = {entry.path for job in jobs if job.head.kind == BUILD for entry in job.of_kind("output")
            if entry.role == "package"}
    if not made:
        return set()
    return {normal(name) for job in jobs if job.head.kind != BUILD for entry in job.of_kind("input")
            if entry.path in made and (name := entry.package.partition("==")[0])}


def system_packages(jobs: Sequence[Job]) -> list[str]:
    """Owners of system files that were read, as the records name them: ``name==version`` and the like."""
    names: set[str] = set()
    for job in jobs:
        for row in job.context.get("system_packages") or ():
            names.add(f"{row['name']}=={row['version']}" if isinstance(row, Mapping) else str(row))
        names |= {entry.package for entry in job.entries if entry.role == "system" and entry.package}
    return sorted(names)
