"""Whom real commands talk to, as the real probes see it. All servers are on loopback, and stop with their test."""

from __future__ import annotations

import os
import socket
import socketserver
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rrset
import pytest
from harness import Project, Record

PYTHON = "/usr/bin/python3"
STIMULI = Path(__file__).parents[1] / "conformance/stimuli"
RESOLVER = "127.1.2.3"
HAS_IPV6 = Path("/proc/net/if_inet6").exists() and "00000000000000000000000000000001" in Path(
    "/proc/net/if_inet6").read_text()

CONNECT = """
import socket, sys
for port in sys.argv[2:]:
    with socket.create_connection((sys.argv[1], int(port))) as connection:
        connection.sendall(b"hello"); connection.shutdown(socket.SHUT_WR); connection.recv(10)
"""
#: One that does not wait: what it says is what select(2) and SO_ERROR told it.
LATER = """
import errno, os, select, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.socket(family) as connection:
    connection.setblocking(False)
    assert connection.connect_ex((sys.argv[1], int(sys.argv[2]))) == errno.EINPROGRESS
    select.select([], [connection], [])
    print(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
    os._exit(0)
"""
#: A resolver's client as there are many: asks, then connects to what it was told.
ASK = """
import ctypes, os, socket, sys
def recvmmsg(fd):
    buffer = ctypes.create_string_buffer(4096)
    part = (ctypes.c_uint64 * 2)(ctypes.addressof(buffer), 4096)
    message = (ctypes.c_uint64 * 8)(0, 0, ctypes.addressof(part), 1)  # struct mmsghdr
    assert ctypes.CDLL(None).recvmmsg(fd, message, 1, 0, None) == 1
    return buffer.raw[:message[7] & 0xFFFFFFFF]
how, name, port = sys.argv[1:4]
def labels(name):
    return b"".join(bytes([len(each)]) + each.encode() for each in name.split(".")) + b"\\0"
query = os.urandom(2) + bytes.fromhex("01000001000000000000") + labels(name) + bytes.fromhex("00010001")
server = ("127.1.2.3", 53)
if how == "tcp":
    with socket.create_connection(server) as asked:
        asked.sendall(len(query).to_bytes(2, "big") + query)
        length = asked.recv(2, socket.MSG_WAITALL)
        answer = asked.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
else:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        if how in ("recvfrom", "recvmsg"):
            asked.sendto(query, server)
            answer = asked.recvfrom(4096)[0] if how == "recvfrom" else asked.recvmsg(4096)[0]
        else:
            asked.connect(server)
            if how == "read":
                os.write(asked.fileno(), query)
                answer = os.read(asked.fileno(), 4096)
            else:
                asked.send(query)
                answer = asked.recv(4096) if how == "recv" else recvmmsg(asked.fileno())
address = ".".join(str(byte) for byte in answer[-4:])
with socket.create_connection((address, int(port))) as connection:
    connection.sendall(b"hello")
"""


class Answering(socketserver.BaseRequestHandler):
    """data.example is an alias of edge.example, which has an address; so has other.example, the same."""

    def handle(self) -> None:
        stream = isinstance(self.request, socket.socket)
        if stream:
            length = int.from_bytes(self.request.recv(2, socket.MSG_WAITALL), "big")
            query = dns.message.from_wire(self.request.recv(length, socket.MSG_WAITALL))
        else:
            query = dns.message.from_wire(self.request[0])
        answer = dns.message.make_response(query)
        name = query.question[0].name
        if name.to_text() == "data.example.":
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", "edge.example."))
            name = "edge.example."
        answer.answer.append(dns.rrset.from_text(name, 60, "IN", "A", "127.9.9.9"))
        if stream:
            self.request.sendall(answer.to_wire(prepend_length=True))
        else:
            self.request[1].sendto(answer.to_wire(), self.client_address)


class Greeting(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        if isinstance(self.request, socket.socket):
            self.request.recv(100)


@contextmanager
def serving(kind: type[socketserver.BaseServer], address: Any, handler: type[socketserver.BaseRequestHandler] = Greeting,
            family: int = socket.AF_INET) -> Iterator[int]:
    """A server of socketserver's while the block runs; gives its port."""
    server = type("Server", (socketserver.ThreadingMixIn, kind), {
        "address_family": family, "request_queue_size": 128, "allow_reuse_address": True, "daemon_threads": True,
        "handle_error": lambda *_: None})(address, handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server.server_address[1] if isinstance(server.server_address, tuple) else 0
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def tcp() -> Iterator[int]:
    with serving(socketserver.TCPServer, ("", 0)) as port:
        yield port


@pytest.fixture
def resolver() -> Iterator[None]:
    try:
        with serving(socketserver.UDPServer, (RESOLVER, 53), Answering), \
                serving(socketserver.TCPServer, (RESOLVER, 53), Answering):
            yield
    except PermissionError:
        pytest.skip("port 53 is root's")


def refusing() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def talked(job: Record, family: str = "inet") -> list[tuple[Any, ...]]:
    job.assert_complete()
    return [(row["direction"], row["protocol"], row["address"], row["port"], row["name"])
            for row in job["network"] if row["family"] == family]


def test_none(project: Project) -> None:
    """A job that talks to nobody has an empty list."""
    assert [] == project.sh("echo x > out.txt")["network"]


def test_connection(project: Project, tcp: int) -> None:
    """Who, when, and which step: only the one that connected."""
    job = project.sh(f"true; {PYTHON} -c '{CONNECT}' 127.0.0.1 {tcp} {tcp}; {PYTHON} -c '{CONNECT}' 127.0.0.2 {tcp}")
    assert talked(job) == [("connected", "tcp", "127.0.0.1", tcp, None), ("connected", "tcp", "127.0.0.2", tcp, None)]
    first, second = job["network"]
    assert [[job.programs[step][:6] for step in row["steps"]] for row in (first, second)] == [["python"], ["python"]]
    assert first["steps"] < second["steps"]
    assert job["started_at"] < first["first_at"] < second["first_at"] < job["ended_at"]


@pytest.mark.skipif(not HAS_IPV6, reason="no ::1 here")
def test_ipv6(project: Project, tcp: int) -> None:
    """By its own address; and an IPv4 address as such, whatever the socket is."""
    with serving(socketserver.TCPServer, ("::1", 0), family=socket.AF_INET6) as port:
        job = project.run(PYTHON, "-c", CONNECT, "::1", str(port))
        assert talked(job, "inet6") == [("connected", "tcp", "::1", port, None)]
        assert talked(job) == []
        later = project.run(PYTHON, "-c", LATER, "::1", str(port))
        assert talked(later, "inet6") == [("connected", "tcp", "::1", port, None)]
    sends = "import socket\nwith socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as one: one.sendto(b'x', ('::1', 9))"
    assert talked(project.run(PYTHON, "-c", sends), "inet6") == [("sent", "udp", "::1", 9, None)]
    mapped = project.run(PYTHON, "-c", CONNECT, "::ffff:127.0.0.1", str(tcp))
    assert talked(mapped) == [("connected", "tcp", "127.0.0.1", tcp, None)]
    assert talked(mapped, "inet6") == []


def test_connection_that_is_not_waited_for(project: Project, tcp: int) -> None:
    """A non-blocking connect counts once it is established, also where the process ends without closing it."""
    for _ in range(5):
        assert talked(project.run(PYTHON, "-c", LATER, "127.0.0.1", str(tcp))) == [
            ("connected", "tcp", "127.0.0.1", tcp, None)]


def test_refused(project: Project) -> None:
    """Nobody was there to talk to: blocking or not."""
    port = refusing()
    assert talked(project.run(PYTHON, "-c", CONNECT, "127.0.0.1", str(port), check=False)) == []
    assert talked(project.run(PYTHON, "-c", LATER, "127.0.0.1", str(port))) == []


@pytest.mark.parametrize("answered", [True, False])
def test_connection_that_takes_its_time(project: Project, answered: bool) -> None:
    """Whom the kernel tells later, when the process does something else: it was established, or reset."""
    with socket.socket() as server, socket.socket() as first:
        server.bind(("127.0.0.1", 0))
        server.listen(0)  # one more than that waits to be accepted; who comes then is not answered
        address = server.getsockname()
        first.connect(address)
        process = project.popen("run", "-q", "--", PYTHON, "-c", SLOWLY, *map(str, address), stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"connecting\n"
        if answered:
            server.accept()[0].close()
        else:
            server.close()
        assert process.stdout.readline() == (b"0\n" if answered else b"111\n")
        process.stdout.close()
        assert process.wait(60) == 0
    assert talked(project.show()) == ([("connected", "tcp", *address, None)] if answered else [])


def test_connection_that_is_given_up(project: Project) -> None:
    with socket.socket() as server, socket.socket() as first:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        first.connect(server.getsockname())
        impatient = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 0.2)"
        job = project.run(PYTHON, "-c", impatient, *map(str, server.getsockname()), check=False)
    assert talked(job) == []


SLOWLY = """
import errno, os, select, socket, sys
connection = socket.socket()
connection.setblocking(False)
assert connection.connect_ex((sys.argv[1], int(sys.argv[2]))) == errno.EINPROGRESS
print("connecting", flush=True)
select.select([], [connection], [])
print(connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), flush=True)
os._exit(0)
"""


def test_datagrams(project: Project) -> None:
    """Sent with an address, by a connected socket in every way, and several in one call; connecting alone is nothing."""
    sends = """
import ctypes, os, socket, sys
a, b, c, d, e, f = (int(port) for port in sys.argv[1:])
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
    one.sendto(b"x", ("127.0.0.1", a))
    one.sendmsg([b"x", b"y"], [], 0, ("127.0.0.1", b))
    one.connect(("127.0.0.1", f))
    one.connect(("127.0.0.1", c))
    one.send(b"x")
    one.connect(("127.0.0.1", d))
    os.write(one.fileno(), b"x")
    one.connect(("127.0.0.1", e))
    one.sendmsg([b"x"])
"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        ports = [sink.getsockname()[1] + 0] * 1
        with_more = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(5)]
        try:
            for each in with_more:
                each.bind(("127.0.0.1", 0))
                ports.append(each.getsockname()[1])
            job = project.run(PYTHON, "-c", sends, *map(str, ports))
        finally:
            for each in with_more:
                each.close()
    assert talked(job) == [("sent", "udp", "127.0.0.1", port, None) for port in ports[:5]]


def test_messages_of_one_call(project: Project, tmp_path: Path) -> None:
    """sendmmsg(2): each message has its own address; of very many the record says that they were not all seen."""
    source = tmp_path / "many.c"
    source.write_text(MANY)
    program = project.path / "many"
    subprocess.run(["gcc", "-o", program, source], check=True, timeout=60)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        port = sink.getsockname()[1]
        assert talked(project.run("./many", str(port), "8")) == [
            ("sent", "udp", f"127.0.0.{n}", port, None) for n in range(1, 9)]
        many = project.run("./many", str(port), "100")
    assert [(reason["code"], reason["count"]) for reason in many["incomplete_reasons"]] == [("unseen_calls", 1)]
    assert [row["address"] for row in many["network"]] == [f"127.0.0.{n}" for n in range(1, 17)]


MANY = r"""
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
int main(int count, char **args)
{
    struct sockaddr_in to[100] = {};
    struct mmsghdr messages[100] = {};
    struct iovec text = { "x", 1 };
    for (int i = 0; i < 100; i++) {
        to[i].sin_family = AF_INET;
        to[i].sin_port = htons(atoi(args[1]));
        to[i].sin_addr.s_addr = htonl(0x7f000001 + i);
        messages[i].msg_hdr.msg_name = &to[i];
        messages[i].msg_hdr.msg_namelen = sizeof(to[i]);
        messages[i].msg_hdr.msg_iov = &text;
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    return sendmmsg(socket(AF_INET, SOCK_DGRAM, 0), messages, atoi(args[2]), 0) != atoi(args[2]);
}
"""


def test_accepted(project: Project) -> None:
    """Who connected to the job, and to which of its ports; many clients of one machine are one endpoint."""
    port = refusing()
    script = f"""
import socket
server = socket.create_server(("127.0.0.1", {port}))
print("ready", flush=True)
for _ in range(20):
    server.accept()[0].close()
"""
    process = project.popen("run", "-q", "--", PYTHON, "-c", script, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    for _ in range(20):
        socket.create_connection(("127.0.0.1", port)).close()
    process.stdout.close()
    assert process.wait(60) == 0
    assert talked(project.show()) == [("accepted", "tcp", "127.0.0.1", port, None)]


@pytest.mark.parametrize("how", ["ACCEPT", "ACCEPT-direct", "ACCEPT-multishot", "ACCEPT-multishot-direct"])
def test_accepted_by_io_uring(project: Project, how: str) -> None:
    """As a descriptor, or into a slot of the ring; also by one request that goes on accepting."""
    program = project.path / "uring"
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-pthread", "-o", program, STIMULI / "uring.c"], check=True, timeout=60)
    done = project.roar("run", "-q", "--", "./uring", how, check=False)
    if done.returncode == 77:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stderr
    port = int(done.stdout)
    assert sorted(talked(project.show())) == [(side, "tcp", "127.0.0.1", port, None) for side in ("accepted", "connected")]


def test_the_one_call_of_32_bits(project: Project, tcp: int, resolver: None) -> None:
    """socketcall(2): asks a resolver in all the ways that it has, and connects."""
    (project.path / "old.c").write_text(SOCKETCALL)
    subprocess.run(["gcc", "-static", "-no-pie", "-o", project.path / "old", project.path / "old.c"], check=True, timeout=60)
    for how in ("msg", "mmsg", "plain"):
        done = project.roar("run", "-q", "--", "./old", how, str(tcp), check=False)
        if done.returncode == 77:
            pytest.skip("this kernel has no 32-bit calls")
        assert done.returncode == 0, (how, done.stderr)
        assert talked(project.show()) == [("sent", "udp", RESOLVER, 53, None),
                                          ("connected", "tcp", "127.9.9.9", tcp, "data.example")], how


#: What is passed lies below 4 GB, for pointers have 32 bits.
SOCKETCALL = r"""
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
struct message { unsigned name, name_size, vector, vectors, control, control_size, flags, length; };
static char query[] = "xx\1\0\0\1\0\0\0\0\0\0\4data\7example\0\0\1\0\1", answer[4096];
static unsigned arguments[6], part[2];
static struct message message;
static struct sockaddr_in to = { AF_INET };
static int call(unsigned which, unsigned a, unsigned b, unsigned c, unsigned d)
{
    int result;

    arguments[0] = a, arguments[1] = b, arguments[2] = c, arguments[3] = d;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(102), "b"(which), "c"((unsigned)(long)arguments)
                     : "memory", "r8", "r9", "r10", "r11");
    if (result == -38)
        exit(77);
    if (result < 0)
        exit(1);
    return result;
}
static unsigned at(void *what) { return (unsigned)(long)what; }
static void say(void *what, unsigned length)
{
    part[0] = at(what), part[1] = length;
    memset(&message, 0, sizeof(message));
    message.vector = at(part), message.vectors = 1;
}
int main(int count, char **args)
{
    int plain = args[1][0] == 'p', many = args[1][1] == 'm', length, fd = call(1, AF_INET, SOCK_DGRAM, 0, 0);

    to.sin_port = htons(53);
    to.sin_addr.s_addr = inet_addr("127.1.2.3");
    if (plain) {
        call(3, fd, at(&to), sizeof(to), 0);
        call(9, fd, at(query), sizeof(query) - 1, 0);
        length = call(10, fd, at(answer), sizeof(answer), 0);
    } else {
        say(query, sizeof(query) - 1);
        message.name = at(&to), message.name_size = sizeof(to);
        arguments[4] = 0;
        many ? call(20, fd, at(&message), 1, 0) : call(16, fd, at(&message), 0, 0);
        say(answer, sizeof(answer));
        message.name = at(&to), message.name_size = sizeof(to);
        length = many ? call(19, fd, at(&message), 1, 0) : call(17, fd, at(&message), 0, 0);
        length = many ? message.length : length;
    }
    to.sin_port = htons(atoi(args[2]));
    memcpy(&to.sin_addr, answer + length - 4, 4);
    return call(3, call(1, AF_INET, SOCK_STREAM, 0, 0), at(&to), sizeof(to), 0);
}
"""


def test_unix_sockets_are_kept_apart(project: Project) -> None:
    """By path and by abstract name; streams by who listens, datagrams when they are sent."""
    where = str(project.path / "s")
    abstract = f"roar-test-{os.getpid()}"
    script = """
import socket, sys
for name in (sys.argv[1], "\\0" + sys.argv[2]):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(name)
with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
    client.connect(sys.argv[3])
    client.send(b"x")
a, b = socket.socketpair()
a.send(b"x")
"""
    with serving(socketserver.UnixStreamServer, where, family=socket.AF_UNIX), \
            serving(socketserver.UnixStreamServer, f"\0{abstract}", family=socket.AF_UNIX), \
            serving(socketserver.UnixDatagramServer, f"{where}.log", family=socket.AF_UNIX):
        job = project.run(PYTHON, "-c", script, where, abstract, f"{where}.log")
    assert talked(job, "unix") == [
        ("connected", "unix", where, None, None), ("connected", "unix", f"@{abstract}", None, None),
        ("sent", "unix", f"{where}.log", None, None)]
    assert talked(job) == []


@pytest.mark.parametrize("how", ["recvfrom", "recvmsg", "recvmmsg", "recv", "read", "tcp"])
def test_name_that_was_asked_for(project: Project, tcp: int, resolver: None, how: str) -> None:
    """However the answer is read; an alias is followed to the name that the program knows."""
    job = project.run(PYTHON, "-c", ASK, how, "data.example", str(tcp))
    asked = ("connected", "tcp") if how == "tcp" else ("sent", "udp")
    assert talked(job) == [(*asked, RESOLVER, 53, None), ("connected", "tcp", "127.9.9.9", tcp, "data.example")]


def test_two_names_of_one_address(project: Project, tcp: int, resolver: None) -> None:
    """A connection has the name that was asked for last: one program after the other, and in one."""
    job = project.sh("; ".join(f"{PYTHON} -c '{ASK}' recv {name} {tcp}" for name in ("data.example", "other.example")))
    assert talked(job)[1::1][-2:] == [("connected", "tcp", "127.9.9.9", tcp, "data.example"),
                                      ("connected", "tcp", "127.9.9.9", tcp, "other.example")]
    both = project.run(PYTHON, "-c", f"import sys\nfor sys.argv[2] in ('data.example', 'other.example'): exec({ASK!r})",
                       "recv", "", str(tcp))
    assert {row[-1] for row in talked(both)} == {None, "data.example", "other.example"}


def test_name_by_the_resolver_of_the_c_library(project: Project, tcp: int, resolver: None) -> None:
    """getaddrinfo(3), with a resolv.conf of its own in a mount namespace."""
    conf = project.write("resolv.conf", f"nameserver {RESOLVER}\n")
    hosts = project.write("nsswitch.conf", "hosts: dns\n")
    script = (f"mount --bind {conf} /etc/resolv.conf && mount --bind {hosts} /etc/nsswitch.conf && "
              f"exec {PYTHON} -c '{CONNECT}' data.example {tcp}")
    target = Path("/etc/resolv.conf")
    if not target.exists():
        pytest.skip("no resolv.conf here")
    job = project.run("unshare", "-m", "sh", "-c", script)
    assert ("connected", "tcp", "127.9.9.9", tcp, "data.example") in talked(job)
    assert [row for row in talked(job) if row[1] == "udp"] == [("sent", "udp", RESOLVER, 53, None)]


@pytest.fixture
def patient() -> Iterator[int]:
    """A port on which the kernel alone answers, and many at once."""
    with socket.create_server(("", 0), backlog=4096) as server:
        yield server.getsockname()[1]


def test_many_connections_are_one_endpoint(project: Project, patient: int) -> None:
    """What is repeated is not sent: thousands of connections, and 32 threads at once."""
    tcp = patient
    many = f"""
import socket, threading
def talk(address, times):
    for _ in range(times):
        socket.create_connection((address, {tcp})).close()
threads = [threading.Thread(target=talk, args=(f"127.0.1.{{n}}", 50)) for n in range(1, 33)]
for thread in threads: thread.start()
for thread in threads: thread.join()
talk("127.0.0.1", 2000)
"""
    job = project.run(PYTHON, "-c", many)
    assert sorted(talked(job)) == sorted(
        [("connected", "tcp", "127.0.0.1", tcp, None)]
        + [("connected", "tcp", f"127.0.1.{n}", tcp, None) for n in range(1, 33)])


def test_connections_of_two_jobs_at_once(project: Project) -> None:
    """Sockets change their states in softirqs too, which interrupt tasks that do the same: nothing is missed. In a network of
    their own, whose packets one processor has another receive (RPS), which interrupts what is running there."""
    both = [project, Project(project.path / "other", Path(project.environment["ROARD_SOCKET"]))]
    for _ in range(3):
        started = [each.popen("run", "-q", "--", "unshare", "-n", "-m", PYTHON, "-c", CROWD, stdout=subprocess.PIPE)
                   for each in both]
        ports = [int(process.communicate(timeout=100)[0]) for process in started]
        for port, each in zip(ports, both, strict=True):
            assert sorted(row for row in talked(each.show()) if row[0] == "connected") == sorted(
                ("connected", "tcp", f"127.1.{third}.{last}", port, None) for third in range(30) for last in range(50))


CROWD = """
import fcntl, os, select, socket, struct, subprocess, threading
subprocess.run(["mount", "-t", "sysfs", "none", "/sys"], check=True)
server = socket.socket()
fcntl.ioctl(server, 0x8914, struct.pack("16sh22x", b"lo", 1))  # SIOCSIFFLAGS: up
rps = "/sys/class/net/lo/queues/rx-0/rps_cpus"
if os.path.exists(rps):
    with open(rps, "w") as file: file.write(f"{(1 << min(os.cpu_count(), 32)) - 1:x}")
server.bind(("", 0))
server.listen(4096)
def accept():
    while True: server.accept()[0].close()
def talk(thread):
    for turn in range(40):
        begun = [socket.socket() for _ in range(50)]
        for n, each in enumerate(begun):
            each.setblocking(False)
            each.connect_ex((f"127.1.{thread * 10 + turn % 10}.{n}", server.getsockname()[1]))
        for each in begun:
            select.select([], [each], [])
            each.close()
threading.Thread(target=accept, daemon=True).start()
threads = [threading.Thread(target=talk, args=(n,)) for n in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(server.getsockname()[1], flush=True)
os._exit(0)
"""


def test_datagrams_by_the_thousand(project: Project) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        port = sink.getsockname()[1]
        job = project.run(PYTHON, "-c", f"import socket\none = socket.socket(type=socket.SOCK_DGRAM)\n"
                                        f"for _ in range(20000): one.sendto(b'x', ('127.0.0.1', {port}))")
    assert talked(job) == [("sent", "udp", "127.0.0.1", port, None)]


def test_more_endpoints_than_are_kept(project: Project) -> None:
    """A scan of a network: the record says that it does not have them all."""
    job = project.run(PYTHON, "-c", "import socket\none = socket.socket(type=socket.SOCK_DGRAM)\n"
                                    "for n in range(3000): one.sendto(b'x', (f'127.7.{n >> 8}.{n & 255}', 9))")
    assert [(reason["code"], reason["count"]) for reason in job["incomplete_reasons"]] == [("more_endpoints", 1000)]
    assert len(job["network"]) == 2000


def test_io_uring(project: Project, tcp: int, tmp_path: Path) -> None:
    """A connection made, one taken, and a datagram of a connected socket. Where a datagram went by its own address is gone
    when it is sent: then the record says so."""
    source = tmp_path / "ring.c"
    source.write_text(RING)
    subprocess.run(["gcc", "-o", project.path / "ring", source], check=True, timeout=60)
    port = refusing()
    job = project.run("./ring", str(tcp), str(port), "0", check=False)
    if job["exit_code"] == 77:
        pytest.skip("no io_uring here")
    assert job["exit_code"] == 0
    assert sorted(talked(job)) == sorted([
        ("connected", "tcp", "127.0.0.1", tcp, None), ("connected", "tcp", "127.0.0.1", port, None),
        ("accepted", "tcp", "127.0.0.1", port, None), ("sent", "udp", "127.0.0.1", tcp, None)])
    addressed = project.run("./ring", str(tcp), str(port), "1")
    assert [reason["code"] for reason in addressed["incomplete_reasons"]] == ["unseen_calls"]


RING = r"""
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct io_uring_params params;
static int ring;
static char *queue;
static struct io_uring_sqe *sqes;

static int ask(int operation, int fd, void *address, uint64_t offset, int length)
{
    unsigned *tail = (void *)(queue + params.sq_off.tail), *array = (void *)(queue + params.sq_off.array);
    unsigned *head = (void *)(queue + params.cq_off.head), mask = *(unsigned *)(queue + params.cq_off.ring_mask);
    struct io_uring_cqe *cqes = (void *)(queue + params.cq_off.cqes);
    unsigned at = *tail & *(unsigned *)(queue + params.sq_off.ring_mask);

    memset(&sqes[at], 0, sizeof(sqes[at]));
    sqes[at].opcode = operation;
    sqes[at].fd = fd;
    sqes[at].addr = (uintptr_t)address;
    sqes[at].off = offset;
    sqes[at].len = length;
    array[at] = at;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0, 0) < 0)
        exit(2);
    return cqes[(*head)++ & mask].res;
}

int main(int count, char **args)
{
    struct sockaddr_in to = { AF_INET, htons(atoi(args[1])), { htonl(INADDR_LOOPBACK) } }, own = to;
    int one = socket(AF_INET, SOCK_STREAM, 0), server = socket(AF_INET, SOCK_STREAM, 0);
    int client = socket(AF_INET, SOCK_STREAM, 0), datagrams = socket(AF_INET, SOCK_DGRAM, 0), yes = 1;
    struct iovec text = { "x", 1 };
    struct msghdr message = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iov = &text, .msg_iovlen = 1 };

    ring = syscall(SYS_io_uring_setup, 8, &params);
    if (ring < 0)
        return 77;
    queue = mmap(0, 1 << 16, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
    sqes = mmap(0, 8 * sizeof(*sqes), PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
    own.sin_port = htons(atoi(args[2]));
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    if (ask(IORING_OP_CONNECT, one, &to, sizeof(to), 0) || bind(server, (void *)&own, sizeof(own)) || listen(server, 5))
        return 3;
    if (connect(client, (void *)&own, sizeof(own)) || ask(IORING_OP_ACCEPT, server, 0, 0, 0) < 0)
        return 4;
    if (*args[3] == '1')
        return ask(IORING_OP_SENDMSG, datagrams, &message, 0, 1) != 1;
    return connect(datagrams, (void *)&to, sizeof(to)) || ask(IORING_OP_SEND, datagrams, "x", 0, 1) != 1;
}
"""


def test_calls_of_32_bits(project: Project, tcp: int, tmp_path: Path) -> None:
    """int 0x80: socketcall(2), and the calls of their own that came later."""
    source = tmp_path / "narrow.c"
    source.write_text(NARROW)
    program = project.path / "narrow"
    subprocess.run(["gcc", "-nostdlib", "-static", "-m32", "-o", program, source], check=True, timeout=60)
    project.write("ports", struct.pack("=H", socket.htons(tcp)))
    for _ in range(2):  # the first may have begun before such calls were watched
        job = project.sh("./narrow < ports")
    assert talked(job) == [("connected", "tcp", f"127.0.0.{last}", tcp, None) for last in (1, 2)]


NARROW = r"""
static int call(int number, int a, int b, int c)
{
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}
void _start(void)
{
    struct { short family; unsigned short port; unsigned address; int zero[2]; } to = { 2 };
    call(3, 0, (int)&to.port, 2);
    to.address = 0x0100007f;
    int make[3] = { 2, 1, 0 };
    int first[3] = { call(102, 1, (int)make, 0), (int)&to, 16 };
    int failed = call(102, 3, (int)first, 0);
    to.address = 0x0200007f;
    failed |= call(362, call(359, 2, 1, 0), (int)&to, 16);
    call(1, failed ? 1 : 0, 0, 0);
}
"""


def test_job_that_was_attached_to(project: Project, tcp: int) -> None:
    """From then on, whom it talks to is seen as in any other job."""
    script = f"import sys\nsys.argv[1:] = ['127.0.0.1', '{tcp}']\nsys.stdin.readline()\nexec({CONNECT!r})"
    with subprocess.Popen([PYTHON, "-c", script], stdin=subprocess.PIPE, cwd=project.path) as program:
        project.roar("attach", "-q", str(program.pid))
        program.stdin.write(b"go on\n")
        program.stdin.close()
        assert program.wait(30) == 0
    for _ in range(200):
        job = project.show()
        if job["state"] == "finished":
            break
        time.sleep(0.05)
    assert [row["address"] for row in job["network"]] == ["127.0.0.1"]
    assert [reason["code"] for reason in job["incomplete_reasons"]] == ["attached"]


def fake_device(path: str) -> str:
    """A shell's words that put the null device at a path below /dev, in a mount namespace of its own."""
    return (f"mount -t tmpfs none /mnt && for each in null zero urandom; do mknod -m 666 /mnt/$each c $(stat -c '0x%t 0x%T' "
            f"/dev/$each); done && mkdir -p /mnt/$(dirname {path}) && mknod -m 666 /mnt/{path} c 1 3 && "
            f"mount --bind /mnt /dev")


def test_gpu_that_is_only_opened(project: Project) -> None:
    """No read and no write: the device is there, and what it is."""
    job = project.run("unshare", "-m", "sh", "-c", f"{fake_device('dri/renderD128')} && exec {PYTHON} -c "
                      "'import os; os.open(\"/dev/dri/renderD128\", os.O_RDWR)'")
    job.assert_complete()
    assert [(gpu["path"], gpu["index"]) for gpu in job["gpus"]] == [("/dev/dri/renderD128", 0)]
    assert [job.programs[step][:6] for step in job["gpus"][0]["steps"]] == ["python"]
    assert "/dev/dri/renderD128" in [entry["path"] for entry in job["devices"]]


def test_gpudirect_storage_is_not_followed(project: Project) -> None:
    job = project.run("unshare", "-m", "sh", "-c", f"{fake_device('nvidia-fs0')} && exec {PYTHON} -c "
                      "'import os; os.open(\"/dev/nvidia-fs0\", os.O_RDWR)'")
    assert [reason["code"] for reason in job["incomplete_reasons"]] == ["gpudirect"]
    assert job["gpus"] == []
