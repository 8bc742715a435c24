"""/api/v1/auth/device: letting a program in (RFC 8628, with JSON bodies)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from glaas.accounts.calls import Calls
from glaas.accounts.devices import SECONDS
from glaas.accounts.documents import moment_text
from glaas.accounts.messages import (
    DeviceAnswer,
    DeviceCode,
    DeviceCodes,
    DeviceProgress,
    MadeToken,
    UserCode,
    WaitingDevice,
    Wanted,
)
from glaas.accounts.model import Actor, Device


def add_to(router: APIRouter, calls: Calls) -> None:
    devices = _Devices(calls)
    tags: list[str] = ["devices"]
    router.add_api_route("/auth/device", devices.start, methods=["POST"], response_model=DeviceCodes, tags=[*tags])
    router.add_api_route("/auth/device/look", devices.look, methods=["POST"], response_model=WaitingDevice, tags=[*tags])
    router.add_api_route("/auth/device/confirm", devices.confirm, methods=["POST"], response_model=WaitingDevice, tags=[*tags])
    router.add_api_route("/auth/device/poll", devices.poll, methods=["POST"], response_model=DeviceProgress, tags=[*tags])


@dataclass(frozen=True, slots=True)
class _Devices:
    calls: Calls

    def start(self, request: Request, response: Response, body: Wanted) -> DeviceCodes:
        """A program asks to be let in: show the person the code and the page."""
        actor = self.calls.anyone(request)
        grant = self.calls.grant(body)
        secret, device = self.calls.accounts.devices.start(grant.name, actor.address, grant.scopes, grant.expires_at)
        response.headers["Cache-Control"] = "no-store"
        page = f"{self.calls.origin}/device"
        return DeviceCodes(device_code=secret, user_code=device.user_code, verification_uri=page,
                           verification_uri_complete=f"{page}?code={quote(device.user_code)}", expires_in=SECONDS,
                           interval=device.interval)

    def look(self, request: Request, body: UserCode) -> WaitingDevice:
        """What waits with this code: to be shown before anybody says yes."""
        _, actor = self.calls.account(request)
        return _shown(self.calls.accounts.devices.waiting(body.user_code, actor))

    def confirm(self, request: Request, body: DeviceAnswer) -> WaitingDevice:
        """Yes or no, once: by who is signed in (a token needs the scope admin), or with a name and password."""
        if body.account:
            address = self.calls.anyone(request).address
            actor = Actor(self.calls.accounts.signing.by_password(body.account, body.password, address).name, address)
        else:
            _, actor = self.calls.account(request)
        return _shown(self.calls.accounts.devices.answer(body.user_code, actor, approve=body.approve))

    def poll(self, request: Request, response: Response, body: DeviceCode) -> DeviceProgress:
        """The program asks, every `interval` seconds, until the token is there. It is given once."""
        actor = self.calls.anyone(request, "read")
        polled = self.calls.accounts.devices.poll(body.device_code, actor)
        response.headers["Cache-Control"] = "no-store"
        token = MadeToken.of(polled.secret, polled.token) if polled.token else None
        return DeviceProgress(progress=polled.progress, interval=polled.interval, token=token)


def _shown(device: Device) -> WaitingDevice:
    return WaitingDevice(user_code=device.user_code, name=device.name, scopes=list(device.scopes), address=device.address,
                         created_at=moment_text(device.created_at))
