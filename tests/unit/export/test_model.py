"""The common model: which files there are, and who made them."""

from __future__ import annotations

from graphs import ALL, job, lineage, maker_of, odd, pipeline
from recorder import PROJECT, digest

from lineage.export.model import ELSEWHERE, build
from lineage.export.names import file_uri, git_uri, purl


def named(found):
    return {file.path.removeprefix(PROJECT + b"/"): file for file in found.files}


def test_a_file_that_one_job_made_and_another_took_is_one() -> None:
    found = ALL["pipeline"]()
    files = named(found)
    assert {name: file.maker for name, file in files.items()} == {
        b"conf.yaml": None, b"data/clean.csv": 0, b"model.json": 1, b"model.pkl": 1, b"prepare.py": None, b"raw.csv": None,
        b"train.py": None}
    assert [file.path for file in found.target_files()] == [PROJECT + b"/model.pkl"]


def test_files_of_the_system_only_on_demand() -> None:
    assert b"/usr/lib/libc.so" not in named(ALL["pipeline"]())
    assert b"/usr/lib/libc.so" in named(ALL["everything"]())


def test_a_maker_beyond_the_export_is_told_from_a_root() -> None:
    files = named(lineage(odd(), about="latin"))
    assert files[b"far.csv"].maker == ELSEWHERE
    assert files[b"/elsewhere/y z.bin"].maker is None
    assert files[b"/elsewhere/y z.bin"].hash is None


def test_content_that_came_by_another_path_is_the_makers_file() -> None:
    first, second = pipeline()
    moved = second.entries[0]._replace(path=b"/mnt/usb/clean.csv")
    jobs = [first, job(2, "python train.py", moved)]
    found = build("job", jobs[1].head.id, b"", jobs, maker_of(jobs))
    assert [found.files[use.file].path for use in found.nodes[1].inputs] == [PROJECT + b"/data/clean.csv"]


def test_digests_say_what_is_known() -> None:
    files, bare = ALL["pipeline"](), lineage(pipeline(), sha256=False)
    assert set(files.digests(files.files[0])) == {"sha256", "blake3"}
    assert bare.digests(bare.files[0]) == {"blake3": digest("clean").hex()}


def test_names() -> None:
    assert purl({"name": "Foo_Bar.baz", "version": "1.0+cpu"}) == "pkg:pypi/foo-bar-baz@1.0%2Bcpu"
    assert file_uri(b"/a b/\xff") == "file:///a%20b/%FF"
    assert file_uri(b"a b") == "a%20b"
    assert git_uri("git@example.org:ada/p.git", "abc") == "git+ssh://git@example.org/ada/p.git@abc"
    assert git_uri("https://example.org/p", "abc") == "git+https://example.org/p@abc"
