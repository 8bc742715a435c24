"""Who is calling, as the kernel said it."""

from __future__ import annotations

from dataclasses import dataclass

ROOT = 0


@dataclass(frozen=True, slots=True)
class Caller:
    uid: int
    gid: int
    pid: int

    def may_see(self, uid: int) -> bool:
        """What ``uid`` recorded: one's own, and root everything."""
        return self.uid in {uid, ROOT}
