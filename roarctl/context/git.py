"""What git knows of the project, asked as the user, without anything of the user's being changed or run.

No hooks, pagers, external diff drivers, text conversions or file system monitors run, the index is not refreshed on
disk, submodules are not entered and nothing is fetched. Clean filters (as of git-lfs) do run on changed files: without
them git could not tell whether the file differs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from lineage.records import Json
from lineage.redact import redact_text
from roarctl.context.command import Answer, Command
from roarctl.context.project import git_root

TIMEOUT = 5.0  # seconds, for all of it
MAX_DIFF = 1_000_000  # bytes
MAX_UNTRACKED = 1_000
MAX_SUBMODULES = 1_000
_MAX_LIST = 256 << 20  # bytes: git ls-files of millions of paths

GIT = (
    "git", "--no-pager", "--literal-pathspecs",
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.untrackedCache=false",
    "-c", "protocol.allow=never",  # a partial clone would fetch what it lacks
)
_DIFF = (*GIT, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-relative", "--no-renames",
"--submodule=short",
         "--ignore-submodules=dirty", "--src-prefix=a/", "--dst-prefix=b/")
_STATUS = (*GIT, "status", "--porcelain=v2", "--branch", "--no-ahead-behind", "-z", "--no-renames",
"--untracked-files=normal",
           "--ignore-submodules=dirty")
_ENVIRONMENT = {
    b"GIT_OPTIONAL_LOCKS": b"0", b"GIT_TERMINAL_PROMPT": b"0", b"GIT_NO_LAZY_FETCH": b"1", b"LC_ALL": b"C",
    b"LANGUAGE": b"",
}
#: A git hook that runs roar has these set, for another question than ours. GIT_CONFIG_* may stay: they are the user's.
_UNWANTED = frozenset([
    b"GIT_DIR", b"GIT_WORK_TREE", b"GIT_INDEX_FILE", b"GIT_PREFIX", b"GIT_NAMESPACE", b"GIT_EXTERNAL_DIFF",
    b"GIT_DIFF_OPTS",
    b"GIT_LITERAL_PATHSPECS", b"GIT_GLOB_PATHSPECS", b"GIT_NOGLOB_PATHSPECS", b"GIT_ICASE_PATHSPECS",
]) | {name for name in os.environb if name.startswith(b"GIT_TRACE")}


def environment(root: bytes) -> dict[bytes, bytes]:
    """For a git that is asked about the work tree at ``root``."""
    env = {name: value for name, value in os.environb.items() if name not in _UNWANTED} | _ENVIRONMENT
    # If this .git is none, git shall say so and not go on looking further up.
    return {**env, b"GIT_CEILING_DIRECTORIES": os.path.dirname(root)}


class GitProbe:
    """Asks git about the work tree around ``cwd``: starts at once, in parallel, and is joined by ``result()``.

    Outside of a work tree nothing is started and ``result()`` is None.
    """

    def __init__(self, cwd: bytes, deadline: float | None = None) -> None:
        """``deadline``: by time.monotonic(); else TIMEOUT from now."""
        self._root = git_root(os.path.realpath(cwd))
        self._tracked: list[bytes] = []
        self._result: dict[str, Json] | None = None
        self._joined = self._root is None
        if self._root is None:
            return
        self._deadline = time.monotonic() + TIMEOUT if deadline is None else deadline
        self._environment = environment(self._root)
        self._status = self._start(*_STATUS)
        self._diff = self._start(*_DIFF, "HEAD", "--")
        self._files = self._start(*GIT, "ls-files", "-z")
        self._remotes = self._start(*GIT, "config", "-z", "--get-regexp", r"^remote\..*\.url$")
        modules = os.path.lexists(os.path.join(self._root, b".gitmodules"))
        self._modules = self._start(*GIT, "ls-files", "-z", "--stage") if modules else None

    def result(self) -> dict[str, Json] | None:
        """What a job's `git` section holds, or None outside of git. Waits at most until TIMEOUT after the start.

        ``root, branch`` (None: detached), ``commit`` (None: there is none yet), ``dirty`` (tracked files differ from
        the commit), ``remote`` (redacted), ``diff`` (of tracked files, redacted), ``diff_truncated``, ``untracked``
        (relative paths, directories with a slash), ``untracked_truncated``, ``submodules`` (path → commit, where
        there are any), ``error`` (empty if all went well; else what git said, and what it concerns is None).
        """
        if not self._joined:
            self._joined = True
            self._result = self._join()
        return self._result

    @property
    def tracked(self) -> bytes:
        """The absolute paths that git tracks, joined by NUL; empty if there are none or git did not say."""
        self.result()
        return b"\0".join(self._tracked)

    def stop(self) -> None:
        """Ends what still runs, for who does not want the result any more."""
        self._joined = True
        if self._root is not None:
            for command in (self._status, self._diff, self._files, self._remotes, self._modules):
                if command is not None:
                    command.stop()

    def _start(self, *argv: str) -> Command:
        return Command(argv, cwd=self._root, env=self._environment)

    def _join(self) -> dict[str, Json] | None:
        root = self._root
        assert root is not None
        status = self._status.answer(self._deadline, _MAX_LIST)
        if status.status is None and not status.error.startswith("took"):
            self.stop()
            return {"root": _text(root), "error": f"git cannot be run: {status.error}"}
        if status.status not in {0, None}:
            self.stop()
            if "not a git repository" in status.stderr:
                return None
            return {"root": _text(root), "error": _complaint(status)}
        errors = [_complaint(status)] if status.error else []
        section: dict[str, Json] = {"root": _text(root), **_read_status(status)}
        self._join_diff(section, errors)
        section["remote"] = _remote(self._remotes.answer(self._deadline, 1 << 20).stdout)
        self._join_files(root, section, errors)
        section["error"] = "; ".join(dict.fromkeys(errors))
        return section

    def _join_diff(self, section: dict[str, Json], errors: list[str]) -> None:
        answer = self._diff.answer(self._deadline, MAX_DIFF)
        if answer.status not in {0, None} and section["commit"] is None:
            # Before the first commit there is no HEAD; what is staged is all there is.
            answer = self._start(*_DIFF, "--cached", "--").answer(self._deadline, MAX_DIFF)
        if answer.status == 0 or answer.truncated:
            text = answer.stdout if not answer.truncated else answer.stdout[:answer.stdout.rfind(b"\n") + 1]
            section["diff"] = redact_text(_text(text))
        else:
            section["diff"] = None
            errors.append(_complaint(answer))
        section["diff_truncated"] = answer.truncated

    def _join_files(self, root: bytes, section: dict[str, Json], errors: list[str]) -> None:
        answer = self._files.answer(self._deadline, _MAX_LIST)
        if answer.status == 0:
            base = root.rstrip(b"/") + b"/"
            self._tracked = [base + path for path in answer.stdout.split(b"\0") if path]
        else:
            errors.append(_complaint(answer))
        if self._modules is not None:
            section["submodules"] = dict(_submodules(self._modules.answer(self._deadline, _MAX_LIST).stdout))


def _read_status(answer: Answer) -> dict[str, Json]:
    """The porcelain format, version 2, of git-status(1)."""
    if answer.status != 0:
        return {"branch": None, "commit": None, "dirty": None, "untracked": None, "untracked_truncated": False}
    branch: str | None = None
    commit: str | None = None
    dirty = False
    untracked: list[Json] = []
    total = 0
    for line in answer.stdout.split(b"\0"):
        kind, _, rest = line.partition(b" ")
        if kind == b"?":
            total += 1
            if total <= MAX_UNTRACKED:
                untracked.append(_text(rest))
        elif kind == b"#":
            key, _, value = rest.partition(b" ")
            if key == b"branch.oid" and value != b"(initial)":
                commit = _text(value)
            elif key == b"branch.head" and value != b"(detached)":
                branch = _text(value)
        elif kind in {b"1", b"2", b"u"}:
            dirty = True
    return {"branch": branch, "commit": commit, "dirty": dirty, "untracked": untracked,
            "untracked_truncated": total > MAX_UNTRACKED}


def _remote(output: bytes) -> str | None:
    """The address of `origin`, or of the first remote."""
    addresses: dict[bytes, bytes] = {}
    for entry in output.split(b"\0"):
        key, _, value = entry.partition(b"\n")
        if value:
            addresses.setdefault(key, value)
    if not addresses:
        return None
    return redact_text(_text(addresses.get(b"remote.origin.url") or next(iter(addresses.values()))))


def _submodules(output: bytes) -> Iterator[tuple[str, Json]]:
    """Of `git ls-files --stage` the entries that are commits (mode 160000)."""
    found = [line.partition(b"\t") for line in output.split(b"\0") if line.startswith(b"160000 ")]
    for head, _, path in found[:MAX_SUBMODULES]:
        yield _text(path), _text(head.split(b" ")[1])


def _complaint(answer: Answer) -> str:
    if "dubious ownership" in answer.stderr:
        return "git does not trust this repository, because someone else owns it (see safe.directory in git-config(1))"
    lines = answer.stderr.strip().splitlines()
    if answer.error:
        return f"git {answer.error}"
    return redact_text(lines[0]) if lines else f"git failed with status {answer.status}"


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")


def ask(root: bytes, *arguments: str | bytes) -> Command:
    """One more question to the repository at ``root``, in the same careful way: `git ARGUMENTS`."""
    environment = {name: value for name, value in os.environb.items() if name not in _UNWANTED} | _ENVIRONMENT
    environment[b"GIT_CEILING_DIRECTORIES"] = os.path.dirname(root)
    return Command((*GIT, *arguments), cwd=root, env=environment)
