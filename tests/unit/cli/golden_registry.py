"""Documents of the registry's commands, of fixed answers: for tests/unit/cli/golden.py."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from samples import BEGAN

from glaas.accounts.audit import Event
from glaas.accounts.documents import audit_document, organisations_document, tokens_document, users_document
from glaas.accounts.model import OPERATOR, Actor, Organisation, Token, User
from glaas.backup.documents import backup_document
from glaas.backup.form import Header, Summary
from glaas.store import migrations
from glaas.store.keyed import Table
from glaas.store.schema import State

_DAY = 86400 * 10**9


def _users() -> dict[str, Any]:
    return users_document([
        User("ada", BEGAN, operator=True, password="$argon2id$…", organisations={"lab": "owner"},
             links=(("https://login.example.org", "17"),)),
        User("bob", BEGAN, "disabled")])


def _tokens() -> dict[str, Any]:
    return tokens_document("ada", [
        Token("79ec0debcd27", "ada", "laptop", ("read", "register"), BEGAN, used_at=BEGAN + 1),
        Token("0123456789ab", "ada", "ci", ("read",), BEGAN, expires_at=BEGAN + _DAY)], BEGAN + 2 * _DAY)


def _audit() -> dict[str, Any]:
    return audit_document([
        Event(Actor(OPERATOR), "user.add", "ada", details={"operator": 0}, at=BEGAN),
        Event(Actor("eve", "192.0.2.1"), "sign-in", outcome="denied", details={"how": "password"}, at=BEGAN + 1)])


def _migration() -> dict[str, Any]:
    step = migrations.Step(2, "say", "the registry says something else", lambda _writer, _at: None, ends_older=True)
    return migrations.document(migrations.Plan(State(1, 1), (step,), begun=True), 2, done=False)


def _backup() -> dict[str, Any]:
    tables = (Table("store_meta", 0), Table("parts", 32))
    header = Header(BEGAN, 1, tables, {"log.key": b"secret"})
    return backup_document("backup", Path("/backups/glaas/glaas-20261123T215503.123456Z.backup"),
                           Summary(header, bytes(range(32)), {"store_meta": 3, "parts": 12}, 4096))


MADE: dict[str, Callable[[], dict[str, Any]]] = {
    "users": _users, "account-tokens": _tokens, "audit": _audit, "migration": _migration,
    "backup": _backup,
    "organisations": lambda: organisations_document([Organisation("lab", BEGAN, {"ada": "owner", "bob": "reader"})]),
}
