"""Real programs under roar and strace at once: what one saw, the other saw."""

from __future__ import annotations

import os

from comparison import missing
from laboratory import Laboratory, needs

# ---- shells and small tools ----

def test_shell_pipeline_with_here_document(lab: Laboratory) -> None:
    lab.write("words.txt", "pear\napple\npear\n")
    lab.sh("""cat words.txt - <<EOF | sort | uniq -c > counts.txt
fig
EOF
t=$(mktemp); cp counts.txt "$t"; while read n w; do echo "$w:$n" >> out.txt; done < "$t"; rm "$t"
""", inputs=["words.txt"], outputs=["counts.txt", "out.txt"])


def test_copies_and_moves(lab: Laboratory) -> None:
    for name in ("tree/a.txt", "tree/b/c.txt", "tree/b/d.txt"):
        lab.write(name, name * 100)
    lab.sh("cp -a tree copy; mv copy/a.txt copy/z.txt; mv -T copy moved; ln tree/a.txt hard; ln -s tree/a.txt soft; "
           "cat soft > s",
           inputs=["tree/a.txt", "tree/b/c.txt"], outputs=["moved/z.txt", "moved/b/c.txt", "hard", "soft", "s"])


def test_install_sed_and_patch(lab: Laboratory) -> None:
    lab.write("conf.txt", "one\ntwo\nthree\n")
    lab.write("change.diff", "--- conf.txt\n+++ conf.txt\n@@ -1,3 +1,3 @@\n one\n-TWO\n+zwei\n three\n")
    tools = "install -D -m 600 conf.txt etc/app/conf.txt; sed -i s/two/TWO/ conf.txt"
    if not missing("patch"):
        tools += "; patch -b conf.txt change.diff"
    lab.sh(tools, inputs=["conf.txt"], outputs=["conf.txt", "etc/app/conf.txt"])


def test_rotation_of_logs(lab: Laboratory) -> None:
    for name in ("app.log", "app.log.1", "app.log.2.gz", "app.log.3.gz"):
        lab.write(name, name)
    lab.sh("rm app.log.3.gz; mv app.log.2.gz app.log.3.gz; gzip -c app.log.1 > app.log.2.gz; mv app.log app.log.1; "
           ": > app.log; echo started >> app.log",
           inputs=["app.log", "app.log.1", "app.log.2.gz"], outputs=["app.log", "app.log.1", "app.log.2.gz", "app.log.3.gz"])


def test_find_and_xargs(lab: Laboratory) -> None:
    for number in range(12):
        lab.write(f"in/{number}.txt", f"{number}\n" * 50)
    lab.sh("mkdir out; find in -name '*.txt' -exec wc -l {} + > lines.txt; "
           "find in -name '*.txt' -print0 | xargs -0 -P2 -n3 sh -c 'for f; do tr 0-9 a-j < $f > out/${f#in/}; done' sh",
           inputs=["in/0.txt", "in/11.txt"], outputs=["lines.txt", "out/0.txt", "out/11.txt"])


def test_sort_with_temporary_files(lab: Laboratory) -> None:
    lab.write("big.txt", "".join(f"{number * 7919 % 100003}\n" for number in range(100_000)))
    found = lab.sh("sort -S 100k -n big.txt -o sorted.txt", inputs=["big.txt"], outputs=["sorted.txt"])
    assert any(path.startswith("tmp/sort") for path in found.paths("scratch"))


@needs("gzip", "xz", "zip", "unzip")
def test_compression(lab: Laboratory) -> None:
    for name in ("a", "b", "c"):
        lab.write(f"{name}.txt", name * 5000)
    lab.sh("gzip a.txt; xz -k b.txt; zip -q all.zip b.txt c.txt; gzip -dc a.txt.gz | cat - c.txt | xz > d.xz; "
           "unzip -q -d u all.zip", inputs=["a.txt", "b.txt", "c.txt"],
           outputs=["a.txt.gz", "b.txt.xz", "all.zip", "d.xz", "u/b.txt"], removed=["a.txt"])


def test_tar(lab: Laboratory) -> None:
    for name in ("tree/a.txt", "tree/b/c.txt"):
        lab.write(name, name * 3000)
    lab.sh("tar -czf t.tgz tree; mkdir x; tar -C x -xzf t.tgz", inputs=["tree/a.txt"], outputs=["t.tgz", "x/tree/b/c.txt"])


@needs("rsync")
def test_rsync(lab: Laboratory) -> None:
    for name in ("tree/a.txt", "tree/b/c.txt"):
        lab.write(name, name * 3000)
    lab.write("copy/a.txt", "old")
    lab.sh("rsync -a tree/ copy/", inputs=["tree/a.txt"], outputs=["copy/a.txt", "copy/b/c.txt"])


# ---- development ----

GIT = "git -c user.name=n -c user.email=e@example.org -c init.defaultBranch=main -c gc.auto=0"


@needs("git")
def test_git_commit_and_pack(lab: Laboratory) -> None:
    lab.write("a.txt", "a\n")
    lab.write("sub/b.txt", "b\n")
    lab.sh(f"{GIT} init -q && {GIT} add a.txt sub && {GIT} commit -qm one", outputs=[".git/index"])
    lab.sh(f"echo c >> a.txt && {GIT} commit -qam two && {GIT} gc -q", outputs=["a.txt", ".git/packed-refs"])


@needs("git")
def test_git_clone(lab: Laboratory) -> None:
    lab.write("origin/a.txt", "a\n")
    lab.write("origin/sub/b.txt", "b\n")
    lab.sh(f"cd origin && {GIT} init -q && {GIT} add . && {GIT} commit -qm one", outputs=["origin/.git/index"])
    lab.sh(f"{GIT} clone -q origin clone", outputs=["clone/a.txt", "clone/.git/HEAD"])


@needs("git")
def test_git_clone_without_links(lab: Laboratory) -> None:
    lab.write("origin/a.txt", "a\n")
    lab.write("origin/sub/b.txt", "b\n")
    lab.sh(f"cd origin && {GIT} init -q && {GIT} add . && {GIT} commit -qm one", outputs=["origin/.git/index"])
    lab.sh(f"{GIT} clone -q --no-hardlinks origin copied && cd copied && echo c >> a.txt && {GIT} commit -qam two "
           f"&& {GIT} gc -q", outputs=["copied/a.txt", "copied/.git/HEAD"])


@needs("gcc", "make", "ar")
def test_make(lab: Laboratory) -> None:
    names = [f"part{number}" for number in range(8)]
    for name in names:
        lab.write(f"src/{name}.c", f'#include "all.h"\nint {name}(void) {{ return BASE + sizeof("{name}"); }}\n')
    lab.write("src/all.h", "#define BASE 40\n" + "".join(f"int {name}(void);\n" for name in names))
    lab.write("src/main.c", '#include <stdio.h>\n#include "all.h"\nint main(void) { printf("%d\\n", '
              + " + ".join(f"{name}()" for name in names) + "); return 0; }\n")
    objects = " ".join(f"{name}.o" for name in names)
    lab.write("Makefile", f"all: app\n\t./app > result.txt\napp: main.o libparts.a\n\tgcc -o $@ main.o -L. -lparts\n"
                          f"libparts.a: {objects}\n\tar rcs $@ $^\n%.o: src/%.c src/all.h\n\tgcc -c -o $@ $<\n"
                          "clean:\n\trm -f *.o\n")
    lab.run("make", "-s", "-j2", inputs=["Makefile", "src/main.c", "src/all.h", "src/part7.c"],
            outputs=["app", "libparts.a", "part0.o", "result.txt"])
    lab.write("src/part3.c", '#include "all.h"\nint part3(void) { return 1; }\n')
    lab.run("make", "-s", inputs=["main.o", "libparts.a", "src/part3.c"], outputs=["app", "libparts.a"])
    lab.run("make", "-s", "clean", removed=["main.o"])


def test_nothing_is_compared_in_vain(lab: Laboratory) -> None:
    """The comparison itself sees what is missing, what is too much, and what is wrong."""
    lab.write("in.txt", "x")
    compared = lab.sh("cat in.txt > out.txt; cat out.txt > two.txt; rm out.txt")
    record = compared.record
    path = os.fsencode(lab.path)
    entry = record["outputs"].pop(path + b"/two.txt")
    record["scratch"][path + b"/two.txt"] = entry
    record["inputs"][path + b"/in.txt"].words.add("execute")
    record["inputs"][path + b"/in.txt"].entry["hash"] = "0" * 64
    text = "\n".join(compared.disagreements())
    for part in ("outputs: only strace has", "scratch: only roar has", "roar ['execute', 'read']", "hash of"):
        assert part in text, (part, text)
    assert len(compared.disagreements()) == 4
