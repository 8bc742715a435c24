"""`glaas serve`: the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

HELP = """Serve the registry in the foreground, until SIGTERM or Ctrl-C.

One process, no set-up: the state directory is made, and the line on stderr that says READY has the URL to open."""
EPILOG = """Examples:

\b
  glaas serve
  glaas serve --state-dir /srv/glaas --listen 127.0.0.1:8080 --public-url https://lineage.example.org --behind-proxy
  glaas serve --store postgresql://glaas@db/glaas --listen :8080

docs/registry.md has reverse proxies, TLS, PostgreSQL, limits, metrics and backup."""
DEFAULT_STATE = Path("/var/lib/glaas")


def command(
    state_dir: Annotated[Path, typer.Option(help="Where the registry keeps its data; made, with mode 0700.")] = DEFAULT_STATE,
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="For pages, JSON and clients. Port 0: any free one.")]
    = "127.0.0.1:8080",
    grpc_listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="For gRPC; 'none' for none. Default: the next port, any "
                                                                       "free one if that is taken.")] = "",
    store: Annotated[str, typer.Option(metavar="WHERE", envvar="GLAAS_STORE", help="postgresql://…; default: LMDB in the state "
                                                                                  "directory.")] = "",
    public_url: Annotated[str, typer.Option(metavar="URL", help="What people open, where that is another name.")] = "",
    tls_cert: Annotated[str, typer.Option(metavar="FILE", help="A certificate (chain), PEM: serve https.")] = "",
    tls_key: Annotated[str, typer.Option(metavar="FILE", help="Its key, PEM.")] = "",
    behind_proxy: Annotated[bool, typer.Option("--behind-proxy", help="Believe X-Forwarded-For and -Proto: only where nobody "
                                                                      "but the proxy can connect.")] = False,
    access_log: Annotated[str, typer.Option(metavar="FILE", help="A line of JSON for each request; - is stderr.")] = "",
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="TOML: [limits], [quotas], [rates], [[oidc]]: "
                                                                     "docs/registry.md.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    import logging
    import sys

    from glaas.server import settings
    from glaas.server.config import read
    from glaas.server.serving import serve

    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, stream=sys.stderr,
                        format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    address, chosen = settings.address(listen), read(config)
    serve(settings.Settings(
        state=state_dir.absolute(), listen=address, store=store,
        grpc=None if grpc_listen == "none" else settings.address(grpc_listen) if grpc_listen else address.next(),
        grpc_elsewhere=not grpc_listen,
        public_url=settings.public_url(public_url) if public_url else "", tls_cert=tls_cert, tls_key=tls_key,
        behind_proxy=behind_proxy, access_log=access_log, limits=chosen.limits, quotas=chosen.quotas,
        rates=chosen.rates, oidc=chosen.oidc))
