"""What leaves out of a job what is nobody's business: applied before any format sees it.

Secrets are looked for once more, since the rules may have learned since the job was recorded. Paths below the project are
made relative to it; that also takes the home directory out of most command lines.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lineage.errors import InvalidError
from lineage.records import Entry, Host, Job, User
from lineage.redact import redact_argv, redact_environment, redact_text

#: What can be left out, by name.
PARTS = ("env", "packages", "paths", "argv", "git", "diff", "network", "hardware", "steps")
_NOBODY = User(65534, "")
#: Names of the environment that say who or where someone is.
_PERSONAL = re.compile(
    r"USER|USERNAME|LOGNAME|HOME|MAIL|HOSTNAME|HOST|OLDPWD|SUDO_.*|SSH_.*|XDG_.*|DBUS_.*|GIT_(AUTHOR|COMMITTER)_.*")
_PATH = re.compile(r"(?<![\w:/.])/[^\s'\":,;]+")  # not the path of an address
_CONTEXT = {"env": "environment", "packages": "packages", "git": "git", "network": "network", "hardware": "hardware"}


@dataclass(frozen=True, slots=True)
class Privacy:
    """``relative``: paths below a job's project are told from there. ``anonymous``: without users and machines.
    ``exclude``: names of PARTS."""

    exclude: frozenset[str] = frozenset()
    relative: bool = True
    anonymous: bool = False
    redact: bool = True

    def __post_init__(self) -> None:
        unknown = self.exclude - set(PARTS)
        if unknown:
            raise InvalidError(f"there is no {sorted(unknown)[0]!r} to leave out", "it can be: " + ", ".join(PARTS))

    def applied(self, job: Job) -> Job:
        """The job as it may be shown to others, its entries in their order. Its id stays: it names the record that this was
        made from."""
        clean = _Cleaner(self, job)
        head = job.head
        argv = redact_argv(head.argv) if self.redact else head.argv
        head = replace(
            head, argv=() if "argv" in self.exclude else tuple(clean.data(word) for word in argv),
            cwd=clean.path(head.cwd), project=clean.project(head.project), user=_NOBODY if self.anonymous else head.user,
            host=Host("", head.host.kernel, head.host.machine) if self.anonymous else head.host,
            incomplete_reasons=tuple(replace(reason, message=clean.words(reason.message))
                                     for reason in head.incomplete_reasons))
        return Job(head, self._steps(job, clean), tuple(clean.entry(entry) for entry in job.entries),
                   self._context(job.context, clean))

    def name(self, path: bytes) -> bytes:
        """Of what was asked for: a path that is of no job."""
        if "paths" in self.exclude:
            return b""
        return path.rpartition(b"/")[2] if self.relative or self.anonymous else path

    def _steps(self, job: Job, clean: _Cleaner) -> tuple[Any, ...]:
        if "steps" in self.exclude:
            return ()
        return tuple(replace(
            step, argv=() if "argv" in self.exclude else tuple(
                clean.data(word) for word in (redact_argv(step.argv) if self.redact else step.argv)),
            executable=clean.path(step.executable)) for step in job.steps)

    def _context(self, context: Mapping[str, Any], clean: _Cleaner) -> dict[str, Any]:
        left_out = {_CONTEXT[name] for name in self.exclude if name in _CONTEXT}
        kept = {key: value for key, value in context.items() if key not in left_out}
        environment = kept.get("environment")
        if isinstance(environment, dict) and self.redact:
            kept["environment"] = redact_environment({
                os.fsencode(str(name)): os.fsencode(str(value)) for name, value in environment.items()})
        if self.anonymous:
            kept["environment"] = {name: value for name, value in (kept.get("environment") or {}).items()
                                   if not _PERSONAL.fullmatch(name)}
            kept.pop("network", None)  # addresses
            git = kept.get("git")
            if isinstance(git, dict) and git.get("remote") and clean.words(str(git["remote"])) != git["remote"]:
                kept["git"] = {**git, "remote": None}  # with another name in it, it would be another place
        if self.exclude & {"diff", "paths"} and isinstance(kept.get("git"), dict):
            kept["git"] = {key: value for key, value in kept["git"].items() if key not in {"diff", "untracked"}}
        return {key: _mapped(value, clean.words) for key, value in kept.items()}


class _Cleaner:
    """The changes to paths and text of one job."""

    def __init__(self, privacy: Privacy, job: Job) -> None:
        self._privacy = privacy
        project = job.head.project.rstrip(b"/")
        self._project = project if privacy.relative and project.count(b"/") > 1 else b""
        self._hidden: list[tuple[re.Pattern[str], str]] = []
        if privacy.anonymous:
            name, host = job.head.user.name, job.head.host.name
            if name:
                self._hidden.append((re.compile(rf"(/home/|/Users/|~){re.escape(name)}(?![\w.-])"), r"\1user"))
                if name != "root":
                    self._hidden.append((re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])"), "user"))
            if host:
                self._hidden.append((re.compile(rf"(?<![\w-]){re.escape(host)}(?![\w-])"), "host"))
        # what follows the project must end it: /home/ada/p is no prefix of /home/ada/pipeline
        prefix = re.escape(self._project.decode("utf-8", "surrogateescape"))
        self._in_project = re.compile(rf"(?<![\w/.-]){prefix}(?:/(?=[^\s/])|(?![\w.-]))") if prefix else None

    def path(self, path: bytes) -> bytes:
        """Relative to the project, where it is below; "." for the project."""
        if "paths" in self._privacy.exclude:
            return b""
        if self._project and path == self._project:
            return b"."
        if self._project and path.startswith(self._project + b"/"):
            path = path[len(self._project) + 1:]
        return self._unnamed(path)

    def project(self, project: bytes) -> bytes:
        """Its name, where paths are told from there on."""
        return self._unnamed(project.rpartition(b"/")[2]) if self.path(project) == b"." else self.path(project)

    def entry(self, entry: Entry) -> Entry:
        if "paths" in self._privacy.exclude:
            name = entry.hash.hex()[:16] if entry.hash is not None else "unknown"
            return entry._replace(path=f"content-{name}".encode(), target=None, device=None, inode=None)
        target = entry.target
        entry = entry._replace(path=self.path(entry.path), target=self.path(target) if target is not None else None)
        return entry._replace(device=None, inode=None) if self._privacy.anonymous else entry

    def data(self, word: bytes) -> bytes:
        """An argument: not redacted here, for that takes its neighbours."""
        text = self._placed(word.decode("utf-8", "surrogateescape"))
        if "paths" in self._privacy.exclude and "/" in text:
            text = "[path]"
        return text.encode("utf-8", "surrogateescape")

    def words(self, text: str) -> str:
        return self._placed(redact_text(text) if self._privacy.redact else text)

    def _placed(self, text: str) -> str:
        if self._in_project is not None:
            text = self._in_project.sub(lambda match: "" if match[0].endswith("/") else ".", text)
        for pattern, instead in self._hidden:
            text = pattern.sub(instead, text)
        return _PATH.sub("[path]", text) if "paths" in self._privacy.exclude else text

    def _unnamed(self, path: bytes) -> bytes:
        if not self._hidden:
            return path
        text = path.decode("utf-8", "surrogateescape")
        for pattern, instead in self._hidden:
            text = pattern.sub(instead, text)
        return text.encode("utf-8", "surrogateescape")


def _mapped(value: Any, change: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(item, change) for item in value]
    return value
