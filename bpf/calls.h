/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The shapes of calls that open, read and write by descriptor: a handler each, see table.py.
 */
int on_open(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    return member && ctx->ret >= 0 ? opened_file(ctx, member, file_of(ctx->ret), ctx->ret, ARG(1)) : 0;
}

int on_openat(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    return member && ctx->ret >= 0 ? opened_file(ctx, member, file_of(ctx->ret), ctx->ret, ARG(2)) : 0;
}

int on_creat(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    return member && ctx->ret >= 0 ? opened_file(ctx, member, file_of(ctx->ret), ctx->ret, O_TRUNC) : 0;
}

int on_openat2(struct sys_exit *ctx)
{
    struct roar_member *member = running();
    u64 flags = 0;                                      /* struct open_how begins with its flags */

    if (!member || ctx->ret < 0)
        return 0;
    bpf_probe_read_user(&flags, sizeof(flags), (void *)ARG(2));
    return opened_file(ctx, member, file_of(ctx->ret), ctx->ret, flags);
}

int on_read(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    if (!member || !took(ARG(0), ctx->ret))
        return 0;
    return read_at(ctx, member, ARG(0), ctx->ret, 0, 0, ARG(1), 0);
}

int on_pread(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    if (!member || !took(ARG(0), ctx->ret))
        return 0;
    return read_at(ctx, member, ARG(0), ctx->ret, 1, ARG(3), ARG(1), 0);
}

int on_readv(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    if (!member || !took(ARG(0), ctx->ret))
        return 0;
    return read_at(ctx, member, ARG(0), ctx->ret, 0, 0, 0, compat() ? 0 : ARG(1));
}

int on_preadv(struct sys_exit *ctx)
{
    struct roar_member *member = running();
    u64 start;

    if (!member || !took(ARG(0), ctx->ret))
        return 0;
    start = ARG(3);                                     /* -1: preadv2 as readv */
    return read_at(ctx, member, ARG(0), ctx->ret, start != ~0ull, start, 0, compat() ? 0 : ARG(1));
}

INLINE u64 size_of(struct file *file)
{
    struct inode *inode = 0;
    u64 size = 0;

    GET(inode, file->f_inode);
    GET(size, inode->i_size);
    return size;
}

/* What is appended leaves the old content where it is; the offset then is the end of that. */
INLINE void put_write(struct pending *to, struct file *file, int fd, s64 written, int appends)
{
    u32 flags = 0;

    GET(flags, file->f_flags);
    if (appends || flags & O_APPEND)
        put_at(to, file, fd, ROAR_WRITE, ROAR_WRITE, ROAR_F_APPENDED, size_of(file) - written, written);
    else
        put(to, file, fd, ROAR_WRITE, ROAR_WRITE, 0);
}

INLINE int send_write(void *ctx, struct file *file, int fd, s64 written, int appends)
{
    struct pending *to = waiting();

    if (!to)
        return 0;
    put_write(to, file, fd, written, appends);
    tails.call(ctx, TAIL_FIRST);
    return 0;
}

INLINE int wrote(struct sys_exit *ctx, struct roar_member *member, int appends)
{
    struct opened opened;
    struct seen *known;
    struct file *file = file_of(ARG(0));

    if (!look(&opened, member, file))
        return is_socket(&opened, file) ? sent(ctx, file, ARG(0), 0, 0, 0, 1, ctx->nr) : 0;
    known = seen.lookup(&opened.key);
    return known && known->mask & 1ull << ROAR_WRITE ? 0 : send_write(ctx, file, ARG(0), ctx->ret, appends);
}

INLINE int write_at(struct sys_exit *ctx, int appends)
{
    struct roar_member *member = running();

    if (!member || ctx->ret <= 0)
        return 0;
    u32 fd = ARG(0);
    if (fd == 2 || (fd == 1 && file_of(1) == file_of(2)))
        tails.call(ctx, TAIL_STDERR);                   /* which goes on as this one does */
    return wrote(ctx, member, appends);
}

#define RWF_APPEND 16                                   /* include/uapi/linux/fs.h */

int on_write(struct sys_exit *ctx) { return write_at(ctx, 0); }
int on_pwritev2(struct sys_exit *ctx) { return write_at(ctx, ARG(5) & RWF_APPEND); }

int on_resize(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    if (member && !ctx->ret)
        return access(ctx, member, ARG(0), ROAR_RESIZE);
    return 0;
}

INLINE int same_inode(struct file *a, struct file *b)
{
    struct inode *first = 0, *second = 0;

    if (!a || !b)
        return 0;
    GET(first, a->f_inode);
    GET(second, b->f_inode);
    return first == second;
}

/* What was copied in the kernel travels through no buffer, but it can be told what it was: the same as the copy. */
INLINE int put_copy(struct pending *todo, struct file *from, struct file *to, int to_fd, u64 copied)
{
    struct roar_file source;
    struct inode *inode = 0;

    if (!from || !to || same_inode(from, to) || size_of(to) != copied)
        return 0;
    GET(inode, from->f_inode);
    fill_file(&source, inode);
    if (source.size != copied || (source.mode & S_IFMT) != S_IFREG)
        return 0;
    put_at(todo, to, to_fd, ROAR_COPY, ROAR_COPY, 0, source.ino, (u64)source.dev << 32 | source.generation);
    return 1;
}

INLINE int moved_files(void *ctx, struct roar_member *member, struct file *from, int from_fd, struct file *to, int to_fd,
                       u64 copied)
{
    struct pending *todo = waiting();

    if (!todo)
        return 0;
    if (fresh(member, from, ROAR_READ))
        put(todo, from, from_fd, ROAR_READ, ROAR_READ, same_inode(from, to) ? ROAR_F_AFTER : 0);
    if (!put_copy(todo, from, to, to_fd, copied) && fresh(member, to, ROAR_WRITE))
        put(todo, to, to_fd, ROAR_WRITE, ROAR_WRITE, 0);
    if (todo->count)
        tails.call(ctx, TAIL_FIRST);
    return 0;
}

INLINE int moved(struct sys_exit *ctx, int from, int to)
{
    struct roar_member *member = running();

    if (!member || ctx->ret <= 0)
        return 0;
    return moved_files(ctx, member, file_of(from), from, file_of(to), to, ctx->ret);
}

int on_sendfile(struct sys_exit *ctx) { return moved(ctx, ARG(1), ARG(0)); }
int on_copy_range(struct sys_exit *ctx) { return moved(ctx, ARG(0), ARG(2)); }
int on_tee(struct sys_exit *ctx) { return moved(ctx, ARG(0), ARG(1)); }

/* Pages into a pipe. */
int on_vmsplice(struct sys_exit *ctx)
{
    struct roar_member *member = running();
    struct file *file;
    u32 mode = 0;

    if (!member || ctx->ret <= 0)
        return 0;
    file = file_of(ARG(0));
    if (!file)
        return 0;
    GET(mode, file->f_mode);
    if (mode & FMODE_WRITE)
        return access_file(ctx, member, file, ARG(0), ROAR_WRITE);
    else
        return access_file(ctx, member, file, ARG(0), ROAR_READ);
}

#define FICLONE 0x40049409                              /* include/uapi/linux/fs.h */
#define FICLONERANGE 0x4020940d
#define XFS_IOC_EXCHANGE_RANGE 0x40285881               /* fs/xfs/libxfs/xfs_fs.h */

/* FS_IOC_UNRESVSP, FS_IOC_UNRESVSP64, FS_IOC_ZERO_RANGE of include/linux/falloc.h, whose argument is shorter in calls of 32
 * bits. FS_IOC_RESVSP changes no content. */
INLINE int zeroes(u32 command)
{
    command &= ~0x3fff0000;
    return command == 0x40005829 || command == 0x4000582b || command == 0x40005839;
}

int on_ioctl(struct sys_exit *ctx)
{
    u32 command = ARG(1);
    struct roar_member *member;
    s64 source = 0;

    if (command != FICLONE && command != FICLONERANGE && command != XFS_IOC_EXCHANGE_RANGE && !zeroes(command))
        return 0;
    member = running();
    if (!member || ctx->ret)
        return 0;
    if (zeroes(command))
        return access(ctx, member, ARG(0), ROAR_RESIZE);
    if (command == XFS_IOC_EXCHANGE_RANGE)
        return blind(member, ctx->nr);
    source = ARG(2);
    if (command == FICLONERANGE && bpf_probe_read_user(&source, sizeof(source), (void *)ARG(2)))
        return blind(member, ctx->nr);
    struct file *from = file_of(source);
    return from ? moved_files(ctx, member, from, source, file_of(ARG(0)), ARG(0), size_of(from)) : 0;
}

/* Before the call, since after it there is no file: the end of one version of what this step wrote. The kind is
 * forgotten then, so that writing again is a new version. */
int on_close(struct sys_enter *ctx)
{
    struct roar_member *member = running();
    struct opened opened;
    struct file *file;

    if (!member)
        return 0;
    file = file_of(ctx->args[0]);
    if (!look(&opened, member, file) || !(opened.file.f_mode & FMODE_WRITE))
        return 0;
    struct seen *known = seen.lookup(&opened.key);
    u64 changes = 1ull << ROAR_WRITE | 1ull << ROAR_COPY | 1ull << ROAR_RESIZE;
    if (!known || !(known->mask & changes))
        return 0;
    known->mask &= ~changes;
    return send_one(ctx, file, ctx->args[0], ROAR_CLOSE, ROAR_CLOSE, 0);
}

/* libaio: what was submitted is counted as done; a request that is refused is not in the result. */
#define AIO_LOOK 32
struct aio_request {                                    /* include/uapi/linux/aio_abi.h: struct iocb */
    u64 data;
    u32 key, flags;
    u16 opcode;
    s16 priority;
    u32 fd;
    u64 buffer, length;
    u64 offset;
};
enum { AIO_PREAD = 0, AIO_PWRITE = 1, AIO_PREADV = 7, AIO_PWRITEV = 8 };

/* Reading there gives nothing. */
INLINE int ends_before(struct file *file, u64 offset)
{
    u64 size = size_of(file);

    return size && offset >= size;
}

int on_aio(struct sys_exit *ctx)
{
    struct roar_member *member = running();
    struct pending *todo;
    u64 *list;

    if (!member || ctx->ret <= 0)
        return 0;
    todo = waiting();
    if (!todo)
        return 0;
    list = (u64 *)ARG(2);
    for (int i = 0; i < AIO_LOOK && i < ctx->ret; i++) {
        struct aio_request request = {};
        u64 at = 0;
        int reads, writes;

        if (bpf_probe_read_user(&at, sizeof(at), &list[i]) || bpf_probe_read_user(&request, sizeof(request), (void *)at))
            return blind(member, ctx->nr);
        reads = request.opcode == AIO_PREAD || request.opcode == AIO_PREADV;
        writes = request.opcode == AIO_PWRITE || request.opcode == AIO_PWRITEV;
        if (!reads && !writes)
            continue;
        struct file *file = file_of(request.fd);
        if (!file || !request.length || (reads && ends_before(file, request.offset)))
            continue;
        if (writes)
            put_write(todo, file, request.fd, request.length, request.flags & RWF_APPEND);
        else
            put(todo, file, request.fd, ROAR_READ, ROAR_READ, 0);
    }
    if (ctx->ret > AIO_LOOK || todo->count > ROAR_PENDING || compat())
        return blind(member, ctx->nr);
    if (todo->count)
        tails.call(ctx, TAIL_FIRST);
    return 0;
}

/* ---- calls of 32 bits, while a job has a program that makes them ---- */

/* On raw_syscalls:sys_exit, whose record looks like those of the calls themselves. */
int on_compat(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    if (member && compat())
        compat_calls.call(ctx, ctx->nr & 511);
    return 0;
}
