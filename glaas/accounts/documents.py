"""What `--json` prints of accounts, tokens, organisations and the audit log.  No secret is in any of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from glaas.accounts.audit import Event
from glaas.accounts.model import Organisation, Token, User
from lineage.document import time_text

Document = dict[str, Any]


def users_document(users: Iterable[User]) -> Document:
    return {"schema": "roar.users/1", "users": [{
        "name": user.name, "state": user.state, "operator": user.operator, "created_at": time_text(user.created_at),
        "password": bool(user.password), "organisations": [
            {"name": name, "role": role} for name, role in sorted(user.organisations.items())],
        "links": [{"issuer": issuer, "subject": subject} for issuer, subject in user.links],
    } for user in users]}


def tokens_document(account: str, tokens: Iterable[Token], now: int) -> Document:
    """``now``: nanoseconds, to say which have expired."""
    return {"schema": "roar.account-tokens/1", "account": account, "tokens": [token_fields(token, now) for token in tokens]}


def token_fields(token: Token, now: int) -> Document:
    return {"id": token.id, "name": token.name, "scopes": list(token.scopes), "created_at": time_text(token.created_at),
            "expires_at": moment_text(token.expires_at), "expired": bool(token.expires_at) and token.expires_at <= now,
            "used_at": moment_text(token.used_at)}


def organisations_document(organisations: Iterable[Organisation]) -> Document:
    return {"schema": "roar.organisations/1", "organisations": [{
        "name": one.name, "created_at": time_text(one.created_at),
        "members": [{"name": name, "role": role} for name, role in sorted(one.members.items())]} for one in organisations]}


def audit_document(events: Iterable[Event]) -> Document:
    return {"schema": "roar.audit/1", "events": [{
        "at": time_text(event.at), "account": event.actor.account, "address": event.actor.address or None,
        "action": event.action, "subject": event.subject or None, "outcome": event.outcome, "details": dict(event.details),
    } for event in events]}


def moment_text(at: int) -> str | None:
    """None for what never happens, or has not happened."""
    return time_text(at) if at else None
