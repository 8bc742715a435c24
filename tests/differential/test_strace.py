"""The reading of strace's output: the lines are ones that strace 6.1 wrote."""

from __future__ import annotations

import pytest
from strace import AT_FDCWD, Call, Descriptor, parse


def hexed(text: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text)


def only(line: str) -> Call:
    [call] = parse([line])
    return call


def test_descriptors_and_numbers() -> None:
    call = only(f'12  pread64(3<{hexed(b"/tmp/a b")}>, ""..., 100, 5) = 7\n')
    assert (call.pid, call.name, call.result, call.succeeded) == (12, "pread64", 7, True)
    assert call.descriptor(0) == Descriptor(3, b"/tmp/a b")
    assert (call.number(2), call.number(3)) == (100, 5)


def test_names_that_look_like_syntax() -> None:
    name = b'/tmp/we"ird <a> (b), c\nd = 3 <unfinished ...>'
    call = only(f'7  openat(AT_FDCWD<{hexed(b"/tmp")}>, "{hexed(name)}", O_RDONLY|O_CLOEXEC) = 3<{hexed(name)}>')
    assert call.descriptor(0) == Descriptor(AT_FDCWD, b"/tmp")
    assert call.string(1) == name
    assert call.words(2) == {"O_RDONLY", "O_CLOEXEC"}
    assert call.returned == Descriptor(3, name)


def test_deleted_files() -> None:
    call = only(f"7  openat(AT_FDCWD<{hexed(b'/')}>, \"{hexed(b'/tmp')}\", O_RDWR|O_TMPFILE, 0600)"
                f" = 4<{hexed(b'/tmp/#12')}>(deleted)")
    assert call.returned == Descriptor(4, b"/tmp/#12", deleted=True)
    call = only(f"7  ftruncate(4<{hexed(b'/tmp/#12')}>(deleted), 10) = 0")
    assert call.descriptor(0) == Descriptor(4, b"/tmp/#12", deleted=True)
    named_so = only(f"7  ftruncate(4<{hexed(b'/tmp/x (deleted)')}>, 10) = 0")
    assert named_so.descriptor(0) == Descriptor(4, b"/tmp/x (deleted)")


def test_failures_and_calls_without_a_result() -> None:
    failed = only(f'7  unlink("{hexed(b"a")}")            = -1 ENOENT (No such file or directory)')
    assert (failed.succeeded, failed.error) == (False, "ENOENT")
    assert not only("7  exit_group(0)                     = ?").succeeded
    assert not only("7  wait4(-1, 0x7ffd, 0, NULL) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)").succeeded


def test_unfinished_and_resumed() -> None:
    calls = list(parse([
        "10  read(3<" + hexed(b"/a") + ">,  <unfinished ...>",
        "11  write(4<" + hexed(b"/b") + ">, \"\"..., 4 <unfinished ...>",
        "10  <... read resumed>\"\"..., 512)  = 5",
        "11  <... write resumed>)             = 4",
        "12  vfork( <unfinished ...>",
        "12  <... vfork resumed>)             = 13",
        "10  wait4(-1,  <unfinished ...>",
        "10  <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 7638",
    ]))
    assert [(call.pid, call.name, call.result) for call in calls] == [
        (10, "read", 5), (11, "write", 4), (12, "vfork", 13), (10, "wait4", 7638)]
    assert calls[0].arguments == (f"3<{hexed(b'/a')}>", '""...', "512")
    assert calls[2].arguments in ((), ("",))


def test_ends_signals_and_a_thread_that_executes() -> None:
    calls = list(parse([
        "20  futex(0x55, FUTEX_WAIT, 0, NULL <unfinished ...>",
        f'21  execve("{hexed(b"/bin/cp")}", [""..., ""...], 0x7f /* 20 vars */ <pid changed to 20 ...>',
        "20  +++ superseded by execve in pid 21 +++",
        "20  <... execve resumed>)             = 0",
        "20  [ Process PID=20 runs in 32 bit mode. ]",
        "20  --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=8} ---",
        "20  read(0<" + hexed(b"pipe:[77]") + ">,  <unfinished ...>",
        "20  +++ killed by SIGKILL +++",
        "22  wait4(-1,  <unfinished ...>) = ?",
        "23  futex(0x55, FUTEX_WAIT, 0, NULL <unfinished ...>",
        "23  <... futex resumed> <unfinished ...>) = ?",
    ]))
    assert [(call.pid, call.name, call.result) for call in calls] == [(20, "execve", 0)]
    assert calls[0].string(0) == b"/bin/cp"


def test_structures_do_not_split_arguments() -> None:
    call = only("7  clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD, stack=0x7f, stack_size=0x9000}, 88) = 9")
    assert len(call.arguments) == 2
    call = only("7  sendfile(5<" + hexed(b"/memfd:x") + ">(deleted), 4<" + hexed(b"/a") + ">, [0] => [1], 1) = 1")
    assert call.descriptor(0) == Descriptor(5, b"/memfd:x", deleted=True)
    assert call.arguments[2:] == ("[0] => [1]", "1")


def test_addresses() -> None:
    call = only("7  mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3<" + hexed(b"/lib/c") + ">, 0x1000) = 0x7f0000001000")
    assert (call.result, call.number(5)) == (0x7f0000001000, 0x1000)


@pytest.mark.parametrize("line", ["no pid", "7  read(3", "7  read(3)", "7  = 3"])
def test_what_is_not_understood_is_an_error(line: str) -> None:
    with pytest.raises(ValueError):
        list(parse([line]))


def test_a_cut_string_is_an_error() -> None:
    with pytest.raises(ValueError):
        only('7  unlink("\\x61"...) = 0').string(0)
