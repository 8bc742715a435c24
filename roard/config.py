"""The daemon's configuration file: TOML."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path

from lineage.errors import InvalidError
from roard.probe.probes import Sizes

_RINGS = ("access_pages", "content_pages", "process_pages")


def read(path: Path | None) -> Sizes:
    """Sizes from the [probes] table; the defaults for what is not there. Raises InvalidError."""
    if path is None:
        return Sizes()
    try:
        whole = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidError(f"cannot read {path}: {error}", "--config names a TOML file") from error
    unknown = set(whole) - {"probes"}
    table = whole.get("probes", {})
    known = {field.name for field in fields(Sizes)}
    unknown |= {f"probes.{name}" for name in set(table) - known}
    if unknown:
        raise InvalidError(f"{path}: unknown: {', '.join(sorted(unknown))}", f"[probes] has {', '.join(sorted(known))}")
    for name, value in table.items():
        if not isinstance(value, int) or value < 1 or (name in _RINGS and value & (value - 1)):
            raise InvalidError(f"{path}: probes.{name} = {value!r}", "a positive number; a power of two for pages of a ring")
    return Sizes(**table)
