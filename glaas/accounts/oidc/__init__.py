"""Signing in by OpenID Connect: the authorization code flow with PKCE, at providers that the operator names."""

from glaas.accounts.oidc.provider import Provider, providers_of
from glaas.accounts.oidc.signing import Finished, OpenId

__all__ = ["Finished", "OpenId", "Provider", "providers_of"]
