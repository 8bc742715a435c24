/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * What a job's processes write to their descriptor 2, for the record of a job that fails; or to 1 while both are one open file,
 * since that is how shells do `echo … >&2`. The bytes are the caller's own, read when the call returned; nothing stands between
 * the process and its terminal. Entered by tail call from writes to these two alone, so that no other write has anything of it.
 */
#define STDERR_VECTORS 8
#define DEV_NULL (1 << 20 | 3)                          /* Documentation/admin-guide/devices.txt, in the kernel's encoding */
enum { NR_WRITEV = 20, NR_PWRITEV = 296, NR_PWRITEV2 = 328, NR_PWRITEV2_32 = 379 };

/* Appends the last bytes of a buffer to what is in the record already; its length is kept there (see FORGET). */
INLINE void put_stderr(struct roar_stderr *event, u64 from, u64 length)
{
    u32 at = clamp(FORGET(event->length), ROAR_STDERR_MAX);
    u32 piece = length > ROAR_STDERR_MAX ? ROAR_STDERR_MAX : length;

    from += length - piece;
    piece = clamp(piece, ROAR_STDERR_MAX);
    if (!bpf_probe_read_user((char *)(event + 1) + at, piece, (void *)from))
        event->length = at + piece;
}

INLINE void tell_stderr(struct sys_exit *ctx, struct roar_member *member)
{
    struct roar_heard *known = heard.lookup(&member->job);
    struct roar_stderr *event = record();
    struct inode *inode = 0;
    struct file *file = file_of(2);
    u32 device = 0;

    if (!known || !event || !file)
        return;
    GET(inode, file->f_inode);
    GET(device, inode->i_rdev);
    if (device == DEV_NULL)
        return;
    fill_head(&event->head, member, ROAR_STDERR, ARG(0));
    event->written = ctx->ret;
    event->length = event->pad = 0;
    u32 call = ctx->nr;                                 /* the record has an int, and padding */
    int vectored = call == NR_WRITEV || call == NR_PWRITEV || call == NR_PWRITEV2;
    if (!compat() && vectored) {
        u64 vector = ARG(1), left = ctx->ret;

        for (int i = 0; i < STDERR_VECTORS; i++) {
            struct { u64 base, length; } part = {};

            bpf_probe_read_user(&part, sizeof(part), (void *)(vector + i * sizeof(part)));
            if (part.length > left)
                part.length = left;
            if (left && FORGET(event->length) <= ROAR_STDERR_MAX)
                put_stderr(event, part.base, part.length);
            left -= part.length;
        }
    } else if (!compat() || call == 4) {             /* write; others of 32 bits take structures of 32 bits */
        put_stderr(event, ARG(1), ctx->ret);
    }
    u64 flags = (known->sent & (ROAR_STDERR_BATCH - 1)) == ROAR_STDERR_BATCH - 1 ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
    int failed = errors.ringbuf_output(event, clamp(sizeof(*event) + FORGET(event->length), 32767), flags);
    __sync_fetch_and_add(failed ? &known->lost : &known->sent, 1);
}

int on_stderr(struct sys_exit *ctx)
{
    struct roar_member *member = running();

    if (!member)
        return 0;
    tell_stderr(ctx, member);
    u32 call = ctx->nr;
    int appends = call == NR_PWRITEV2 || call == NR_PWRITEV2_32;
    return wrote(ctx, member, appends && ARG(5) & RWF_APPEND);
}
