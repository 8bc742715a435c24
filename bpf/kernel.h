/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What every probe needs: who calls, with which arguments, and how a record is sent.
 */
#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFSOCK 0140000
#define S_IFCHR 0020000
#define S_IFBLK 0060000
#define S_IFIFO 0010000
#define FMODE_WRITE 2
#define FMODE_PATH (1 << 14)
#define FMODE_CREATED (1 << 20)
#define O_TRUNC 01000
#define O_APPEND 02000
#define AT_FDCWD -100
#define AT_EMPTY_PATH 0x1000
#define PROT_WRITE 2
#define MAP_TYPE 15
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 32
#define VM_WRITE 2
#define VM_SHARED 8
#define VM_MAYWRITE 32
#define MADV_REMOVE 9
#define SIGNAL_GROUP_EXIT 4
#define TS_COMPAT 2                                     /* arch/x86/include/asm/thread_info.h */

#define GET(to, from) bpf_probe_read_kernel(&(to), sizeof(to), &(from))
#define INLINE static inline __attribute__((always_inline))

/* The caller is in a system call of 32 bits. */
INLINE int compat(void)
{
    return ((struct task_struct *)bpf_get_current_task_btf())->thread_info_status & TS_COMPAT;
}

#if defined(__x86_64__)
/* An argument of the call that is returning: exit probes are enough, no map carries anything from enter to exit. */
#define ARGUMENT(n, wide, narrow)                                                                   \
    INLINE u64 arg##n(void)                                                                         \
    {                                                                                               \
        struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());      \
                                                                                                    \
        return compat() ? (u32)regs->narrow : regs->wide;                                           \
    }
ARGUMENT(0, di, bx)
ARGUMENT(1, si, cx)
ARGUMENT(2, dx, dx)
ARGUMENT(3, r10, si)
ARGUMENT(4, r8, di)
ARGUMENT(5, r9, bp)
#define ARG(n) arg##n()
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
#define FORGET64(length) (*(volatile u64 *)&(length))

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
    u64 flags = wake(count->accesses, ROAR_BATCH, urgent);
    failed = accesses.ringbuf_output(data, size, flags);
    if (failed)                                         /* full, or its lock was not to be had in time (6.15 on) */
        failed = accesses.ringbuf_output(data, size, flags);
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

INLINE void send_process(u64 job, void *data, u32 size, int urgent)
{
    struct roar_counts *count = counts.lookup(&job);
    int failed;

    if (!count)
        return;
    u64 flags = wake(count->processes, ROAR_BATCH, urgent);
    failed = processes.ringbuf_output(data, size, flags);
    if (failed)
        failed = processes.ringbuf_output(data, size, flags);
    __sync_fetch_and_add(failed ? &count->lost_processes : &count->processes, 1);
}

/* A process that the table has no room for. */
INLINE int lose_process(u64 job)
{
    struct roar_counts *count = counts.lookup(&job);

    if (count)
        __sync_fetch_and_add(&count->lost_processes, 1);
    return 0;
}

INLINE void blank_process(struct roar_process *event)
{
    __builtin_memset(&event->file, 0, sizeof(event->file));
    __builtin_memset(&event->used, 0, sizeof(event->used));
    event->parent_step = event->start = event->max_rss_pages = event->rss_pages = 0;
    event->other = event->path_len = event->inner_len = event->argv_len = event->pad = 0;
    event->exit_code = 0;
}

/* A call whose accesses cannot be followed: the job says so. */
INLINE int blind(struct roar_member *member, int call)
{
    struct roar_process *event = record();

    if (!event)
        return 0;
    fill_head(&event->head, member, ROAR_BLIND, -1);
    blank_process(event);
    event->exit_code = call;
    send_process(member->job, event, sizeof(*event), 0);
    return 0;
}
