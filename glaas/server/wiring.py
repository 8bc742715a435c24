"""The one place where the parts of a registry are put together, and taken apart again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote

from grpc import ServicerContext
from starlette.requests import HTTPConnection

from glaas.accounts import tables as account_tables
from glaas.accounts.accounts import Accounts
from glaas.accounts.identity import Identity
from glaas.accounts.limits import Action, network_of
from glaas.accounts.limits import Limits as Rates
from glaas.log import journal
from glaas.log.journal import Journal
from glaas.log.log import Log, of_state
from glaas.registry import tables as registry_tables
from glaas.registry.registry import Registry
from glaas.server import usage
from glaas.server.bodies import Budget
from glaas.server.context import HttpContext
from glaas.server.metrics import Metrics
from glaas.server.settings import Address, Settings
from glaas.server.timed import TimedStore
from glaas.server.usage import Usage
from glaas.server.verifiers import Verifiers
from glaas.store import location, open_store
from glaas.store.keyed import KeyedStore
from glaas.store.viewer import Viewer
from lineage.service.view import View

TABLES = (*registry_tables.TABLES, *account_tables.TABLES, *journal.TABLES, *usage.TABLES)


class Parts(NamedTuple):
    """What knows things.  A process that verifies bundles has its own."""

    store: KeyedStore
    log: Log
    registry: Registry


@contextmanager
def opened(settings: Settings, metrics: Metrics | None = None) -> Iterator[Parts]:
    """``metrics``: where its transactions are timed."""
    found = open_store(location(settings.state, settings.store or None), TABLES)
    with closing(found if metrics is None else TimedStore(found, metrics)) as store:
        log = of_state(store, settings.state)
        yield Parts(store, log, Registry(store, Journal(log)))


@dataclass(slots=True)
class Wiring:
    """What handlers work with.  ``grpc``: where that server listens, once it does."""

    settings: Settings
    store: KeyedStore
    log: Log
    registry: Registry
    accounts: Accounts
    rates: Rates
    usage: Usage
    verifiers: Verifiers
    metrics: Metrics
    grpc: Address | None = None
    url: str = ""
    budget: Budget = field(init=False)

    def __post_init__(self) -> None:
        self.budget = Budget(self.settings.limits.bundle_memory)

    # -- who asks -----------------------------------------------------------------------------------------------------

    def identity(self, connection: HTTPConnection, action: Action = "read") -> Identity:
        """Of a request: by its token, else by its cookie.  NotSignedInError for a token that is not valid; SlowDownError for
        who asks too much.  It blocks."""
        found = self.accounts.identify(connection.headers.get("authorization"), connection.cookies)
        connection.scope["state"]["account"] = found.account
        self.rates.take(action, payer(found, connection.client.host if connection.client else ""))
        return found

    def token_of(self, connection: HTTPConnection) -> Identity:
        """By its token alone: what a page elsewhere can make a browser send has none.  It blocks."""
        found = self.accounts.identify(connection.headers.get("authorization"))
        connection.scope["state"]["account"] = found.account
        return found

    def viewer(self, connection: HTTPConnection, action: Action = "read") -> Viewer:
        return self.accounts.viewer(self.identity(connection, action))

    def caller(self, context: ServicerContext) -> Identity:
        """Of a call of the services, whether it came as gRPC or over HTTP: by its token alone."""
        given = dict(context.invocation_metadata()).get("authorization")
        found = self.accounts.identify(given.decode("ascii", "replace") if isinstance(given, bytes) else given)
        if isinstance(context, HttpContext):
            context.account = found.account
        self.rates.take("read", payer(found, peer_host(context.peer())))
        return found

    def view(self, viewer: Viewer) -> View:
        """What they may see: for one request and one thread."""
        return self.registry.view(viewer)

    def view_of(self, context: ServicerContext) -> View:
        return self.view(self.accounts.viewer(self.caller(context)))


def payer(identity: Identity, address: str) -> str:
    """Whose rate counts: the account's, else that of the network that the address is of."""
    return identity.account or network_of(address)


def peer_host(peer: str) -> str:
    """Of what gRPC calls a peer: ipv4:127.0.0.1:80, ipv6:[::1]:80, unix:…"""
    kind, _, rest = peer.partition(":")
    return unquote(rest).rpartition(":")[0].strip("[]") if kind in {"ipv4", "ipv6"} else rest


@contextmanager
def wired(settings: Settings) -> Iterator[Wiring]:
    with ExitStack() as held:
        metrics = Metrics()
        store, log, registry = held.enter_context(opened(settings, metrics))
        used = held.enter_context(closing(Usage(store, settings.quotas)))
        verifiers = held.enter_context(closing(Verifiers(settings, metrics)))
        yield Wiring(settings, store, log, registry, Accounts(store), Rates(settings.rates), used, verifiers, metrics)
