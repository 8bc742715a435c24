"""Which package of the system's, of conda, R or npm owns a file.

Like ``packages``: as the job's owner, in a worker without rights, taking what is read for hostile, and never raising.
Nothing is walked for each job: what was found out about a file stays known until its database changes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from roard.content.owner import Owner, json_object, read_file, sound, source_of

#: Of files of a database, in bytes.
MAX_LIST = 16 << 20
MAX_STATUS = 64 << 20
MAX_DESCRIPTION = 256 << 10
MAX_FILES = 1_000_000  # of one conda environment
MAX_KNOWN = 200_000
MAX_ENVIRONMENTS = 4

#: Where Debian put what is below /usr now: a list may name a file as it was (https://wiki.debian.org/UsrMerge).
_MERGED = re.compile(rb"/usr(/(?:s?bin|lib(?:32|64|x32)?)/.*)", re.DOTALL)
_R = re.compile(rb"(.*/(?:site-library|library|[\w.-]+-library)/[A-Za-z][A-Za-z0-9.]*)/", re.DOTALL)
_NPM = re.compile(rb"(.*/node_modules/(?:@[^/]+/)?[^/@.][^/]*)/", re.DOTALL)
_FIELD = re.compile(rb"^(Package|Version|Architecture|RemoteSha|RemoteUrl):[ \t]*([^\r\n]{1,200}?)[ \t]*\r?$", re.MULTILINE)


class Dpkg:
    """/var/lib/dpkg, as of dpkg(1). ``root`` is where it is."""

    def __init__(self, root: bytes = b"/var/lib/dpkg") -> None:
        self._root = root
        self._signature: tuple[int, int] | None = None
        self._versions: dict[bytes, Owner] = {}
        self._known: dict[bytes, Owner | None] = {}

    def owners(self, paths: Iterable[bytes]) -> dict[bytes, Owner]:
        try:
            status = os.stat(self._root + b"/status")  # noqa: PTH116 - bytes
        except OSError:
            return {}
        signature = (status.st_ino, status.st_mtime_ns)
        if signature != self._signature or len(self._known) > MAX_KNOWN:
            self._known = {}
        if signature != self._signature:
            self._versions = _dpkg_status(read_file(self._root + b"/status", MAX_STATUS))
            self._signature = signature
        wanted = list(paths)
        unknown = [path for path in wanted if path not in self._known]
        if unknown:
            self._look(unknown)
        found = ((path, self._known.get(path)) for path in wanted)
        return {path: owner for path, owner in found if owner is not None}

    def _look(self, paths: list[bytes]) -> None:
        """Goes through the lists once (some 0.1 s) for all that is not known yet."""
        names = dict.fromkeys(paths)
        self._known |= names
        aliases: dict[bytes, list[bytes]] = {}
        for path in paths:
            source = source_of(path)  # compiled on the machine, of a file that was installed
            merged = _MERGED.fullmatch(source)
            for alias in (source, *(merged.groups() if merged else ())):
                aliases.setdefault(alias, []).append(path)
        wanted = set(aliases)
        try:
            lists = sorted(name for name in os.listdir(self._root + b"/info") if name.endswith(b".list"))
        except OSError:
            return
        for name in lists:
            here = wanted.intersection(read_file(self._root + b"/info/" + name, MAX_LIST).split(b"\n"))
            owner = self._versions.get(name.removesuffix(b".list").partition(b":")[0]) if here else None
            if owner is not None:
                self._known |= {path: owner for alias in here for path in aliases[alias]}


def _dpkg_status(data: bytes) -> dict[bytes, Owner]:
    versions = {}
    for paragraph in data.split(b"\n\n"):
        fields: dict[bytes, bytes] = dict(reversed(_FIELD.findall(paragraph)))
        owner = sound("dpkg", fields.get(b"Package", b""), fields.get(b"Version", b""))
        if owner is not None:
            architecture = sound("dpkg", owner.name, fields.get(b"Architecture", b""))
            more = (("architecture", architecture.version),) if architecture else ()
            versions[fields[b"Package"]] = owner._replace(more=more)
    return versions


@dataclass(slots=True)
class _Environment:
    signature: tuple[int, int]
    files: dict[int, int] = field(default_factory=dict)  # hash of the path → place in packages: a tenth of the memory
    packages: list[Owner] = field(default_factory=list)


class Conda:
    """PREFIX/conda-meta/NAME-VERSION-BUILD.json: a file each package, with the files that it put there."""

    def __init__(self) -> None:
        self._environments: dict[bytes, _Environment] = {}
        self._prefixes: dict[bytes, bytes | None] = {}  # by directory

    def owners(self, paths: Iterable[bytes]) -> dict[bytes, Owner]:
        found: dict[bytes, Owner] = {}
        self._prefixes.clear()
        for path in paths:
            prefix = self._prefix(os.path.dirname(path))
            environment = self._environment(prefix) if prefix else None
            if prefix and environment is not None:
                at = environment.files.get(hash(path[len(prefix) + 1:]))
                if at is not None:
                    found[path] = environment.packages[at]
        return found

    def _prefix(self, directory: bytes) -> bytes | None:
        known = self._prefixes.get(directory, b"")
        if known != b"":
            return known
        if directory in {b"", b"/"}:
            return None
        here = os.path.exists(directory + b"/conda-meta/history")
        prefix = self._prefixes[directory] = directory if here else self._prefix(os.path.dirname(directory))
        return prefix

    def _environment(self, prefix: bytes) -> _Environment | None:
        meta = prefix + b"/conda-meta"
        try:
            status = os.stat(meta)  # noqa: PTH116 - bytes
            signature = (status.st_ino, status.st_mtime_ns)
            known = self._environments.get(prefix)
            if known is not None and known.signature == signature:
                return known
            names = sorted(name for name in os.listdir(meta) if name.endswith(b".json"))
        except OSError:
            return None
        if len(self._environments) >= MAX_ENVIRONMENTS:
            self._environments.clear()
        environment = self._environments[prefix] = _Environment(signature)
        for name in names:
            self._add(environment, read_file(meta + b"/" + name, MAX_LIST))
        return environment

    @staticmethod
    def _add(environment: _Environment, data: bytes) -> None:
        value = json_object(data)
        owner = sound("conda", value.get("name"), value.get("version"))
        files = value.get("files")
        if owner is None or not isinstance(files, list) or len(environment.files) > MAX_FILES:
            return
        more = [(key, text.version) for key in ("build", "channel")
                if (text := sound("conda", owner.name, value.get(key)))]
        environment.packages.append(owner._replace(more=tuple(more)))
        at = len(environment.packages) - 1
        environment.files |= {hash(os.fsencode(file)): at for file in files[:MAX_FILES] if isinstance(file, str)}


class Described:
    """R and npm: a package is a directory with a file that says what it is."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[int, Owner | None]] = {}

    def owners(self, paths: Iterable[bytes]) -> dict[bytes, Owner]:
        found = {}
        asked: dict[bytes, Owner | None] = {}
        for path in paths:
            for pattern, file in ((_NPM, b"/package.json"), (_R, b"/DESCRIPTION")):
                match = pattern.match(path)
                if match:
                    if match[1] not in asked:
                        asked[match[1]] = self._owner(match[1] + file)
                    owner = asked[match[1]]
                    if owner is not None:
                        found[path] = owner
                    break
        return found

    def _owner(self, path: bytes) -> Owner | None:
        try:
            mtime = os.stat(path).st_mtime_ns  # noqa: PTH116 - bytes
        except (OSError, ValueError):
            return None
        known = self._known.get(path)
        if known is None or known[0] != mtime:
            if len(self._known) > MAX_KNOWN:
                self._known.clear()
            read = _npm if path.endswith(b"/package.json") else _r
            known = self._known[path] = mtime, read(read_file(path, MAX_DESCRIPTION))
        return known[1]


def _npm(data: bytes) -> Owner | None:
    value = json_object(data)
    return sound("npm", value.get("name"), value.get("version"))


def _r(data: bytes) -> Owner | None:
    """https://cran.r-project.org/doc/manuals/R-exts.html#The-DESCRIPTION-file; Remote… is of the package remotes."""
    fields: dict[bytes, bytes] = dict(reversed(_FIELD.findall(data)))
    owner = sound("R", fields.get(b"Package", b""), fields.get(b"Version", b""))
    commit = sound("R", "x", fields.get(b"RemoteSha", b"")) if owner else None
    return owner._replace(more=(("commit", commit.version),)) if owner and commit else owner
