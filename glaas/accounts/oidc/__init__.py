"""Signing in by OpenID Connect: the authorization code flow with PKCE, at providers that the operator names."""
