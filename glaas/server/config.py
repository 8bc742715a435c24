"""The operator's file (`--config`): limits, quotas and rates, where the usual ones will not do.

    [limits]                       # bytes and seconds: glaas.server.settings.Limits
    bundle_memory = 1073741824
    [quotas]                       # of each account: glaas.server.usage.Quotas; 0: none
    jobs_per_day = 100000
    [rates]                        # of each account or address: [per second, at once]; [0, 0]: no limit
    search = [20, 200]
    [[oidc]]                       # where people may sign in: glaas.accounts.oidc.settings
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar, cast

from glaas.accounts.limits import DEFAULTS, Action, Rate
from glaas.accounts.oidc.settings import Provider, providers_of
from glaas.server.settings import Limits
from glaas.server.usage import Quotas
from lineage.errors import InvalidError

T = TypeVar("T", Limits, Quotas)


@dataclass(frozen=True, slots=True)
class Config:
    limits: Limits = field(default_factory=Limits)
    quotas: Quotas = field(default_factory=Quotas)
    rates: Mapping[Action, Rate] = field(default_factory=dict)
    oidc: tuple[Provider, ...] = ()


def read(path: Path | None) -> Config:
    """InvalidError for what is no such file, or has a key that means nothing."""
    if path is None:
        return Config()
    try:
        values = tomllib.loads(path.read_text())
    except OSError as error:
        raise InvalidError(f"{path} cannot be read: {error.strerror}", "see --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"{path} is not TOML: {error}", "see docs/registry.md") from error
    unknown = set(values) - {"limits", "quotas", "rates", "oidc"}
    if unknown:
        raise InvalidError(f"{path} has [{min(unknown)}], which means nothing here",
                           "it may have [limits], [quotas], [rates], [[oidc]]")
    return Config(_numbers(path, "limits", Limits, values), _numbers(path, "quotas", Quotas, values),
                  _rates(path, _table(path, "rates", values)), providers_of(values.get("oidc", []), path.parent))


def _table(path: Path, name: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    table = values.get(name, {})
    if not isinstance(table, dict):
        raise InvalidError(f"{path}: {name} is no table", f"write [{name}]")
    return table


def _numbers(path: Path, name: str, kind: type[T], values: Mapping[str, Any]) -> T:
    table = _table(path, name, values)
    kinds = {each.name: float if each.type == "float" else int for each in fields(kind)}
    for key, value in table.items():
        if key not in kinds:
            raise InvalidError(f"{path}: [{name}] has no {key}", "it has " + ", ".join(kinds))
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (whole or (kinds[key] is float and isinstance(value, float))) or value < 0:
            raise InvalidError(f"{path}: {name}.{key} is {value!r}", "give a number, bytes or seconds")
    return kind(**table)


def _rates(path: Path, table: Mapping[str, Any]) -> Mapping[Action, Rate]:
    found: dict[Action, Rate] = {}
    for key, value in table.items():
        right = isinstance(value, list) and len(value) == 2 and all(
            isinstance(each, int | float) and not isinstance(each, bool) and each >= 0 for each in value)
        if key not in DEFAULTS or not right:
            raise InvalidError(f"{path}: rates.{key} = {value!r}", f"{', '.join(DEFAULTS)} = [per second, at once]")
        found[cast(Action, key)] = Rate(*value)
    return found
