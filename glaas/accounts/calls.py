"""What the handlers of the accounts' API share: who calls, from where, whether they may, and the cookie."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from glaas.accounts.accounts import Accounts
from glaas.accounts.errors import NotSignedInError
from glaas.accounts.identity import PLAIN_COOKIE, SECURE_COOKIE, Identity
from glaas.accounts.limits import Action, Limits, network_of
from glaas.accounts.messages import Wanted
from glaas.accounts.model import ADMIN, Actor
from glaas.accounts.sessions import ABSOLUTE, check_csrf
from glaas.accounts.tokens import Grant
from lineage.errors import DeniedError, InvalidError

_SECOND = 10**9
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Calls:
    """``public_url``: what people open, without a slash at its end: challenges and redirects name it, so no header decides it.
    It is asked for each time, since a server knows its port once it listens."""

    accounts: Accounts
    limits: Limits
    url: Callable[[], str]

    @property
    def origin(self) -> str:
        return self.url().rstrip("/")

    @property
    def secure(self) -> bool:
        return self.origin.startswith("https:")

    def address(self, request: Request) -> str:
        return request.client.host if request.client else ""

    def anyone(self, request: Request, action: Action = "sign-in") -> Actor:
        """Somebody who is about to say who they are.  SlowDownError; DeniedError: another site's page sent it."""
        if request.method not in _SAFE:
            _same_site(request)
        return self.from_elsewhere(request, action)

    def from_elsewhere(self, request: Request, action: Action = "sign-in") -> Actor:
        """Likewise, where another site may well have sent them."""
        address = self.address(request)
        self.limits.take(action, network_of(address))
        return Actor("", address)

    def who(self, request: Request) -> Identity:
        """NotSignedInError for a wrong token; DeniedError for a page that is not ours."""
        identity = self.accounts.identify(request.headers.get("authorization"), request.cookies)
        self.limits.take("read", identity.account or network_of(self.address(request)))
        if request.method not in _SAFE and identity.session:
            _same_site(request)
            check_csrf(identity.csrf, request.headers.get("x-csrf-token", ""))
        return identity

    def account(self, request: Request, scope: str = ADMIN) -> tuple[Identity, Actor]:
        """Somebody who is signed in, with a scope: ``admin`` for what changes the account."""
        identity = self.who(request)
        return identity, self.acting(identity, request, scope)

    def acting(self, identity: Identity, request: Request, scope: str) -> Actor:
        """``scope`` empty: any will do."""
        if identity.is_anonymous:
            raise NotSignedInError("this needs an account", "`roar login`, or send a token")
        if scope and scope not in identity.scopes:
            raise DeniedError(f"this token has not the scope {scope}", "sign in with the password, a key or a browser")
        return Actor(identity.account, self.address(request))

    def grant(self, wanted: Wanted, by: Identity | None = None) -> Grant:
        """``by``: who makes it with another token, which it cannot go beyond."""
        at = self.accounts.clock() + wanted.expires_in * _SECOND if wanted.expires_in else 0
        if by is not None:
            if not set(wanted.scopes) <= by.scopes:
                raise DeniedError("a token cannot make one that may do more", "sign in with the password, a key or a browser")
            if by.expires_at:
                at = min(at or by.expires_at, by.expires_at)
        return Grant(wanted.name, wanted.scopes, at)

    def sign_in(self, response: Response, request: Request, account: str, how: str) -> str:
        """A new session and its cookie."""
        secret = self.accounts.sessions.open(account, how, Actor(account, self.address(request)), self.agent(request))
        self.put_cookie(response, secret)
        return secret

    def agent(self, request: Request) -> str:
        return request.headers.get("user-agent", "")

    def put_cookie(self, response: Response, secret: str) -> None:
        """RFC 6265; SameSite=Lax: links from elsewhere find one signed in, forms do not."""
        response.set_cookie(SECURE_COOKIE if self.secure else PLAIN_COOKIE, secret, max_age=ABSOLUTE // _SECOND, path="/",
                            secure=self.secure, httponly=True, samesite="lax")
        response.headers["Cache-Control"] = "no-store"

    def forget_cookie(self, response: Response) -> None:
        response.delete_cookie(SECURE_COOKIE if self.secure else PLAIN_COOKIE, path="/", secure=self.secure, httponly=True,
                               samesite="lax")


class Route(APIRoute):
    """A body that makes no sense is an InvalidError like any other."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def checked(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"])
                raise InvalidError(f"{where[:100]}: {first['msg'][:200]}", "see /api/openapi.json") from error

        return checked


def _same_site(request: Request) -> None:
    """What browsers say of who made them send it (Fetch Metadata); other programs say nothing."""
    if request.headers.get("sec-fetch-site", "none") not in {"same-origin", "none"}:
        raise DeniedError("another site's page sent this", "open the registry's own page")
