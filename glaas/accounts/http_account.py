"""/api/v1/auth: what an account has. A token needs the scope admin to change any of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from glaas.accounts.calls import Calls
from glaas.accounts.challenges import PAYLOAD_TYPE, SECONDS
from glaas.accounts.documents import audit_document, token_fields
from glaas.accounts.identity import session_cookie
from glaas.accounts.messages import (
    ChallengeText,
    MadeToken,
    NewKey,
    NewPassword,
    Proof,
    ShownEvents,
    ShownKey,
    ShownKeys,
    ShownSession,
    ShownSessions,
    ShownToken,
    ShownTokens,
    Wanted,
)
from glaas.accounts.model import ADMIN, READ
from glaas.accounts.sshsig import NAMESPACE


def add_to(router: APIRouter, calls: Calls) -> None:
    account = _Account(calls)
    tags: list[str] = ["account"]
    router.add_api_route("/auth/tokens", account.tokens, methods=["GET"], response_model=ShownTokens, tags=[*tags])
    router.add_api_route("/auth/tokens", account.add_token, methods=["POST"], status_code=201, response_model=MadeToken,
                         tags=[*tags])
    router.add_api_route("/auth/tokens/{token}", account.revoke, methods=["DELETE"], status_code=204, tags=[*tags])
    router.add_api_route("/auth/keys", account.keys, methods=["GET"], response_model=ShownKeys, tags=[*tags])
    router.add_api_route("/auth/keys", account.add_key, methods=["POST"], status_code=201, response_model=ShownKey,
                         tags=[*tags])
    router.add_api_route("/auth/keys/challenge", account.challenge, methods=["POST"], response_model=ChallengeText,
                         tags=[*tags])
    router.add_api_route("/auth/keys/prove", account.prove, methods=["POST"], status_code=204, tags=[*tags])
    router.add_api_route("/auth/keys/{fingerprint:path}", account.remove_key, methods=["DELETE"], status_code=204, tags=[*tags])
    router.add_api_route("/auth/sessions", account.sessions, methods=["GET"], response_model=ShownSessions, tags=[*tags])
    router.add_api_route("/auth/sessions", account.end_sessions, methods=["DELETE"], status_code=204, tags=[*tags])
    router.add_api_route("/auth/password", account.password, methods=["POST"], status_code=204, tags=[*tags])
    router.add_api_route("/auth/audit", account.audit, methods=["GET"], response_model=ShownEvents, tags=[*tags])


@dataclass(frozen=True, slots=True)
class _Account:
    calls: Calls

    def tokens(self, request: Request) -> ShownTokens:
        """The account's tokens, the newest first; never the secrets."""
        identity, _ = self.calls.account(request, READ)
        now = self.calls.accounts.clock()
        return ShownTokens(tokens=[ShownToken(**token_fields(one, now))
                                   for one in self.calls.accounts.tokens.of(identity.account)])

    def add_token(self, request: Request, response: Response, body: Wanted) -> MadeToken:
        """A token that may do no more, and holds no longer, than what it is made with."""
        identity, actor = self.calls.account(request)
        response.headers["Cache-Control"] = "no-store"
        return MadeToken.of(*self.calls.accounts.tokens.add(identity.account, self.calls.grant(body, identity), actor))

    def revoke(self, request: Request, token: str) -> None:
        """Ends a token; a token may also end itself."""
        identity = self.calls.who(request)
        actor = self.calls.acting(identity, request, "" if identity.token == token else ADMIN)
        self.calls.accounts.tokens.revoke(identity.account, token, actor)

    def keys(self, request: Request) -> ShownKeys:
        """The account's SSH keys."""
        identity, _ = self.calls.account(request, READ)
        return ShownKeys(keys=[ShownKey.of(key) for key in self.calls.accounts.keys.of(identity.account)])

    def add_key(self, request: Request, body: NewKey) -> ShownKey:
        """An ed25519 key that may sign in from now on; prove that you have it, and it also says who signed a bundle."""
        identity, actor = self.calls.account(request)
        return ShownKey.of(self.calls.accounts.keys.add(identity.account, body.line, actor, body.name))

    def challenge(self, request: Request) -> ChallengeText:
        """To be signed with a key of the account."""
        identity, _ = self.calls.account(request)
        made = self.calls.accounts.signing.challenge(identity.account, self.calls.origin, "prove-key")
        return ChallengeText(challenge=made.text, payload_type=PAYLOAD_TYPE, namespace=NAMESPACE, expires_in=SECONDS)

    def prove(self, request: Request, body: Proof) -> None:
        """The key is the account's: it signed the challenge."""
        _, actor = self.calls.account(request)
        self.calls.accounts.signing.prove_key(body.challenge, body.key, body.signature, self.calls.origin, actor)

    def remove_key(self, request: Request, fingerprint: str) -> None:
        identity, actor = self.calls.account(request)
        self.calls.accounts.keys.remove(identity.account, fingerprint, actor)

    def sessions(self, request: Request) -> ShownSessions:
        """The browsers that are signed in."""
        identity, _ = self.calls.account(request, READ)
        return ShownSessions(sessions=[ShownSession.of(one, identity.session)
                                       for one in self.calls.accounts.sessions.of(identity.account)])

    def end_sessions(self, request: Request) -> None:
        """Signs all other browsers out."""
        identity, actor = self.calls.account(request)
        self.calls.accounts.sessions.close_all(identity.account, actor, session_cookie(request.cookies))

    def password(self, request: Request, response: Response, body: NewPassword) -> None:
        """Sets a new password; all browsers are signed out, this one too. The old one is asked for even of who is signed in."""
        identity, actor = self.calls.account(request)
        self.calls.anyone(request)
        self.calls.accounts.signing.change_password(identity.account, body.old, body.new, actor)
        self.calls.forget_cookie(response)

    def audit(self, request: Request, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> ShownEvents:
        """What the account did, and what was done to it; the newest first."""
        identity, _ = self.calls.account(request)
        found = self.calls.accounts.audit.events(account=identity.account, limit=limit)
        return ShownEvents.model_validate({"events": audit_document(found)["events"]})
