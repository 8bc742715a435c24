"""Which installed distribution owns a file: ``site-packages/numpy/__init__.py`` → ``numpy==2.4.6``.

What pip wrote beside the files says so: ``*.dist-info/RECORD`` (the PyPA specification "Recording installed projects")
lists every file; the older ``*.egg-info`` of Debian's dist-packages names the top-level modules alone. Of editable
installs only the modules are known, which lie elsewhere: see ``installed``. The ``*-info`` files themselves have no owner:
whoever looks for entry points (joblib, pytest, importlib.metadata) reads those of every distribution there is, and uses none
of them by that.

Runs as the job's owner in a worker without rights, and takes what it reads for hostile: sizes are limited, nothing is
read but regular files, text that is no name or version is dropped, and no exception leaves ``owners``.
"""

from __future__ import annotations

import csv
import os
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from roard.content import installed
from roard.content.owner import Owner, json_object, read_file, source_of

MAX_RECORD = 16 << 20  # bytes; the largest in the wild are 2 MB
MAX_METADATA = 64 << 10  # bytes: name and version stand at the top
MAX_DISTRIBUTIONS = 5_000  # in one directory
MAX_FILES = 1_000_000  # in all RECORDs of one directory
MAX_DIRECTORIES = 64  # remembered at once

_SITE = re.compile(rb".*/(?:site|dist)-packages(?=/)", re.DOTALL)
_METADATA = re.compile(rb"/[^/]+\.(?:dist|egg)-info(?:/|$)")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,63}")
_HEADER = re.compile(rb"^(Name|Version):[ \t]*([^\r\n]{1,200}?)[ \t]*\r?$", re.MULTILINE)
_EMPTY_LINE = re.compile(rb"\r?\n\r?\n")
_INFO = re.compile(rb"(.+?)(?:-([^-]+)(?:-py[0-9.]+)?)?\.(?:dist|egg)-info", re.DOTALL)
_SEPARATORS = re.compile(rb"[-_.]+")
_LINK = b".egg-link"
_MODULES = (b".py", b".pyc", b".so")
_MOST_FINDERS = 10_000  # rows of an editable install's RECORD


@dataclass(slots=True)
class _Distribution:
    """One ``*.dist-info`` or ``*.egg-info`` in a directory of packages."""

    path: bytes
    entry: bytes
    label: str | None = None  # `name==version`, read when first asked for
    origin: tuple[tuple[str, str], ...] = ()  # of an install that is not from an index: see roard.content.installed
    read: bool = False  # its RECORD

    @property
    def name(self) -> bytes:
        """As the directory is called, normalised (PEP 503)."""
        found = _INFO.fullmatch(self.entry)
        return _normal(found[1] if found else self.entry)


@dataclass(slots=True)
class _Site:
    """What is known of one directory of packages; paths are relative to it."""

    signature: tuple[int, int, int]  # device, inode, mtime_ns
    recorded: list[_Distribution] = field(default_factory=list)  # those with a RECORD
    files: dict[bytes, _Distribution] = field(default_factory=dict)
    #: Of distributions without a RECORD: module or package → owner, None where several claim it.
    prefixes: dict[bytes, _Distribution | None] = field(default_factory=dict)
    #: Where modules of editable installs are, outside of this directory.
    elsewhere: list[tuple[bytes, _Distribution]] = field(default_factory=list)


class PackageIndex:
    """Remembers what it read of each directory for as long as the directory's mtime stays. Safe among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sites: dict[bytes, _Site] = {}

    def owners(self, paths: Iterable[bytes]) -> dict[bytes, str]:
        """``{path: "name==version"}`` of those absolute paths whose owner is known. Never raises."""
        return {path: distribution.label or "" for path, distribution in self._found(paths).items()}

    def look(self, paths: Iterable[bytes]) -> dict[bytes, Owner]:
        """Likewise, with what there is to say about the distribution."""
        found = {}
        for path, distribution in self._found(paths).items():
            name, _, version = (distribution.label or "").partition("==")
            found[path] = Owner("pip", name, version, distribution.origin)
        return found

    def _found(self, paths: Iterable[bytes]) -> dict[bytes, _Distribution]:
        by_site: dict[bytes, list[tuple[bytes, bytes]]] = {}
        others: list[bytes] = []
        for path in paths:
            found = _SITE.match(path)
            if found and not _METADATA.match(path, found.end()):
                by_site.setdefault(found[0], []).append((path, path[found.end() + 1:]))
            elif path.endswith(_MODULES):
                others.append(path)
        result: dict[bytes, _Distribution] = {}
        with self._lock:
            for directory, wanted in by_site.items():
                site = self._site(directory)
                if site is not None:
                    result.update(_owners_in(site, wanted))
                    result.update((path, distribution) for path in others for prefix, distribution in site.elsewhere
                                  if installed.lies_in(path, prefix) and _labelled(distribution))
        return result

    def _site(self, directory: bytes) -> _Site | None:
        try:
            status = os.stat(directory)  # noqa: PTH116 - a path of bytes
            signature = (status.st_dev, status.st_ino, status.st_mtime_ns)
            known = self._sites.get(directory)
            if known is not None and known.signature == signature:
                return known
            entries = _information(directory)
        except (OSError, ValueError):
            return None
        if len(self._sites) >= MAX_DIRECTORIES:
            self._sites.clear()
        site = self._sites[directory] = _Site(signature)
        for entry in entries:
            distribution = _Distribution(os.path.join(directory, entry), entry)
            if entry.endswith(_LINK):
                _add_link(site, distribution)
                continue
            distribution.origin = installed.origin(json_object(read_file(distribution.path + b"/direct_url.json",
                                                                         MAX_METADATA)))
            if os.path.exists(os.path.join(distribution.path, b"RECORD")):
                site.recorded.append(distribution)
                if distribution.origin[:1] and distribution.origin[0][0] == "editable":
                    _add_editable(site, directory, distribution)
            else:
                _add_prefixes(site, distribution)
        return site


def owners(paths: Iterable[bytes]) -> dict[bytes, str]:
    """``PackageIndex.owners`` for once."""
    return PackageIndex().owners(paths)


def _information(directory: bytes) -> list[bytes]:
    """The names of the ``*.dist-info``, ``*.egg-info`` and ``*.egg-link`` entries, sorted: answers must not
    depend on the disk."""
    names = []
    with os.scandir(directory) as scan:
        for entry in scan:
            if entry.name.endswith((b".dist-info", b".egg-info", _LINK)):
                names.append(entry.name)
                if len(names) >= MAX_DISTRIBUTIONS:
                    break
    return sorted(names)


def _owners_in(site: _Site, wanted: list[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, _Distribution]]:
    keys = {relative: source_of(relative) for _, relative in wanted}
    _read_records(site, set(keys.values()))
    for path, relative in wanted:
        distribution = site.files.get(keys[relative]) or site.files.get(relative) or _by_prefix(site, keys[relative])
        if distribution is not None and _labelled(distribution):
            yield path, distribution


def _labelled(distribution: _Distribution) -> bool:
    if distribution.label is None:
        distribution.label = _label(distribution)
    return bool(distribution.label)


def _add_editable(site: _Site, directory: bytes, distribution: _Distribution) -> None:
    """What a RECORD names there finds the modules: a .pth file, or setuptools' finder."""
    for relative in islice(_record(distribution.path), _MOST_FINDERS):
        if relative.endswith(b".pth") and b"/" not in relative:
            places = installed.directories(read_file(os.path.join(directory, relative), MAX_METADATA))
        elif relative.startswith(b"__editable___") and relative.endswith(b"_finder.py"):
            places = installed.mapped(read_file(os.path.join(directory, relative), MAX_METADATA))
        else:
            continue
        site.elsewhere += [(place, distribution) for place in places]


def _add_link(site: _Site, link: _Distribution) -> None:
    """`setup.py develop`: the first line says where it is, and there is its egg-info."""
    places = installed.directories(read_file(link.path, MAX_METADATA))
    name = link.entry.removesuffix(_LINK)
    if places:
        place = places[0]
        entry = _SEPARATORS.sub(b"_", name) + b".egg-info"
        origin = (("editable", place.decode("utf-8", "replace")),)
        site.elsewhere.append((place, _Distribution(os.path.join(place, entry), entry, origin=origin)))


def _read_records(site: _Site, needed: set[bytes]) -> None:
    """Reads RECORDs until every needed file has its owner, those first whose name is that of a needed package."""
    unresolved = needed.difference(site.files)
    tops = {_normal(_module(relative)) for relative in unresolved}
    for distribution in sorted(site.recorded, key=lambda each: each.name not in tops):
        if not unresolved or len(site.files) >= MAX_FILES:
            return
        if not distribution.read:
            distribution.read = True
            for relative in islice(_record(distribution.path), MAX_FILES - len(site.files)):
                site.files.setdefault(relative, distribution)
                unresolved.discard(relative)


def _record(path: bytes) -> Iterator[bytes]:
    """The first column of a RECORD."""
    data = read_file(os.path.join(path, b"RECORD"), MAX_RECORD)
    for line in data.split(b"\n"):
        if line.startswith(b'"'):
            try:
                row = next(csv.reader([line.decode("utf-8", "surrogateescape")]), [""])
            except csv.Error:
                continue
            yield row[0].encode("utf-8", "surrogateescape")
        else:
            yield line[:line.find(b",")]


def _add_prefixes(site: _Site, distribution: _Distribution) -> None:
    """Without a RECORD: the modules that top_level.txt names, or the one that is called like the distribution."""
    text = read_file(os.path.join(distribution.path, b"top_level.txt"), MAX_METADATA)
    found = _INFO.fullmatch(distribution.entry)
    name = found[1] if found else distribution.entry
    claims = [line for line in text.split() if b"/" not in line and not line.startswith(b".")] or [name]
    if b"." in name:
        claims.append(name.replace(b".", b"/"))  # lazr.uri shares `lazr` with others, and has lazr/uri alone
    for claim in dict.fromkeys(claims):
        site.prefixes[claim] = None if claim in site.prefixes else distribution


def _by_prefix(site: _Site, relative: bytes) -> _Distribution | None:
    """The owner of the longest claimed directory or module that ``relative`` lies in."""
    if not site.prefixes:
        return None
    directory, slash, name = relative.rpartition(b"/")
    module = directory + slash + name.split(b".", 1)[0] if name.endswith((b".py", b".so", b".pyc")) else b""
    if module in site.prefixes:
        return site.prefixes[module]
    while directory:
        if directory in site.prefixes:
            return site.prefixes[directory]
        directory = directory.rpartition(b"/")[0]
    return None


def _label(distribution: _Distribution) -> str:
    """``name==version``, by its metadata or else by the directory's name; empty if neither has a sound name."""
    found = _INFO.fullmatch(distribution.entry)
    name, version = (_sound(found[1], _NAME), _sound(found[2], _VERSION)) if found else ("", "")
    for file in (b"METADATA", b"PKG-INFO", b""):  # an egg-info may be the metadata itself
        data = read_file(os.path.join(distribution.path, file) if file else distribution.path, MAX_METADATA)
        # The first of a name counts, and the description after the first empty line not at all.
        headers: dict[bytes, bytes] = dict(reversed(_HEADER.findall(_EMPTY_LINE.split(data, maxsplit=1)[0])))
        if headers:
            name = _sound(headers.get(b"Name"), _NAME) or name
            version = _sound(headers.get(b"Version"), _VERSION) or version
            break
    return f"{name}=={version}" if name and version else ""


def _sound(value: bytes | None, pattern: re.Pattern[str]) -> str:
    text = (value or b"").decode("ascii", "replace")
    return text if pattern.fullmatch(text) else ""


def _module(relative: bytes) -> bytes:
    return relative.split(b"/", 1)[0].split(b".", 1)[0]


def _normal(name: bytes) -> bytes:
    return _SEPARATORS.sub(b"_", name).lower()

