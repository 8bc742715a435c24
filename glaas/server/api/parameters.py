"""What the addresses of /api/v1 take, and how their answers are described."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from fastapi import Path, Query

from lineage.records import ENTRY_KINDS, ROLES

Id: TypeAlias = Annotated[str, Path(description="An id, or its first digits, 4 or more.", min_length=4, max_length=64,
                                    pattern="^[0-9a-fA-F]+$")]
Depth: TypeAlias = Annotated[int, Query(ge=0, le=1000, description="Levels; 0: all.")]
MaxNodes: TypeAlias = Annotated[int, Query(ge=0, le=100_000, description="0: 10,000.")]
Direction: TypeAlias = Annotated[Literal["up", "down"], Query(description="Where it came from, or what became of it.")]
Hash: TypeAlias = Annotated[str, Query(pattern="^([0-9a-f]{64})?$", description="64 hex digits.")]
Kinds: TypeAlias = Annotated[list[str], Query(description=f"Some of {', '.join(ENTRY_KINDS)}; none: all.")]
Roles: TypeAlias = Annotated[list[str], Query(description=f"Some of {', '.join(ROLES)}; none: all.")]
Size: TypeAlias = Annotated[int, Query(ge=0, lt=1 << 62)]
ERROR = {"description": "roar.error/1: {error: {code, message, hint}}; where the prefix is ambiguous with candidates.",
         "content": {"application/json": {"schema": {"type": "object", "required": ["error"]}}}}


def described(schema: str) -> dict[int | str, dict[str, Any]]:
    """What FastAPI says of an answer: documents are made of records, by functions of their own, not by models."""
    content = {"application/json": {"schema": {
        "type": "object", "required": ["schema"], "properties": {"schema": {"const": schema}},
        "description": f"docs/schemas/{schema.replace('/', '.')}.json" if schema.startswith("roar.") else schema}}}
    return {200: {"description": schema, "content": content}, "4XX": ERROR, "5XX": ERROR}
