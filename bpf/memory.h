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

/* Shared mappings that became writable: their files may change from now on, whatever happens to the descriptors. What was
 * done tells, not the result: a call that fails has changed the mappings before the one that it failed on. */
int on_mprotect(struct sys_exit *ctx)
{
    struct roar_member *member;
    struct pending *todo;
    struct mm_struct *mm;
    u64 at, end;

    if (!(ARG(2) & PROT_WRITE))
        return 0;
    member = running();
    if (!member || !(todo = waiting()))
        return 0;
    mm = ((struct task_struct *)bpf_get_current_task_btf())->mm;
    at = ARG(0);
    end = at + ARG(1);
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
        if (file && (flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE))
            put(todo, file, -1, ROAR_MAP_WRITE, ROAR_MAP_WRITE, 0);
    }
    if (at < end)                                       /* and what lies there was not looked at */
        blind(member, ctx->nr);
    if (todo->count)
        tails.call(ctx, TAIL_FIRST);
    return 0;
}
