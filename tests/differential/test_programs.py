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


@needs("perl", "bzip2", "zstd")
def test_text_tools(lab: Laboratory) -> None:
    lab.write("a.txt", "one\ntwo\nthree\n" * 1000)
    lab.sh("""set -e
perl -pi.bak -e s/one/ONE/ a.txt
awk '{print > $1 ".out"}' a.txt
split -l 500 a.txt part.; csplit -s a.txt 3 9; paste part.a? > pasted.txt
tee -a log.txt copy.txt < a.txt > /dev/null; comm a.txt copy.txt > comm.txt 2> comm.err || true; diff a.txt copy.txt
dd if=a.txt of=b.txt bs=4096 conv=fsync status=none
bzip2 -k a.txt; bzip2 -dc a.txt.bz2 | cmp - a.txt; zstd -q a.txt; zstd -q --rm copy.txt
cp --sparse=always a.txt sparse.txt; cp --reflink=never a.txt plain.txt; shuf -n 3 a.txt -o shuffled.txt; truncate -s 0 log.txt
""", inputs=["a.txt"], outputs=["a.txt", "a.txt.bak", "ONE.out", "pasted.txt", "copy.txt.zst"])


def test_backups_and_locks(lab: Laboratory) -> None:
    lab.write("a.txt", "x\n")
    lab.sh("""set -e
flock lock cat a.txt > b.txt; (flock 9; cat a.txt >&9) 9> c.txt
ln -f b.txt d.txt; cp -l b.txt e.txt; cp -f --remove-destination a.txt e.txt
cp -b a.txt b.txt; mv -b a.txt c.txt; install -b b.txt c.txt; ln -sr b.txt soft
cp -u b.txt new.txt; touch -d yesterday b.txt; chmod 600 b.txt; mv -n b.txt c.txt; mv -u d.txt c.txt; mkdir q
cp --preserve=links c.txt e.txt q; rm -rf q
""", inputs=["a.txt"], outputs=["b.txt~", "c.txt~", "c.txt", "new.txt"])


@needs("setpriv")
def test_other_user(lab: Laboratory) -> None:
    lab.write("a.txt", "x")
    lab.path.chmod(0o777)
    lab.sh("setpriv --reuid 65534 --regid 65534 --clear-groups sh -c 'cat a.txt > b.txt; umask 077; echo x > c.txt; rm c.txt'",
           inputs=["a.txt"], outputs=["b.txt"], scratch=["c.txt"])


def test_many_files(lab: Laboratory) -> None:
    lab.sh("for i in $(seq 200); do echo $i > f$i; done; cat f* > all; rm f?; mkdir m; mv f?? m; tar cf m.tar m; rm -r m",
           outputs=["all", "f100", "m.tar"])


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


@needs("git")
def test_git_branches(lab: Laboratory) -> None:
    lab.write("a.txt", "a\n" * 100)
    lab.write("old.txt", "old\n")
    lab.sh(f"""set -e
{GIT} init -q; {GIT} add a.txt old.txt; {GIT} commit -qm 1; echo b >> a.txt
{GIT} stash -q; {GIT} stash pop -q; {GIT} branch x; {GIT} commit -qam 2
{GIT} checkout -q x; echo y > y.txt; {GIT} add y.txt; {GIT} commit -qm y; {GIT} merge -q -m m main; {GIT} tag -a -m t t
{GIT} worktree add -q tree main; {GIT} bundle create -q b.bundle --all; {GIT} archive -o a.tar.gz HEAD
{GIT} diff HEAD~1 > d.patch; {GIT} mv y.txt z.txt; {GIT} rm -q old.txt; {GIT} status > /dev/null; {GIT} repack -adq
""", inputs=["old.txt"], outputs=["a.txt", "z.txt", "b.bundle", "tree/a.txt"], removed=["old.txt"])


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
