"""Why a file is there, told by its path alone: pure rules, no file is looked at.

The rules in their order; the first that holds gives the role:

1. device       the caller knows that it is one, or it is in /dev
2. package      what package managers put there: site-packages, lib/python3.x, conda, R libraries, node_modules, …
3. temporary    caches and compiled files, editors' swap files, `tmpXXXXXXXX` in /tmp
4. the work     under the project or the working directory: source if git tracks it or its name is a program's,
                config if it is a settings file, else data
5. config       dot-files and dot-directories in the home directory, .git, pyvenv.cfg
6. system       what the distribution put there, and the kernel's own file systems
7. the rest     source if git tracks it, its name is a program's, or it was executed; else data

Rules 3, 5 and 6 ask what lies *below* the project: a project inside /opt, ~/.cache or /tmp/tmp.Xy12 is a project.
"""

from __future__ import annotations

import re
from collections.abc import Container

from lineage.records import Role

_PACKAGE = re.compile(
    rb"/(?:site-packages|dist-packages|node_modules|site-library|conda-meta)/"
    rb"|/lib(?:64)?/python\d(?:\.\d+)?t?/"
    rb"|/R/(?:library|[\w.-]+-library)/|/lib/R/|/renv/library/"
    rb"|/(?:(?:ana|mini)conda\d?|conda|mini(?:forge|mamba)\d?|mambaforge|micromamba)/(?:bin|lib|pkgs|envs|share"
    rb"|etc|include|ssl)/"
    rb"|/\.?venv/(?:bin|lib|lib64|share|include)/"
    rb"|/\.julia/(?:packages|compiled|artifacts)/|/\.cargo/(?:registry|git)/|/go/pkg/mod/|/\.m2/repository/"
    rb"|/lib/ruby/gems/"
    rb"|/\.local/share/(?:uv|pipx)/|/\.pyenv/versions/")
#: Directories whose whole content is made again when it is missed.
_SCRATCH = re.compile(
    rb"/(?:__pycache__|\.ipynb_checkpoints|\.mypy_cache|\.pytest_cache|\.ruff_cache|\.hypothesis|\.locks)/")
#: What a program downloaded to compute with is data, although it keeps it in a cache.
_DOWNLOADS = re.compile(
    rb"\.(?:cache/(?:huggingface/(?:hub|datasets)|torch/(?:hub|sentence_transformers)|kagglehub|clip|whisper)"
    rb"|keras/(?:datasets|models))/")
_TEMPORARY_NAME = re.compile(
    rb"\.[^/]+\.sw[a-px]$|\.#|#.*#$|\.nfs[0-9a-f]{8,}|\.fuse_hidden|\.goutputstream-|\.~lock\.")
_TEMPORARY_SUFFIXES = (b".pyc", b".pyo", b"~", b".nbc", b".nbi")
#: Python's tempfile (but not the likes of tmp_results), mktemp(1), compilers, and what libraries leave in /tmp.
_MADE_UP = re.compile(
    rb"tmp(?!_[a-z]+(?:[/.]|$))[a-z0-9_]{8}(?![A-Za-z0-9_])|tmp\.[A-Za-z0-9]{6,}(?![A-Za-z0-9])"
    rb"|cc[A-Za-z0-9]{6}\.\w+$|pymp-|pip-"
    rb"|matplotlib-|torchinductor_|torchelastic_|joblib_memmapping_folder_|hsperfdata_|systemd-private-")
_SYSTEM = re.compile(
    rb"/(?:usr|lib|lib32|lib64|libx32|bin|sbin|etc|proc|sys|boot|opt|nix|snap)(?:/|$)|/gnu/store/"
    rb"|/run/(?!media/|mount/)"
    rb"|/var/(?:lib|cache|log|run|spool)/")
_SOURCE_NAME = re.compile(
    rb"(?:.*\.(?:py|pyi|pyx|pxd|ipynb|sh|bash|zsh|fish|r|rmd|qmd|jl|c|h|cc|cpp|cxx|hh|hpp|cu|cuh|rs|go|java"
    rb"|scala|kt|swift|f|f90|f95"
    rb"|m|lua|pl|pm|rb|php|js|mjs|ts|tsx|jsx|sql|smk|nf|wdl|cwl|stan|awk|sed|mk|cmake|proto|tf)"
    rb"|[Mm]akefile|GNUmakefile|Snakefile|Dockerfile.*|Containerfile|Justfile|Jenkinsfile|CMakeLists\.txt"
    rb"|pyproject\.toml|setup\.cfg|requirements.*\.txt|constraints.*\.txt|poetry\.lock|uv\.lock"
    rb"|Pipfile(?:\.lock)?|Cargo\.(?:toml|lock)"
    rb"|go\.(?:mod|sum)|package(?:-lock)?\.json|DESCRIPTION|NAMESPACE|Project\.toml|Manifest\.toml)$", re.IGNORECASE)
_SETTINGS = (b".yaml", b".yml", b".toml", b".ini", b".cfg")
_TEMP_ROOTS = frozenset([b"/tmp", b"/var/tmp", b"/usr/tmp"])
#: No one's project, even if someone stands there.
_NOT_WORK = frozenset([
    b"", b"/usr", b"/usr/bin", b"/usr/lib", b"/usr/share", b"/usr/local", b"/usr/local/bin", b"/usr/local/lib", b"/etc",
    b"/bin",
    b"/sbin", b"/lib", b"/lib64", b"/var", b"/var/lib", b"/opt", b"/proc", b"/sys", b"/run", b"/dev", b"/boot",
])
_MAX_DIRECTORIES = 1 << 16

#: What a directory says about the files in it: their role at once, or which rules are left to ask.
_WORK, _HOME_DOT, _HOME, _SYSTEM_ZONE, _REST = "work", "home dot", "home", "system zone", "rest"


class Classifier:
    """The rules for one job: made once, asked for every file. All paths are absolute and without links.

    ``tracked`` holds the absolute paths that git tracks. What a directory says is remembered, so a path costs well
    under 2 µs; the memory is bounded.
    """

    def __init__(self, *, project: bytes, cwd: bytes, home: bytes, tracked: Container[bytes] = frozenset()) -> None:
        bases = {base.rstrip(b"/") for base in (project, cwd)} - _NOT_WORK
        self._work = tuple(base + b"/" for base in sorted(bases, key=len, reverse=True))  # the innermost first
        self._home = home.rstrip(b"/") + b"/" if home.strip(b"/") else b""
        self._tracked = tracked
        self._zones: dict[bytes, tuple[Role | None, str]] = {}

    def role(self, path: bytes, executed: bool = False, device: bool = False) -> Role:
        """The role of the file at ``path``; ``executed``: some step ran it as its program."""
        if device:
            return "device"
        if not path.startswith(b"/"):
            return "system"  # the kernel's own: pipe:[1], anon_inode:…
        directory, _, name = path.rpartition(b"/")
        known = self._zones.get(directory)
        if known is None:
            known = self._remember(directory)
        settled, zone = known
        if settled is not None:
            return settled
        if name.endswith(_TEMPORARY_SUFFIXES) or (name[:1] in {b".", b"#"} and _TEMPORARY_NAME.match(name)):
            return "temporary"
        if directory in _TEMP_ROOTS and _MADE_UP.match(name):
            return "temporary"
        if zone == _WORK:
            return self._work_role(path, name, executed)
        if name == b"pyvenv.cfg" or (zone in {_HOME_DOT, _HOME} and (zone == _HOME_DOT or name.startswith(b"."))):
            return "config"
        if zone == _SYSTEM_ZONE:
            return "system"
        return "source" if executed or path in self._tracked or _SOURCE_NAME.match(name) else "data"

    def _work_role(self, path: bytes, name: bytes, executed: bool) -> Role:
        if path in self._tracked:
            return "source"
        if name == b"pyvenv.cfg":
            return "config"
        if executed or _SOURCE_NAME.match(name):
            return "source"
        return "config" if name.startswith(b".") or name.endswith(_SETTINGS) else "data"

    def _remember(self, directory: bytes) -> tuple[Role | None, str]:
        if len(self._zones) >= _MAX_DIRECTORIES:
            self._zones.clear()
        zone = self._zones[directory] = self._zone(directory + b"/")
        return zone

    def _zone(self, directory: bytes) -> tuple[Role | None, str]:
        """``directory`` ends in a slash."""
        if directory.startswith(b"/dev/") and not directory.startswith((b"/dev/shm/", b"/dev/hugepages/")):
            return "device", ""
        if _PACKAGE.search(directory):
            return "package", ""
        if _SCRATCH.search(directory):
            return "temporary", ""
        # The innermost of project and working directory decides what "below" means.
        for base in self._work:
            if directory.startswith(base):
                return self._work_zone(base, directory)
        return self._outside_zone(directory)

    def _work_zone(self, base: bytes, directory: bytes) -> tuple[Role | None, str]:
        below = directory[len(base):]
        if base[:-1] in _TEMP_ROOTS and _MADE_UP.match(below):
            return "temporary", ""
        if self._home.startswith(base) and directory.startswith(self._home + b"."):  # someone works in ~ itself
            return self._home_zone(directory[len(self._home):])
        return ("config", "") if below.startswith(b".git/") or b"/.git/" in below else (None, _WORK)

    def _home_zone(self, below: bytes) -> tuple[Role | None, str]:
        """A dot-directory in the home directory."""
        if _DOWNLOADS.match(below):
            return None, _REST
        return ("temporary", "") if below.startswith(b".cache/") else (None, _HOME_DOT)

    def _outside_zone(self, directory: bytes) -> tuple[Role | None, str]:
        if directory.startswith((b"/dev/shm/", b"/dev/hugepages/")):
            return "temporary", ""
        if any(directory.startswith(root + b"/") and _MADE_UP.match(directory, len(root) + 1) for root in _TEMP_ROOTS):
            return "temporary", ""
        if b"/.git/" in directory:
            return "config", ""
        if self._home and directory.startswith(self._home):
            below = directory[len(self._home):]
            if below.startswith(b"."):
                return self._home_zone(below)
            return None, _REST if below else _HOME
        return None, _SYSTEM_ZONE if _SYSTEM.match(directory) else _REST


def classify(path: bytes, *, project: bytes, cwd: bytes, home: bytes, tracked: Container[bytes], executed: bool,
             device: bool) -> Role:
    """The role of one file. For many, make one ``Classifier``."""
    return Classifier(project=project, cwd=cwd, home=home, tracked=tracked).role(path, executed, device)
