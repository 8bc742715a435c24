"""What real commands do to files, as the real probes see it, entry by entry."""

from __future__ import annotations

import io
import os
import shutil
import sys
import tarfile

import pytest
from harness import Project, blake

PYTHON = "/usr/bin/python3"


def test_pipeline_of_three_steps_entry_by_entry(project: Project) -> None:
    """Inputs, outputs and edges of three commands are exactly the known ones."""
    project.write("raw.csv", "a,b\n1,2\n3,4\n")
    project.write("prep.py", "open('clean.csv', 'w').write(open('raw.csv').read().replace(',', ';'))\n")
    project.write("train.py", "d = open('clean.csv').read(); open('model.bin', 'wb').write(d.encode() * 3)\n")
    project.write("evaluate.py", "m = open('model.bin', 'rb').read(); c = open('clean.csv').read()\n"
                                 "open('metrics.json', 'w').write('{\"n\": %d}' % (len(m) + len(c)))\n")
    jobs = [project.run(PYTHON, script) for script in ("prep.py", "train.py", "evaluate.py")]

    def content(name: str) -> str:
        return blake((project.path / name).read_bytes())

    expected = [
        ({"raw.csv", "prep.py"}, {"clean.csv"}),
        ({"clean.csv", "train.py"}, {"model.bin"}),
        ({"model.bin", "clean.csv", "evaluate.py"}, {"metrics.json"}),
    ]
    for job, (inputs, outputs) in zip(jobs, expected, strict=True):
        job.assert_complete()
        assert job.inputs == {name: content(name) for name in inputs}
        assert job.outputs == {name: content(name) for name in outputs}
        assert job.entries("scratch") == {}
        assert job.entries("removed") == {}
    ids = [job["id"] for job in jobs]
    edges = {(edge["from"], edge["to"]): {os.path.basename(each["path"]) for each in edge["artifacts"]}
             for edge in project.json("dag")["edges"]}
    assert edges == {(ids[0], ids[1]): {"clean.csv"}, (ids[0], ids[2]): {"clean.csv"}, (ids[1], ids[2]): {"model.bin"}}


def test_entry_has_size_role_access_and_steps(project: Project) -> None:
    """An entry says how large, why it is there, what was done to it, and by which step."""
    project.write("in.txt", "content\n")
    job = project.sh("cat in.txt > out.txt")
    read, written = job.entries("inputs")["in.txt"], job.entries("outputs")["out.txt"]
    assert (read["size"], read["role"], read["access"]) == (8, "data", ["read"])
    assert [job.programs[step] for step in read["steps"]] == ["cat"]
    assert (written["size"], written["role"], written["access"]) == (8, "data", ["create", "write"])
    assert sorted(job.programs[step] for step in written["steps"]) == ["cat", "dash"]


def test_steps_of_a_shell_script_are_a_pipeline(project: Project) -> None:
    """Through pipes, through a file that is written twice, appended to and moved; the shell itself hands nothing over."""
    project.write("in.txt", "b\na\n" * 100)
    project.write("log", "before\n")
    for _ in range(2):  # what it leaves is there already when it runs again
        job = project.sh("cut -c1 in.txt | sort > x; uniq x > a; head in.txt > x; tac x > b; cat a >> log; cat b >> log;"
                         "wc log > n.tmp; mv n.tmp n; cat n > m")
        job.assert_complete()
        graph = project.json("dag", "--steps")
        programs = [os.path.basename(node["argv"][0]) for node in graph["nodes"]]
        edges = {(programs[edge["from"]], programs[edge["to"]], f"{os.path.basename(one['path'])}#{one['version']}")
                 for edge in graph["edges"] for one in edge["artifacts"]}
        pipe = next(entry for entry in job["pipes"])["path"]
        assert edges == {
            ("cut", "sort", f"{pipe}#1"), ("sort", "uniq", "x#1"), ("head", "tac", "x#2"), ("uniq", "cat", "a#1"),
            ("tac", "cat", "b#1"), ("cat", "wc", "log#1"), ("wc", "mv", "n#1"), ("mv", "cat", "n#2")}
        before = {os.path.basename(one["path"]): [programs[step] for step in one["readers"]]
                  for one in graph["artifacts"] if one["version"] == 0 and one["role"] == "data"}
        assert before == {"in.txt": ["cut", "head"], "log": ["cat"]}


def test_redirected_descriptors_of_the_job_itself(project: Project) -> None:
    """`roar run tr a-z A-Z <in >out`: files that were open before the job began."""
    project.write("in.txt", "shout\n")
    with (project.path / "in.txt").open("rb") as source, (project.path / "out.txt").open("wb") as target:
        process = project.popen("run", "-q", "--", "tr", "a-z", "A-Z", stdin=source, stdout=target)
        assert process.wait(60) == 0
    job = project.show()
    job.assert_complete()
    assert job.inputs == {"in.txt": blake(b"shout\n")}
    assert job.outputs == {"out.txt": blake(b"SHOUT\n")}


def test_overwrite_in_place_keeps_the_hash_of_what_was_read(project: Project) -> None:
    """Read, then overwritten in the next statement: the input has the old content's hash."""
    project.write("data.txt", "lower case\n" * 1000)
    job = project.run(PYTHON, "-c", "s = open('data.txt').read(); open('data.txt', 'w').write(s.upper())")
    job.assert_complete()
    assert job.inputs == {"data.txt": blake(b"lower case\n" * 1000)}
    assert job.outputs == {"data.txt": blake(b"LOWER CASE\n" * 1000)}


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 16383, 16384, 16385, 32766, 65531, 65532, 65533, 200_000])
@pytest.mark.parametrize("reader", ["cat", "python", "stdio"])
def test_content_hash_at_every_size(project: Project, size: int, reader: str) -> None:
    """Around every limit of what a read carries: the hash is that of the content."""
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    project.write("in.bin", content)
    command = {"cat": ["cat", "in.bin"], "stdio": ["sed", "-n", "$=", "in.bin"],
               "python": [PYTHON, "-c", "open('in.bin', 'rb').read()"]}[reader]
    job = project.run(*command)
    job.assert_complete()
    assert job.inputs == {"in.bin": blake(content)}


def test_temporary_name_then_rename(project: Project) -> None:
    """The temporary name appears nowhere among the outputs."""
    job = project.run(PYTHON, "-c", "import os; f = open('.m.tmp123', 'w'); f.write('new'); f.close();"
                                    " os.replace('.m.tmp123', 'model.pt')")
    job.assert_complete()
    assert job.outputs == {"model.pt": blake(b"new")}
    assert not [entry for kind in ("inputs", "outputs", "scratch") for entry in job[kind] if "m.tmp123" in entry["path"]]


def test_rename_through_symbolic_links_and_dots(project: Project) -> None:
    """A last name that only the inode can tell is still the file's name."""
    (project.path / "real/sub").mkdir(parents=True)
    (project.path / "link").symlink_to("real")
    job = project.sh("echo x > real/a.tmp && mv link/../real/a.tmp link/sub/final.txt")
    job.assert_complete()
    assert job.outputs == {"real/sub/final.txt": blake(b"x\n")}
    assert job.entries("scratch") == {}


def test_rename_of_the_parent_directory(project: Project) -> None:
    """Files follow their directory."""
    job = project.sh("mkdir -p run.tmp/deep && echo 1 > run.tmp/a && echo 2 > run.tmp/deep/b && mv run.tmp run")
    job.assert_complete()
    assert job.outputs == {"run/a": blake(b"1\n"), "run/deep/b": blake(b"2\n")}


def test_rename_over_an_input(project: Project) -> None:
    """sed -i: the input keeps its hash, the output has the new one, under one path."""
    project.write("conf.txt", "old\n")
    job = project.run("sed", "-i", "s/old/new/", "conf.txt")
    job.assert_complete()
    assert job.inputs == {"conf.txt": blake(b"old\n")}
    assert job.outputs == {"conf.txt": blake(b"new\n")}


def test_rename_of_a_file_that_was_never_opened(project: Project) -> None:
    """mv alone: the content came from the old name."""
    project.write("a.txt", "moved\n")
    job = project.run("mv", "a.txt", "b.txt")
    job.assert_complete()
    assert job.inputs == {"a.txt": blake(b"moved\n")}
    assert job.outputs == {"b.txt": blake(b"moved\n")}
    assert job.entries("outputs")["b.txt"]["access"] == ["rename"]


def test_scratch_is_neither_input_nor_output(project: Project) -> None:
    """Made and gone inside the job."""
    job = project.sh("echo tmp > s.txt; cat s.txt > out.txt; rm s.txt")
    job.assert_complete()
    assert job.inputs == {}
    assert job.outputs == {"out.txt": blake(b"tmp\n")}
    assert set(job.entries("scratch")) == {"s.txt"}


def test_removed_file(project: Project) -> None:
    """A file that was there before and was removed is listed as that."""
    project.write("old.txt", "x")
    job = project.run("rm", "old.txt")
    job.assert_complete()
    assert job.inputs == job.outputs == {}
    assert job.entries("removed")["old.txt"]["access"] == ["unlink"]


def test_opened_is_not_read_and_stat_is_nothing(project: Project) -> None:
    """Opened but not read is no input; opened for writing but not written is no output; stat is nothing."""
    project.write("in.txt", "x")
    project.write("keep.txt", "x")
    project.write("stat.txt", "x")
    job = project.run(PYTHON, "-c", "import os; open('in.txt'); open('keep.txt', 'r+'); open('keep.txt', 'a');"
                                    " os.stat('stat.txt')")
    job.assert_complete()
    assert job.inputs == job.outputs == {}


def test_created_and_never_written(project: Project) -> None:
    """An empty file that the job made is an output; an existing one that it emptied is too."""
    project.write("full.txt", "x")
    job = project.sh(": > empty.txt; : > full.txt")
    job.assert_complete()
    assert job.outputs == {"empty.txt": blake(b""), "full.txt": blake(b"")}
    assert job.entries("outputs")["empty.txt"]["access"] == ["create"]
    assert job.entries("outputs")["full.txt"]["access"] == ["truncate"]


def test_own_output_read_back_is_no_input(project: Project) -> None:
    """What the job wrote itself, and then read, it did not take from outside."""
    job = project.sh("echo a > f.txt; cat f.txt > g.txt")
    job.assert_complete()
    assert job.inputs == {}
    assert set(job.outputs) == {"f.txt", "g.txt"}


SYSTEM_CALLS = {
    "pread": "os.pread(r, 100, 0); os.pwrite(w, b'out', 0)",
    "readv": "os.readv(r, [bytearray(100)]); os.writev(w, [b'o', b'ut'])",
    "preadv": "os.preadv(r, [bytearray(100)], 0); os.pwritev(w, [b'out'], 0)",
    "preadv2": "os.preadv(r, [bytearray(100)], 0, os.RWF_HIPRI * 0); os.pwritev(w, [b'out'], 0, os.RWF_DSYNC)",
    "sendfile": "os.sendfile(w, r, 0, 3)",
    "copy_file_range": "os.copy_file_range(r, w, 3)",
    "splice": "a, b = os.pipe(); os.splice(r, b, 3); os.splice(a, w, 3)",
    "mmap": "import mmap; mmap.mmap(r, 0, prot=mmap.PROT_READ); os.ftruncate(w, 3);"
            " m = mmap.mmap(w, 3); m[:] = b'out'; m.close()",
}


@pytest.mark.parametrize("call", SYSTEM_CALLS)
def test_every_way_to_read_and_write(project: Project, call: str) -> None:
    """Each call alone makes an input and an output."""
    project.write("in.bin", b"out")
    job = project.run(PYTHON, "-c", "import os; r = os.open('in.bin', os.O_RDONLY);"
                      f" w = os.open('out.bin', os.O_RDWR | os.O_CREAT, 0o644); {SYSTEM_CALLS[call]}")
    job.assert_complete()
    assert job.inputs == {"in.bin": blake(b"out")}
    assert job.outputs == {"out.bin": blake(b"out")}
    words = job.entries("inputs")["in.bin"]["access"]
    assert words == (["map"] if call == "mmap" else ["read"])


def test_links(project: Project) -> None:
    """A hard link is an output with the content; a symbolic one says where it leads."""
    project.write("a.txt", "linked\n")
    job = project.sh("ln a.txt hard.txt; ln -s a.txt soft.txt")
    job.assert_complete()
    assert job.outputs == {"hard.txt": blake(b"linked\n"), "soft.txt": None}
    soft = job.entries("outputs")["soft.txt"]
    assert (soft["target"], soft["access"]) == ("a.txt", ["link"])


def test_truncate_by_path(project: Project) -> None:
    """truncate(2) needs no descriptor."""
    project.write("t.bin", "123456")
    job = project.run(PYTHON, "-c", "import os; os.truncate('t.bin', 3)")
    job.assert_complete()
    assert job.outputs == {"t.bin": blake(b"123")}
    assert job.entries("outputs")["t.bin"]["access"] == ["truncate"]


def test_relative_to_directories(project: Project) -> None:
    """cd, dirfd-relative names and a directory that is changed into by descriptor."""
    project.write("sub/in.txt", "x\n")
    job = project.run(PYTHON, "-c", """
import os
d = os.open('sub', os.O_RDONLY)
f = os.open('in.txt', os.O_RDONLY, dir_fd=d); os.read(f, 10)
os.rename('in.txt', 'moved.txt', src_dir_fd=d, dst_dir_fd=d)
os.fchdir(d)
open('made.txt', 'w').write('y')
os.unlink('../other.txt') if os.path.exists('../other.txt') else None
""")
    job.assert_complete()
    assert job.inputs == {"sub/in.txt": blake(b"x\n")}
    assert job.outputs == {"sub/moved.txt": blake(b"x\n"), "sub/made.txt": blake(b"y")}


def test_shell_pipeline(project: Project) -> None:
    """Every program of a pipeline is a step; what goes through pipes is no file."""
    project.write("words.txt", "b\na\nb\n")
    job = project.sh("cat words.txt | sort | uniq -c > counts.txt")
    job.assert_complete()
    assert job.inputs == {"words.txt": blake(b"b\na\nb\n")}
    assert list(job.outputs) == ["counts.txt"]
    assert sorted(job.programs) == ["cat", "dash", "sort", "uniq"]


def test_tree_of_three_subprocesses(project: Project) -> None:
    """Accesses of grandchildren belong to the job, under their step, with the chain of parents."""
    project.write("deep.txt", "deep\n")
    inner = "open('out.txt', 'w').write(open('deep.txt').read())"
    middle = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True)"
    job = project.run(PYTHON, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {middle!r}], check=True)")
    job.assert_complete()
    assert job.inputs == {"deep.txt": blake(b"deep\n")}
    assert [step["parent"] for step in job["steps"]] == [None, 0, 1]
    assert job.entries("inputs")["deep.txt"]["steps"] == [2]


def test_fork_without_exec_stays_in_its_step(project: Project) -> None:
    """Workers that only fork are the program's own."""
    project.write("in.txt", "x")
    job = project.run(PYTHON, "-c", "import os; p = os.fork()\nif p == 0: open('in.txt').read(); os._exit(0)\nos.waitpid(p, 0)")
    job.assert_complete()
    assert job.entries("inputs")["in.txt"]["steps"] == [0]


def test_cp_and_tar(project: Project) -> None:
    """cp -a of a tree and tar there and back."""
    for name in ("tree/a.txt", "tree/b/c.txt"):
        project.write(name, name)
    job = project.run("cp", "-a", "tree", "copy")
    job.assert_complete()
    assert job.inputs == {name: blake(name.encode()) for name in ("tree/a.txt", "tree/b/c.txt")}
    assert job.outputs == {name.replace("tree", "copy", 1): digest for name, digest in job.inputs.items()}
    job = project.run("tar", "-cf", "t.tar", "tree")
    job.assert_complete()
    assert set(job.inputs) == {"tree/a.txt", "tree/b/c.txt"}
    assert set(job.outputs) == {"t.tar"}
    job = project.run("tar", "-C", "copy", "-xf", "t.tar")
    job.assert_complete()
    assert job.inputs == {"t.tar": blake((project.path / "t.tar").read_bytes())}
    assert job.outputs == {f"copy/{name}": blake(name.encode()) for name in ("tree/a.txt", "tree/b/c.txt")}


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_gcc_and_a_static_binary(project: Project) -> None:
    """The compiler's steps and scratch files; and a program that no preloaded library could watch."""
    project.write("copy.c", '#include "n.h"\n#include <stdio.h>\nint main(void) { char b[N]; FILE *i = fopen("in.txt", "r"),'
                            ' *o = fopen("out.txt", "w"); fputs(fgets(b, N, i), o); return 0; }\n')
    project.write("n.h", "#define N 100\n")
    project.write("in.txt", "static\n")
    job = project.run("gcc", "-static", "-O1", "-o", "copy", "copy.c")
    job.assert_complete()
    assert set(job.inputs) == {"copy.c", "n.h"}
    assert job.outputs == {"copy": blake((project.path / "copy").read_bytes())}
    assert {"cc1", "as", "collect2"} <= {name.split("-")[-1] for name in job.programs}
    job = project.run("./copy")
    job.assert_complete()
    assert job.inputs == {"in.txt": blake(b"static\n"), "copy": blake((project.path / "copy").read_bytes())}
    assert job.entries("inputs")["copy"]["access"] == ["execute"]
    assert job.outputs == {"out.txt": blake(b"static\n")}


def test_script_and_its_interpreter(project: Project) -> None:
    """A script that is executed is an input, and so is its interpreter."""
    script = project.write("go.sh", "#!/bin/sh\necho hi > made.txt\n")
    script.chmod(0o755)
    job = project.run("./go.sh")
    job.assert_complete()
    assert job.inputs == {"go.sh": blake(script.read_bytes())}
    assert any(entry["path"].endswith("/dash") and "execute" in entry["access"] for entry in job["inputs"])


def test_names_that_are_not_text(project: Project) -> None:
    """Newlines, control characters and bytes that are not UTF-8."""
    name = b"odd \n\x1b[31m \xff.bin"
    (project.path / os.fsdecode(name)).write_bytes(b"odd")
    job = project.sh("cat odd* > 'new\nline'")
    job.assert_complete()
    import base64
    paths = [base64.b64decode(entry["path_b64"]) for entry in job["inputs"] if "path_b64" in entry]
    assert [path.rpartition(b"/")[2] for path in paths] == [name]
    assert set(job.outputs) == {"new\nline"}
    shown = project.roar("show").stdout
    assert "\x1b" not in shown


def test_deep_and_long_paths(project: Project) -> None:
    """60 components and nearly 4,000 bytes."""
    deep = "/".join(["d" * 50] * 60)
    os.chdir(project.path)
    try:
        for part in deep.split("/"):
            os.mkdir(part)
            os.chdir(part)
        with open("f.txt", "w") as file:
            file.write("deep")
    finally:
        os.chdir("/")
    job = project.sh(f"cat {deep}/f.txt > out.txt")
    job.assert_complete()
    assert job.inputs == {f"{deep}/f.txt": blake(b"deep")}


def test_hard_links_and_several_names(project: Project) -> None:
    """One inode by two names, read by both: one content."""
    project.write("one.txt", "same\n")
    os.link(project.path / "one.txt", project.path / "two.txt")
    job = project.sh("cat one.txt two.txt > out.txt")
    job.assert_complete()
    assert set(job.inputs.values()) == {blake(b"same\n")}
    assert job.outputs == {"out.txt": blake(b"same\nsame\n")}


def test_shared_memory_and_memfd_are_no_files_of_the_project(project: Project) -> None:
    """What has no name among files is neither input nor output."""
    job = project.run(PYTHON, "-c", "import os; f = os.memfd_create('x'); os.write(f, b'1'); os.lseek(f, 0, 0); os.read(f, 1)")
    job.assert_complete()
    assert job.inputs == job.outputs == {}


def test_devices_and_kernel_files_have_no_content(project: Project) -> None:
    """/dev and /proc are recorded as what they are, and take nothing from completeness."""
    job = project.sh("head -c 10 /dev/urandom > /dev/null; cat /proc/meminfo > mem.txt")
    job.assert_complete()
    assert {"/dev/urandom", "/dev/null"} <= {entry["path"] for entry in job["devices"]}
    kernel = [entry for entry in job["inputs"] if entry["path"] == "/proc/meminfo"]
    assert [(entry["hash"], bool(entry["hash_reason"]), entry["role"]) for entry in kernel] == [(None, True, "system")]


def test_inode_used_again(project: Project) -> None:
    """A file that was removed, and another in its place: two contents."""
    job = project.sh("for i in 1 2 3 4 5 6 7 8 9; do echo $i > f; rm f; echo $i > g; mv g h; done")
    job.assert_complete()
    assert job.outputs == {"h": blake(b"9\n")}


def test_threads_and_exec_from_another_thread(project: Project) -> None:
    """A thread that is not the leader reads; then a thread executes another program."""
    project.write("in.txt", "x")
    job = project.run(PYTHON, "-c", """
import os, threading
t = threading.Thread(target=lambda: open('in.txt').read()); t.start(); t.join()
threading.Thread(target=lambda: os.execv('/bin/cp', ['cp', 'in.txt', 'out.txt'])).start()
import time; time.sleep(30)
""")
    job.assert_complete()
    assert job.inputs == {"in.txt": blake(b"x")}
    assert job.outputs == {"out.txt": blake(b"x")}
    assert len(job["steps"]) == 2
    assert job["exit_code"] == 0


def test_many_small_files_all_there(project: Project) -> None:
    """3,000 files written and 3,000 read, each with its hash."""
    job = project.run(PYTHON, "-c", "[open(f'f{i}', 'w').write(str(i)) for i in range(3000)]")
    job.assert_complete()
    assert job.outputs == {f"f{i}": blake(str(i).encode()) for i in range(3000)}
    job = project.run(PYTHON, "-c", "[open(f'f{i}').read() for i in range(3000)]")
    job.assert_complete()
    assert job.inputs == {f"f{i}": blake(str(i).encode()) for i in range(3000)}


def test_roar_leaves_no_trace(project: Project) -> None:
    """No file of roar's among the job's, nothing of it in the environment, no descriptor more."""
    job = project.run(PYTHON, "-c", "import os; print(sorted(os.listdir('/proc/self/fd')), dict(os.environ))")
    job.assert_complete()
    paths = [entry["path"] for kind in ("inputs", "outputs", "scratch") for entry in job[kind]]
    assert not [path for path in paths if "roarctl" in path or "/lineage/" in path or "grpc" in path]
    assert not [package for package in job["packages"] if package["name"] in ("roar", "grpcio", "typer")]
    plain = project.roar("run", "-q", "--", PYTHON, "-c", "import os; print(sorted(os.listdir('/proc/self/fd')))").stdout
    assert plain.strip() == "['0', '1', '2', '3']"


def test_packages_come_from_the_files_that_were_read(project: Project) -> None:
    """Named and versioned from the distribution that owns what was read; no others."""
    job = project.run(sys.executable, "-c", "import lmdb")
    job.assert_complete()
    from importlib.metadata import version
    packages = {package["name"]: package["version"] for package in job["packages"]}
    assert packages["lmdb"] == version("lmdb")
    assert "blake3" not in packages


def test_tar_from_standard_input_of_another_program(project: Project) -> None:
    """A file passed on as a descriptor through a shell."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo("inside.txt")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    project.write("a.tar", buffer.getvalue())
    job = project.sh("tar -xf - < a.tar")
    job.assert_complete()
    assert job.inputs == {"a.tar": blake(buffer.getvalue())}
    assert job.outputs == {"inside.txt": blake(b"abc")}
