"""The provenance card, as an independent reader of Markdown understands it."""

from __future__ import annotations

from markdown_it import MarkdownIt
from recorder import HOST

from lineage.card import Subject, card
from lineage.records import JobHead, Reason, User
from lineage.v1 import lineage_pb2
from lineage.wire import head_to

HOSTILE = "a|b`c``<script>alert(1)</script>[x](http://evil)\n# not a title\n![i](j)*_~\x1b[31m"
CONTEXT = {"python": {"implementation": "CPython", "version": "3.11.2"}, "git": {"commit": "ab" * 20, "dirty": True},
           "hardware": {"cpu": HOSTILE, "cores": 2, "memory": 10**10, "gpus": [{"vendor": "NVIDIA", "name": "H100"}]},
           "packages": [{"name": "numpy", "version": "2.0"}, {"name": None, "version": None}]}


def head(number: int, *argv: str, **fields: object) -> JobHead:
    values: dict[str, object] = {"complete": True, "incomplete_reasons": (), "exit_code": 0, **fields}
    return JobHead(bytes([number]) * 32, bytes([number]) * 16, b"s" * 32, number, User(1, HOSTILE), HOST,
                   tuple(word.encode() for word in argv), b"/p", b"/p", number * 10**9, number * 10**9 + 5, signal=None,
                   interrupted=False, **values)  # type: ignore[arg-type]


def written(*heads: JobHead, name: str = "model.pt", truncated: str = "") -> str:
    """The first made what the second took, the second made the subject."""
    graph = lineage_pb2.Graph(jobs=[head_to(one) for one in heads], truncated=truncated)
    graph.artifacts.add(hash=b"m" * 32, path=f"/p/{name}".encode(), produced=True)
    graph.artifacts.add(hash=b"r" * 32, path=f"/p/{name}.raw".encode(), role="data", size=1234)
    for at in range(len(heads)):
        graph.edges.add(job=at, artifact=0, output=True)
        graph.edges.add(job=at, artifact=1)
    if len(heads) > 1:
        graph.edges.add(job=1, artifact=0, maker=0)
    maker = heads[-1] if heads else None
    return card(Subject(f"/p/{name}".encode(), b"m" * 32, 10, b"/p", CONTEXT, maker), graph,
                {one.run: CONTEXT for one in heads})


def kinds(text: str) -> list[str]:
    found = []
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text):
        found += [token.type, *(child.type for child in token.children or ())]
    return found


def test_it_says_who_made_it_of_what_and_on_what() -> None:
    text = written(head(1, "python", "prep.py"), head(2, "python", "train.py", "--lr", "0.1"))
    assert "- **Made by** `python train.py --lr 0.1` on 1970-01-01 00:00" in text
    assert "- **Records** of all 2 jobs are complete" in text
    assert "| `model.pt.raw` | data | 1,234 |" in text
    assert f"`{'ab' * 6}` with uncommitted changes" in text
    assert "1 packages that were read" in text and "numpy==2.0" in text
    assert 'j0 -->|"model.pt"| j1' in text


def test_it_says_what_it_does_not_know() -> None:
    reasons = (Reason("lost", "3 events were lost"),)
    text = written(head(1, "a"), head(2, "b", complete=False, incomplete_reasons=reasons), truncated="depth")
    assert "**Incomplete record** of job `020202020202`: 3 events were lost" in text
    assert "**Not all of it**" in text
    assert "it is a root, and what it was made of is not known" in written()


def test_other_peoples_text_is_text() -> None:
    tame = written(head(1, "python", "prep.py"), head(2, "python", "train.py"))
    wild = written(head(1, "python", HOSTILE), head(2, "python", f"`{HOSTILE}`"), name=HOSTILE.replace("/", " "))
    assert {"link_open", "image", "html_inline"}.isdisjoint(kinds(wild))
    for kind in ("heading_open", "td_open", "tr_open", "html_block", "fence"):
        assert kinds(wild).count(kind) == kinds(tame).count(kind), kind
    fence = wild.split("```mermaid")[1].split("```")[0]
    assert not set(fence) & set("<`#*;")
    assert "\x1b" not in wild
