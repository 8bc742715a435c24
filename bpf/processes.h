/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The process tree, on raw tracepoints, and system calls that nobody can follow.
 */
int on_blind(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    return member && ctx->ret >= 0 ? blind(member, ctx->nr) : 0;
}

INLINE void start_of(struct roar_process *event, struct task_struct *task)
{
    struct task_struct *leader = 0;

    GET(leader, task->group_leader);
    GET(event->start, leader->start_boottime);
}

/* Unique on this machine since its start: a processor runs no two execs in one nanosecond. */
INLINE u64 new_step(void)
{
    return bpf_ktime_get_boot_ns() << 8 | (bpf_get_smp_processor_id() & 255);
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
        return lose_process(inherited.job);
    }
    event = record();
    if (!event)
        return 0;
    fill_head(&event->head, &inherited, ROAR_FORK, -1);
    blank_process(event);
    start_of(event, child);
    event->other = tgid;
    send_process(inherited.job, event, sizeof(*event), 0);
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

/* Which file, and where it is. */
INLINE void put_program(struct roar_process *event, struct file *file)
{
    struct inode *inode = 0;
    struct dentry *dentry = 0;
    char *tail = (char *)(event + 1);

    GET(inode, file->f_inode);
    event->head.flags |= fill_file(&event->file, inode);
    walk_file(tail, &event->path_len, &event->head.flags, file);
    if (FORGET(event->head.flags) & (ROAR_F_FOREIGN | ROAR_F_DETACHED)) {
        GET(dentry, file->f_path_dentry);
        walk_inside(tail + clamp(FORGET(event->path_len), 16383), &event->inner_len, dentry);
    }
}

INLINE void add_used(struct roar_used *to, struct roar_used *more)
{
    to->cpu_ns += more->cpu_ns;
    to->user_ns += more->user_ns;
    to->system_ns += more->system_ns;
    to->read_chars += more->read_chars;
    to->written_chars += more->written_chars;
    to->read_bytes += more->read_bytes;
    to->written_bytes += more->written_bytes;
}

/* What this thread alone has used: signal_struct's own sum of bytes has those of waited-for children in it. */
INLINE void used_by(struct roar_used *to, struct task_struct *task)
{
    __builtin_memset(to, 0, sizeof(*to));
    GET(to->cpu_ns, task->se_sum_exec_runtime);
    GET(to->user_ns, task->utime);
    GET(to->system_ns, task->stime);
#ifdef HAS_task_struct_rchar
    u64 cancelled = 0;

    GET(to->read_chars, task->rchar);
    GET(to->written_chars, task->wchar);
    GET(to->read_bytes, task->read_bytes);
    GET(to->written_bytes, task->write_bytes);
    GET(cancelled, task->cancelled_write_bytes);
    to->written_bytes -= cancelled > to->written_bytes ? to->written_bytes : cancelled;
#endif
}

/* The most memory that the program had, of which exec(2) made a new count; 0: this kernel has put it away already. */
INLINE u64 peak_of(struct task_struct *task)
{
    u64 peak = 0;
#ifdef ROAR_RSS_COUNT
    struct mm_struct *mm = 0;
    s64 now = 0, count = 0;

    GET(mm, task->mm);
    if (!mm)
        return 0;
    GET(peak, mm->hiwater_rss);
    for (int i = 0; i < 4; i++) {
        bpf_probe_read_kernel(&count, sizeof(count), (void *)mm + ROAR_RSS_COUNT + i * ROAR_RSS_STRIDE);
        now += i != 2 && count > 0 ? count : 0;         /* include/linux/mm_types_task.h: the third is swapped out */
    }
    if ((u64)now > peak)
        peak = now;
#endif
    return peak;
}

#define AT_BASE 7                                       /* include/uapi/linux/auxvec.h: where the loader is mapped */
#define AUXV_ENTRIES 24

/* The file of the program's loader, which the kernel opens itself. */
INLINE struct file *loader_of(struct mm_struct *mm)
{
    struct vm_area_struct *mapping;
    struct file *file = 0;
    u64 base = 0;

    for (int i = 0; i < AUXV_ENTRIES && !base; i++) {
        u64 entry[2] = {};

        bpf_probe_read_kernel(entry, sizeof(entry), (u64 *)&mm->saved_auxv + 2 * i);
        if (entry[0] == AT_BASE)
            base = entry[1];
    }
    mapping = base ? mapping_at(mm, base) : 0;
    if (mapping)
        GET(file, mapping->vm_file);
    return file;
}

int on_exec(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *task = (void *)ctx->args[0];
    struct linux_binprm *binary = (void *)ctx->args[2];
    struct roar_member *member = me();
    struct roar_process *event;
    struct file *file = 0;
    u32 argv_flags = 0;
    u64 magic = 0;

    if (!member)
        return 0;
    event = record();
    if (!event)
        return 0;
    u64 before = member->step;
    member->step = new_step();
    fill_head(&event->head, member, ROAR_EXEC, -1);
    blank_process(event);
    start_of(event, task);
    event->parent_step = before;
    used_by(&event->used, task);                        /* its other threads have ended */
    u32 tgid = bpf_get_current_pid_tgid() >> 32;
    struct spent *others = spent.lookup(&tgid);
    if (others && others->start == event->start)
        add_used(&event->used, &others->used);
    struct signal_struct *signal = 0;
    GET(signal, task->signal);
    GET(event->max_rss_pages, signal->maxrss);
    GET(file, binary->file);
    GET(magic, binary->buf);                            /* the file's first bytes */
    if ((u32)magic == 0x464c457f && (magic >> 32 & 255) == 1)   /* ELF, and EI_CLASS is ELFCLASS32 */
        event->head.flags |= ROAR_F_COMPAT;
    put_program(event, file);
    u32 at = clamp(FORGET(event->path_len) + FORGET(event->inner_len), 16383);
    event->argv_len = put_argv((char *)(event + 1) + at, task, &argv_flags);
    if (argv_flags)
        event->exit_code = 1;                           /* the argument list was cut: told apart from a cut path */
    send_process(member->job, event, clamp(sizeof(*event) + at + FORGET(event->argv_len), 32767),
                 FORGET(event->head.flags) & ROAR_F_COMPAT);
    return 0;
}

int on_loader(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *task = (void *)ctx->args[0];
    struct roar_member *member = running();
    struct roar_process *event = record();
    struct mm_struct *mm = 0;
    struct file *file;

    if (!member || !event)
        return 0;
    GET(mm, task->mm);
    file = loader_of(mm);
    if (!file)
        return 0;
    fill_head(&event->head, member, ROAR_LOADER, -1);
    blank_process(event);
    put_program(event, file);
    send_process(member->job, event,
                 clamp(sizeof(*event) + FORGET(event->path_len) + FORGET(event->inner_len), 32767), 0);
    return 0;
}

/* Of a script only the name is left: what was executed is its interpreter. */
int on_script(struct bpf_raw_tracepoint_args *ctx)
{
    struct linux_binprm *binary = (void *)ctx->args[2];
    const char *asked = 0, *interpreter = 0;
    struct roar_member *member = running();
    struct roar_names *event;
    int directory = AT_FDCWD;
    u32 at, length = 0;
    char next = 0;

    if (!member)
        return 0;
    GET(asked, binary->filename);
    GET(interpreter, binary->interp);
    event = record();
    if (asked == interpreter || !event)
        return 0;
    begin_names(event, member, ROAR_SCRIPT, -1);
    at = put_root(event);
    int fd = own_descriptor(asked, 1, &length, &next);  /* as fexecve(3) and execveat(2) name it */
    if (fd != NO_DESCRIPTOR) {
        directory = fd;
        asked += next ? length + 1 : length;
    }
    at = put_name(event, at, 0, directory, asked, 1);
    send_access(member->job, event, clamp(sizeof(*event) + at, 32767), 0);
    return 0;
}

/* A thread that ended before its process: kept until that is counted. */
INLINE int thread_ends(struct roar_member *member, u32 tgid, struct task_struct *task)
{
    struct spent news = { .job = member->job, .step = member->step }, *known;
    struct task_struct *leader = 0;
    struct roar_used own;

    used_by(&own, task);
    GET(leader, task->group_leader);
    GET(news.start, leader->start_boottime);
    known = spent.lookup(&tgid);
    if (!known || known->start != news.start) {
        spent.update(&tgid, &news);
        known = spent.lookup(&tgid);
    }
    if (known) {
        __sync_fetch_and_add(&known->used.cpu_ns, own.cpu_ns);
        __sync_fetch_and_add(&known->used.user_ns, own.user_ns);
        __sync_fetch_and_add(&known->used.system_ns, own.system_ns);
        __sync_fetch_and_add(&known->used.read_chars, own.read_chars);
        __sync_fetch_and_add(&known->used.written_chars, own.written_chars);
        __sync_fetch_and_add(&known->used.read_bytes, own.read_bytes);
        __sync_fetch_and_add(&known->used.written_bytes, own.written_bytes);
    }
    return 0;
}

/* Threads that end together: this one comes after the one that reported for all. */
INLINE int thread_is_late(u32 tgid, struct task_struct *task)
{
    struct spent *known = spent.lookup(&tgid);
    struct roar_process *event = record();

    if (!known || !known->last || !event)
        return 0;
    struct roar_member last = { .job = known->job, .step = known->step };
    blank_process(event);
    start_of(event, task);
    if (event->start != known->start)
        return 0;
    fill_head(&event->head, &last, ROAR_SPENT, -1);
    used_by(&event->used, task);
    send_process(last.job, event, sizeof(*event), 0);
    return 0;
}

int on_exit(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *task = (void *)ctx->args[0];
    struct signal_struct *signal = 0;
    struct roar_member *member = me();
    struct roar_process *event;
    u32 tgid = bpf_get_current_pid_tgid() >> 32, signal_flags = 0, threads = 0;
    int live = 0;

    if (!member)
        return thread_is_late(tgid, task);
    GET(signal, task->signal);
    GET(live, signal->live_counter);
    if (live)
        return thread_ends(member, tgid, task);         /* other threads go on */
    struct roar_member last = *member;
    if (members.delete(&tgid))
        return thread_is_late(tgid, task);              /* two threads at once: the other one reports */
    event = record();
    if (!event)
        return 0;
    fill_head(&event->head, &last, ROAR_EXIT, -1);
    blank_process(event);
    start_of(event, task);
    used_by(&event->used, task);
    struct spent *others = spent.lookup(&tgid);
    if (others && others->start == event->start)
        add_used(&event->used, &others->used);
    GET(threads, signal->nr_threads);
    if (threads > 1) {                                  /* some of which may not have come here yet */
        struct spent late = { .job = last.job, .step = last.step, .start = event->start, .last = 1 };

        spent.update(&tgid, &late);
    } else if (others) {
        spent.delete(&tgid);
    }
    GET(signal_flags, signal->flags);
    if (signal_flags & SIGNAL_GROUP_EXIT)
        GET(event->exit_code, signal->group_exit_code);
    else
        GET(event->exit_code, task->exit_code);
    GET(event->max_rss_pages, signal->maxrss);
    event->rss_pages = peak_of(task);
    send_process(last.job, event, sizeof(*event), 0);
    return 0;
}
