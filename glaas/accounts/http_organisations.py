"""/api/v1/organisations: who is in which, and as what."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request

from glaas.accounts.calls import Calls
from glaas.accounts.documents import moment_text
from glaas.accounts.messages import Member, NewOrganisation, NewRole, ShownOrganisation
from glaas.accounts.model import READ, Organisation
from lineage.errors import NotFoundError


def add_to(router: APIRouter, calls: Calls) -> None:
    organisations = _Organisations(calls)
    tags: list[str] = ["organisations"]
    member = "/organisations/{name}/members/{account}"
    router.add_api_route("/organisations", organisations.add, methods=["POST"], status_code=201,
                         response_model=ShownOrganisation, tags=[*tags])
    router.add_api_route("/organisations/{name}", organisations.show, methods=["GET"], response_model=ShownOrganisation,
                         tags=[*tags])
    router.add_api_route("/organisations/{name}/join", organisations.join, methods=["POST"], status_code=204, tags=[*tags])
    router.add_api_route("/organisations/{name}/decline", organisations.decline, methods=["POST"], status_code=204,
                         tags=[*tags])
    router.add_api_route(member, organisations.put, methods=["PUT"], status_code=204, tags=[*tags])
    router.add_api_route(member, organisations.remove, methods=["DELETE"], status_code=204, tags=[*tags])


@dataclass(frozen=True, slots=True)
class _Organisations:
    calls: Calls

    def add(self, request: Request, body: NewOrganisation) -> ShownOrganisation:
        """Who makes one owns it."""
        identity, actor = self.calls.account(request)
        return _shown(self.calls.accounts.organisations.add(body.name, identity.account, actor))

    def show(self, request: Request, name: str) -> ShownOrganisation:
        """To its members."""
        identity, _ = self.calls.account(request, READ)
        if name not in identity.organisations:
            raise NotFoundError(f"there is no organisation {name[:60]} that you are in", "")
        return _shown(self.calls.accounts.organisations.get(name))

    def put(self, request: Request, name: str, account: str, body: NewRole) -> None:
        """Changes a member's role, or invites who is none."""
        _, actor = self.calls.account(request)
        organisations = self.calls.accounts.organisations
        if account in organisations.get(name).members:
            organisations.set_role(name, account, body.role, actor)
        else:
            organisations.invite(name, account, body.role, actor)

    def remove(self, request: Request, name: str, account: str) -> None:
        """Takes a member out; anybody may take themselves out."""
        _, actor = self.calls.account(request)
        self.calls.accounts.organisations.remove(name, account, actor)

    def join(self, request: Request, name: str) -> None:
        """Takes an invitation."""
        _, actor = self.calls.account(request)
        self.calls.accounts.organisations.join(name, actor)

    def decline(self, request: Request, name: str) -> None:
        """Refuses an invitation."""
        _, actor = self.calls.account(request)
        self.calls.accounts.organisations.decline(name, actor)


def _shown(one: Organisation) -> ShownOrganisation:
    return ShownOrganisation(name=one.name, created_at=moment_text(one.created_at), members=[
        Member(account=name, role=role) for name, role in sorted(one.members.items())])
