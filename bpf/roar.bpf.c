/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The probes of roar. Read from the bottom: each handler there is one shape of system call, and roard/probe/table.py
 * says which calls have that shape. A handler runs when the call returns (its arguments are still in the registers),
 * so it sees what happened, not what was asked for. bcc compiles this against layouts from the running kernel's BTF.
 */
#include "roar.h"

struct sys_exit { u64 common; s64 nr; s64 ret; };         /* tracefs: events/syscalls/sys_exit_*\/format */
struct sys_enter { u64 common; s64 nr; u64 args[6]; };

struct seen_key { u64 step; u64 dentry; u64 ino; u32 generation; u32 pad; };
struct seen { u64 mask; u64 next; };                      /* kinds sent; the offset up to which content was carried */

/* What a handler hands to the long programs below it, which it enters by a tail call: handlers stay short, and the long
 * code (walks of paths) is in the kernel, and goes through its verifier, once. */
struct pending {
    u32 count, done;
    struct { s32 fd; u32 kind; u32 bit; u32 flags; } what[2];
    u64 carry, start, length, from;
    u32 kind, call_flags;
    s32 directory[2];
    const char *name[2];
};
enum { TAIL_FIRST, TAIL_CARRY, TAIL_NAMES };                /* roard/probe/table.py: TAILS */

struct scratch { u8 bytes[32768]; };                    /* the most that a per-CPU value may have */

BPF_HASH(members, u32, struct roar_member, ROAR_MEMBERS);
BPF_HASH(counts, u64, struct roar_counts, ROAR_JOBS);
BPF_TABLE("lru_hash", struct seen_key, struct seen, seen, ROAR_SEEN);
BPF_PERCPU_ARRAY(scratch, struct scratch, 1);
BPF_PERCPU_ARRAY(pending, struct pending, 1);
BPF_PROG_ARRAY(tails, 4);
BPF_RINGBUF_OUTPUT(accesses, ROAR_ACCESS_PAGES);
BPF_RINGBUF_OUTPUT(contents, ROAR_CONTENT_PAGES);       /* a ring of its own: bytes cannot crowd out accesses */
BPF_RINGBUF_OUTPUT(processes, ROAR_PROCESS_PAGES);

#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFCHR 0020000
#define S_IFBLK 0060000
#define FMODE_WRITE 2
#define FMODE_PATH (1 << 14)
#define FMODE_CREATED (1 << 20)
#define O_TRUNC 01000
#define AT_FDCWD -100
#define PROT_WRITE 2
#define MAP_TYPE 15
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 32
#define SIGNAL_GROUP_EXIT 4

#define GET(to, from) bpf_probe_read_kernel(&(to), sizeof(to), &(from))
#define INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__)
#define ARG0 di
#define ARG1 si
#define ARG2 dx
#define ARG3 r10
#define ARG4 r8
/* An argument of the call that is returning: exit probes are enough, no map carries anything from enter to exit. */
#define ARG(n) (((struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf()))->ARG##n)
#else
#error "roar knows the system call registers of x86_64 only"
#endif

/* clang 14 forgets a bound that it proved and 6.1's verifier then refuses: mask where the compiler cannot see. */
INLINE u32 clamp(u32 value, const u32 mask)
{
    asm volatile("%0 &= %1" : "+r"(value) : "i"(mask));
    return value;
}

/* A length read back from the record is just a number to the verifier; one still in a register carries the history of
 * the loop that made it, and every way through that loop is then followed to the end of the program. */
#define FORGET(length) (*(volatile u32 *)&(length))

INLINE struct roar_member *me(void)
{
    u32 tgid = bpf_get_current_pid_tgid() >> 32;

    return members.lookup(&tgid);
}

/* The caller's membership, once its own program runs: what roar does before the exec is not the job's. */
INLINE struct roar_member *running(void)
{
    struct roar_member *member = me();

    return member && member->step ? member : 0;
}

INLINE void *record(void)
{
    int zero = 0;

    return scratch.lookup(&zero);
}

INLINE void fill_head(struct roar_head *head, struct roar_member *member, u32 kind, int fd)
{
    head->kind = kind;
    head->flags = 0;
    head->job = member->job;
    head->step = member->step;
    head->time = bpf_ktime_get_boot_ns();
    head->tgid = bpf_get_current_pid_tgid() >> 32;
    head->fd = fd;
}

/* A wake-up is dear, and in the way of the process watched. The reader looks by itself every few milliseconds, so it is
 * woken for what is wanted at once, and for each batch (a power of two) of a job's records. */
INLINE u64 wake(u64 sent, u64 batch, int urgent)
{
    return urgent || (sent & (batch - 1)) == batch - 1 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* 0 if the record is in the ring. */
INLINE int send_access(u64 job, void *data, u32 size, int urgent)
{
    struct roar_counts *count = counts.lookup(&job);
    int failed;

    if (!count)
        return -1;
    failed = accesses.ringbuf_output(data, size, wake(count->accesses, ROAR_BATCH, urgent));
    __sync_fetch_and_add(failed ? &count->lost_accesses : &count->accesses, 1);
    return failed;
}

/* Content that does not fit is not lost: the file is hashed where it lies. */
INLINE int send_content(u64 job, void *data, u32 size)
{
    struct roar_counts *count = counts.lookup(&job);

    if (!count)
        return -1;
    __sync_fetch_and_add(&count->contents, 1);
    return contents.ringbuf_output(data, size, wake(count->contents, ROAR_CONTENT_BATCH, 0));
}

INLINE void send_process(u64 job, void *data, u32 size)
{
    struct roar_counts *count = counts.lookup(&job);
    int failed;

    if (!count)
        return;
    failed = processes.ringbuf_output(data, size, wake(count->processes, ROAR_BATCH, 0));
    __sync_fetch_and_add(failed ? &count->lost_processes : &count->processes, 1);
}

/* ---- files ---- */

/* Pointers that come from bpf_get_current_task_btf() are followed by plain loads, which the verifier checks against BTF
 * and the kernel makes safe; an element of an array of pointers is just a number to it, and from there on GET must do. */
INLINE struct file *file_of(int fd)
{
    struct task_struct *task = (void *)bpf_get_current_task_btf();
    struct files_struct *files = task->files;
    struct fdtable *table;
    struct file **slots, *file = 0;

    if (!files)
        return 0;
    table = files->fdt;
    if ((u32)fd >= table->max_fds)
        return 0;
    slots = table->fd;
    GET(file, slots[fd]);
    return file;
}

INLINE void fill_file(struct roar_file *to, struct inode *inode)
{
    struct super_block *sb = 0;
    u64 magic = 0;
    u16 mode = 0;

    GET(sb, inode->i_sb);
    GET(to->ino, inode->i_ino);
    GET(to->size, inode->i_size);
    GET(to->generation, inode->i_generation);
    GET(mode, inode->i_mode);
    GET(to->dev, sb->s_dev);
    GET(magic, sb->s_magic);
    to->magic = magic;
    to->mode = mode;
    u64 seconds = 0;
    u32 nanoseconds = 0;

    GET(seconds, inode->mtime_sec);
    GET(nanoseconds, inode->mtime_nsec);
    to->mtime = seconds * 1000000000ull + nanoseconds;
    GET(seconds, inode->ctime_sec);
    GET(nanoseconds, inode->ctime_nsec);
    to->ctime = seconds * 1000000000ull + (nanoseconds & 0x7fffffff);   /* 6.13's top bit: somebody asked for it */
}

/* Writes a path's components, leaf first, to `out`, which has room for ROAR_PATH_MAX and one name; `*length`, in the
 * record, says how many bytes. The walk takes no locks, so a rename beside it can tear it: user space confirms by device
 * and inode. The length is kept in memory all along: see FORGET. */
INLINE u32 walk(char *out, volatile u32 *length, struct dentry *dentry, struct vfsmount *vfsmount)
{
    *length = 0;
    for (int i = 0; i < ROAR_COMPONENTS; i++) {
        struct dentry *root = 0, *parent = 0;
        const unsigned char *name = 0;
        u32 at = *length;

        GET(root, vfsmount->mnt_root);
        if (dentry == root) {
            struct mount *mount = (void *)vfsmount - offsetof(struct mount, mnt), *above = 0;
            void *namespace = 0;

            GET(above, mount->mnt_parent);
            GET(namespace, mount->mnt_ns);
            if (above == mount || !above)
                return namespace ? 0 : ROAR_F_DETACHED;
            GET(dentry, mount->mnt_mountpoint);
            vfsmount = (void *)above + offsetof(struct mount, mnt);
            continue;
        }
        GET(parent, dentry->d_parent);
        GET(name, dentry->d_name_name);
        if (at > ROAR_PATH_MAX - ROAR_NAME_MAX)
            return ROAR_F_CUT;
        at = clamp(at, ROAR_PATH_MAX - 1);
        int written = bpf_probe_read_kernel_str(out + at, ROAR_NAME_MAX, name);
        if (written <= 0)
            return ROAR_F_CUT;
        *length = at + written;
        if (parent == dentry)
            return ROAR_F_DETACHED;
        dentry = parent;
    }
    return ROAR_F_CUT;
}

INLINE u32 walk_file(char *out, volatile u32 *length, struct file *file)
{
    struct dentry *dentry = 0;
    struct vfsmount *vfsmount = 0;
    void *hashed = 0;

    GET(dentry, file->f_path_dentry);
    GET(vfsmount, file->f_path_mnt);
    GET(hashed, dentry->d_hash_pprev);
    return walk(out, length, dentry, vfsmount) | ROAR_F_PATH | (hashed ? 0 : ROAR_F_UNLINKED);
}

/* An open file, by the parts that are asked for each time, read in one go. */
struct opened {
    struct file_head file;
    struct inode_head inode;
    struct seen_key key;
};

/* What is behind a descriptor, and the key of what this step did to it: the file's identity, and the dentry, because a
 * file may be reached by several names. 0 for what is no file (pipes, sockets, directories). */
INLINE int look(struct opened *to, struct roar_member *member, int fd)
{
    struct file *file = file_of(fd);
    u16 type;

    if (!file)
        return 0;
    GET(to->file, *(struct file_head *)file);
    GET(to->inode, *(struct inode_head *)to->file.f_inode);
    type = to->inode.i_mode & S_IFMT;
    if (type != S_IFREG && type != S_IFCHR && type != S_IFBLK)
        return 0;
    if (type != S_IFREG)
        to->inode.i_size = ~0ull;                       /* a device is never carried */
    to->key.step = member->step;
    to->key.dentry = (u64)to->file.f_path_dentry;
    to->key.ino = to->inode.i_ino;
    to->key.pad = 0;
    GET(to->key.generation, to->file.f_inode->i_generation);
    return 1;
}

INLINE struct pending *waiting(void)
{
    int zero = 0;
    struct pending *to = pending.lookup(&zero);

    if (to)
        to->count = to->done = to->carry = 0;
    return to;
}

INLINE void put(struct pending *to, int fd, u32 kind, u32 bit, u32 flags)
{
    u32 at = to->count & 1;

    to->what[at].fd = fd;
    to->what[at].kind = kind;
    to->what[at].bit = bit;
    to->what[at].flags = flags;
    to->count++;
}

/* Is this the first access of its kind by this step? */
INLINE int fresh(struct roar_member *member, int fd, u32 bit)
{
    struct opened opened;
    struct seen *known;

    if (!look(&opened, member, fd))
        return 0;
    known = seen.lookup(&opened.key);
    return !known || !(known->mask & 1ull << bit);
}

INLINE int one(void *ctx, struct roar_member *member, int fd, u32 kind, u32 bit, u32 flags)
{
    struct pending *to;

    if (!fresh(member, fd, bit) || !(to = waiting()))
        return 0;
    put(to, fd, kind, bit, flags);
    tails.call(ctx, TAIL_FIRST);
    return 0;
}

/* Sends what `pending` names: the first access of a kind by a step to a file. */
int on_first(void *ctx)
{
    struct roar_member *member = running();
    struct roar_access *event = record();
    struct opened opened;
    int zero = 0;
    struct pending *todo = pending.lookup(&zero);

    if (!member || !event || !todo)
        return 0;
    u32 at = todo->done++ & 1;
    u32 flags = todo->what[at].flags;
    u64 bit = 1ull << (todo->what[at].bit & 63);
    if (!look(&opened, member, todo->what[at].fd))
        return 0;
    struct seen *known = seen.lookup(&opened.key);
    fill_head(&event->head, member, todo->what[at].kind, todo->what[at].fd);
    fill_file(&event->file, opened.file.f_inode);
    event->f_mode = opened.file.f_mode;
    event->f_flags = opened.file.f_flags;
    event->offset = 0;
    event->bytes_len = 0;
    event->path_len = 0;
    if (!known)                                         /* the first thing that this step does with it: say where it is */
        flags |= walk_file((char *)(event + 1), &event->path_len, file_of(todo->what[at].fd));
    event->head.flags = flags;
    u32 length = clamp(sizeof(*event) + FORGET(event->path_len), 8191);
    if (!send_access(member->job, event, length, event->file.size > ROAR_CARRY_MAX)) {
        struct seen news = { .mask = bit };             /* lost ones are not marked: the next one is sent */

        if (known)
            known->mask |= bit;
        else
            seen.update(&opened.key, &news);
    }
    if (todo->done < todo->count)
        tails.call(ctx, TAIL_FIRST);
    else if (todo->carry)
        tails.call(ctx, TAIL_CARRY);
    return 0;
}

/* A small file travels with the read of it, so that its hash is of what the process really got: whatever happens to
 * the file in the next microsecond, and without opening it again. From offset 0 on, in a row, each part once. */
int on_carry(void *ctx)
{
    struct roar_member *member = running();
    struct opened opened;
    int zero = 0;
    struct pending *todo = pending.lookup(&zero);

    if (!member || !todo)
        return 0;
    int fd = todo->what[0].fd;
    u64 length = todo->length;
    if (!look(&opened, member, fd))
        return 0;
    struct seen *known = seen.lookup(&opened.key);
    if (!known)
        return 0;
    if (length < ROAR_CARRY_MIN && todo->start + length < opened.inode.i_size) {
        known->next = ~0ull;
        return 0;
    }
    known->next = todo->start + length;
    for (int i = 0; i < ROAR_PIECES; i++) {
        u64 done = i * ROAR_PIECE;
        struct roar_access *event = record();

        if (done >= length || !event)
            return 0;
        fill_head(&event->head, member, ROAR_BYTES, fd);
        fill_file(&event->file, opened.file.f_inode);
        event->offset = todo->start + done;
        event->f_mode = event->f_flags = event->path_len = 0;
        u32 piece = length - done > ROAR_PIECE ? ROAR_PIECE : length - done;
        piece = clamp(piece, ROAR_PIECE);
        event->bytes_len = piece;
        if (bpf_probe_read_user(event + 1, piece, (void *)todo->from + done))
            return 0;
        if (send_content(member->job, event, clamp(sizeof(*event) + piece, 32767))) {
            known->next = ~0ull;
            return 0;
        }
    }
    return 0;
}

INLINE int access(void *ctx, struct roar_member *member, int fd, u32 kind)
{
    return one(ctx, member, fd, kind, kind, 0);
}

/* A read from `start` on: where it is, if it is the first, and its bytes, if it goes on from what was carried. */
INLINE int read_at(void *ctx, struct roar_member *member, int fd, s64 ret, int positioned, u64 start, u64 buffer)
{
    struct opened opened;
    struct seen *known;
    struct pending *to;

    if (!look(&opened, member, fd))
        return 0;
    known = seen.lookup(&opened.key);
    int first = !known || !(known->mask & 1ull << ROAR_READ);
    int carries = 0;
    if (ret > 0 && opened.inode.i_size <= ROAR_CARRY_MAX) {
        if (!positioned)
            start = opened.file.f_pos - ret;
        carries = start == (known ? known->next : 0);
    }
    if (!first && !carries)
        return 0;
    to = waiting();
    if (!to)
        return 0;
    put(to, fd, ROAR_READ, ROAR_READ, 0);
    to->carry = carries;
    to->start = start;
    to->length = ret;
    to->from = buffer;
    if (first)
        tails.call(ctx, TAIL_FIRST);
    else
        tails.call(ctx, TAIL_CARRY);
    return 0;
}

/* Did the call take content? To learn that a file is empty is to take it. */
INLINE int took(int fd, s64 ret)
{
    struct file *file;
    struct inode *inode = 0;
    u64 size = 1;

    if (ret)
        return ret > 0;
    file = file_of(fd);
    if (!file)
        return 0;
    GET(inode, file->f_inode);
    GET(size, inode->i_size);
    return !size;
}

INLINE int open_done(struct sys_exit *ctx, u64 call_flags)
{
    struct roar_member *member = running();
    struct file *file;
    u32 mode = 0, flags = 0;

    if (!member || ctx->ret < 0)
        return 0;
    file = file_of(ctx->ret);
    if (!file)
        return 0;
    GET(mode, file->f_mode);
    if (mode & FMODE_PATH)
        return 0;
    if (mode & FMODE_CREATED)
        flags |= ROAR_F_CREATED;
    if (call_flags & O_TRUNC)
        flags |= ROAR_F_TRUNCATED;
    /* bits 48 to 55: each way of opening is worth a record of its own */
    u32 bit = 48 + (mode & FMODE_WRITE ? 1 : 0) + (mode & FMODE_CREATED ? 2 : 0) + (call_flags & O_TRUNC ? 4 : 0);
    return one(ctx, member, ctx->ret, ROAR_OPEN, bit, flags);
}

/* ---- names ---- */

INLINE u32 put_directory(char *out, volatile u32 *length, int dirfd, char first)
{
    struct task_struct *task = (void *)bpf_get_current_task();
    struct fs_struct *fs = 0;
    struct dentry *dentry = 0;
    struct vfsmount *vfsmount = 0;
    struct file *file;

    GET(fs, task->fs);
    if (first == '/') {
        GET(dentry, fs->root_dentry);
        GET(vfsmount, fs->root_mnt);
    } else if (dirfd == AT_FDCWD) {
        GET(dentry, fs->pwd_dentry);
        GET(vfsmount, fs->pwd_mnt);
    } else {
        file = file_of(dirfd);
        if (!file)
            return ROAR_F_UNREADABLE;
        GET(dentry, file->f_path_dentry);
        GET(vfsmount, file->f_path_mnt);
    }
    return walk(out, length, dentry, vfsmount);
}

/* A name and the directory that it is relative to, at `at` bytes into the tail; returns where the next one goes. */
INLINE u32 put_name(struct roar_names *event, u32 at, int which, int dirfd, const char *name)
{
    char *tail = (char *)(event + 1);
    char first = 0;
    u32 flags = 0;
    long length;

    if (bpf_probe_read_user(&first, 1, name))
        flags |= ROAR_F_UNREADABLE;
    at = clamp(at, 16383);
    event->lens[which] = 0;
    flags |= put_directory(tail + at, &event->lens[which], dirfd, first);
    at = clamp(at + FORGET(event->lens[which]), 16383);
    length = bpf_probe_read_user_str(tail + at, ROAR_PATH_MAX, name);
    if (length <= 0) {
        flags |= ROAR_F_UNREADABLE;
        length = 0;
    }
    event->lens[which + 1] = length;
    event->head.flags |= flags;
    return at + FORGET(event->lens[which + 1]);
}

int on_names(void *ctx)
{
    struct roar_member *member = running();
    struct roar_names *event = record();
    int zero = 0;
    struct pending *todo = pending.lookup(&zero);
    u32 at;

    if (!member || !event || !todo)
        return 0;
    fill_head(&event->head, member, todo->kind, -1);
    event->call_flags = todo->call_flags;
    event->pad = 0;
    event->lens[2] = event->lens[3] = 0;
    at = put_name(event, 0, 0, todo->directory[0], todo->name[0]);
    if (todo->name[1])
        at = put_name(event, at, 2, todo->directory[1], todo->name[1]);
    send_access(member->job, event, clamp(sizeof(*event) + at, 32767), 0);
    return 0;
}

INLINE int named(struct sys_exit *ctx, u32 kind, int dir_a, u64 a, int dir_b, u64 b, u32 call_flags)
{
    struct pending *to;

    if (ctx->ret || !running() || !(to = waiting()))
        return 0;
    to->kind = kind;
    to->call_flags = call_flags;
    to->directory[0] = dir_a;
    to->directory[1] = dir_b;
    to->name[0] = (void *)a;
    to->name[1] = (void *)b;
    tails.call(ctx, TAIL_NAMES);
    return 0;
}

/* ---- the shapes of calls: one handler each, see table.py ---- */

int on_open(struct sys_exit *ctx) { return open_done(ctx, ARG(1)); }
int on_openat(struct sys_exit *ctx) { return open_done(ctx, ARG(2)); }
int on_creat(struct sys_exit *ctx) { return open_done(ctx, O_TRUNC); }

int on_openat2(struct sys_exit *ctx)
{
    u64 flags = 0;                                      /* struct open_how begins with its flags */

    if (running())
        bpf_probe_read_user(&flags, sizeof(flags), (void *)ARG(2));
    return open_done(ctx, flags);
}

int on_read(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    if (!member || !took(ARG(0), ctx->ret))
        return 0;
    return read_at(ctx, member, ARG(0), ctx->ret, 0, 0, ARG(1));
}

int on_pread(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    if (!member || !took(ARG(0), ctx->ret))
        return 0;
    return read_at(ctx, member, ARG(0), ctx->ret, 1, ARG(3), ARG(1));
}

int on_readv(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    if (member && took(ARG(0), ctx->ret))
        return access(ctx, member, ARG(0), ROAR_READ);
    return 0;
}

int on_write(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    if (member && ctx->ret > 0)
        return access(ctx, member, ARG(0), ROAR_WRITE);
    return 0;
}

int on_resize(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    if (member && !ctx->ret)
        return access(ctx, member, ARG(0), ROAR_RESIZE);
    return 0;
}

int on_mmap(struct sys_exit *ctx)
{
    struct roar_member *member = running();
    u64 prot, flags;

    if (!member || (ctx->ret < 0 && ctx->ret > -4096))
        return 0;
    prot = ARG(2);
    flags = ARG(3);
    if (flags & MAP_ANONYMOUS)
        return 0;
    if ((flags & MAP_TYPE) != MAP_PRIVATE && prot & PROT_WRITE)
        return access(ctx, member, ARG(4), ROAR_MAP_WRITE);
    else
        return access(ctx, member, ARG(4), ROAR_MAP);
    return 0;
}

INLINE int moved(struct sys_exit *ctx, int from, int to)
{
    struct roar_member *member = running();
    struct pending *todo;

    if (!member || ctx->ret <= 0)
        return 0;
    todo = waiting();
    if (!todo)
        return 0;
    if (fresh(member, from, ROAR_READ))
        put(todo, from, ROAR_READ, ROAR_READ, 0);
    if (fresh(member, to, ROAR_WRITE))
        put(todo, to, ROAR_WRITE, ROAR_WRITE, 0);
    if (todo->count)
        tails.call(ctx, TAIL_FIRST);
    return 0;
}

int on_sendfile(struct sys_exit *ctx) { return moved(ctx, ARG(1), ARG(0)); }
int on_copy_range(struct sys_exit *ctx) { return moved(ctx, ARG(0), ARG(2)); }

/* Before the call, since after it there is no file: the end of one version of what this step wrote. The kind is
 * forgotten then, so that writing again is a new version. */
int on_close(struct sys_enter *ctx)
{
    struct roar_member *member = running();
    struct opened opened;

    if (!member || !look(&opened, member, ctx->args[0]) || !(opened.file.f_mode & FMODE_WRITE))
        return 0;
    struct seen *known = seen.lookup(&opened.key);
    if (!known || !(known->mask & (1ull << ROAR_WRITE | 1ull << ROAR_RESIZE)))
        return 0;
    known->mask &= ~(1ull << ROAR_WRITE | 1ull << ROAR_RESIZE | 1ull << ROAR_CLOSE);
    return access(ctx, member, ctx->args[0], ROAR_CLOSE);
}

int on_rename(struct sys_exit *ctx)
{
    return named(ctx, ROAR_RENAME, AT_FDCWD, ARG(0), AT_FDCWD, ARG(1), 0);
}

int on_renameat(struct sys_exit *ctx)
{
    return named(ctx, ROAR_RENAME, ARG(0), ARG(1), ARG(2), ARG(3), 0);
}

int on_renameat2(struct sys_exit *ctx)
{
    return named(ctx, ROAR_RENAME, ARG(0), ARG(1), ARG(2), ARG(3), ARG(4));
}

int on_link(struct sys_exit *ctx)
{
    return named(ctx, ROAR_LINK, AT_FDCWD, ARG(0), AT_FDCWD, ARG(1), 0);
}

int on_linkat(struct sys_exit *ctx)
{
    return named(ctx, ROAR_LINK, ARG(0), ARG(1), ARG(2), ARG(3), ARG(4));
}

int on_symlink(struct sys_exit *ctx)
{
    return named(ctx, ROAR_SYMLINK, AT_FDCWD, ARG(0), AT_FDCWD, ARG(1), 0);
}

int on_symlinkat(struct sys_exit *ctx)
{
    return named(ctx, ROAR_SYMLINK, AT_FDCWD, ARG(0), ARG(1), ARG(2), 0);
}

int on_unlink(struct sys_exit *ctx) { return named(ctx, ROAR_UNLINK, AT_FDCWD, ARG(0), 0, 0, 0); }
int on_unlinkat(struct sys_exit *ctx) { return named(ctx, ROAR_UNLINK, ARG(0), ARG(1), 0, 0, ARG(2)); }
int on_truncate(struct sys_exit *ctx) { return named(ctx, ROAR_TRUNCATE, AT_FDCWD, ARG(0), 0, 0, 0); }

/* ---- processes ---- */

INLINE void start_of(struct roar_process *event, struct task_struct *task)
{
    struct task_struct *leader = 0;

    GET(leader, task->group_leader);
    GET(event->start, leader->start_boottime);
}

INLINE void blank_process(struct roar_process *event)
{
    __builtin_memset(&event->file, 0, sizeof(event->file));
    event->parent_step = event->start = event->cpu_ns = event->max_rss_pages = 0;
    event->other = event->path_len = event->argv_len = 0;
    event->exit_code = 0;
}

int on_blind(struct sys_exit *ctx)
{
    struct roar_member *member = running();
    struct roar_process *event;

    if (!member || ctx->ret < 0)
        return 0;
    event = record();
    if (!event)
        return 0;
    fill_head(&event->head, member, ROAR_BLIND, -1);
    blank_process(event);
    event->exit_code = ctx->nr;
    send_process(member->job, event, sizeof(*event));
    return 0;
}

/* Before the child can run, so nothing that it does is missed. The arguments of a raw tracepoint are in ctx->args. */
int on_fork(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *child = (void *)ctx->args[1];
    struct roar_member *member = me();
    struct roar_process *event;
    u32 tgid = 0;

    if (!member)
        return 0;
    GET(tgid, child->tgid);
    if (tgid == bpf_get_current_pid_tgid() >> 32)
        return 0;                                       /* a thread */
    struct roar_member inherited = *member;
    if (members.update(&tgid, &inherited)) {
        struct roar_counts *count = counts.lookup(&inherited.job);
        if (count)
            __sync_fetch_and_add(&count->lost_processes, 1);
        return 0;
    }
    event = record();
    if (!event)
        return 0;
    fill_head(&event->head, &inherited, ROAR_FORK, -1);
    blank_process(event);
    start_of(event, child);
    event->other = tgid;
    send_process(inherited.job, event, sizeof(*event));
    return 0;
}

INLINE u32 put_argv(char *out, struct task_struct *task, u32 *flags)
{
    struct mm_struct *mm = 0;
    u64 from = 0, to = 0;
    u32 length;

    GET(mm, task->mm);
    GET(from, mm->arg_start);
    GET(to, mm->arg_end);
    if (to - from > ROAR_ARGV_MAX - 1)
        *flags |= ROAR_F_CUT;
    length = to - from > ROAR_ARGV_MAX - 1 ? ROAR_ARGV_MAX - 1 : to - from;
    length = clamp(length, ROAR_ARGV_MAX - 1);
    return bpf_probe_read_user(out, length, (void *)from) ? 0 : length;
}

int on_exec(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *task = (void *)ctx->args[0];
    struct linux_binprm *binary = (void *)ctx->args[2];
    struct roar_member *member = me();
    struct roar_process *event;
    struct file *file = 0;
    struct inode *inode = 0;
    u32 flags = 0, argv_flags = 0;
    u64 magic = 0;

    if (!member)
        return 0;
    event = record();
    if (!event)
        return 0;
    u64 before = member->step;
    /* unique on this machine since its start: a processor runs no two execs in one nanosecond */
    member->step = bpf_ktime_get_boot_ns() << 8 | (bpf_get_smp_processor_id() & 255);
    fill_head(&event->head, member, ROAR_EXEC, -1);
    blank_process(event);
    start_of(event, task);
    event->parent_step = before;
    GET(file, binary->file);
    GET(inode, file->f_inode);
    fill_file(&event->file, inode);
    GET(magic, binary->buf);                            /* the file's first bytes */
    if ((u32)magic == 0x464c457f && (magic >> 32 & 255) == 1)   /* ELF, and EI_CLASS is ELFCLASS32 */
        flags |= ROAR_F_COMPAT;
    flags |= walk_file((char *)(event + 1), &event->path_len, file);
    event->argv_len = put_argv((char *)(event + 1) + clamp(FORGET(event->path_len), 8191), task, &argv_flags);
    if (argv_flags)
        event->exit_code = 1;                           /* the argument list was cut: told apart from a cut path */
    event->head.flags = flags;
    send_process(member->job, event, clamp(sizeof(*event) + FORGET(event->path_len) + FORGET(event->argv_len), 16383));
    return 0;
}

int on_exit(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *task = (void *)ctx->args[0];
    struct signal_struct *signal = 0;
    struct roar_member *member = me();
    struct roar_process *event;
    u32 tgid = bpf_get_current_pid_tgid() >> 32, signal_flags = 0;
    int live = 0;
    u64 cpu_ns = 0;

    if (!member)
        return 0;
    GET(signal, task->signal);
    GET(live, signal->live_counter);
    if (live)
        return 0;                                       /* other threads go on */
    struct roar_member last = *member;
    if (members.delete(&tgid))
        return 0;                                       /* two threads at once: the other one reports */
    event = record();
    if (!event)
        return 0;
    fill_head(&event->head, &last, ROAR_EXIT, -1);
    blank_process(event);
    start_of(event, task);
    GET(signal_flags, signal->flags);
    if (signal_flags & SIGNAL_GROUP_EXIT)
        GET(event->exit_code, signal->group_exit_code);
    else
        GET(event->exit_code, task->exit_code);
    GET(event->cpu_ns, signal->sum_sched_runtime);
    GET(cpu_ns, task->se_sum_exec_runtime);
    event->cpu_ns += cpu_ns;
    GET(event->max_rss_pages, signal->maxrss);
    send_process(last.job, event, sizeof(*event));
    return 0;
}
