/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Calls about names: each sends the directories that its names are relative to, and the names as they were given.
 */
INLINE void directory_of(struct dentry **dentry, struct vfsmount **vfsmount, int dirfd, char first)
{
    struct task_struct *task = (void *)bpf_get_current_task();
    struct fs_struct *fs = 0;
    struct file *file;

    GET(fs, task->fs);
    if (first == '/') {
        GET(*dentry, fs->root_dentry);
        GET(*vfsmount, fs->root_mnt);
    } else if (dirfd == AT_FDCWD) {
        GET(*dentry, fs->pwd_dentry);
        GET(*vfsmount, fs->pwd_mnt);
    } else {
        file = file_of(dirfd);
        if (!file)
            return;
        GET(*dentry, file->f_path_dentry);
        GET(*vfsmount, file->f_path_mnt);
    }
}

/* The length with its NUL, or below 0. Older kernels (6.1) forget the NUL of an empty string that is user memory. */
INLINE long read_text(char *out, u32 size, const char *text, int kernel)
{
    long length = kernel ? bpf_probe_read_kernel_str(out, size, text) : bpf_probe_read_user_str(out, size, text);

    if (!length) {
        *out = 0;
        length = 1;
    }
    return length;
}

/* Behind `at` there is room for what may come: a path or a text, each at its longest. */
#define ROOM(at) ((at) <= 16383)

/* One of the two names, `at` bytes into the tail; returns where the next one goes. */
INLINE u32 put_name(struct roar_names *event, u32 at, int which, int dirfd, const char *name, int kernel)
{
    char *tail = (char *)(event + 1);
    struct dentry *dentry = 0;
    struct vfsmount *vfsmount = 0;
    struct super_block *sb = 0;
    u32 *lens = which ? &event->lens[4] : &event->lens[1];
    char first[2] = {};
    long length;

    if (read_text(first, sizeof(first), name, kernel) <= 0)
        event->head.flags |= ROAR_F_UNREADABLE;
    directory_of(&dentry, &vfsmount, dirfd, first[0]);
    if (!dentry) {
        event->head.flags |= ROAR_F_UNREADABLE;
        return at;
    }
    at = clamp(at, 16383);
    walk(tail + at, &lens[0], &event->head.flags, dentry, vfsmount);
    at += FORGET(lens[0]);
    if (FORGET(event->head.flags) & ROAR_F_FOREIGN && ROOM(at)) {
        GET(sb, dentry->d_sb);
        if (which)
            GET(event->dev[1], sb->s_dev);
        else
            GET(event->dev[0], sb->s_dev);
        at = clamp(at, 16383);
        walk_inside(tail + at, &lens[1], dentry);
        at += FORGET(lens[1]);
    }
    if (!ROOM(at)) {
        event->head.flags |= ROAR_F_CUT;
        return clamp(at, 16383);
    }
    at = clamp(at, 16383);
    length = read_text(tail + at, ROAR_TEXT_MAX, name, kernel);
    if (length <= 0) {
        event->head.flags |= ROAR_F_UNREADABLE;
        length = 0;
    }
    lens[2] = length;
    return at + FORGET(lens[2]);
}

INLINE void begin_names(struct roar_names *event, struct roar_member *member, u32 kind, int fd)
{
    fill_head(&event->head, member, kind, fd);
    __builtin_memset(&event->file, 0, sizeof(event->file));
    __builtin_memset(event->lens, 0, sizeof(event->lens));
    event->dev[0] = event->dev[1] = 0;
    event->token = 0;
    event->call_flags = 0;
}

INLINE u32 put_root(struct roar_names *event)
{
    struct dentry *dentry = 0;
    struct vfsmount *vfsmount = 0;

    directory_of(&dentry, &vfsmount, AT_FDCWD, '/');
    walk((char *)(event + 1), &event->lens[0], &event->head.flags, dentry, vfsmount);
    event->head.flags &= ~(ROAR_F_FOREIGN | ROAR_F_DETACHED);   /* that is for the names to say */
    if (FORGET(event->lens[0]))
        event->head.flags |= ROAR_F_CHROOT;
    return FORGET(event->lens[0]);
}

#define NO_DESCRIPTOR -1

/* A name that begins with one of the process's own descriptors, or its working directory: which, how long that part is, and
 * what follows; else NO_DESCRIPTOR. User space would come too late to look it up. */
INLINE int own_descriptor(const char *name, int kernel, u32 *length, char *next)
{
    u64 head[2] = {};
    int fd = 0;
    u32 at;

    read_text((char *)head, sizeof(head), name, kernel);
    if (head[0] == 0x2f64662f7665642f)                  /* "/dev/fd/", the first byte lowest */
        at = 8;
    else if (head[0] == 0x65732f636f72702f && (head[1] & 0xffffffffffff) == 0x2f64662f666c)     /* "/proc/self/fd/" */
        at = 14;
    else if (head[0] == 0x65732f636f72702f && head[1] << 8 == 0x2f6477632f666c00) {             /* "/proc/self/cwd/" */
        *length = 14;
        *next = '/';
        return AT_FDCWD;
    } else
        return NO_DESCRIPTOR;
    for (int i = 0; i < 6; i++) {
        char digit = 0;

        if (kernel)
            bpf_probe_read_kernel(&digit, 1, name + at);
        else
            bpf_probe_read_user(&digit, 1, name + at);
        if (digit < '0' || digit > '9') {
            *length = at;
            *next = digit;
            return digit && digit != '/' ? NO_DESCRIPTOR : fd;
        }
        fd = fd * 10 + digit - '0';
        at++;
    }
    return NO_DESCRIPTOR;
}

#define AT_SYMLINK_FOLLOW 0x400

/* Such a name becomes one that is relative to the descriptor; nothing is left of one that means the open file itself. */
INLINE void resolve_descriptor(struct pending *todo, int which)
{
    u32 length = 0;
    char last = 0;
    int fd = own_descriptor(todo->name[which], todo->kernel, &length, &last);

    if (fd == NO_DESCRIPTOR)
        return;
    if (last != '/' && todo->kind != ROAR_TRUNCATE && !(todo->kind == ROAR_LINK && todo->call_flags & AT_SYMLINK_FOLLOW))
        return;                                         /* the link in /proc is meant */
    todo->directory[which] = fd;
    todo->name[which] += last == '/' ? length + 1 : length;
    if (last != '/')
        todo->descriptor = fd;
}

int on_names(void *ctx)
{
    struct roar_member *member = running();
    struct roar_names *event = record();
    int zero = 0;
    struct pending *todo = pending.lookup(&zero);
    struct inode *inode = 0;

    if (!member || !event || !todo)
        return 0;
    if (todo->name[0] && todo->kind != ROAR_SYMLINK)
        resolve_descriptor(todo, 0);
    if (todo->name[1])
        resolve_descriptor(todo, 1);
    begin_names(event, member, todo->kind, todo->descriptor);
    event->head.flags = todo->flags;
    event->token = todo->token;
    event->call_flags = todo->call_flags;
    if (todo->descriptor >= 0) {
        struct file *file = file_of(todo->descriptor);
        if (file) {
            GET(inode, file->f_inode);
            fill_file(&event->file, inode);
        }
    }
    todo->at = put_root(event);
    todo->done = todo->name[0] ? 0 : 1;
    tails.call(ctx, TAIL_NAME);
    return 0;
}

/* A name after the other: together they would be more than a verifier looks through. */
int on_name(void *ctx)
{
    struct roar_member *member = running();
    struct roar_names *event = record();
    int zero = 0;
    struct pending *todo = pending.lookup(&zero);

    if (!member || !event || !todo)
        return 0;
    u32 which = todo->done++ & 1;
    if (todo->name[which])
        todo->at = put_name(event, FORGET(todo->at), which, todo->directory[which], todo->name[which], todo->kernel);
    if (!which)
        tails.call(ctx, TAIL_NAME);
    send_access(member->job, event, clamp(sizeof(*event) + FORGET(todo->at), 32767), 0);
    return 0;
}

INLINE int named(void *ctx, u32 kind, int dir_a, u64 a, int dir_b, u64 b, u32 call_flags)
{
    struct pending *to = waiting();

    if (!to)
        return 0;
    to->kind = kind;
    to->call_flags = call_flags;
    to->directory[0] = dir_a;
    to->directory[1] = dir_b;
    to->name[0] = (void *)a;
    to->name[1] = (void *)b;
    to->descriptor = kind == ROAR_LINK && call_flags & AT_EMPTY_PATH ? dir_a : -1;
    to->token = 0;
    to->flags = 0;
    to->kernel = 0;
    tails.call(ctx, TAIL_NAMES);
    return 0;
}

/* An argument is known to be needed only when the call has succeeded, in a job. */
#define NAMED(ctx, ...) ((ctx)->ret || !running() ? 0 : named(ctx, __VA_ARGS__))

int on_rename(struct sys_exit *ctx) { return NAMED(ctx, ROAR_RENAME, AT_FDCWD, ARG(0), AT_FDCWD, ARG(1), 0); }
int on_renameat(struct sys_exit *ctx) { return NAMED(ctx, ROAR_RENAME, ARG(0), ARG(1), ARG(2), ARG(3), 0); }
int on_renameat2(struct sys_exit *ctx) { return NAMED(ctx, ROAR_RENAME, ARG(0), ARG(1), ARG(2), ARG(3), ARG(4)); }
int on_link(struct sys_exit *ctx) { return NAMED(ctx, ROAR_LINK, AT_FDCWD, ARG(0), AT_FDCWD, ARG(1), 0); }
int on_linkat(struct sys_exit *ctx) { return NAMED(ctx, ROAR_LINK, ARG(0), ARG(1), ARG(2), ARG(3), ARG(4)); }
int on_symlink(struct sys_exit *ctx) { return NAMED(ctx, ROAR_SYMLINK, AT_FDCWD, ARG(0), AT_FDCWD, ARG(1), 0); }
int on_symlinkat(struct sys_exit *ctx) { return NAMED(ctx, ROAR_SYMLINK, AT_FDCWD, ARG(0), ARG(1), ARG(2), 0); }
int on_unlink(struct sys_exit *ctx) { return NAMED(ctx, ROAR_UNLINK, AT_FDCWD, ARG(0), 0, 0, 0); }
int on_unlinkat(struct sys_exit *ctx) { return NAMED(ctx, ROAR_UNLINK, ARG(0), ARG(1), 0, 0, ARG(2)); }
int on_truncate(struct sys_exit *ctx) { return NAMED(ctx, ROAR_TRUNCATE, AT_FDCWD, ARG(0), 0, 0, 0); }

int on_mknod(struct sys_exit *ctx) { return NAMED(ctx, ROAR_CREATE, AT_FDCWD, ARG(0), 0, 0, ARG(1)); }
int on_mknodat(struct sys_exit *ctx) { return NAMED(ctx, ROAR_CREATE, ARG(0), ARG(1), 0, 0, ARG(2)); }
