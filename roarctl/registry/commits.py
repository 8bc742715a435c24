"""The git commits of registered jobs, tagged: so that no clean-up takes the code away that the record points to.

git runs as the person whose repository it is; hooks run only for what they are there for, a push.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lineage.errors import RoarError
from lineage.redact import redact_text
from roarctl.reproducing import git

State: TypeAlias = Literal["made", "there", "elsewhere", "failed"]
_PUSH_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Tag:
    """``state``: made; there (it was made before); elsewhere (the repository or its commit is not here); failed, ``problem``
    says how. ``remote``: where it could be pushed to, empty: nowhere."""

    root: bytes
    commit: str
    name: str
    state: State
    remote: str = ""
    problem: str = ""

    @property
    def push_command(self) -> str:
        import shlex

        return f"git -C {shlex.quote(os.fsdecode(self.root))} push {shlex.quote(self.remote)} {self.name}"


def tag(root: bytes, commit: str, url: str, job: bytes) -> Tag:
    """An annotated tag roar/SHORT on the commit; no tag is ever moved."""
    short = f"roar/{commit[:7]}"
    if not _is_repository(root) or not git.has_commit(root, commit):
        return Tag(root, commit, short, "elsewhere")
    remote = _remote(root)
    for name in (short, f"roar/{commit[:12]}", f"roar/{commit}"):
        there = _target(root, name)
        if there == commit:
            return Tag(root, commit, name, "there", remote)
        if there:
            continue  # of another commit with the same first digits
        try:
            message = f"Recorded by roar\n\nRegistry: {url}\nJob: {job.hex()}\n"
            git.run(["-c", "tag.gpgSign=false", *_identity(root), "tag", "--annotate", "--message", message, name, commit],
                    root, seconds=60)
        except RoarError as error:
            return Tag(root, commit, name, "failed", remote, error.message)
        return Tag(root, commit, name, "made", remote)
    return Tag(root, commit, short, "failed", remote, "tags with these names are on other commits")


def push(root: bytes, remote: str, names: list[str]) -> None:
    """RoarError with git's words. The person's own hooks and credentials take part, as when they push themselves."""
    environment: Mapping[str, str] = {**os.environ, "LC_ALL": "C"}
    try:
        command = ["git", "push", "--quiet", remote, *(f"refs/tags/{name}" for name in names)]
        done = subprocess.run(command, cwd=root, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=_PUSH_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RoarError(f"git could not push: {error}", "push it yourself") from error
    if done.returncode:
        lines = redact_text(done.stderr.decode("utf-8", "replace")).strip().splitlines()
        raise RoarError(f"git could not push: {lines[-1] if lines else done.returncode}", "push it yourself")


def _is_repository(root: bytes) -> bool:
    return root.startswith(b"/") and os.path.lexists(os.path.join(root, b".git"))


def _target(root: bytes, name: str) -> str:
    """The commit that a tag is on; empty where there is no such tag."""
    try:
        return git.run(["rev-parse", "--verify", "--quiet", f"refs/tags/{name}^{{commit}}"], root, seconds=60).decode().strip()
    except RoarError:
        return ""


def _remote(root: bytes) -> str:
    try:
        names = git.run(["remote"], root, seconds=60).decode("utf-8", "replace").split()
    except RoarError:
        return ""
    return "origin" if "origin" in names else names[0] if len(names) == 1 else ""


def _identity(root: bytes) -> list[str]:
    """git refuses to make an annotated tag for who has not said their name."""
    try:
        git.run(["config", "user.email"], root, seconds=60)
    except RoarError:
        import getpass
        import socket

        name = getpass.getuser()
        return ["-c", f"user.name={name}", "-c", f"user.email={name}@{socket.gethostname()}"]
    return []
