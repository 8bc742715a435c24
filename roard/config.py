"""The daemon's configuration file: TOML."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from lineage.errors import InvalidError
from roard.outbox import policy
from roard.outbox.policy import Forwarding
from roard.probe.probes import Sizes

_RINGS = ("access_pages", "content_pages", "process_pages", "stderr_pages")
_TABLES = ("probes", "record", "registry")


@dataclass(frozen=True)
class Config:
    """``sizes``: the [probes] table. [record]: ``stderr``, whether the end of what a failing job wrote there is kept.
    ``forwarding``: the [registry] table, docs/forwarding.md."""

    sizes: Sizes = field(default_factory=Sizes)
    stderr: bool = True
    forwarding: Forwarding = field(default_factory=Forwarding)


def read(path: Path | None) -> Config:
    """The defaults for what is not there. Raises InvalidError."""
    if path is None:
        return Config()
    try:
        whole = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidError(f"cannot read {path}: {error}", "--config names a TOML file") from error
    tables: dict[str, dict[str, Any]] = {name: whole.get(name, {}) for name in _TABLES}
    known = {"probes": sorted(field.name for field in fields(Sizes)), "record": ["stderr"],
             "registry": list(policy.KEYS)}
    unknown = sorted(set(whole) - set(_TABLES)) + [
        f"{table}.{name}" for table in _TABLES for name in tables[table] if name not in known[table]]
    if unknown:
        has = "; ".join(f"[{table}] has {', '.join(names)}" for table, names in known.items())
        raise InvalidError(f"{path}: unknown: {', '.join(unknown)}", has)
    for name, value in tables["probes"].items():
        if not isinstance(value, int) or value < 1 or (name in _RINGS and value & (value - 1)):
            raise InvalidError(f"{path}: probes.{name} = {value!r}", "a positive number; a power of two for pages of a ring")
    stderr = tables["record"].get("stderr", True)
    if not isinstance(stderr, bool):
        raise InvalidError(f"{path}: record.stderr = {stderr!r}", "true or false")
    return Config(Sizes(**tables["probes"]), stderr, policy.read(tables["registry"], path))
