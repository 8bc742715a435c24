/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * io_uring: what was asked for is done by whoever comes to it, and told by a completion. Its file is known then. Names must
 * be read when they are submitted, since they are gone at the end: they are sent at once, and their result follows.
 *
 * A request may ask for no completion unless it fails (IOSQE_CQE_SKIP_SUCCESS). Of such a one the file is known when it is
 * looked up (io_uring_file_get), or, where it is a registered one, when it is submitted; but not in a chain, in which the
 * request before may have put another file there.
 */
#ifdef HAS_URING
struct uring_event { u64 common; u64 ring; struct io_kiocb *request; u64 user_data; s32 value; };  /* tracefs: io_uring */

#define REQ_F_FIXED_FILE 1                              /* include/linux/io_uring_types.h */
#define REQ_F_CQE_SKIP (1 << 6)
#define SLOT_ANY (~0u)
#define URING_CALL 425

/* include/uapi/linux/io_uring.h: enum io_uring_op */
enum {
    OP_READV = 1, OP_WRITEV = 2, OP_READ_FIXED = 4, OP_WRITE_FIXED = 5, OP_SENDMSG = 9, OP_ACCEPT = 13, OP_CONNECT = 16,
    OP_FALLOCATE = 17, OP_OPENAT = 18, OP_READ = 22, OP_WRITE = 23, OP_MADVISE = 25, OP_SEND = 26, OP_OPENAT2 = 28,
    OP_SPLICE = 30,
    OP_TEE = 33, OP_RENAMEAT = 35, OP_UNLINKAT = 36, OP_SYMLINKAT = 38, OP_LINKAT = 39, OP_SEND_ZC = 47,
    OP_SENDMSG_ZC = 48, OP_READ_MULTISHOT = 49, OP_FTRUNCATE = 55, OP_READV_FIXED = 60, OP_WRITEV_FIXED = 61,
};

/* What a request does to its file; 0: nothing that concerns us, or more than this can say. */
INLINE u32 kind_of(u8 operation)
{
    switch (operation) {
    case OP_READV: case OP_READ: case OP_READ_FIXED: case OP_READV_FIXED: case OP_READ_MULTISHOT:
        return ROAR_READ;
    case OP_WRITEV: case OP_WRITE: case OP_WRITE_FIXED: case OP_WRITEV_FIXED:
        return ROAR_WRITE;
    case OP_FALLOCATE: case OP_FTRUNCATE:
        return ROAR_RESIZE;
    default:
        return 0;
    }
}

/* A file that was registered with the ring. */
INLINE struct file *registered_in(struct io_ring_ctx *ring, u32 slot)
{
    u64 *slots = 0;
    u64 entry = 0;
    u32 count = 0;

#ifdef HAS_io_ring_ctx_registered_nodes
    GET(count, ring->registered_count);
    GET(slots, ring->registered_nodes);
#else
    GET(count, ring->registered_files_count);
    GET(slots, ring->registered_files);
#endif
    if (slot >= count)
        return 0;
    GET(entry, slots[slot]);
#ifdef HAS_io_ring_ctx_registered_nodes
    struct io_rsrc_node *node = (void *)entry;

    entry = 0;
    if (node)
        GET(entry, node->file_ptr);
#endif
    return (struct file *)(entry & ~7ull);
}

INLINE struct file *registered(struct io_kiocb *request, u32 slot)
{
    struct io_ring_ctx *ring = 0;

    GET(ring, request->ctx);
    return registered_in(ring, slot);
}

/* Sends the names of a request that is submitted; its token tells which the result is of. */
INLINE int uring_names(void *ctx, struct io_kiocb *request, u8 operation, u32 flags)
{
    struct filename *first = 0, *second = 0;
    struct pending *to = waiting();

    if (!to)
        return 0;
    to->directory[0] = to->directory[1] = AT_FDCWD;
    to->call_flags = 0;
    if (operation == OP_RENAMEAT) {
        struct io_rename *asked = (void *)request;

        to->kind = ROAR_RENAME;
        GET(to->directory[0], asked->old_dfd);
        GET(to->directory[1], asked->new_dfd);
        GET(to->call_flags, asked->flags);
        GET(first, asked->oldpath);
        GET(second, asked->newpath);
    } else if (operation == OP_UNLINKAT) {
        struct io_unlink *asked = (void *)request;

        to->kind = ROAR_UNLINK;
        GET(to->directory[0], asked->dfd);
        GET(to->call_flags, asked->flags);
        GET(first, asked->filename);
    } else {
        struct io_link *asked = (void *)request;

        to->kind = operation == OP_LINKAT ? ROAR_LINK : ROAR_SYMLINK;
        if (operation == OP_LINKAT) {
            GET(to->directory[0], asked->old_dfd);
            GET(to->call_flags, asked->flags);
        }
        GET(to->directory[1], asked->new_dfd);
        GET(first, asked->oldpath);
        GET(second, asked->newpath);
    }
    to->name[0] = to->name[1] = 0;
    if (first)
        GET(to->name[0], first->name);
    if (second)
        GET(to->name[1], second->name);
    to->descriptor = to->kind == ROAR_LINK && to->call_flags & AT_EMPTY_PATH ? to->directory[0] : -1;
    to->token = (u64)request;
    to->kernel = 1;
    to->flags = flags & REQ_F_CQE_SKIP ? ROAR_F_PROMISED : 0;
    tails.call(ctx, TAIL_NAMES);
    return 0;
}

INLINE int by_name(u8 operation)
{
    return operation == OP_RENAMEAT || operation == OP_UNLINKAT || operation == OP_SYMLINKAT || operation == OP_LINKAT;
}

/* Of a datagram's address nothing is left at the end: it is the socket's peer, or it is not known. */
INLINE int uring_sent(void *ctx, struct roar_member *member, struct file *file, u8 operation)
{
    struct sock *sk = socket_of(file);

    if (!sk || !connectionless(sk))
        return 0;
    if (operation == OP_SENDMSG || operation == OP_SENDMSG_ZC || !peer_port(sk))
        return blind(member, URING_CALL);
    return sent(ctx, file, -1, 0, 0, 0, 1, URING_CALL);
}

/* Nothing tells of it when it is done: no completion, or some that do not say which request they are of. */
INLINE int untold(u8 operation, u32 flags)
{
    return flags & REQ_F_CQE_SKIP || operation == OP_READ_MULTISHOT;
}

/* One that goes on accepting completes without its request: it is known by what it was named then. */
INLINE int uring_accepting(struct roar_member *member, struct uring_event *ctx)
{
    struct accepting key = { .ring = ctx->ring, .user_data = ctx->user_data };
    struct io_accept *asked = (void *)ctx->request;
    u32 slot = 0;

    GET(slot, asked->file_slot);
    return accepting.update(&key, &slot) ? blind(member, URING_CALL) : 0;
}

int on_uring_submit(struct uring_event *ctx)
{
    struct roar_member *member = running();
    struct io_kiocb *request = ctx->request;
    struct io_ring_ctx *ring = 0;
    void *chain = 0;
    u8 operation = 0;
    u32 flags = 0;
    s32 fd = -1;

    if (!member)
        return 0;
    GET(operation, request->opcode);
    GET(flags, request->flags);
    if (by_name(operation))
        return uring_names(ctx, request, operation, flags);
    if (!untold(operation, flags))
        return operation == OP_ACCEPT ? uring_accepting(member, ctx) : 0;
    if (operation == OP_OPENAT || operation == OP_OPENAT2 || operation == OP_SPLICE || operation == OP_TEE ||
        operation == OP_CONNECT || operation == OP_ACCEPT || operation == OP_MADVISE)
        return blind(member, URING_CALL);
    u32 kind = kind_of(operation);
    if (!kind || !(flags & REQ_F_FIXED_FILE))
        return 0;
    GET(ring, request->ctx);
    GET(chain, ring->submit_state_link_head);
    GET(fd, request->cqe_fd);
    struct file *file = chain ? 0 : registered(request, fd);
    if (!file)
        return blind(member, URING_CALL);
    return access_file(ctx, member, file, -1, kind);
}

int on_uring_file(struct uring_event *ctx)
{
    struct roar_member *member = running();
    u8 operation = 0;
    u32 flags = 0;

    if (!member)
        return 0;
    GET(flags, ctx->request->flags);
    GET(operation, ctx->request->opcode);
    if (!untold(operation, flags))
        return 0;
    u32 kind = kind_of(operation);
    return kind ? access(ctx, member, ctx->value, kind) : 0;
}

INLINE int uring_opened(void *ctx, struct roar_member *member, struct io_kiocb *request, s32 result)
{
    struct io_open *asked = (void *)request;
    u64 call_flags = 0;
    u32 slot = 0;

    GET(slot, asked->file_slot);
    GET(call_flags, asked->how_flags);
    if (!slot)
        return opened_file(ctx, member, file_of(result), result, call_flags);
    return opened_file(ctx, member, registered(request, slot == SLOT_ANY ? result : slot - 1), -1, call_flags);
}

INLINE int uring_accepted(struct uring_event *ctx)
{
    struct accepting key = { .ring = ctx->ring, .user_data = ctx->user_data };
    u32 *known = accepting.lookup(&key), slot;
    s32 result = ctx->value;

    if (!known)
        return 0;
    slot = *known;
    if (ctx->request)
        accepting.delete(&key);
    if (result < 0)
        return 0;
    if (!slot)
        return accepted(ctx, file_of(result), result);
    return accepted(ctx, registered_in((void *)ctx->ring, slot == SLOT_ANY ? result : slot - 1), -1);
}

/* What was asked for is known no more; that it may have changed a file is said. */
INLINE int uring_advised(struct roar_member *member, struct io_kiocb *request)
{
    struct io_madvise *asked = (void *)request;
    u32 advice = 0;

    GET(advice, asked->advice);
    return advice == MADV_REMOVE ? blind(member, URING_CALL) : 0;
}

/* From and to; one of the two is a pipe. The end that is read from has a descriptor, or a slot where that is asked for. */
INLINE int uring_spliced(void *ctx, struct roar_member *member, struct io_kiocb *request, s32 result)
{
    struct io_splice *asked = (void *)request;
    struct file *to = 0;
    s32 fd = -1;
    u32 flags = 0;

    GET(to, asked->file_out);
    GET(fd, asked->splice_fd_in);
    GET(flags, asked->flags);
    return moved_files(ctx, member, flags & 1u << 31 ? registered(request, fd) : file_of(fd), fd, to, -1, result);
}

INLINE int uring_result(struct roar_member *member, struct io_kiocb *request, s32 result)
{
    struct roar_names *event = record();

    if (!event)
        return 0;
    begin_names(event, member, ROAR_RESULT, -1);
    event->token = (u64)request;
    event->call_flags = result;
    send_access(member->job, event, sizeof(*event), 0);
    return 0;
}

int on_uring_complete(struct uring_event *ctx)
{
    struct io_kiocb *request = ctx->request;
    struct roar_member *member = running();
    struct file *file = 0;
    u8 operation = 0;
    s32 result = ctx->value;

    if (!member)
        return 0;
    if (!request)
        return uring_accepted(ctx);
    GET(operation, request->opcode);
    if (operation == OP_ACCEPT)
        return uring_accepted(ctx);
    if (by_name(operation))
        return uring_result(member, request, result);
    if (result < 0)
        return 0;
    if (operation == OP_OPENAT || operation == OP_OPENAT2)
        return uring_opened(ctx, member, request, result);
    if (operation == OP_SPLICE || operation == OP_TEE)
        return result ? uring_spliced(ctx, member, request, result) : 0;
    GET(file, request->file);
    if (operation == OP_CONNECT)
        return connected(ctx, file, -1, result);
    if (operation == OP_MADVISE)
        return uring_advised(member, request);
    if (operation == OP_SEND || operation == OP_SENDMSG || operation == OP_SEND_ZC || operation == OP_SENDMSG_ZC)
        return uring_sent(ctx, member, file, operation);
    u32 kind = kind_of(operation);
    if (!kind)
        return 0;
    if (kind == ROAR_READ ? !took_file(file, result) : kind == ROAR_WRITE && !result)
        return 0;
    if (kind != ROAR_WRITE)
        return access_file(ctx, member, file, -1, kind);
    return fresh(member, file, kind) ? send_write(ctx, file, -1, result, 0) : 0;
}
#endif
