/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Whom a job talked to: who it connected to, who connected to it, whom it sent datagrams to. The other side's address is the
 * kernel's own where the socket has one (struct sock), and the user's only for a datagram that carries it.
 *
 * To connect a datagram socket sends nothing (getaddrinfo(3) does it to sort addresses, RFC 6724), so a datagram counts when
 * it is sent. A connection counts when it is established, which a non-blocking connect(2) does not tell: who waits for it
 * is noted by socket, and the state's tracepoint tells how it went.
 */
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_STREAM 1                                   /* enum sock_type, include/linux/net.h */
#define SOCK_DGRAM 2
#define SOCK_RDM 4
#define SOCK_SEQPACKET 5
#define MSG_FASTOPEN 0x20000000
#define EINPROGRESS 115
#define DNS_PORT 53                                     /* RFC 1035 section 4.2 */
#define MESSAGES 16                                     /* of one call: the tail calls that there may be are 33 */

enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT = 2, TCP_SYN_RECV = 3, TCP_CLOSE = 7 };    /* include/net/tcp_states.h */

INLINE struct sock *socket_of(struct file *file)
{
    struct inode *inode = 0;
    struct socket *socket = 0;
    struct sock *sk = 0;
    u16 mode = 0;

    if (!file)
        return 0;
    GET(inode, file->f_inode);
    GET(mode, inode->i_mode);
    if ((mode & S_IFMT) != S_IFSOCK)
        return 0;
    GET(socket, file->private_data);
    GET(sk, socket->sk);
    return sk;
}

INLINE int connectionless(struct sock *sk)
{
    u16 type = 0;

    GET(type, sk->sk_type);
    return type >= SOCK_DGRAM && type <= SOCK_RDM;
}

INLINE u16 family_of(struct sock *sk)
{
    u16 family = 0;

    GET(family, sk->__sk_common_skc_family);
    return family;
}

INLINE u16 peer_port(struct sock *sk)
{
    u16 port = 0;

    GET(port, sk->__sk_common_skc_dport);
    return __builtin_bswap16(port);
}

#ifdef HAS_UNIX
/* The name that the other side was bound to. A connection has that of the socket which listens. */
INLINE int unix_peer(struct talked *key, struct sock *sk)
{
    struct unix_sock *own = (void *)sk, *peer = 0;
    struct unix_address *address = 0;
    s32 length = 0;

    GET(peer, own->peer);
    if (!peer)
        return 0;
    GET(address, peer->addr);
    if (!address)
        return 0;
    GET(length, address->len);
    length -= sizeof(u16);                              /* sun_family */
    if (length <= 0)
        return 0;
    key->length = clamp(length > 108 ? 108 : length, 127);
    return !bpf_probe_read_kernel(key->address, clamp(FORGET(key->length), 127), &address->name + sizeof(u16));
}
#endif

/* Whom a socket is connected to; 0: nobody, or nobody that has a name. */
INLINE int peer_of(struct talked *key, struct sock *sk)
{
    u64 *wide = (u64 *)key->address;

#ifdef HAS_UNIX
    if (key->family == AF_UNIX)
        return unix_peer(key, sk);
#endif
    key->port = peer_port(sk);
    if (key->family == AF_INET) {
        key->length = 4;
        bpf_probe_read_kernel(key->address, 4, &sk->__sk_common_skc_daddr);
#ifdef HAS_sock_v6_daddr
    } else if (key->family == AF_INET6) {
        key->length = 16;
        bpf_probe_read_kernel(key->address, 16, &sk->v6_daddr);
#endif
    } else {
        return 0;
    }
    return key->port || wide[0] || wide[1];
}

/* The address that goes with a datagram: struct sockaddr_in, sockaddr_in6 or sockaddr_un. */
INLINE int user_address(struct talked *key, u64 from, u32 size)
{
    struct { u16 family, port; u32 address; } head = {};
    u32 length = size - sizeof(head.family);

    if (bpf_probe_read_user(&head, sizeof(head), (void *)from))
        return 0;
    key->family = head.family;
    key->port = __builtin_bswap16(head.port);
    if (head.family == AF_INET) {
        key->length = 4;
        *(u32 *)key->address = head.address;
        return 1;
    }
    if (head.family == AF_INET6) {
        key->length = 16;
        return !bpf_probe_read_user(key->address, 16, (void *)(from + sizeof(head)));
    }
    if (head.family != AF_UNIX || size <= sizeof(head.family))
        return 0;
    key->port = 0;
    key->length = clamp(length > 108 ? 108 : length, 127);
    return !bpf_probe_read_user(key->address, clamp(FORGET(key->length), 127), (void *)(from + sizeof(head.family)));
}

INLINE struct endpoint *begin_endpoint(int slot, struct sock *sk)
{
    struct endpoint *to = endpoints.lookup(&slot);
    u16 protocol = 0;

    if (!to)
        return 0;
    __builtin_memset(&to->key, 0, sizeof(to->key));
    GET(protocol, sk->sk_protocol);
    to->key.protocol = protocol;
    to->key.family = family_of(sk);
    return to;
}

/* Sent once for each step, endpoint and what the job was told by resolvers until then: a name may have become known. */
INLINE int report(struct endpoint *to, struct roar_member *member, u32 tgid, u32 kind, int fd)
{
    u64 job = member->job;
    struct roar_counts *count = counts.lookup(&job);
    u8 sent = 1;

    if (!count)
        return 0;
    to->key.step = member->step;
    to->key.answers = count->answers;
    to->key.kind = kind;
    if (talked.lookup(&to->key))
        return 0;
    fill_head(&to->event.head, member, kind, fd);
    to->event.head.tgid = tgid;
    to->event.family = to->key.family;
    to->event.protocol = to->key.protocol;
    to->event.port = to->key.port;
    to->event.length = to->key.length;
    __builtin_memcpy(to->address, to->key.address, sizeof(to->key.address));
    if (!send_access(job, &to->event, clamp(sizeof(to->event) + FORGET(to->event.length), 255), 0))
        talked.update(&to->key, &sent);
    return 0;
}

/* struct msghdr, of the caller's width, and what struct mmsghdr adds to it. */
struct message { u64 name, vector; u32 name_size, length; };

INLINE int read_message(struct message *to, u64 at, u64 number)
{
    struct { u64 name; u32 name_size, pad; u64 vector, more[4]; u32 length, end; } wide = {};
    struct { u32 name, name_size, vector, more[4], length; } narrow = {};

    if (compat()) {
        if (bpf_probe_read_user(&narrow, sizeof(narrow), (void *)(at + number * sizeof(narrow))))
            return 0;
        to->name = narrow.name;
        to->name_size = narrow.name_size;
        to->vector = narrow.vector;
        to->length = narrow.length;
        return 1;
    }
    if (bpf_probe_read_user(&wide, sizeof(wide) - 2 * sizeof(u32), (void *)(at + number * sizeof(wide))))
        return 0;
    bpf_probe_read_user(&wide.length, sizeof(wide.length), (void *)(at + (number + 1) * sizeof(wide) - 2 * sizeof(u32)));
    to->name = wide.name;
    to->name_size = wide.name_size;
    to->vector = wide.vector;
    to->length = wide.length;
    return 1;
}

/* A connection on its way: 0 if its end will be told by its state, 1 if it is there already. */
INLINE int await(struct roar_member *member, struct sock *sk)
{
    struct connecting entry = { .member = *member, .tgid = bpf_get_current_pid_tgid() >> 32 };
    u64 key = (u64)sk;
    u8 state = 0;

    if (connecting.update(&key, &entry))
        return 1;                                       /* no room: rather one too many than one too few */
    GET(state, sk->__sk_common_skc_state);
    if (state == TCP_SYN_SENT || connecting.delete(&key))
        return 0;
    return state != TCP_CLOSE;
}

/* Is a connection there? One that is on its way is told later. */
INLINE int established(struct roar_member *member, struct sock *sk, s64 ret)
{
    u8 state = 0;

    if (!ret || family_of(sk) == AF_UNIX)
        return !ret;
    GET(state, sk->__sk_common_skc_state);
    return state == TCP_SYN_SENT ? await(member, sk) : ret == -EINPROGRESS && state != TCP_CLOSE;
}

/* Sends who is at the other side of the socket in `pending`, or to whom its messages went. */
int on_endpoint(void *ctx)
{
    struct roar_member *member = running();
    struct message message = {};
    struct endpoint *to;
    int zero = 0, found;
    struct pending *todo = pending.lookup(&zero);

    if (!member || !todo)
        return 0;
    struct sock *sk = socket_of(todo->what[0].file);
    u32 kind = todo->what[0].kind;
    if (!sk || kind == ROAR_SEND != connectionless(sk))
        return 0;
    if (kind == ROAR_CONNECT && !established(member, sk, todo->sent))
        return 0;
    to = begin_endpoint(0, sk);
    if (!to)
        return 0;
    message.name = todo->from;
    message.name_size = todo->length;
    if (todo->vector && !read_message(&message, todo->vector, todo->done))
        return 0;
    found = message.name ? user_address(&to->key, message.name, message.name_size) : peer_of(&to->key, sk);
    if (kind == ROAR_ACCEPT) {                          /* where to: the other side's port means nothing */
        u16 port = 0;
        GET(port, sk->__sk_common_skc_num);
        to->key.port = to->key.family == AF_UNIX ? 0 : port;
    }
    if (found)
        report(to, member, bpf_get_current_pid_tgid() >> 32, kind, todo->what[0].fd);
    if (++todo->done < todo->count)
        tails.call(ctx, TAIL_ENDPOINT);
    if (kind == ROAR_SEND && todo->sent > MESSAGES && message.name)
        return blind(member, todo->at);                 /* to whom the others went */
    return 0;
}

/* What handlers have to say about a socket goes on by a tail call, where it is looked at closely. */
INLINE struct pending *about(struct file *file, int fd, u32 kind, u64 address, u64 size)
{
    struct pending *to = waiting();

    if (!to || !file)
        return 0;
    put(to, file, fd, kind, 0, 0);
    to->from = address;
    to->length = size;
    to->vector = 0;
    return to;
}

INLINE int connected(void *ctx, struct file *file, int fd, s64 ret)
{
    struct pending *to = about(file, fd, ROAR_CONNECT, 0, 0);

    if (!to)
        return 0;
    to->sent = ret;
    tails.call(ctx, TAIL_ENDPOINT);
    return 0;
}

INLINE int accepted(void *ctx, struct file *file, int fd)
{
    if (about(file, fd, ROAR_ACCEPT, 0, 0))
        tails.call(ctx, TAIL_ENDPOINT);
    return 0;
}

/* On a socket. Datagrams, to their own addresses or to the socket's peer: `count` messages, by the system call `number`.
 * More of them than there may be tail calls are not all looked at. */
INLINE int sent(void *ctx, struct file *file, int fd, u64 address, u32 size, u64 messages, u32 count, u32 number)
{
    struct socket *socket = 0;
    struct pending *to;
    u16 type = SOCK_STREAM;

    if (!file)
        return 0;
    GET(socket, file->private_data);
    GET(type, socket->type);                            /* mostly these, and often */
    if (type == SOCK_STREAM || type == SOCK_SEQPACKET)
        return 0;
    to = about(file, fd, ROAR_SEND, address, size);
    if (!to)
        return 0;
    to->count = count > MESSAGES ? MESSAGES : count;
    to->sent = count;
    to->at = number;
    to->vector = messages;
    tails.call(ctx, TAIL_ENDPOINT);
    return 0;
}

int on_connect(struct sys_exit *ctx)
{
    return running() ? connected(ctx, file_of(ARG(0)), ARG(0), ctx->ret) : 0;
}

int on_accept(struct sys_exit *ctx)
{
    return ctx->ret >= 0 && running() ? accepted(ctx, file_of(ctx->ret), ctx->ret) : 0;
}

INLINE int sent_message(struct sys_exit *ctx, u64 flags, u64 address, u32 size, u64 messages, u32 count)
{
    int fd = ARG(0);
    struct file *file = file_of(fd);

    if (flags & MSG_FASTOPEN)
        return connected(ctx, file, fd, ctx->ret > 0 ? 0 : ctx->ret);
    return ctx->ret < 0 ? 0 : sent(ctx, file, fd, address, size, messages, count, ctx->nr);
}

int on_sendto(struct sys_exit *ctx) { return running() ? sent_message(ctx, ARG(3), ARG(4), ARG(5), 0, 1) : 0; }
int on_sendmsg(struct sys_exit *ctx) { return running() ? sent_message(ctx, ARG(2), 0, 0, ARG(1), 1) : 0; }
int on_sendmmsg(struct sys_exit *ctx) { return running() ? sent_message(ctx, 0, 0, 0, ARG(1), ctx->ret) : 0; }

/* Raw: the socket, the state it had and the one that it gets; in whatever context, so nothing of the current task's. */
INLINE int changed_state(struct bpf_raw_tracepoint_args *ctx, int slot)
{
    u64 key = ctx->args[0];
    int before = ctx->args[1], after = ctx->args[2];
    struct connecting *known = connecting.lookup(&key);
    struct sock *sk = (void *)key;
    struct endpoint *to;

    if (!known || after == TCP_SYN_RECV)
        return 0;
    struct connecting entry = *known;
    if (connecting.delete(&key) || (before == TCP_SYN_SENT && after != TCP_ESTABLISHED))
        return 0;                                       /* refused, or nobody answered */
    to = begin_endpoint(slot, sk);
    if (to && peer_of(&to->key, sk))
        report(to, &entry.member, entry.tgid, ROAR_CONNECT, -1);
    return 0;
}

/* A softirq may interrupt a program's run, and the kernel leaves out that program then, but not its twin: states change in
 * tasks and in softirqs, which interrupt no softirq, so of one change never both runs are left out. The first one that takes
 * the socket out of `connecting` reports it. What is left out of these two says nothing: table.py, TWINS. */
int on_socket_state(struct bpf_raw_tracepoint_args *ctx) { return changed_state(ctx, 1); }
int on_socket_state_twin(struct bpf_raw_tracepoint_args *ctx) { return changed_state(ctx, 2); }

/* ---- what resolvers answer: which name an address was asked for by ---- */

/* Is this from a resolver? The socket's peer says so, or else the address that the message came with. */
INLINE int resolver(struct sock *sk, u64 address)
{
    struct { u16 family, port; } source = {};
    u16 port = peer_port(sk);

    if (!port && address && !bpf_probe_read_user(&source, sizeof(source), (void *)address))
        port = __builtin_bswap16(source.port);
    return port == DNS_PORT;
}

/* Sends the messages in `pending` that came from a resolver. */
int on_answer(void *ctx)
{
    struct roar_member *member = running();
    struct roar_endpoint *event = record();
    struct message message = {};
    u64 buffer = 0;
    int zero = 0;
    struct pending *todo = pending.lookup(&zero);

    if (!member || !todo || !event)
        return 0;
    struct sock *sk = socket_of(todo->what[0].file);
    if (!sk)
        return 0;
    message.name = todo->start;
    buffer = todo->from;
    if (todo->vector) {
        if (!read_message(&message, todo->vector, todo->done))
            return 0;
        if (compat()) {
            u32 narrow = 0;
            bpf_probe_read_user(&narrow, sizeof(narrow), (void *)message.vector);
            buffer = narrow;
        } else {
            bpf_probe_read_user(&buffer, sizeof(buffer), (void *)message.vector);
        }
    }
    u32 length = todo->length ? todo->length : message.length;
    if (length >= DNS_HEADER && length <= DNS_MAX && resolver(sk, message.name)) {
        u64 job = member->job;
        struct roar_counts *count = counts.lookup(&job);
        u16 protocol = 0;

        fill_head(&event->head, member, ROAR_ANSWER, todo->what[0].fd);
        GET(protocol, sk->sk_protocol);
        event->family = family_of(sk);
        event->protocol = protocol;
        event->port = DNS_PORT;
        event->length = clamp(length, DNS_MAX);
        if (count && !bpf_probe_read_user(event + 1, clamp(length, DNS_MAX), (void *)buffer)) {
            send_content(job, event, clamp(sizeof(*event) + FORGET(event->length), 8191));
            __sync_fetch_and_add(&count->answers, 1);
        }
    }
    if (++todo->done < todo->count)
        tails.call(ctx, TAIL_ANSWER);
    return 0;
}

/* On a socket. `length` 0: each message says it. */
INLINE int received(void *ctx, struct file *file, int fd, u64 buffer, u64 length, u64 address, u64 messages, u32 count)
{
    struct socket *socket = 0;
    struct sock *sk = 0;
    struct pending *to;
    u16 port;

    if (!file)
        return 0;
    GET(socket, file->private_data);
    GET(sk, socket->sk);
    port = peer_port(sk);                               /* of another family than the internet's: whatever is there */
    if (port ? port != DNS_PORT : !address && !messages)
        return 0;
    to = about(file, fd, ROAR_ANSWER, buffer, length);
    if (!to)
        return 0;
    to->count = count;
    to->start = address;
    to->vector = messages;
    tails.call(ctx, TAIL_ANSWER);
    return 0;
}

int on_recvfrom(struct sys_exit *ctx)
{
    if (!answers(ctx->ret) || !running())
        return 0;
    return received(ctx, file_of(ARG(0)), ARG(0), ARG(1), ctx->ret, ARG(4), 0, 1);
}

int on_recvmsg(struct sys_exit *ctx)
{
    if (!answers(ctx->ret) || !running())
        return 0;
    return received(ctx, file_of(ARG(0)), ARG(0), 0, ctx->ret, 0, ARG(1), 1);
}

int on_recvmmsg(struct sys_exit *ctx)
{
    if (ctx->ret <= 0 || !running())
        return 0;
    return received(ctx, file_of(ARG(0)), ARG(0), 0, 0, 0, ARG(1), ctx->ret > MESSAGES ? MESSAGES : ctx->ret);
}

/* include/uapi/linux/net.h: the one call of 32 bits for all of them. */
enum {
    CALL_CONNECT = 3, CALL_ACCEPT = 5, CALL_SEND = 9, CALL_RECV = 10, CALL_SENDTO = 11, CALL_RECVFROM = 12, CALL_SENDMSG = 16,
    CALL_RECVMSG = 17, CALL_ACCEPT4 = 18, CALL_RECVMMSG = 19, CALL_SENDMMSG = 20,
};

int on_socketcall(struct sys_exit *ctx)
{
    u32 args[6] = {}, call, number = 1;
    u64 buffer = 0, length = 0, address = 0, size = 0, messages = 0;

    if (!running())
        return 0;
    call = ARG(0);
    if (call == CALL_ACCEPT || call == CALL_ACCEPT4)
        return ctx->ret >= 0 ? accepted(ctx, file_of(ctx->ret), ctx->ret) : 0;
    if (bpf_probe_read_user(args, call == CALL_SENDTO || call == CALL_RECVFROM ? 24 : 12, (void *)ARG(1)))
        return 0;
    if (call == CALL_CONNECT)
        return connected(ctx, file_of(args[0]), args[0], ctx->ret);
    if (call == CALL_SENDMSG || call == CALL_RECVMSG || call == CALL_SENDMMSG || call == CALL_RECVMMSG)
        messages = args[1];
    else
        buffer = args[1];
    if (call == CALL_SENDMMSG || call == CALL_RECVMMSG)
        number = ctx->ret;
    if (call == CALL_SENDTO || call == CALL_RECVFROM) {
        address = args[4];
        size = args[5];
    }
    if (call == CALL_SEND || call == CALL_SENDTO || call == CALL_SENDMSG || call == CALL_SENDMMSG)
        return ctx->ret >= 0 ? sent(ctx, file_of(args[0]), args[0], address, size, messages, number, ctx->nr) : 0;
    if (call == CALL_RECVMMSG && ctx->ret > 0)
        number = number > MESSAGES ? MESSAGES : number;
    else if ((call == CALL_RECV || call == CALL_RECVFROM || call == CALL_RECVMSG) && answers(ctx->ret))
        length = ctx->ret;
    else
        return 0;
    return received(ctx, file_of(args[0]), args[0], buffer, length, address, messages, number);
}
