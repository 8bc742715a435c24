"""/api/v1: questions as addresses, documents as answers.  Described in /api/openapi.json, and for people in /api/docs."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from glaas.server import api_graphs, api_log, api_records, api_register
from glaas.server.wiring import Wiring

PREFIX = "/api/v1"


def router(wiring: Wiring) -> APIRouter:
    api = APIRouter(prefix=PREFIX, default_response_class=Response)
    for part in (api_records, api_graphs, api_log, api_register):
        part.add(api, wiring)
    return api
