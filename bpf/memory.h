/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Files as memory. Which file is mapped at an address, the kernel's own table of mappings says: a maple tree
 * (include/linux/maple_tree.h, lib/maple_tree.c), walked here without its lock, so the mapping found is checked.
 */
#define MAPLE_NODE_MASK 255
#define MAPLE_LEAF 1                                    /* enum maple_type */
#define MAPLE_ARANGE 3
#define MAPLE_DEPTH 6

/* The slot of a node that holds an index. Pivots are the largest index of each slot; 0 after the last. */
INLINE u64 maple_slot(u64 entry, u64 index)
{
    u32 type = entry >> 3 & 15, slots = type == MAPLE_ARANGE ? 10 : 16;
    u64 *pivots, *values, value = 0;
    u32 at = 0;

    if (type == MAPLE_ARANGE) {
        struct maple_arange_64 *node = (void *)(entry & ~(u64)MAPLE_NODE_MASK);
        pivots = (u64 *)&node->pivot;
        values = (u64 *)&node->slot;
    } else {
        struct maple_range_64 *node = (void *)(entry & ~(u64)MAPLE_NODE_MASK);
        pivots = (u64 *)&node->pivot;
        values = (u64 *)&node->slot;
    }
    for (u32 i = 0; i < 15; i++) {
        u64 pivot = 0;

        if (i + 1 >= slots)
            break;
        GET(pivot, pivots[i]);
        if (!pivot || index <= pivot)
            break;
        at = i + 1;
    }
    GET(value, values[at & 15]);
    return value;
}

INLINE struct vm_area_struct *mapping_at(struct mm_struct *mm, u64 address)
{
    struct vm_area_struct *mapping = 0;
    u64 entry = 0, start = 0, end = 0;

    GET(entry, mm->mm_mt_ma_root);
    if ((entry & 3) == 2 && entry > 4096)               /* xa_is_node(); else the root is the only mapping itself */
        for (int i = 0; i < MAPLE_DEPTH; i++) {
            u32 type = entry >> 3 & 15;

            if (type < MAPLE_LEAF || type > MAPLE_ARANGE)
                return 0;
            entry = maple_slot(entry, address);
            if (type == MAPLE_LEAF)
                break;
        }
    mapping = (void *)entry;
    if (!mapping)
        return 0;
    GET(start, mapping->vm_start);
    GET(end, mapping->vm_end);
    return address >= start && address < end ? mapping : 0;
}

INLINE int mapped(void *ctx, s64 ret, u64 prot, u64 flags, int fd)
{
    struct roar_member *member = running();

    if (!member || (ret < 0 && ret > -4096) || flags & MAP_ANONYMOUS)
        return 0;
    if ((flags & MAP_TYPE) != MAP_PRIVATE && prot & PROT_WRITE)
        return access(ctx, member, fd, ROAR_MAP_WRITE);
    else
        return access(ctx, member, fd, ROAR_MAP);
}

int on_mmap(struct sys_exit *ctx) { return mapped(ctx, ctx->ret, ARG(2), ARG(3), ARG(4)); }

/* The oldest call of 32 bits has its arguments in memory: struct mmap_arg_struct32. */
int on_old_mmap(struct sys_exit *ctx)
{
    struct { u32 address, length, prot, flags, fd, offset; } asked = {};

    if (!running() || bpf_probe_read_user(&asked, sizeof(asked), (void *)ARG(0)))
        return 0;
    return mapped(ctx, ctx->ret, asked.prot, asked.flags, asked.fd);
}

#define MPROTECT_LOOK 4

/* The files of the shared mappings that a call was about, those that may be written. What was done tells, not the result: a
 * call that fails has changed the mappings before the one that it failed on. */
INLINE int mappings(struct sys_exit *ctx, struct roar_member *member, u64 writable, u32 kind)
{
    struct pending *todo = waiting();
    struct mm_struct *mm = ((struct task_struct *)bpf_get_current_task_btf())->mm;
    u64 at = ARG(0), end = at + ARG(1), wanted = VM_SHARED | writable;

    if (!todo)
        return 0;
    for (int i = 0; i < MPROTECT_LOOK && at < end; i++) {
        struct vm_area_struct *mapping = mapping_at(mm, at);
        struct file *file = 0;
        u64 flags = 0;

        if (!mapping) {
            at = end;                                   /* a hole: the call came no further */
            break;
        }
        GET(file, mapping->vm_file);
        GET(flags, mapping->vm_flags);
        GET(at, mapping->vm_end);
        if (file && (flags & wanted) == wanted)
            put(todo, file, -1, kind, kind, 0);
    }
    if (at < end)                                       /* and what lies there was not looked at */
        blind(member, ctx->nr);
    if (todo->count)
        tails.call(ctx, TAIL_FIRST);
    return 0;
}

/* What became writable may change from now on, whatever happens to the descriptors. */
int on_mprotect(struct sys_exit *ctx)
{
    struct roar_member *member = ARG(2) & PROT_WRITE ? running() : 0;

    return member ? mappings(ctx, member, VM_WRITE, ROAR_MAP_WRITE) : 0;
}

/* MADV_REMOVE punches a hole into the file. One that fails, at which mapping is not told: of the only one it did nothing. */
int on_madvise(struct sys_exit *ctx)
{
    struct roar_member *member = ARG(2) == MADV_REMOVE ? running() : 0;
    struct vm_area_struct *mapping;
    u64 end = 0;

    if (!member)
        return 0;
    if (!ctx->ret)
        return mappings(ctx, member, VM_MAYWRITE, ROAR_RESIZE);
    mapping = mapping_at(((struct task_struct *)bpf_get_current_task_btf())->mm, ARG(0));
    if (mapping)
        GET(end, mapping->vm_end);
    return mapping && end < ARG(0) + ARG(1) ? blind(member, ctx->nr) : 0;
}

/* Of its own memory a process may ask for that since 6.13, in pieces. */
int on_process_madvise(struct sys_exit *ctx)
{
    struct roar_member *member = ARG(3) == MADV_REMOVE ? running() : 0;

    return member && ctx->ret > 0 ? blind(member, ctx->nr) : 0;
}
