"""/api/v1/auth/oidc: signing in at an OpenID provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from glaas.accounts.calls import Calls
from glaas.accounts.identity import session_cookie
from glaas.accounts.messages import GoThere, ShownProvider, ShownProviders
from glaas.accounts.oidc.settings import Provider
from glaas.accounts.sessions import check_csrf, link_token
from lineage.errors import NotFoundError

if TYPE_CHECKING:
    from glaas.accounts.oidc.signing import OpenId

_SECONDS = 600


def add_to(router: APIRouter, calls: Calls, providers: Sequence[Provider]) -> None:
    handlers = _Oidc(calls, tuple(providers), [])
    tags: list[str] = ["sign in"]
    router.add_api_route("/auth/oidc", handlers.listed, methods=["GET"], response_model=ShownProviders, tags=[*tags])
    router.add_api_route("/auth/oidc/{provider}/start", handlers.start, methods=["GET"], status_code=303,
                         response_class=RedirectResponse, tags=[*tags])
    router.add_api_route("/auth/oidc/{provider}/link", handlers.link, methods=["POST"], response_model=GoThere, tags=[*tags])
    router.add_api_route("/auth/oidc/{provider}/link", handlers.link_by_page, methods=["GET"], status_code=303,
                         response_class=RedirectResponse, tags=[*tags])
    router.add_api_route("/auth/oidc/{provider}/link", handlers.unlink, methods=["DELETE"], status_code=204, tags=[*tags])
    router.add_api_route("/auth/oidc/{provider}/callback", handlers.callback, methods=["GET"], status_code=303,
                         response_class=RedirectResponse, tags=[*tags])


@dataclass(frozen=True, slots=True)
class _Oidc:
    calls: Calls
    providers: tuple[Provider, ...]
    made: list[OpenId]

    def listed(self) -> ShownProviders:
        """Where one can sign in."""
        return ShownProviders(providers=[
            ShownProvider(name=one.name, title=one.title or one.name, start=f"/api/v1/auth/oidc/{quote(one.name)}/start")
            for one in self.providers])

    def start(self, request: Request, provider: str, next: str = "/") -> Response:  # noqa: A002 - a page's word
        """Sends the browser there."""
        self.calls.anyone(request)
        return self._sent(*self._open_id().start(provider, self._callback(provider), next[:1024]))

    def link(self, request: Request, response: Response, provider: str) -> GoThere:
        """The account that is signed in may also sign in there: where its browser has to go for that."""
        identity, _ = self.calls.account(request)
        url, cookie = self._open_id().start(provider, self._callback(provider), "/account", identity.account)
        self._put_cookie(response, cookie)
        return GoThere(url=url)

    def link_by_page(self, request: Request, provider: str, proof: str) -> Response:
        """Likewise, from a link on the account page, which has a `proof` in it that no other site knows."""
        identity, _ = self.calls.account(request)
        check_csrf(link_token(session_cookie(request.cookies)) if identity.session else "", proof)
        return self._sent(*self._open_id().start(provider, self._callback(provider), "/account", identity.account))

    def unlink(self, request: Request, provider: str) -> None:
        """It signs in there no longer."""
        identity, actor = self.calls.account(request)
        found = next((one for one in self.providers if one.name == provider), None)
        if found is None:
            raise NotFoundError(f"this registry knows no OpenID provider {provider[:40]}", "")
        self.calls.accounts.users.unlink(identity.account, found.issuer, actor)

    def callback(self, request: Request, provider: str) -> Response:
        """The browser comes back: a session, and on to the page it wanted."""
        actor = self.calls.from_elsewhere(request)
        cookie = request.cookies.get(self._cookie_name, "")
        signed_in = self.calls.accounts.identify(None, request.cookies).account
        done = self._open_id().finish(provider, dict(request.query_params), cookie, self._callback(provider), actor, signed_in)
        response = RedirectResponse(done.after, 303)
        if not done.linked:
            self.calls.sign_in(response, request, done.account, provider)
        response.delete_cookie(self._cookie_name, path="/", secure=self.calls.secure, httponly=True, samesite="lax")
        return response

    def _open_id(self) -> OpenId:
        """Made when it is first needed: its libraries take a moment."""
        if not self.made:
            from glaas.accounts.oidc.signing import OpenId

            self.made.append(OpenId(self.calls.accounts, self.providers))
        return self.made[0]

    def _sent(self, url: str, cookie: str) -> Response:
        response = RedirectResponse(url, 303, {"Cache-Control": "no-store"})
        self._put_cookie(response, cookie)
        return response

    def _put_cookie(self, response: Response, value: str) -> None:
        response.set_cookie(self._cookie_name, value, max_age=_SECONDS, path="/", secure=self.calls.secure, httponly=True,
                            samesite="lax")

    def _callback(self, provider: str) -> str:
        return f"{self.calls.origin}/api/v1/auth/oidc/{quote(provider, safe='')}/callback"

    @property
    def _cookie_name(self) -> str:
        return "__Host-glaas-oidc" if self.calls.secure else "glaas_oidc"
