"""The registry's web site: pages that a server makes, that need no scripts, and that say plainly what a record says."""

from glaas.web.routes import routes

__all__ = ["routes"]
