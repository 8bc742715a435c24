"""Names that come, go and change: the record has a file under the name that it has at the end."""

from __future__ import annotations

from conformance import ANY, Row, mounted, python, shell

OLD, NEW = b"the old content\n", b"the new content\n"
MOVED = {"a": (OLD, "rename")}, {"b": (OLD, "rename")}      # inputs, outputs of a file that was only renamed
CREATED = (NEW, "create write")
RENAMED = (NEW, "create write rename")

_RENAME = [
    *(Row(name, python(code), {"a": OLD}, *MOVED) for name, code in {
        "rename": "call(82, 'a', 'b')",
        "renameat": "call(264, -100, 'a', -100, 'b')",
        "renameat2": "call(316, -100, 'a', -100, 'b', 0)",
        "renameat2-NOREPLACE": "call(316, -100, 'a', -100, 'b', 1)",
        "renameat-with-directories": "d = os.open('.', 0); call(264, d, 'a', d, 'b')",
        "rename-with-dots-and-slashes": "os.mkdir('d'); call(82, './d/..//a', 'd/.././b')",
        "rename-there-and-back-and-there": "os.rename('a', 'b'); os.rename('b', 'a'); os.rename('a', 'b')",
    }.items()),
    Row("rename-into-another-directory", python("os.mkdir('d'); os.rename('a', 'd/b')"), {"a": OLD}, {"a": (OLD, "rename")},
        {"d/b": (OLD, "rename")}),
    Row("rename-there-and-back", python("os.rename('a', 'b'); os.rename('b', 'a')"), {"a": OLD}, {"a": (OLD, "rename")},
        {"a": (OLD, "rename")}),
    Row("rename-after-a-read", python("read('a'); os.rename('a', 'b')"), {"a": OLD}, {"a": (OLD, "read")},
        {"b": (OLD, "rename")}),
    Row("rename-then-read", python("os.rename('a', 'b'); read('b')"), {"a": OLD},
        {"a": (OLD, "rename | read rename")}, {"b": (OLD, "rename | read rename")}),
    Row("rename-then-write", python("os.rename('a', 'b'); write('b', b'the new content\\n')"), {"a": OLD},
        outputs={"b": (NEW, "truncate write rename")}),
    Row("rename-while-open-for-writing", python("""
        f = os.open('a', os.O_WRONLY | os.O_CREAT, 0o644); os.write(f, b'the new '); os.rename('a', 'b')
        os.write(f, b'content\\n')
    """), outputs={"b": RENAMED}),
    Row("rename-over-an-existing-file", python("os.rename('a', 'b')"), {"a": OLD, "b": b"replaced"}, *MOVED),
    Row("rename-over-an-input", python("read('b'); os.rename('a', 'b')"), {"a": OLD, "b": NEW},
        {"a": (OLD, "rename"), "b": (NEW, "read")}, {"b": (OLD, "rename")}),
    Row("write-a-temporary-file-and-rename", python("write('t', b'the new content\\n'); os.replace('t', 'b')"),
        outputs={"b": RENAMED}),
    Row("write-a-temporary-file-and-rename-over", python("write('t', b'the new content\\n'); os.replace('t', 'b')"), {"b": OLD},
        outputs={"b": RENAMED}),
    Row("write-a-temporary-file-and-rename-over-an-input", python("""
        read('b'); write('t', b'the new content\\n'); os.replace('t', 'b')
    """), {"b": OLD}, {"b": (OLD, "read")}, {"b": RENAMED}),
    Row("rename-over-an-own-output", python("""
        write('b', b'first'); write('t', b'the new content\\n'); os.replace('t', 'b')
    """), outputs={"b": RENAMED}, scratch={"b": (None, None)}),
    Row("rename-then-a-new-file-of-the-old-name", python("""
        write('a', b'the old content\\n'); os.rename('a', 'b'); write('a', b'the new content\\n')
    """), outputs={"a": CREATED, "b": (OLD, "create write rename")}),
    Row("rename-by-descriptors-of-a-directory-that-moved", python("""
        os.mkdir('d'); d = os.open('d', 0); os.rename('d', 'e')
        f = os.open('t', os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=d); os.write(f, b'the new content\\n')
        os.rename('t', 'b', src_dir_fd=d, dst_dir_fd=d)
    """), outputs={"e/b": RENAMED}),
    Row("rename-EXCHANGE", python("call(316, -100, 'a', -100, 'b', 2)"), {"a": OLD, "b": NEW},
        {"a": (OLD, "rename"), "b": (NEW, "rename")}, {"a": (NEW, "rename"), "b": (OLD, "rename")}),
    Row("rename-EXCHANGE-with-an-own-file", python("write('t', b'the new content\\n'); call(316, -100, 't', -100, 'b', 2)"),
        {"b": OLD}, {"b": (OLD, "rename")}, {"b": RENAMED, "t": (OLD, "rename")}),
    Row("rename-EXCHANGE-with-an-own-file-then-unlink", python("""
        write('t', b'the new content\\n'); call(316, -100, 't', -100, 'b', 2); os.unlink('t')
    """), {"b": OLD}, inputs=ANY, outputs={"b": RENAMED}, removed=ANY),     # as good as replaced
    Row("rename-EXCHANGE-of-own-files", python("""
        write('a', b'the old content\\n'); write('b', b'the new content\\n'); call(316, -100, 'a', -100, 'b', 2)
    """), outputs={"a": RENAMED, "b": (OLD, "create write rename")}),
    Row("rename-EXCHANGE-of-directories", python("""
        for each in 'xy': os.mkdir(each); write(each + '/f', each.encode())
        call(316, -100, 'x', -100, 'y', 2)
    """), outputs={"x/f": (b"y", "create write"), "y/f": (b"x", "create write")}),
    Row("rename-that-fails", python("""
        for flags, new in ((1, 'b'), (0, 'none/b'), (2, 'c')):
            try: call(316, -100, 'a', -100, new, flags)
            except OSError: pass
        try: os.rename('none', 'b')
        except OSError: pass
    """), {"a": OLD, "b": NEW}),
    Row("rename-of-a-file-to-itself", python("os.rename('a', 'a'); os.rename('a', './a')"), {"a": OLD}),
    # rename(2): if both are links to one file, nothing is done, and that succeeds
    Row("rename-of-one-hard-link-to-the-other", python("os.rename('a', 'b')"), {"a": OLD}, hard={"b": "a"}),
    Row("rename-of-a-directory", python("""
        os.mkdir('x'); os.mkdir('x/y'); write('x/y/f', b'the new content\\n'); os.rename('x', 'z')
    """), outputs={"z/y/f": CREATED}),
    Row("rename-of-a-directory-open-for-writing", python("""
        os.mkdir('x'); f = os.open('x/f', os.O_WRONLY | os.O_CREAT, 0o644); os.rename('x', 'z')
        os.write(f, b'the new content\\n')
    """), outputs={"z/f": CREATED}),
    Row("rename-of-a-directory-twice-and-a-file-within", python("""
        os.mkdir('x'); write('x/t', b'the new content\\n'); os.rename('x', 'y'); os.rename('y/t', 'y/f'); os.rename('y', 'z')
    """), outputs={"z/f": RENAMED}),
    Row("rename-of-a-directory-after-a-read", python("read('x/f'); os.rename('x', 'z')"), {"x/f": OLD}, {"x/f": (OLD, "read")}),
    Row("rename-of-a-directory-then-read", python("os.rename('x', 'z'); read('z/f')"), {"x/f": OLD}, {"z/f": (OLD, "read")}),
    Row("rename-of-a-directory-with-files-nobody-opened", python("os.rename('x', 'z')"), {"x/f": OLD}),
    Row("rename-through-a-symbolic-link", python("write('link/t', b'the new content\\n'); os.rename('link/t', 'link/f')"),
        {"real/other": OLD}, soft={"link": "real"}, outputs={"real/f": RENAMED}),
    Row("rename-of-an-existing-file-through-a-symbolic-link", python("os.rename('link/a', 'link/b')"), {"real/a": OLD},
        {"real/a": (OLD, "rename")}, {"real/b": (OLD, "rename")}, soft={"link": "real"}),
    # link/.. is deep, not the project
    Row("rename-with-dots-after-a-symbolic-link", python("""
        write('deep/t', b'the new content\\n'); os.rename('link/../t', 'link/../f')
    """), {"deep/sub/other": OLD, "t": OLD, "f": OLD}, soft={"link": "deep/sub"}, outputs={"deep/f": RENAMED}),
    Row("rename-of-an-existing-file-with-dots-after-a-symbolic-link", python("os.rename('link/../a', 'link/../b')"),
        {"deep/sub/other": OLD, "deep/a": OLD, "a": b"not this one"}, {"deep/a": (OLD, "rename")},
        {"deep/b": (OLD, "rename")}, soft={"link": "deep/sub"}),
    Row("rename-through-a-magic-link", python("""
        write('d/t', b'the new content\\n'); d = os.open('d', 0)
        os.rename(f'/proc/self/fd/{d}/t', '/proc/self/cwd/d/f')
    """), {"d/other": OLD}, outputs={"d/f": RENAMED}),
    # what a name led to when it was used, whatever it leads to now
    Row("rename-through-a-symbolic-link-then-removed", python("""
        write('link/t', b'the new content\\n'); os.rename('link/t', 'link/f'); os.unlink('link')
    """), {"real/other": OLD}, soft={"link": "real"}, outputs={"real/f": RENAMED}, removed={"link": (None, "unlink")},
        excuse="unknown_paths"),
    Row("rename-through-a-symbolic-link-then-retargeted", python("""
        write('link/t', b'the new content\\n'); os.rename('link/t', 'link/f')
        os.unlink('link'); os.symlink('decoy', 'link')
    """), {"real/other": OLD, "decoy/t": OLD, "decoy/f": OLD}, soft={"link": "real"},
        outputs={"real/f": RENAMED, "link": (None, "link")}, excuse="unknown_paths"),
    Row("rename-of-an-existing-file-through-a-symbolic-link-then-retargeted", python("""
        os.rename('link/a', 'link/b'); os.symlink('decoy', 'new'); os.rename('new', 'link')
    """), {"real/a": OLD, "decoy/a": NEW, "decoy/b": NEW}, {"real/a": (OLD, "rename")},
        {"real/b": (OLD, "rename"), "link": (None, "link rename")}, soft={"link": "real"}, excuse="unknown_paths"),
    Row("rename-out-of-a-directory-that-is-removed", python("""
        os.mkdir('s'); os.symlink('s', 'l'); write('l/t', b'the new content\\n'); os.rename('l/t', 'l/f'); os.rename('l/f', 'b')
        os.unlink('l'); os.rmdir('s')
    """), outputs={"b": RENAMED}),
    Row("rename-of-an-existing-file-by-way-of-a-directory-that-is-removed", python("""
        os.mkdir('s'); os.symlink('s', 'l'); os.rename('a', 'l/a'); os.rename('l/a', 'b'); os.unlink('l'); os.rmdir('s')
    """), {"a": OLD}, *MOVED),
    Row("rename-of-a-directory-and-a-link-in-its-place", python("""
        os.mkdir('d'); write('d/t', b'x'); write('d/u', b'the new content\\n'); os.rename('d', 'e'); os.symlink('e', 'd')
        os.unlink('d/t'); os.rename('d/u', 'd/f')
    """), outputs={"e/f": RENAMED, "d": (None, "link")}, scratch={"d/t": (None, "create write")}),
    Row("rename-WHITEOUT", python("""
        try: call(316, -100, 'a', -100, 'b', 4)
        except OSError as error: print('no RENAME_WHITEOUT:', error, file=sys.stderr); sys.exit(77)
    """), {"a": OLD}, *MOVED),
    Row("rename-of-one-hard-link-then-the-other-written", python("""
        read('a'); os.rename('a', 'c'); f = os.open('b', os.O_WRONLY | os.O_TRUNC); os.write(f, b'the new content\\n')
    """), {"a": OLD}, {"a": (OLD, "read")}, {"b": (NEW, "truncate write"), "c": (NEW, "rename")}, hard={"b": "a"}),
    Row("rename-of-a-symbolic-link", python("os.rename('soft', 'b')"), {"a": OLD}, soft={"soft": "a"},
        inputs={"soft": (None, "rename")}, outputs={"b": (None, "rename")}),
    Row("rename-over-a-symbolic-link", python("write('t', b'the new content\\n'); os.rename('t', 'soft')"), {"a": OLD},
        soft={"soft": "a"}, outputs={"soft": RENAMED}),
]

_LINK = [
    *(Row(name, python(code), {"a": OLD}, {"a": (OLD, "link")}, {"b": (OLD, "link")}) for name, code in {
        "link": "call(86, 'a', 'b')",
        "linkat": "call(265, -100, 'a', -100, 'b', 0)",
        "linkat-of-a-descriptor": "f = os.open('a', 0); call(265, f, '', -100, 'b', 0x1000)",
        "linkat-by-a-magic-link": "f = os.open('a', os.O_PATH); call(265, -100, f'/proc/self/fd/{f}', -100, 'b', 0x400)",
    }.items()),
    Row("linkat-follows-a-symbolic-link", python("call(265, -100, 'soft', -100, 'b', 0x400)"), {"a": OLD}, soft={"soft": "a"},
        inputs={"a": (OLD, "link")}, outputs={"b": (OLD, "link")}),
    Row("link-of-an-own-file", python("write('a', b'the new content\\n'); os.link('a', 'b')"),
        outputs={"a": CREATED, "b": (NEW, "link")}),
    Row("link-of-an-own-file-then-unlink", python("write('a', b'the new content\\n'); os.link('a', 'b'); os.unlink('a')"),
        outputs={"b": (NEW, "create write link")}),
    Row("link-of-an-own-file-then-written", python("""
        f = os.open('a', os.O_WRONLY | os.O_CREAT, 0o644); os.link('a', 'b'); os.write(f, b'the new content\\n')
    """), outputs={"a": CREATED, "b": (NEW, "link")}),
    Row("link-then-written-by-the-new-name", python("os.link('a', 'b'); write('b', b'the new content\\n')"), {"a": OLD},
        ANY, {"b": (NEW, "truncate write link")}),
    # b is the job's own name of it: the content came from a alone
    Row("link-after-a-rename", python("os.rename('a', 'b'); os.link('b', 'c')"), {"a": OLD},
        {"a": (OLD, "rename | rename link")}, {"b": (OLD, "rename"), "c": (OLD, "link")}),
    Row("link-of-a-link", python("os.link('a', 'b'); os.link('b', 'c')"), {"a": OLD}, {"a": (OLD, "link")},
        {"b": (OLD, "link"), "c": (OLD, "link")}),
    Row("link-then-rename", python("os.link('a', 'b'); os.rename('b', 'c')"), {"a": OLD}, {"a": (OLD, "link")},
        {"c": (OLD, "rename link")}),
    Row("link-then-unlink-of-the-first", python("os.link('a', 'b'); os.unlink('a')"), {"a": OLD}, {"a": (OLD, "link")},
        {"b": (OLD, "link")}, removed={"a": (None, "unlink")}),
    Row("link-that-fails", python("""
        try: os.link('a', 'b')
        except FileExistsError: pass
    """), {"a": OLD, "b": NEW}),
    Row("symlink", python("call(88, 'a', 'b')"), {"a": OLD}, outputs={"b": (None, "link")}),
    Row("symlinkat", python("call(266, 'a', -100, 'b')"), {"a": OLD}, outputs={"b": (None, "link")}),
    Row("symlink-then-unlink", python("os.symlink('a', 'b'); os.unlink('b')"), {"a": OLD}),
    Row("symlink-and-rename-over-another", python("os.symlink('b', 't'); os.rename('t', 'latest')"), {"b": OLD},
        soft={"latest": "a"}, outputs={"latest": (None, "link rename")}),
    # two names of one inode, both with the new content
    Row("hard-links-one-read-the-other-written", python("""
        read('a'); f = os.open('b', os.O_WRONLY | os.O_TRUNC); os.write(f, b'the new content\\n')
    """), {"a": OLD}, {"a": (OLD, "read")}, {"b": (NEW, "truncate write")}, hard={"b": "a"}),
    Row("hard-links-both-read", python("read('a'); read('b')"), {"a": OLD}, {"a": (OLD, "read"), "b": (OLD, "read")},
        hard={"b": "a"}),
    Row("hard-links-one-read-then-unlinked", python("read('a'); os.unlink('a'); read('b')"), {"a": OLD},
        {"a": (OLD, "read"), "b": (OLD, "read")}, hard={"b": "a"}, removed={"a": (None, "unlink")}),
]

_REMOVE = [
    *(Row(name, python(code), {"a": OLD}, removed={"a": (None, "unlink")}) for name, code in {
        "unlink": "call(87, 'a')",
        "unlinkat": "call(263, -100, 'a', 0)",
        "unlinkat-with-a-directory": "d = os.open('.', 0); call(263, d, 'a', 0)",
        "unlink-opened-not-read": "f = os.open('a', 0); os.unlink('a')",
    }.items()),
    Row("unlink-after-a-read", python("read('a'); os.unlink('a')"), {"a": OLD}, {"a": (OLD, "read")},
        removed={"a": (None, "unlink")}),
    Row("unlink-then-read", python("f = os.open('a', 0); os.unlink('a'); os.read(f, 99)"), {"a": OLD}, {"a": (OLD, "read")},
        removed={"a": (None, "unlink")}),
    Row("unlink-then-read-of-200-kB", python("""
        import time
        f = os.open('a', 0); os.unlink('a'); os.pread(f, 9, 0); time.sleep(1)
    """), {"a": OLD * 20_000}, {"a": (OLD * 20_000, "read")}, removed={"a": (None, "unlink")}),
    Row("unlink-of-an-own-file", python("write('a', b'x'); os.unlink('a')"), scratch={"a": (None, "create write")}),
    Row("unlink-of-an-own-file-still-written", python("""
        f = os.open('a', os.O_RDWR | os.O_CREAT, 0o644); os.unlink('a'); os.write(f, b'x'); os.pread(f, 9, 0)
    """), scratch={"a": (None, "read create write")}),
    Row("unlink-and-make-it-anew", python("os.unlink('a'); write('a', b'the new content\\n')"), {"a": OLD},
        outputs={"a": CREATED}),
    Row("unlink-after-a-read-and-make-it-anew", python("""
        read('a'); os.unlink('a'); write('a', b'the new content\\n')
    """), {"a": OLD}, {"a": (OLD, "read")}, {"a": CREATED}),
    Row("unlink-through-a-symbolic-link", python("write('link/f', b'x'); os.unlink('link/f')"), {"real/a": OLD},
        soft={"link": "real"}, scratch={"real/f": (None, "create write")}),
    Row("unlink-of-an-existing-file-through-a-symbolic-link", python("os.unlink('link/a')"), {"real/a": OLD},
        soft={"link": "real"}, removed={"real/a": (None, "unlink")}),
    Row("unlink-with-dots-after-a-symbolic-link", python("write('deep/f', b'x'); os.unlink('link/../f')"),
        {"deep/sub/other": OLD, "f": OLD}, soft={"link": "deep/sub"}, scratch={"deep/f": (None, "create write")}),
    Row("unlink-through-a-symbolic-link-then-retargeted", python("""
        write('link/f', b'x'); os.unlink('link/f'); os.unlink('link'); os.symlink('decoy', 'link')
    """), {"real/a": OLD, "decoy/f": OLD}, soft={"link": "real"}, scratch={"real/f": (None, "create write")},
        outputs={"link": (None, "link")}, excuse="unknown_paths"),
    Row("unlink-of-a-symbolic-link", python("read('soft'); os.unlink('soft')"), {"a": OLD}, {"a": (OLD, "read")},
        soft={"soft": "a"}, removed={"soft": (None, "unlink")}),
    Row("link-under-a-new-name-then-written-over", python("""
        os.link('a', 'backup'); write('t', b'the new content\\n'); os.rename('t', 'a')
    """), {"a": OLD}, {"a": (OLD, "link")}, {"a": RENAMED, "backup": (OLD, "link")}),
    Row("rename-to-a-backup-then-made-anew", python("os.rename('a', 'a~b'); write('a', b'the new content\\n')"), {"a": OLD},
        {"a": (OLD, "rename")}, {"a": CREATED, "a~b": (OLD, "rename")}),
    Row("rename-of-an-own-file-twice-over-an-input", python("""
        read('a'); write('t', b'x'); os.rename('t', 'u'); os.rename('u', 'a')
    """), {"a": OLD}, {"a": (OLD, "read")}, {"a": (b"x", "create write rename")}),
    Row("rename-chain-of-existing-files", python("os.rename('b', 'c'); os.rename('a', 'b')"), {"a": OLD, "b": NEW},
        {"a": (OLD, "rename"), "b": (NEW, "rename")}, {"b": (OLD, "rename"), "c": (NEW, "rename")}),
    Row("rename-swap-by-three", python("os.rename('a', 't'); os.rename('b', 'a'); os.rename('t', 'b')"), {"a": OLD, "b": NEW},
        {"a": (OLD, "rename"), "b": (NEW, "rename")}, {"b": (OLD, "rename"), "a": (NEW, "rename")}),
    Row("rename-swap-by-three-after-reads", python("""
        read('a'); read('b'); os.rename('a', 't'); os.rename('b', 'a'); os.rename('t', 'b')
    """), {"a": OLD, "b": NEW}, {"a": (OLD, "read"), "b": (NEW, "read")}, {"b": (OLD, "rename"), "a": (NEW, "rename")}),
    Row("rename-then-unlink", python("os.rename('a', 'b'); os.unlink('b')"), {"a": OLD}, ANY, removed={"a": (None, None)}),
    # cat copies in the kernel: the content was in no process, and is gone
    Row("copy-then-unlink-the-original", shell("cat a > b; rm a"), {"a": OLD}, {"a": (OLD, "read")},
        {"b": (OLD, "create write")}, removed={"a": (None, "unlink")}, excuse="unhashed_inputs"),
    Row("mv-across-file-systems", shell("mv a t/b"), {"a": OLD}, {"a": (OLD, "read")}, {"t/b": (OLD, "create write")},
        removed={"a": (None, "unlink")}, around=lambda project: mounted("-t", "tmpfs", "none", at=project / "t")),
    Row("logs-rotated", shell("""
        echo 1 > log; mv log log.1; echo 2 > log; mv log.1 log.2; mv log log.1; echo 3 > log
    """), outputs={"log": (b"3\n", "create write"), "log.1": (b"2\n", "create write rename"),
                   "log.2": (b"1\n", "create write rename")}),
    Row("unlink-of-one-hard-link", python("os.unlink('b')"), {"a": OLD}, hard={"b": "a"}, removed={"b": (None, "unlink")}),
    Row("unlink-that-fails", python("""
        for each in ('none', '.'):
            try: os.unlink(each)
            except OSError: pass
    """)),
    Row("rm-of-a-tree", shell("rm -r x"), {"x/y/f": OLD, "x/g": NEW},
        removed={"x/y/f": (None, "unlink"), "x/g": (None, "unlink")}),
    Row("a-tree-made-and-gone", shell("mkdir x; echo 1 > x/f; rm -r x"), scratch={"x/f": (None, "create write")}),
    Row("scratch-renamed-then-unlinked", python("write('t', b'x'); os.rename('t', 'u'); os.unlink('u')"),
        scratch={"t": (None, "create write rename")}),
    Row("scratch-in-a-directory-that-moved", python("""
        os.mkdir('x'); write('x/f', b'x'); os.rename('x', 'y'); os.unlink('y/f'); os.rmdir('y')
    """), scratch={"x/f": (None, "create write")}),
    Row("mkdir-and-rmdir", python("os.mkdir('x'); os.rmdir('x'); call(258, -100, 'y', 0o755); call(263, -100, 'y', 0x200)")),
    Row("rmdir-of-an-existing-directory", shell("rm x/f; rmdir x"), {"x/f": OLD}, removed={"x/f": (None, "unlink")}),
    Row("mknod-of-a-FIFO", python("""
        os.mkfifo('p'); f = os.open('p', os.O_RDWR); os.write(f, b'x'); os.read(f, 1)
    """)),
    Row("mknod-of-a-FIFO-renamed-and-unlinked", python("os.mkfifo('p'); os.rename('p', 'q'); os.unlink('q')")),
    Row("mknod-of-a-file", python("os.mknod('b', 0o100644)"), outputs={"b": (b"", "create")}),
    Row("mknod-of-a-file-then-written", python("os.mknod('b', 0o100644); write('b', b'the new content\\n', 'r+b')"),
        outputs={"b": (NEW, "create write")}),
    Row("bind-of-a-socket", python("import socket; socket.socket(socket.AF_UNIX).bind('s')")),
]

ROWS = [*_RENAME, *_LINK, *_REMOVE]
