"""Going to a provider and coming back with an account (OpenID Connect Core 1.0 section 3.1, RFC 7636, RFC 9207)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import OAuth2Client

from glaas.accounts.accounts import Accounts
from glaas.accounts.audit import Event
from glaas.accounts.errors import NotSignedInError
from glaas.accounts.model import Actor
from glaas.accounts.names import near
from glaas.accounts.oidc.provider import SECONDS, Discovered
from glaas.accounts.oidc.settings import Provider
from glaas.accounts.oidc.states import States
from glaas.accounts.oidc.tokens import Claims, verified
from lineage.errors import ConflictError, DeniedError, NotFoundError, RoarError, UnavailableError

_SECOND = 10**9
_NAMES_TRIED = 50


class Finished(NamedTuple):
    """Who signed in, or whose account was linked, and the path they want to see."""

    account: str
    after: str
    linked: bool


class OpenId:
    """``start``, then the browser goes to the provider, then ``finish``."""

    def __init__(self, accounts: Accounts, providers: Sequence[Provider]) -> None:
        self.providers = {provider.name: provider for provider in providers}
        self._accounts = accounts
        self._states = States(accounts.store, accounts.clock, accounts.secret_key)
        self._discovered = {name: Discovered(provider) for name, provider in self.providers.items()}

    def start(self, name: str, redirect_uri: str, after: str = "/", link: str = "") -> tuple[str, str]:
        """(where the browser goes, the cookie it takes along).  ``link``: the account that wants to be linked: only for a
        request that proved to come from its own page, by POST.  NotFoundError: no such provider.  UnavailableError: it
        does not answer."""
        provider = self._provider(name)
        state, cookie = self._states.new(name, after, link)
        with self._client(provider, redirect_uri) as client:
            url, _ = client.create_authorization_url(
                self._discovered[name].metadata()["authorization_endpoint"], state=state,
                code_verifier=self._states.verifier(cookie), nonce=self._states.nonce(cookie))
        return url, cookie

    def finish(self, name: str, answer: Mapping[str, str], cookie: str, redirect_uri: str, actor: Actor,
               signed_in: str = "") -> Finished:
        """``answer``: the query that the browser came back with; ``signed_in``: whose session it has.  DeniedError and
        NotSignedInError: nobody is signed in, and why; UnavailableError: the provider does not answer."""
        provider = self._provider(name)
        state = self._states.used(answer.get("state", ""), name, cookie)
        try:
            claims = self._claims(provider, answer, cookie, redirect_uri)
            if state.link:
                if state.link != signed_in:
                    raise DeniedError(f"{state.link} is not signed in any more", "sign in, and link again")
                self._accounts.users.link(state.link, provider.issuer, claims.subject, actor)
                return Finished(state.link, state.after, linked=True)
            account = self._account(provider, claims, actor)
        except RoarError as error:
            self._accounts.audit.append([Event(actor, "sign-in", outcome="denied", details={
                "how": name, "why": error.message})])
            raise
        self._accounts.audit.append([Event(Actor(account, actor.address), "sign-in", account, details={"how": name})])
        return Finished(account, state.after, linked=False)

    def _claims(self, provider: Provider, answer: Mapping[str, str], cookie: str, redirect_uri: str) -> Claims:
        if "error" in answer or not answer.get("code"):
            raise DeniedError(f"{provider.title or provider.name} did not let you in: {answer.get('error', 'no code')[:80]}",
                              "try again, or sign in another way")
        metadata = self._discovered[provider.name].metadata()
        issuer = answer.get("iss")
        if (issuer is not None or metadata.get("authorization_response_iss_parameter_supported")) and issuer != provider.issuer:
            raise DeniedError("the answer is of another provider", "begin again at the registry's sign-in page")  # RFC 9207
        with self._client(provider, redirect_uri, metadata) as client:
            try:
                token: Mapping[str, Any] = client.fetch_token(
                    metadata["token_endpoint"], code=answer["code"], grant_type="authorization_code",
                    code_verifier=self._states.verifier(cookie))
            except AuthlibBaseError as error:
                raise DeniedError(f"{provider.title or provider.name} did not let you in: {error.error}",
                                  "begin again at the registry's sign-in page") from error
            except (httpx.HTTPError, ValueError) as error:
                raise UnavailableError(f"{provider.issuer} does not answer: {error}", "try again") from error
        return verified(token.get("id_token"), provider, self._discovered[provider.name], self._states.nonce(cookie),
                        self._accounts.clock() // _SECOND)

    def _account(self, provider: Provider, claims: Claims, actor: Actor) -> str:
        users = self._accounts.users
        name = users.linked(provider.issuer, claims.subject)
        user = users.find(name) if name else None
        if user and user.state == "active":
            return name
        if user or not provider.create or not _welcome(provider, claims):
            raise NotSignedInError("nobody here has an account that signs in there",
                                   "sign in another way and link it on your account's page, or ask the operator")
        wanted = near(claims.username) or near(claims.email) or provider.name
        for number in range(1, _NAMES_TRIED):
            free = wanted if number == 1 else f"{wanted}-{number}"
            try:
                return users.add(free, actor, link=(provider.issuer, claims.subject)).name
            except ConflictError:
                if already := users.linked(provider.issuer, claims.subject):  # by another browser of theirs, just now
                    return already
        raise ConflictError(f"all names like {wanted} are taken", "ask the operator for an account, and link it")

    def _provider(self, name: str) -> Provider:
        if name not in self.providers:
            raise NotFoundError(f"this registry knows no OpenID provider {name[:40]}", "its sign-in page shows those it knows")
        return self.providers[name]

    @staticmethod
    def _client(provider: Provider, redirect_uri: str, metadata: Mapping[str, Any] | None = None) -> OAuth2Client:
        supported = (metadata or {}).get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = "client_secret_basic" if "client_secret_basic" in supported else "client_secret_post"
        return OAuth2Client(provider.client_id, provider.client_secret or None, scope=" ".join(provider.scopes),
                            token_endpoint_auth_method=method if provider.client_secret else "none",
                            redirect_uri=redirect_uri, code_challenge_method="S256", timeout=SECONDS)


def _welcome(provider: Provider, claims: Claims) -> bool:
    return not provider.domains or claims.email.rpartition("@")[2].lower() in provider.domains
