/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * From a struct file to a record: which file and version it is, where it is, whether this was sent before.
 */

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

/* Returns flags. */
INLINE u32 fill_file(struct roar_file *to, struct inode *inode)
{
    struct super_block *sb = 0;
    struct address_space *pages = 0;
    u64 magic = 0, seconds = 0;
    u32 nanoseconds = 0;
    s32 writable = 0;
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
    GET(seconds, inode->mtime_sec);
    GET(nanoseconds, inode->mtime_nsec);
    to->mtime = seconds * 1000000000ull + nanoseconds;
    GET(seconds, inode->ctime_sec);
    GET(nanoseconds, inode->ctime_nsec);
    to->ctime = seconds * 1000000000ull + (nanoseconds & 0x7fffffff);   /* 6.13's top bit: somebody asked for it */
    GET(pages, inode->i_mapping);
    GET(writable, pages->i_mmap_writable_counter);
    return writable > 0 ? ROAR_F_SHARED : 0;
}

/* Is the mount at the top of a path in the daemon's mount namespace, in another one, or in none? */
INLINE void place(volatile u32 *flags, struct vfsmount *vfsmount)
{
    struct mount *mount = (void *)vfsmount - offsetof(struct mount, mnt);
    struct mnt_namespace *namespace = 0;
    u32 number = 0;

    GET(namespace, mount->mnt_ns);
    if (namespace)
        GET(number, namespace->ns_inum);
    if (!number)
        *flags |= ROAR_F_DETACHED;
    else if (number != ROAR_MOUNT_NAMESPACE)
        *flags |= ROAR_F_FOREIGN;
}

/* Writes a path's components, leaf first, to `out`, which has room for ROAR_PATH_MAX and one name; `*length`, in the
 * record, says how many bytes, and what there is to say is added to `*flags`. The walk takes no locks, so a rename beside it
 * can tear it: user space confirms by device and inode. Length and flags are kept in memory all along (see FORGET), and there
 * is one way out of the loop: else the verifier follows each way to the end of the program. */
INLINE void walk(char *out, volatile u32 *length, volatile u32 *flags, struct dentry *dentry, struct vfsmount *vfsmount)
{
    *length = 0;
    *flags |= ROAR_F_CUT;
    for (int i = 0; i < ROAR_COMPONENTS; i++) {
        struct dentry *root = 0, *parent = 0;
        const unsigned char *name = 0;
        u32 at = *length;

        GET(root, vfsmount->mnt_root);
        if (dentry == root) {
            struct mount *mount = (void *)vfsmount - offsetof(struct mount, mnt), *above = 0;

            GET(above, mount->mnt_parent);
            if (above == mount || !above) {
                *flags &= ~ROAR_F_CUT;
                break;
            }
            GET(dentry, mount->mnt_mountpoint);
            vfsmount = (void *)above + offsetof(struct mount, mnt);
            continue;
        }
        GET(parent, dentry->d_parent);
        GET(name, dentry->d_name_name);
        if (at > ROAR_PATH_MAX - ROAR_NAME_MAX)
            break;
        at = clamp(at, ROAR_PATH_MAX - 1);
        int written = bpf_probe_read_kernel_str(out + at, ROAR_NAME_MAX, name);
        if (written <= 0)
            break;
        *length = at + written;
        if (parent == dentry) {
            *flags ^= ROAR_F_CUT | ROAR_F_DETACHED;
            break;
        }
        dentry = parent;
    }
    place(flags, vfsmount);
}

/* Likewise the path inside its file system, whatever is mounted where. */
INLINE void walk_inside(char *out, volatile u32 *length, struct dentry *dentry)
{
    *length = 0;
    for (int i = 0; i < ROAR_COMPONENTS; i++) {
        struct dentry *parent = 0;
        const unsigned char *name = 0;
        u32 at = *length;

        GET(parent, dentry->d_parent);
        if (parent == dentry || at > ROAR_PATH_MAX - ROAR_NAME_MAX)
            break;
        GET(name, dentry->d_name_name);
        at = clamp(at, ROAR_PATH_MAX - 1);
        int written = bpf_probe_read_kernel_str(out + at, ROAR_NAME_MAX, name);
        if (written <= 0)
            break;
        *length = at + written;
        dentry = parent;
    }
}

INLINE void walk_file(char *out, volatile u32 *length, volatile u32 *flags, struct file *file)
{
    struct dentry *dentry = 0;
    struct vfsmount *vfsmount = 0;
    void *hashed = 0;

    GET(dentry, file->f_path_dentry);
    GET(vfsmount, file->f_path_mnt);
    GET(hashed, dentry->d_hash_pprev);
    *flags |= hashed ? ROAR_F_PATH : ROAR_F_PATH | ROAR_F_UNLINKED;
    walk(out, length, flags, dentry, vfsmount);
}

/* An open file, by the parts that are asked for each time, read in one go. */
struct opened {
    struct file_head file;
    struct inode_head inode;
    struct seen_key key;
};

/* What is behind an open file, and the key of what this step did to it: the file's identity, and its dentry and mount,
 * because a file may be reached by several names. 0 for what holds no content (sockets, directories). */
INLINE int look(struct opened *to, struct roar_member *member, struct file *file)
{
    u16 type;

    if (!file)
        return 0;
    GET(to->file, *(struct file_head *)file);
    GET(to->inode, *(struct inode_head *)to->file.f_inode);
    type = to->inode.i_mode & S_IFMT;
    if (type != S_IFREG && type != S_IFCHR && type != S_IFBLK && type != S_IFIFO)
        return 0;
    if (type != S_IFREG)
        to->inode.i_size = ~0ull;                       /* a device or pipe is never carried */
    to->key.step = member->step;
    to->key.name = (u64)to->file.f_path_dentry ^ (u64)to->file.f_path_mnt << 1;
    to->key.ino = to->inode.i_ino;
    to->key.pad = 0;
    GET(to->key.generation, to->file.f_inode->i_generation);
    return 1;
}

/* Changes with the file's content: enough to see that it is another version. */
INLINE u64 stamp_of(struct opened *opened)
{
    return opened->inode.mtime_sec << 30 ^ opened->inode.mtime_nsec;
}

INLINE struct pending *waiting(void)
{
    int zero = 0;
    struct pending *to = pending.lookup(&zero);

    if (to)
        to->count = to->done = to->carry = to->start = to->length = 0;
    return to;
}

/* offset and length: see struct roar_access. */
INLINE void put_at(struct pending *to, struct file *file, int fd, u32 kind, u32 bit, u32 flags, u64 offset, u64 length)
{
    u32 at = to->count & (ROAR_PENDING - 1);

    to->what[at].file = file;
    to->what[at].offset = offset;
    to->what[at].length = length;
    to->what[at].fd = fd;
    to->what[at].kind = kind;
    to->what[at].bit = bit;
    to->what[at].flags = flags;
    to->count++;
}

INLINE void put(struct pending *to, struct file *file, int fd, u32 kind, u32 bit, u32 flags)
{
    put_at(to, file, fd, kind, bit, flags, 0, 0);
}

/* Is this the first access of its kind by this step? */
INLINE int fresh(struct roar_member *member, struct file *file, u32 bit)
{
    struct opened opened;
    struct seen *known;

    if (!look(&opened, member, file))
        return 0;
    known = seen.lookup(&opened.key);
    return !known || !(known->mask & 1ull << bit) || (bit == ROAR_READ && known->stamp != stamp_of(&opened));
}

INLINE int send_one(void *ctx, struct file *file, int fd, u32 kind, u32 bit, u32 flags)
{
    struct pending *to = waiting();

    if (!to)
        return 0;
    put(to, file, fd, kind, bit, flags);
    tails.call(ctx, TAIL_FIRST);
    return 0;
}

INLINE int one(void *ctx, struct roar_member *member, struct file *file, int fd, u32 kind, u32 bit, u32 flags)
{
    return fresh(member, file, bit) ? send_one(ctx, file, fd, kind, bit, flags) : 0;
}

INLINE int access_file(void *ctx, struct roar_member *member, struct file *file, int fd, u32 kind)
{
    return one(ctx, member, file, fd, kind, kind, 0);
}

INLINE int access(void *ctx, struct roar_member *member, int fd, u32 kind)
{
    return access_file(ctx, member, file_of(fd), fd, kind);
}

INLINE int next(void *ctx, struct pending *todo)
{
    if (todo->done < todo->count)
        tails.call(ctx, TAIL_FIRST);
    else if (todo->carry)
        tails.call(ctx, TAIL_CARRY);
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
    u32 at = todo->done++ & (ROAR_PENDING - 1);
    u32 flags = todo->what[at].flags;
    u32 kind = todo->what[at].kind;
    u64 bit = 1ull << (todo->what[at].bit & 63);
    struct file *file = todo->what[at].file;
    if (!look(&opened, member, file))
        return next(ctx, todo);
    struct seen *known = seen.lookup(&opened.key);
    int again = kind == ROAR_CLOSE || kind == ROAR_COPY || (kind == ROAR_READ && known && known->stamp != stamp_of(&opened));
    if (known && known->mask & bit && !again)
        return next(ctx, todo);                         /* who put it here had not looked */
    fill_head(&event->head, member, kind, todo->what[at].fd);
    flags |= fill_file(&event->file, opened.file.f_inode);
    event->f_mode = opened.file.f_mode;
    event->f_flags = opened.file.f_flags;
    event->offset = todo->what[at].offset;
    event->length = todo->what[at].length;
    event->inner_len = 0;
    event->path_len = 0;
    event->name = opened.key.name;
    event->head.flags = flags;
    if (!known)                                         /* the first thing that this step does with it: say where it is */
        walk_file((char *)(event + 1), &event->path_len, &event->head.flags, file);
    if (FORGET(event->head.flags) & (ROAR_F_FOREIGN | ROAR_F_DETACHED))
        walk_inside((char *)(event + 1) + clamp(FORGET(event->path_len), 16383), &event->inner_len, opened.file.f_path_dentry);
    u32 length = clamp(sizeof(*event) + FORGET(event->path_len) + FORGET(event->inner_len), 32767);
    if (!send_access(member->job, event, length, event->file.size > ROAR_CARRY_MAX)) {
        struct seen news = { .mask = bit, .stamp = stamp_of(&opened) };  /* lost ones are not marked: the next is sent */

        if (known) {
            known->mask |= bit;
            if (kind == ROAR_READ)
                known->stamp = news.stamp;
        } else {
            seen.update(&opened.key, &news);
        }
    }
    return next(ctx, todo);
}

/* The next piece of what was read; 0: there is no more, or it cannot be had. What is counted is kept in memory: see FORGET. */
INLINE int carry_piece(struct pending *todo, struct roar_member *member, struct opened *opened, struct seen *known)
{
    struct roar_access *event = record();
    u64 done = FORGET64(todo->sent), left = todo->length - done, from = todo->from + done;

    if (!event || done >= todo->length)
        return 0;
    if (todo->vector) {
        struct { u64 base, length; } part = {};
        u64 within = done - FORGET64(todo->passed);

        if (bpf_probe_read_user(&part, sizeof(part), (void *)(todo->vector + FORGET64(todo->buffer) * sizeof(part))))
            return 0;
        from = part.base + within;
        if (part.length - within <= left) {
            left = part.length - within;
            if (left <= ROAR_PIECE) {
                todo->passed += part.length;
                todo->buffer++;
            }
        }
        if (!left)
            return 1;
    }
    fill_head(&event->head, member, ROAR_BYTES, todo->what[0].fd);
    event->head.flags = fill_file(&event->file, opened->file.f_inode);
    event->offset = todo->start + done;
    event->f_mode = event->f_flags = event->path_len = event->inner_len = 0;
    u32 piece = left > ROAR_PIECE ? ROAR_PIECE : left;
    piece = clamp(piece, ROAR_PIECE);
    event->length = piece;
    todo->sent += piece;
    if (bpf_probe_read_user(event + 1, piece, (void *)from))
        return 0;
    if (!send_content(member->job, event, clamp(sizeof(*event) + piece, 32767)))
        return 1;
    known->next = ~0ull;
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
    u64 length = todo->length;
    if ((!todo->from && !todo->vector) || !look(&opened, member, todo->what[0].file))
        return 0;
    struct seen *known = seen.lookup(&opened.key);
    if (!known)
        return 0;
    if (length < ROAR_CARRY_MIN && todo->start + length < opened.inode.i_size) {
        known->next = ~0ull;
        return 0;
    }
    known->next = todo->start + length;
    todo->sent = todo->passed = todo->buffer = 0;
    for (int i = 0; i < ROAR_PIECES + ROAR_BUFFERS; i++)
        if (!carry_piece(todo, member, &opened, known))
            break;
    return 0;
}

#define DNS_HEADER 12                                   /* RFC 1035 section 4.1.1 */
#define DNS_MAX 4095                                    /* a mask; larger answers stay unread */
/* Where look() said no. */
INLINE int is_socket(struct opened *opened, struct file *file) { return file && (opened->inode.i_mode & S_IFMT) == S_IFSOCK; }
INLINE int answers(s64 ret) { return ret >= DNS_HEADER && ret <= DNS_MAX; }
INLINE int received(void *ctx, struct file *file, int fd, u64 buffer, u64 length, u64 address, u64 messages, u32 count);

/* A read from `start` on, into a buffer or into those of a vector: where it is, if it is the first, and its bytes, if it
 * goes on from what was carried. */
INLINE int read_at(void *ctx, struct roar_member *member, int fd, s64 ret, int positioned, u64 start, u64 buffer,
                   u64 vector)
{
    struct file *file = file_of(fd);
    struct opened opened;
    struct seen *known;
    struct pending *to;

    if (!look(&opened, member, file))
        return buffer && answers(ret) && is_socket(&opened, file) ? received(ctx, file, fd, buffer, ret, 0, 0, 1) : 0;
    known = seen.lookup(&opened.key);
    int first = !known || !(known->mask & 1ull << ROAR_READ);
    int carries = 0;
    if (!first && known->stamp != stamp_of(&opened)) {   /* another version than the one that was read before */
        first = 1;
        known->next = 0;
    }
    if (!positioned)
        start = opened.file.f_pos - ret;
    if (ret > 0 && opened.inode.i_size <= ROAR_CARRY_MAX)
        carries = start == (known ? known->next : 0);
    if (!first && !carries)
        return 0;
    to = waiting();
    if (!to)
        return 0;
    put(to, file, fd, ROAR_READ, ROAR_READ, 0);
    to->carry = carries;
    to->start = start;
    to->length = ret;
    to->from = buffer;
    to->vector = vector;
    if (first)
        tails.call(ctx, TAIL_FIRST);
    else
        tails.call(ctx, TAIL_CARRY);
    return 0;
}

/* Did the call take content? To learn that a file is empty is to take it. */
INLINE int took_file(struct file *file, s64 ret)
{
    struct inode *inode = 0;
    u64 size = 1;
    u16 mode = 0;

    if (ret)
        return ret > 0;
    if (!file)
        return 0;
    GET(inode, file->f_inode);
    GET(mode, inode->i_mode);
    GET(size, inode->i_size);
    return !size && (mode & S_IFMT) == S_IFREG;
}

INLINE int took(int fd, s64 ret)
{
    return ret ? ret > 0 : took_file(file_of(fd), ret);
}

INLINE int opened_file(void *ctx, struct roar_member *member, struct file *file, int fd, u64 call_flags)
{
    u32 mode = 0, flags = 0;

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
    return one(ctx, member, file, fd, ROAR_OPEN, bit, flags);
}
