"""/metrics, in the format of Prometheus. No names of accounts, no hashes: an operator's numbers."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    def __init__(self) -> None:
        self.all = CollectorRegistry()
        self.requests = Counter("glaas_requests", "Requests that were answered.", ["route", "method", "status"],
                                registry=self.all)
        self.seconds = Histogram("glaas_request_seconds", "How long their answers took.", ["route"], buckets=_SECONDS,
                                 registry=self.all)
        self.bundles = Counter("glaas_bundles", "Bundles that were taken in.", registry=self.all)
        self.bundle_bytes = Counter("glaas_bundle_bytes", "Bytes of those bundles.", registry=self.all)
        self.jobs = Counter("glaas_jobs", "Jobs that were new.", registry=self.all)
        self.refused = Counter("glaas_refused", "Bundles that were not taken in.", ["code"], registry=self.all)
        self.register_seconds = Histogram("glaas_register_seconds", "From a bundle's last byte until it was durable.",
                                          buckets=_SECONDS, registry=self.all)
        self.waiting_bundles = Gauge("glaas_waiting_bundles", "Bundles that are being verified, or wait for it.",
                                     registry=self.all)
        self.store_seconds = Histogram("glaas_store_seconds", "How long transactions of the store took.", ["kind"],
                                       buckets=_SECONDS, registry=self.all)
        self.log_size = Gauge("glaas_log_size", "Entries of the transparency log.", registry=self.all)

    def text(self) -> bytes:
        return generate_latest(self.all)
