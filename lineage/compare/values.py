"""What a record says beside files: environment, machine, packages, and sections that nothing is known of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lineage.compare.model import Category, FileChange, ValueChange
from lineage.records import Entry, Job, Json

#: Variables that differ from one terminal, login or batch job to the next.
_INCIDENTAL = re.compile(
    r"_|HOME|USER|LOGNAME|SHELL|TMPDIR|SHLVL|PWD|OLDPWD|SSH_\w+|XDG_(?:SESSION|RUNTIME|VTNR|SEAT)\w*|WINDOWID|TERM|TERM_\w+|COLORTERM|COLUMNS|LINES|NO_COLOR"
    r"|DBUS_\w+|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|TMUX\w*|STY|LS_COLORS|LESS\w*|PAGER|EDITOR|VISUAL|HIST\w+|PS\d|PROMPT\w*"
    r"|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_\w+|NOTIFY_SOCKET|MAIL|SUDO_\w+|VSCODE_\w+|GIT_ASKPASS|HOSTNAME|ROAR\w*"
    r"|SLURM_(?:JOB|JOBID|STEP|STEPID|TASK_PID|LAUNCH|TOPOLOGY|SUBMIT)\w*|PBS_JOB\w*|LSB_JOB\w*|JOB_ID|MEMORY_PRESSURE_\w+"
    r"|GPG_\w+|KRB5CCNAME|KITTY_\w+|WEZTERM_\w+|ITERM_\w+|PYTEST_CURRENT_TEST|PYTHONDONTWRITEBYTECODE|VIRTUAL_ENV_PROMPT")
#: Sections that are compared in their own way, or (resources and what was written to stderr) are never the same.
_OWN_WAY = frozenset({"git", "python", "packages", "network", "gpus", "environment", "hardware", "resources"})
_OUTCOMES = frozenset({"error", "errors", "stderr", "trackers", "tracker", "experiments", "runs"})
_SITE = re.compile(rb".*/(?:site-packages|dist-packages)/")
_DNS = 53
_MACHINES_OWN = re.compile(rb"/(?:etc|proc|sys|run|var|dev|boot)/|.*(?:\.cache|/mimeinfo\.cache|/locale-archive)$")
_COMPILED = (b".pyc", b".pyo", b".nbc", b".nbi")


def compare_context(a: Job, b: Job, name_a: str, name_b: str) -> tuple[list[ValueChange], list[str]]:
    """All sections but git, and what could not be compared since one side did not record it."""
    changes: list[ValueChange] = []
    notes: list[str] = []
    one, other = a.context, b.context
    sections: tuple[tuple[str, Category], ...] = (
        ("environment", "environment"), ("hardware", "machine"), ("python", "environment"))
    for section, category in sections:
        before, after = one.get(section), other.get(section)
        if bool(before) != bool(after):
            notes.append(f"{section} was recorded only for {name_a if before else name_b}")
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            changes += _section(section, _at_home(a, before), _at_home(b, after), category)
    changes += [change._replace(incidental=change.name == "host.user")
                for change in compare_values("machine", "host.", _host(a), _host(b))]
    changes += compare_values("machine", "", {"gpus used": one.get("gpus") or []}, {"gpus used": other.get("gpus") or []})
    changes += compare_values("machine", "", {"network": _peers(one)}, {"network": _peers(other)})
    for section in dict.fromkeys([*one, *other]):
        if section in _OWN_WAY or section in _OUTCOMES:
            continue
        before, after = one.get(section), other.get(section)
        if (before is None) != (after is None):
            notes.append(f"{section} was recorded only for {name_a if after is None else name_b}")
        else:
            changes += compare_values("context", "", {section: before}, {section: after})
    return changes, notes


def compare_values(category: Category, prefix: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> list[ValueChange]:
    """Nested values by their dotted names, as far as they differ.  Lists of things that have a name are compared by
    it, other lists as a whole."""
    before, after = dict(_flat(prefix, a)), dict(_flat(prefix, b))
    return [_value_change(category, name, before.get(name), after.get(name), name in before, name in after)
            for name in dict.fromkeys([*before, *after])
            if before.get(name) != after.get(name) or (name in before) != (name in after)]


def compare_packages(a: Job, b: Job) -> list[ValueChange | FileChange]:
    """By name from version to version; and those of one version whose files differ all the same (an editable or patched
    installation).  Python itself comes first."""
    changes: list[ValueChange | FileChange] = []
    one, other = a.context.get("python") or {}, b.context.get("python") or {}
    if one and other:
        changes += [change for change in compare_values("packages", "python ", one, other)
                    if change.name in {"python version", "python implementation"}]
    before, after = _versions(a), _versions(b)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            changes.append(_value_change("packages", name, before.get(name), after.get(name), name in before, name in after))
    changes += _patched(a, b)
    return changes


def compare_system_files(a: Iterable[Entry], b: Iterable[Entry]) -> list[FileChange]:
    """Programs, libraries and their data that both read, with other contents: an upgrade.  What the machine keeps for
    itself (settings, caches) is left out."""
    def installed(entries: Iterable[Entry]) -> dict[bytes, Entry]:
        return {entry.path: entry for entry in entries
                if entry.role == "system" and entry.hash is not None and not _MACHINES_OWN.match(entry.path)}

    theirs = installed(b)
    return [FileChange("machine", path, "changed", entry, theirs[path]) for path, entry in installed(a).items()
            if path in theirs and theirs[path].hash != entry.hash]


def _section(section: str, a: Mapping[str, Any], b: Mapping[str, Any], category: Category) -> list[ValueChange]:
    changes = compare_values(category, "python." if section == "python" else "", a, b)
    if section == "environment":
        return [change._replace(incidental=_INCIDENTAL.fullmatch(change.name) is not None) for change in changes]
    return [change for change in changes if change.name not in {"python.version", "python.implementation"}]


def _at_home(job: Job, section: Mapping[str, Any]) -> dict[str, Any]:
    """Paths in the job's project and in its user's home are told from there, so that two people's can be compared."""
    home = (job.context.get("environment") or {}).get("HOME")
    places = [(job.head.project.decode("utf-8", "backslashreplace"), "."), (home, "~")]

    def told(value: object) -> object:
        for place, sign in places:
            if isinstance(value, str) and isinstance(place, str) and len(place) > 1:
                value = re.sub(rf"(?<![\w/.-]){re.escape(place)}(?![\w.-])", sign, value)
        return value

    return {key: told(value) for key, value in section.items()}


def _host(job: Job) -> dict[str, Any]:
    host = job.head.host
    return {"name": host.name, "kernel": host.kernel, "machine": host.machine, "user": job.head.user.name}


def _peers(context: Mapping[str, Any]) -> list[Json]:
    """Other machines that it talked to, by name where one is known, but resolvers."""
    peers: set[str] = set()
    for row in context.get("network") or ():
        address = str(row.get("address") or "")
        own = row.get("family") == "unix" or address.startswith("127.") or address == "::1"
        if not own and row.get("direction") != "accepted" and row.get("port") != _DNS:
            peers.add(str(row.get("name") or address))
    return list[Json](sorted(peers))


def _versions(job: Job) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for row in job.context.get("packages") or ():
        if isinstance(row, Mapping) and row.get("name"):
            found.setdefault(str(row["name"]), []).append(str(row.get("version") or "?"))
    return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def _patched(a: Job, b: Job) -> list[FileChange]:
    ours, theirs = _package_files(a), _package_files(b)
    return [FileChange("packages", key[1], "changed", entry, theirs[key]) for key, entry in sorted(ours.items())
            if key in theirs and theirs[key].hash != entry.hash]


def _package_files(job: Job) -> dict[tuple[str, bytes], Entry]:
    """By (name==version, path below site-packages); compiled files tell of times, not of contents."""
    found: dict[tuple[str, bytes], Entry] = {}
    for entry in job.entries:
        if entry.kind == "input" and entry.package and entry.hash is not None and not entry.path.endswith(_COMPILED):
            place = _SITE.match(entry.path)
            if place is not None:
                found.setdefault((entry.package, entry.path[place.end():]), entry)
    return found


def _flat(prefix: str, value: Mapping[str, Any]) -> Iterable[tuple[str, Json]]:
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping):
            yield from _flat(f"{name}.", item)
        elif isinstance(item, Sequence) and not isinstance(item, str) and _all_named(item):
            yield from _flat(f"{name}.", {str(one.get("name")): _only_value(one) for one in item})
        else:
            yield name, item


def _all_named(items: Sequence[Any]) -> bool:
    names = [item.get("name") for item in items if isinstance(item, Mapping)]
    return bool(items) and len(names) == len(items) == len(set(map(str, names))) and all(names)


def _only_value(item: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """{name, version} is a version; more than that stays a mapping."""
    rest = {key: value for key, value in item.items() if key != "name"}
    return next(iter(rest.values())) if len(rest) == 1 else rest


def _value_change(category: Category, name: str, a: Json, b: Json, in_a: bool, in_b: bool) -> ValueChange:
    return ValueChange(category, name, "added" if not in_a else "removed" if not in_b else "changed", a, b)
