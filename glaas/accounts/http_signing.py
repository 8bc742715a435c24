"""/api/v1/auth: signing in and out."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from glaas.accounts.audit import Event
from glaas.accounts.calls import Calls
from glaas.accounts.challenges import PAYLOAD_TYPE, SECONDS
from glaas.accounts.documents import moment_text
from glaas.accounts.identity import PLAIN_COOKIE, Identity, session_cookie
from glaas.accounts.messages import (
    ChallengeFor,
    ChallengeText,
    MadeToken,
    Membership,
    PasswordSignIn,
    PasswordToken,
    Signed,
    WhoAmI,
)
from glaas.accounts.model import Actor
from glaas.accounts.sshsig import NAMESPACE


def add_to(router: APIRouter, calls: Calls) -> None:
    signing = _Signing(calls)
    tags: list[str] = ["sign in"]
    router.add_api_route("/auth/session", signing.open_session, methods=["POST"], response_model=WhoAmI, tags=[*tags])
    router.add_api_route("/auth/token", signing.make_token, methods=["POST"], status_code=201, response_model=MadeToken,
                         tags=[*tags])
    router.add_api_route("/auth/ssh/challenge", signing.challenge, methods=["POST"], response_model=ChallengeText, tags=[*tags])
    router.add_api_route("/auth/ssh/verify", signing.verify, methods=["POST"], response_model=MadeToken | WhoAmI, tags=[*tags])
    router.add_api_route("/auth/whoami", signing.whoami, methods=["GET"], response_model=WhoAmI, tags=[*tags])
    router.add_api_route("/auth/logout", signing.logout, methods=["POST"], status_code=204, tags=[*tags])


@dataclass(frozen=True, slots=True)
class _Signing:
    calls: Calls

    def open_session(self, request: Request, response: Response, body: PasswordSignIn) -> WhoAmI:
        """Sign a browser in by password, or with a token instead of it: a cookie, and who it is."""
        actor = self.calls.anyone(request)
        _, secret = self.calls.accounts.signing.in_browser(body.account, body.password, actor.address,
                                                           self.calls.agent(request))
        self.calls.put_cookie(response, secret)
        return self._shown(self.calls.accounts.identify(None, {PLAIN_COOKIE: secret}))

    def make_token(self, request: Request, response: Response, body: PasswordToken) -> MadeToken:
        """A token for who knows the password."""
        actor = self.calls.anyone(request)
        grant = self.calls.grant(body)
        user = self.calls.accounts.signing.by_password(body.account, body.password, actor.address)
        response.headers["Cache-Control"] = "no-store"
        return MadeToken.of(*self.calls.accounts.tokens.add(user.name, grant, Actor(user.name, actor.address)))

    def challenge(self, request: Request, body: ChallengeFor) -> ChallengeText:
        """To be signed by one of the account's SSH keys within two minutes."""
        self.calls.anyone(request)
        made = self.calls.accounts.signing.challenge(body.account, self.calls.origin)
        return ChallengeText(challenge=made.text, payload_type=PAYLOAD_TYPE, namespace=NAMESPACE, expires_in=SECONDS)

    def verify(self, request: Request, response: Response, body: Signed) -> MadeToken | WhoAmI:
        """A token (or with `cookie` a session) for who signed the challenge. It can be used once."""
        actor = self.calls.anyone(request)
        grant = self.calls.grant(body)
        user = self.calls.accounts.signing.by_key(body.challenge, body.key, body.signature, self.calls.origin, actor.address)
        if body.cookie:
            return self._signed_in(request, response, user.name, "ssh")
        response.headers["Cache-Control"] = "no-store"
        return MadeToken.of(*self.calls.accounts.tokens.add(user.name, grant, Actor(user.name, actor.address)))

    def whoami(self, request: Request, response: Response) -> WhoAmI:
        """Who asks, and what they may do; `account` null: nobody."""
        response.headers["Cache-Control"] = "no-store"
        return self._shown(self.calls.who(request))

    def logout(self, request: Request, response: Response) -> None:
        """Ends what it was sent with: the token, or the browser's session."""
        identity = self.calls.who(request)
        actor = Actor(identity.account, self.calls.address(request))
        if identity.token:
            self.calls.accounts.tokens.revoke(identity.account, identity.token, actor)
            self.calls.accounts.audit.append([Event(actor, "sign-out", identity.account, details={"token": identity.token})])
        elif identity.session:
            self.calls.accounts.sessions.close(session_cookie(request.cookies), actor)
        self.calls.forget_cookie(response)

    def _signed_in(self, request: Request, response: Response, account: str, how: str) -> WhoAmI:
        secret = self.calls.sign_in(response, request, account, how)
        return self._shown(self.calls.accounts.identify(None, {PLAIN_COOKIE: secret}))

    def _shown(self, identity: Identity) -> WhoAmI:
        user = self.calls.accounts.users.find(identity.account) if identity.account else None
        invitations = user.invitations if user else {}
        return WhoAmI(
            account=identity.account or None, scopes=sorted(identity.scopes), expires_at=moment_text(identity.expires_at),
            organisations=[Membership(name=name, role=role) for name, role in sorted(identity.organisations.items())],
            invitations=[Membership(name=name, role=role) for name, (role, _) in sorted(invitations.items())],
            operator=identity.operator, token=identity.token or None, session=identity.session or None,
            csrf=identity.csrf or None)
