"""What a project's settings ask of each run, before it begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from lineage.errors import InvalidError, RoarError
from roarctl.settings import Settings

_MOST_FILES = 2000  # in untracked directories that are looked into


def prepare(settings: Settings, cwd: bytes, project: bytes, labels: dict[str, str],
            warn: Callable[[RoarError], None]) -> None:
    """Adds the project's labels to those of the run, and asks its rules; InvalidError where one refuses."""
    for key, value in settings.labels.items():
        labels.setdefault(key, value)
    missing = [name for name in settings.words("hygiene.require") if name not in labels]
    if missing:
        give = " ".join("--name …" if name == "name" else f"--label {name}=…" for name in missing)
        _say(settings, "hygiene.missing_labels", f"this project wants {' and '.join(missing)} of each run", give, warn)
    uncommitted, untracked = (settings.word(f"hygiene.{name}") for name in ("uncommitted", "untracked_source"))
    if uncommitted == untracked == "off":
        return
    git = _git(cwd)
    if uncommitted != "off":
        problem = _uncommitted(git)
        if problem:
            _say(settings, "hygiene.uncommitted", problem, "commit first, or change the rule", warn)
    if untracked != "off":
        unknown = list(_untracked_source(git, project))
        if unknown:
            shown = ", ".join(os.fsdecode(path) for path in unknown[:3]) + (" …" if len(unknown) > 3 else "")
            _say(settings, "hygiene.untracked_source", f"source that git does not know: {shown}",
                 "git add it, or list it in .gitignore", warn)


def _say(settings: Settings, rule: str, problem: str, hint: str, warn: Callable[[RoarError], None]) -> None:
    level = settings.word(rule)
    said = f"{problem} ({rule} is {level}: {settings.where(rule)})"
    if level == "refuse":
        raise InvalidError(f"not run: {said}", hint)
    if level == "warn":
        warn(InvalidError(said, hint))


def _git(cwd: bytes) -> dict[str, Any] | None:
    from roarctl.context.git import GitProbe

    probe = GitProbe(cwd)
    try:
        return probe.result()
    finally:
        probe.stop()


def _uncommitted(git: dict[str, Any] | None) -> str:
    if git is None:
        return "this project is not in git"
    if git.get("commit") is None and not git.get("error"):
        return "nothing is committed yet"
    if git.get("dirty"):
        return "there are uncommitted changes"
    return "" if git.get("dirty") is False else f"git does not say whether all is committed: {git.get('error')}"


def _untracked_source(git: dict[str, Any] | None, project: bytes) -> Iterator[bytes]:
    """Relative paths; outside of git none is known, and so none unknown."""
    from lineage.roles import Classifier

    rules = Classifier(project=project, cwd=project, home=os.fsencode(os.path.expanduser("~")))  # noqa: PTH111
    left = _MOST_FILES
    for name in (git or {}).get("untracked") or ():
        path = os.fsencode(name)
        found = _below(project, path) if path.endswith(b"/") else iter((path,))
        for one in found:
            left -= 1
            if left < 0:
                return
            if rules.role(os.path.join(project, one)) == "source":
                yield one


def _below(project: bytes, directory: bytes) -> Iterator[bytes]:
    for place, _, names in os.walk(os.path.join(project, directory)):
        for name in sorted(names):
            yield os.path.relpath(os.path.join(place, name), project)
