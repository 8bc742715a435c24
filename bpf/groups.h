/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * Processes that belong to a job because of the cgroup (v2) that they are in. Attached only while there is such a job.
 */
#ifdef HAS_CGROUPS
#define GROUP_DEPTH 24                                  /* levels below the root that are looked at */

/* The nearest watched cgroup at or above the task's own. */
INLINE struct roar_group *group_of(struct task_struct *task)
{
    struct css_set *set = 0;
    struct cgroup *own = 0, *at;
    struct kernfs_node *node;
    struct roar_group *group;
    int level = 0;
    u64 id;

    GET(set, task->cgroups);
    GET(own, set->dfl_cgrp);                            /* whatever hierarchies of v1 there are beside it */
    GET(level, own->level);
    for (int i = 0; i < GROUP_DEPTH && level > 0; i++, level--) {
        at = 0;
        node = 0;
        id = 0;
        GET(at, ((struct cgroup **)&own->ancestors)[level]);
        GET(node, at->kn);
        GET(id, node->id);
        group = groups.lookup(&id);
        if (group)
            return group;
    }
    return 0;
}

INLINE int owned(struct roar_group *group, struct task_struct *task)
{
    struct cred *cred = 0;
    u32 uid = 0, effective = 0, saved = 0;

    GET(cred, task->real_cred);
    GET(uid, cred->uid_val);
    GET(effective, cred->euid_val);
    GET(saved, cred->suid_val);
    return group->any || (uid == group->uid && effective == uid && saved == uid);
}

/* A task that no job may have yet. ``here``: what is at the addresses of its memory can be read from the caller. */
INLINE int join(struct task_struct *task, int here)
{
    struct roar_group *group = group_of(task);
    struct roar_process *event;
    struct roar_member joined = {}, *already;
    u32 tgid = 0, argv_flags = 0;

    if (!group)
        return 0;
    event = record();
    GET(tgid, task->tgid);
    already = members.lookup(&tgid);
    if (!event || (already && already->job == group->job))
        return 0;
    joined.job = group->job;
    joined.step = new_step();
    fill_head(&event->head, &joined, ROAR_JOIN, -1);
    event->head.tgid = tgid;
    blank_process(event);
    start_of(event, task);
    if (already) {
        event->exit_code = JOIN_TAKEN;
    } else if (!owned(group, task)) {
        event->exit_code = JOIN_DENIED;
    } else if (members.insert(&tgid, &joined)) {
        return lose_process(joined.job);
    }
    if (here) {
        event->argv_len = put_argv((char *)(event + 1), task, &argv_flags);
    } else {
        int length = bpf_probe_read_kernel_str((char *)(event + 1), ROAR_NAME_MAX, &task->comm);
        event->argv_len = length > 0 ? length : 0;
    }
    send_process(joined.job, event, clamp(sizeof(*event) + FORGET(event->argv_len), 32767), 0);
    return 0;
}

/* Moved there: the arguments are the cgroup, its path, the task, and whether its whole thread group is moved. */
int on_group_attach(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *task = (void *)ctx->args[2];
    u32 tgid = 0;

    GET(tgid, task->tgid);
    return join(task, tgid == bpf_get_current_pid_tgid() >> 32);
}

/* Born there, of a parent that is in no job: clone3(CLONE_INTO_CGROUP), or the parent has not been found yet. */
int on_group_fork(struct bpf_raw_tracepoint_args *ctx)
{
    struct task_struct *child = (void *)ctx->args[1];
    u32 tgid = 0;

    GET(tgid, child->tgid);
    return me() || tgid == bpf_get_current_pid_tgid() >> 32 ? 0 : join(child, 1);
}

/* Who starts others' programs goes there as root first, and becomes their user then. */
int on_group_exec(struct bpf_raw_tracepoint_args *ctx)
{
    return me() ? 0 : join((void *)ctx->args[0], 1);
}
#endif
