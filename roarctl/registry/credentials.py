"""What `roar login` stored: registries, who one is there, and which is the usual one.

A file of the user's alone (0600) below XDG_CONFIG_HOME (basedir-spec 0.8). It holds tokens, so it is never read if others
could have written or read it.
"""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from lineage.errors import CorruptError, DeniedError, RoarError

SCHEMA = "roar.registries/1"
_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Login:
    """``token`` "": one only looks there, as nobody in particular. ``insecure``: the token may go by plain HTTP."""

    token: str = field(default="", repr=False)
    account: str = ""
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """``logins``: by address. ``default``: one of them, or ""."""

    default: str = ""
    logins: Mapping[str, Login] = field(default_factory=dict)

    def with_login(self, url: str, login: Login, *, default: bool) -> Credentials:
        return replace(self, logins={**self.logins, url: login}, default=url if default or not self.default else self.default)

    def without(self, url: str) -> Credentials:
        logins = {name: login for name, login in self.logins.items() if name != url}
        default = self.default if self.default != url else next(iter(logins), "")
        return Credentials(default, logins)


def path(environment: Mapping[str, str] | None = None) -> Path:
    values = os.environ if environment is None else environment
    config = values.get("XDG_CONFIG_HOME", "")
    base = Path(config) if config.startswith("/") else Path(values.get("HOME") or Path("~").expanduser()) / ".config"
    return base / "roar" / "registry.json"


def load(file: Path | None = None) -> Credentials:
    """Nothing is known where there is no file. DeniedError where others can read it, CorruptError where it makes no sense."""
    file = file or path()
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return Credentials()
    except OSError as error:
        raise DeniedError(f"{file} cannot be read: {error.strerror}", "it holds what `roar login` stored") from error
    with open(descriptor, "rb") as opened:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077 or found.st_uid not in {os.geteuid(), 0}:
            raise DeniedError(f"{file} holds tokens, and others can read or change it", f"chmod 600 {file}; then `roar login` "
                              "takes new ones, if somebody may have read it")
        data = opened.read(_MOST_BYTES)
    try:
        value = json.loads(data)
        if value["schema"] != SCHEMA:
            raise ValueError(value["schema"])
        return Credentials(str(value.get("default", "")),
                           {str(url): Login(**one) for url, one in value["registries"].items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptError(f"{file} is not as `roar login` writes it", "remove it, and log in again") from error


def save(credentials: Credentials, file: Path | None = None) -> None:
    """All or nothing of it, readable by nobody else at any moment."""
    file = file or path()
    value = {"schema": SCHEMA, "default": credentials.default,
             "registries": {url: asdict(login) for url, login in credentials.logins.items()}}
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".registry-")  # 0600
        try:
            with open(descriptor, "w", encoding="utf-8") as opened:
                json.dump(value, opened, indent=2, ensure_ascii=False)
                opened.write("\n")
                opened.flush()
                os.fsync(opened.fileno())
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise RoarError(f"{file} cannot be written: {error.strerror}", "GLAAS_URL and GLAAS_TOKEN do without it") from error
