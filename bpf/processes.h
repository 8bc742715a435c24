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
    send_process(last.job, event, sizeof(*event), 0);
    return 0;
}
