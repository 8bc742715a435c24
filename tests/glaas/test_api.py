"""/api/v1 of a served registry: documents, who sees them, and what caches and other sites may do with them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import cbor2
import httpx
import pytest
from blake3 import blake3
from made_bundles import Box
from schemas import problems
from served import Served

from lineage import ids
from lineage import receipt as receipts

CONTEXT = {"git": None}  # as of a job outside of any repository
BOX = Box(nonce=b"api" * 5 + b"!")
PREP = BOX.job("python prep.py raw.csv", ["raw.csv=raw"], ["data.csv=data"], context=CONTEXT)
TRAIN = BOX.job("python train.py --epochs 3", ["data.csv=data", "train.py=code"], ["model.pt=model"], context=CONTEXT)
EVAL = BOX.job("python eval.py", ["model.pt=model"], ["metrics.json=metrics"])
SECRET = Box(nonce=b"secret" + b"!" * 10).job("python secret.py", [], ["secret.bin=secret"])


def hash_of(text: str) -> str:
    return blake3(text.encode()).hexdigest()


def id_of(job: object) -> str:
    return job.head.id.hex()  # type: ignore[attr-defined]


class Site:
    def __init__(self, served: Served) -> None:
        self.served = served
        self.ada, self.bob = served.token("ada"), served.token("bob")
        assert 201 == served.register(self.ada, BOX.bundle(PREP, TRAIN, EVAL), "public").status_code
        secret = Box(nonce=b"secret" + b"!" * 10)
        assert 201 == served.register(self.ada, secret.bundle(SECRET)).status_code

    def get(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        with self.served.client(token) as client:
            return client.get("/api/v1" + path, headers=headers)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Served(tmp_path_factory.mktemp("api")) as served:
        yield Site(served)


@pytest.mark.parametrize(("path", "schema"), [
    (f"/jobs/{id_of(TRAIN)}", "roar.job/1"),
    (f"/jobs/{TRAIN.head.run.hex()}", "roar.job/1"),
    (f"/artifacts/{hash_of('model')}", "roar.artifact/1"),
    (f"/artifacts/{hash_of('model')[:10]}/lineage", "roar.lineage/1"),
    (f"/artifacts/{hash_of('raw')}/lineage?direction=down&depth=1", "roar.lineage/1"),
    (f"/jobs/{id_of(EVAL)}/lineage", "roar.lineage/1"),
    (f"/sessions/{BOX.session.hex()}", "roar.session/1"),
    (f"/sessions/{BOX.session.hex()[:8]}/dag", "roar.dag/1"),
    ("/search?q=train", "roar.search/1"),
    (f"/search?q={hash_of('model')[:12]}", "roar.search/1"),
    ("/search?q=*.csv", "roar.search/1"),
    (f"/diff?a={id_of(PREP)}&b=job:{id_of(TRAIN)[:10]}", "roar.diff/1"),
    (f"/diff?a={hash_of('data')}&b={hash_of('model')}", "roar.diff/1"),
])
def test_documents_are_those_of_the_command_line(site: Site, path: str, schema: str) -> None:
    """Each is as its published schema says, to the last key."""
    answer = site.get(path)
    assert 200 == answer.status_code, answer.text
    document = answer.json()
    assert schema == document["schema"]
    assert [] == problems(document)


def test_a_walk_has_what_was_asked_for(site: Site) -> None:
    up = site.get(f"/artifacts/{hash_of('metrics')}/lineage").json()
    assert [id_of(each) for each in (EVAL, TRAIN, PREP)] == [job["id"] for job in up["jobs"]]
    one = site.get(f"/artifacts/{hash_of('metrics')}/lineage?depth=1").json()
    assert [id_of(EVAL)] == [job["id"] for job in one["jobs"]]
    down = site.get(f"/artifacts/{hash_of('raw')}/lineage?direction=down").json()
    assert [id_of(each) for each in (PREP, TRAIN, EVAL)] == [job["id"] for job in down["jobs"]]
    assert site.get(f"/artifacts/{hash_of('metrics')}/lineage?max_nodes=1").json()["truncated"] == "nodes"


def test_search_finds_words_patterns_and_digits(site: Site) -> None:
    def jobs(query: str) -> list[str]:
        return [job["id"] for job in site.get(f"/search?q={query}").json()["jobs"]]

    def files(query: str) -> list[str]:
        return [found["hash"] for found in site.get(f"/search?q={query}").json()["artifacts"]]

    assert [id_of(TRAIN)] == jobs("train+epochs")
    assert [] == jobs("train+nothing")
    assert {hash_of("raw"), hash_of("data")} == set(files("*.csv"))
    assert [hash_of("model")] == files(hash_of("model")[:9]) == files("artifact:" + hash_of("model")[:9])


def test_entries_come_in_pages(site: Site) -> None:
    path = f"/jobs/{id_of(TRAIN)}/entries"
    whole = site.get(path).json()
    assert whole["next"] is None
    pages, after = [], 0
    while after is not None:
        page = site.get(f"{path}?limit=2&after={after}").json()
        assert len(page["entries"]) <= 2
        pages += page["entries"]
        after = page["next"]
    assert whole["entries"] == pages
    assert {hash_of("data"), hash_of("code"), hash_of("model")} == {entry["hash"] for entry in pages}
    outputs = site.get(f"{path}?kind=output").json()["entries"]
    assert [hash_of("model")] == [entry["hash"] for entry in outputs]
    assert 400 == site.get(f"{path}?role=nonsense").status_code


def test_anyone_can_recompute_an_id(site: Site) -> None:
    data = site.get(f"/jobs/{id_of(TRAIN)}/record")
    assert "application/cbor-seq" == data.headers["content-type"]
    stream, parts = io.BytesIO(data.content), []
    while stream.tell() < len(data.content):
        parts.append(cbor2.load(stream))
    assert id_of(TRAIN) == blake3(parts[0]).hexdigest()
    chunks = {blake3(part).digest(): part for part in parts[1:]}
    assert TRAIN.entries == ids.decode_job(parts[0], chunks.__getitem__).entries


def test_what_is_private_is_for_its_owner_alone(site: Site) -> None:
    """For others it is not there: nothing tells that it is."""
    for path in (f"/jobs/{id_of(SECRET)}", f"/artifacts/{hash_of('secret')}", f"/jobs/{id_of(SECRET)}/record",
                 f"/artifacts/{hash_of('secret')[:12]}/lineage", f"/log/inclusion?job={id_of(SECRET)}",
                 f"/log/receipt?job={id_of(SECRET)}", f"/sessions/{SECRET.head.session.hex()}"):
        for token in ("", site.bob):
            assert 404 == site.get(path, token).status_code, path
        own = site.get(path, site.ada)
        assert 200 == own.status_code, own.text
        assert "private, no-cache" == own.headers["cache-control"]
        assert "access-control-allow-origin" not in own.headers
    assert id_of(SECRET) not in site.get("/search?q=secret", site.bob).text
    assert id_of(SECRET) in site.get("/search?q=secret", site.ada).text
    assert id_of(SECRET) in site.get("/accounts/ada", site.ada).text
    assert id_of(SECRET) not in site.get("/accounts/ada", site.bob).text


def test_what_is_public_can_be_cached_and_read_by_other_sites(site: Site) -> None:
    answer = site.get(f"/jobs/{id_of(TRAIN)}")
    assert answer.headers["cache-control"].startswith("public")
    assert "*" == answer.headers["access-control-allow-origin"]
    assert {"authorization", "cookie"} <= {name.strip().lower() for name in answer.headers["vary"].split(",")}
    again = site.get(f"/jobs/{id_of(TRAIN)}", **{"If-None-Match": answer.headers["etag"]})
    assert (304, b"") == (again.status_code, again.content)
    record = site.get(f"/jobs/{id_of(TRAIN)}/record")
    assert "immutable" in record.headers["cache-control"]
    assert "immutable" not in site.get(f"/jobs/{id_of(TRAIN)[:8]}/record").headers["cache-control"]  # it may mean another


def test_a_prefix_of_several_things(site: Site) -> None:
    """What it could mean is in the answer."""
    found: dict[str, list[int]] = {}
    for number in range(2000):
        found.setdefault(hash_of(f"part {number}")[:4], []).append(number)
    prefix, numbers = next((prefix, numbers) for prefix, numbers in found.items() if len(numbers) > 1)
    box = Box(nonce=b"prefixes" * 2)
    job = box.job("split", [], [f"part{number}=part {number}" for number in numbers])
    site.served.register(site.ada, box.bundle(job), "public")
    answer = site.get(f"/artifacts/{prefix}")
    assert 409 == answer.status_code
    error = answer.json()["error"]
    assert "ambiguous" == error["code"]
    named = {candidate.split()[0] for candidate in error["candidates"]}
    assert {f"artifact:{hash_of(f'part {number}')[:12]}" for number in numbers} <= named


@pytest.mark.parametrize(("path", "status", "code"), [
    ("/jobs/zzzz", 400, "invalid"), ("/jobs/abc", 400, "invalid"), ("/jobs/abcdef0123", 404, "not_found"),
    ("/artifacts/" + "0" * 64, 404, "not_found"), ("/search", 400, "invalid"), ("/search?q=*", 400, "invalid"),
    ("/search?q=a&limit=100000", 400, "invalid"), ("/nothing", 404, "not_found"),
    (f"/diff?a={hash_of('model')}&b={id_of(TRAIN)}", 400, "invalid"),
    ("/accounts/nobody", 404, "not_found"), ("/log/inclusion", 400, "invalid"), ("/log/consistency?first=7", 400, "invalid"),
    ("/log/inclusion?job=" + "0" * 64, 404, "not_found"), ("/jobs/abcd%00", 400, "invalid"),
    (f"/artifacts/{hash_of('model')}/lineage?direction=sideways", 400, "invalid"),
])
def test_refusals_are_documents(site: Site, path: str, status: int, code: str) -> None:
    answer = site.get(path)
    assert status == answer.status_code
    assert [] == problems(answer.json())
    assert code == answer.json()["error"]["code"]


def test_a_token_that_is_not_valid(site: Site) -> None:
    """It does not make an anonymous reader of who meant to be somebody."""
    answer = site.get(f"/jobs/{id_of(TRAIN)}", "glaas_wrong")
    assert 401 == answer.status_code
    assert "Bearer" == answer.headers["www-authenticate"]


def test_registering_again_changes_nothing(site: Site) -> None:
    box = Box(nonce=b"again" * 3 + b"!")
    raw = box.bundle(box.job("python again.py", [], ["again=again"]))
    first, second = site.served.register(site.bob, raw), site.served.register(site.bob, raw)
    assert (201, 200) == (first.status_code, second.status_code)
    assert first.json()["registered"] == second.json()["known"]
    assert ([], None) == (second.json()["registered"], second.json()["leaf"])


def test_registering_needs_an_account_and_a_scope(site: Site) -> None:
    box = Box(nonce=b"scopes" * 2 + b"!!!!")
    raw = box.bundle(box.job("python scopes.py", [], ["scopes=scopes"]))
    assert 401 == site.served.register("", raw).status_code
    reader = site.served.token("reader", "--scope", "read")
    assert 403 == site.served.register(reader, raw).status_code
    assert 400 == site.served.register(site.bob, raw, "everyone").status_code
    assert 403 == site.served.register(site.bob, raw, "org:nobody").status_code
    assert 404 == site.get(f"/artifacts/{hash_of('scopes')}", site.bob).status_code


def test_the_log_proves_what_was_registered(site: Site, tmp_path: Path) -> None:
    """A receipt is verified by the code that `roar verify` uses, offline."""
    receipt = site.get(f"/log/receipt?job={id_of(TRAIN)}").json()
    proved = receipts.decode(json.dumps(receipt).encode()).verify()
    assert TRAIN.head.id in proved.jobs
    head = site.get("/log/head").json()
    assert head["origin"] == receipt["origin"]
    inclusion = site.get(f"/log/inclusion?job={id_of(TRAIN)}").json()
    assert inclusion["index"] == receipt["index"]
    growth = site.get("/log/consistency?first=1").json()
    assert head["size"] <= growth["second"]
    assert growth["head"]["key"] == head["key"]


def test_it_is_described(site: Site) -> None:
    with site.served.client() as client:
        description = client.get("/api/openapi.json").json()
        page = client.get("/api/docs")
    assert description["openapi"].startswith("3.")
    assert {"/api/v1/jobs/{id}", "/api/v1/search", "/api/v1/bundles", "/api/v1/log/head"} <= set(description["paths"])
    assert all(f" {path}</code>" in page.text for path in description["paths"])
    assert "<script" not in page.text and "http://" not in page.text and "https://" not in page.text


def test_answers_are_compressed_for_who_wants_that(site: Site) -> None:
    path = f"/jobs/{id_of(TRAIN)}"
    plain, packed = (site.get(path, **{"Accept-Encoding": wanted}) for wanted in ("identity", "gzip"))
    assert "content-encoding" not in plain.headers
    assert "gzip" == packed.headers["content-encoding"]
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert plain.content == packed.content  # unpacked by now
    assert plain.headers["etag"] == packed.headers["etag"]
    assert "Accept-Encoding" in plain.headers["vary"]
