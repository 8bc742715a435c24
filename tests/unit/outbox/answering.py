"""A registry's other end for tests: answers as it is told, and keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO

from lineage import bundle
from lineage.v1 import registry_pb2
from roarctl.forwarding.sending import Sender
from roard.outbox import batches

REGISTER, WHOAMI = "/lineage.v1.Registry/RegisterBundle", "/lineage.v1.Registry/WhoAmI"
Answer = tuple[int, bytes, dict[str, str]]


class Registry:
    """Answers as ``rule`` says; keeps what it was sent."""

    def __init__(self) -> None:
        self.rule: Callable[[registry_pb2.RegisterBundleRequest], Answer] = taken
        self.account = registry_pb2.Account(name="box", scopes=["register"])
        self.asked: list[registry_pb2.RegisterBundleRequest] = []
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert self.headers["authorization"] == "Bearer t"
                if self.path == WHOAMI:
                    status, data, headers = proto(registry.account)
                else:
                    assert self.path == REGISTER
                    request = registry_pb2.RegisterBundleRequest.FromString(body)
                    registry.asked.append(request)
                    status, data, headers = registry.rule(request)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.sender = Sender.of({"url": self.url, "token": "t"})

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def send(self, batch: batches.Batch) -> dict[str, object]:
        asked = {"scope": batch.scope, "jobs": [row.job.hex() for row in batch.rows], "said": list(batch.said)}
        return self.sender.send(asked, batch.data)


def proto(message: registry_pb2.Account | registry_pb2.RegisterBundleResponse) -> Answer:
    return 200, message.SerializeToString(), {"Content-Type": "application/proto"}


def jobs_in(request: registry_pb2.RegisterBundleRequest) -> list[bytes]:
    return list(bundle.decode_header(bundle.read(BytesIO(request.bundle)).header).jobs)


def taken(request: registry_pb2.RegisterBundleRequest) -> Answer:
    return proto(registry_pb2.RegisterBundleResponse(registered=jobs_in(request)))


def refusal(status: int, code: str, **headers: str) -> Answer:
    error = {"code": code, "message": "no", "details": [{"debug": {"code": code, "message": "no", "hint": "h"}}]}
    return status, json.dumps(error).encode(), {"Content-Type": "application/json", **headers}
