"""What surrounded a job, a line each: code, Python, packages, settings, seeds, container, trackers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lineage.environment import relevant, settings
from lineage.records import Job
from roarctl.render.text import count_text, cut, path_text, printable

_WIDTH = 110
Field = tuple[str, str]


def code_fields(job: Job) -> list[Field]:
    """The project's repository, and others that inputs came from."""
    fields: list[Field] = []
    git = job.context.get("git")
    if isinstance(git, Mapping):
        branch = f" on {printable(str(git['branch']))}" if git.get("branch") else ""
        dirty = " with uncommitted changes" if git.get("dirty") else ""
        large = f", {count_text(len(git['lfs']), 'large file')} of git-lfs" if git.get("lfs") else ""
        fields.append(("git", f"{_commit(git)}{branch}{dirty}{large}"))
    for other in job.context.get("repositories") or ():
        dirty = " with uncommitted changes" if other.get("dirty") else ""
        root = path_text(str(other.get("root")).encode(), job.head.cwd)
        fields.append(("also", f"{root}: git {_commit(other)}{dirty} ({count_text(int(other.get('files') or 0), 'input')})"))
    return fields


def software_fields(job: Job, *, everything: bool) -> list[Field]:
    """Python and packages; ``everything``: the system's packages and those that are worked in by name."""
    fields: list[Field] = []
    python = job.context.get("python")
    if isinstance(python, Mapping) and python.get("version"):
        name = python.get("implementation")
        version = f"{'Python' if name == 'CPython' else printable(str(name))} {printable(str(python['version']))}"
        fields.append(("python", version + _environment_text(python.get("environment"), python.get("prefix"), job)))
    packages, system = job.context.get("packages") or (), job.context.get("system_packages") or ()
    if packages or system:
        words = [count_text(len(packages), "package")] if packages else []
        if system:
            words.append(f"{len(system)} of the system" if packages else f"{count_text(len(system), 'package')} of the system")
        fields.append(("with", ", ".join(words)))
    fields += [("", text) for text in _unreleased(packages, job)]
    if everything:
        fields += [("", f"{package['name']} {package['version']} ({package.get('manager', 'pip')})")
                   for package in (*packages, *system)]
    libraries = job.context.get("accelerator_libraries")
    if isinstance(libraries, Mapping) and libraries:
        fields.append(("cuda", cut(printable(", ".join(f"{name} {version}" for name, version in libraries.items())), _WIDTH)))
    return fields


def setting_fields(job: Job, *, everything: bool) -> list[Field]:
    """Seeds, variables that matter, container, scheduler, trackers."""
    context, fields = job.context, []
    seeds = context.get("seeds") or ()
    if seeds:
        fields.append(("seeds", printable(cut(", ".join(f"{seed['name']} {seed['value']}" for seed in seeds), _WIDTH))))
    environment = context.get("environment")
    if isinstance(environment, Mapping):
        shown = (relevant if everything else settings)(environment)
        texts = [printable(cut(f"{name}={value}", _WIDTH)) for name, value in shown.items()]
        lines = texts if everything else _filled(texts)
        fields += [("" if at else "env", text) for at, text in enumerate(lines)]
    container = context.get("container")
    inside = _container_text(container) if isinstance(container, Mapping) else ""
    if inside:
        fields.append(("inside", printable(inside)))
    scheduler = context.get("scheduler")
    if isinstance(scheduler, Mapping):
        values = " ".join(f"{name}={value}" for name, value in scheduler.items() if name != "name")
        fields.append(("batch", printable(cut(f"{scheduler.get('name')} {values}", _WIDTH))))
    for at, tracker in enumerate(context.get("trackers") or ()):
        run = f" run {tracker['run']}" if tracker.get("run") else ""
        where = path_text(str(tracker.get("directory")).encode(), job.head.cwd)
        fields.append(("" if at else "tracked", f"{printable(str(tracker.get('tracker')))}{printable(run)} in {where}"))
    return fields


def _commit(git: Mapping[str, Any]) -> str:
    return printable(str(git.get("commit") or "no commit")[:12])


def _environment_text(environment: object, prefix: object, job: Job) -> str:
    if not isinstance(environment, Mapping) or environment.get("kind") == "system":
        return ""
    manager = f" by {environment['manager']}" if environment.get("manager") else ""
    return f" in {path_text(str(prefix).encode(), job.head.cwd)} ({printable(str(environment.get('kind')))}{manager})"


def _unreleased(packages: Any, job: Job) -> Iterator[str]:  # noqa: ANN401 - rows of a document
    """Packages that no index has as they were: worked in, or from a commit."""
    for package in packages:
        if package.get("editable"):
            where = path_text(str(package["editable"]).encode(), job.head.cwd)
            yield f"{printable(str(package['name']))} is worked in at {where}"
        elif package.get("commit") and package.get("manager") == "pip":
            commit = printable(str(package["commit"])[:12])
            yield f"{printable(str(package['name']))} is from {printable(cut(str(package.get('url')), 60))} at {commit}"


def _container_text(container: Mapping[str, Any]) -> str:
    """Empty where nothing but a file that may mean nothing says that it was one."""
    if not any(container.get(key) for key in ("runtime", "id", "image", "kubernetes")):
        return ""
    words = [str(container.get("runtime") or "a container")]
    if container.get("image"):
        words.append(str(container["image"]))
    if container.get("name"):
        words.append(f"named {container['name']}")
    if container.get("id"):
        words.append(str(container["id"])[:12])
    return " ".join(words) + (", in Kubernetes" if container.get("kubernetes") else "")


def _filled(texts: list[str]) -> list[str]:
    """As many on a line as fit."""
    lines: list[str] = []
    for text in texts:
        if lines and len(lines[-1]) + len(text) < _WIDTH:
            lines[-1] += f"  {text}"
        else:
            lines.append(text)
    return lines
