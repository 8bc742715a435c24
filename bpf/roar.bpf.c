/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The probes of roar. Read from the bottom: each handler there is one shape of system call, and roard/probe/table.py
 * says which calls have that shape. A handler runs when the call returns (its arguments are still in the registers),
 * so it sees what happened, not what was asked for. bcc compiles this against layouts from the running kernel's BTF.
 */
#include "roar.h"

struct sys_exit { u64 common; s64 nr; s64 ret; };         /* tracefs: events/syscalls/sys_exit_*\/format */
struct sys_enter { u64 common; s64 nr; u64 args[6]; };

struct seen_key { u64 step; u64 name; u64 ino; u32 generation; u32 pad; };
/* Kinds sent; the offset up to which content was carried; the version of the file that was last read. */
struct seen { u64 mask; u64 next; u64 stamp; };

#define ROAR_PENDING 32                                 /* a power of two, and the most tail calls that there may be */

/* What a handler hands to the long programs below it, which it enters by a tail call: handlers stay short, and the long
 * code (walks of paths) is in the kernel, and goes through its verifier, once. */
struct pending {
    u32 count, done;
    struct { struct file *file; u64 offset, length; s32 fd; u32 kind; u32 bit; u32 flags; } what[ROAR_PENDING];
    u64 carry, start, length, from, vector;
    u64 sent, passed, buffer;
    u32 kind, flags, kernel, at;
    s32 call_flags, descriptor;
    s32 directory[2];
    const char *name[2];
    u64 token;
};
enum { TAIL_FIRST, TAIL_CARRY, TAIL_NAMES, TAIL_NAME, TAIL_ENDPOINT, TAIL_ANSWER, TAIL_STDERR };     /* roard/probe/table.py: TAILS */

/* Whom a step has talked to, as far as it was sent; see report(). */
struct talked { u64 step, answers; u32 kind, family, protocol, port, length, pad; u8 address[128]; };
struct endpoint { struct talked key; struct roar_endpoint event; u8 address[200]; };  /* a mask's worth behind event */
struct connecting { struct roar_member member; u64 tgid; };
struct accepting { u64 ring, user_data; };

/* What threads of a process had used that ended before it; `last`: it has ended, and who comes now is late. */
struct spent { struct roar_used used; u64 start, job, step, last; };

struct scratch { u8 bytes[32768]; };                    /* the most that a per-CPU value may have */

BPF_HASH(members, u32, struct roar_member, ROAR_MEMBERS);
BPF_HASH(counts, u64, struct roar_counts, ROAR_JOBS);
BPF_HASH(groups, u64, struct roar_group, ROAR_JOBS);
BPF_TABLE("lru_hash", struct seen_key, struct seen, seen, ROAR_SEEN);
BPF_TABLE("lru_hash", struct talked, u8, talked, ROAR_ENDPOINTS);
BPF_HASH(connecting, u64, struct connecting, ROAR_CONNECTING);  /* by struct sock */
BPF_TABLE("lru_hash", struct accepting, u32, accepting, ROAR_CONNECTING);  /* into which slot; who dies leaves one behind */
BPF_PERCPU_ARRAY(endpoints, struct endpoint, 3);        /* for calls, and for what interrupts them and each other */
BPF_HASH(heard, u64, struct roar_heard, ROAR_JOBS);
BPF_TABLE("lru_hash", u32, struct spent, spent, ROAR_SPENDERS);
BPF_PERCPU_ARRAY(scratch, struct scratch, 1);
BPF_PERCPU_ARRAY(pending, struct pending, 1);
BPF_PROG_ARRAY(tails, 7);
BPF_PROG_ARRAY(compat_calls, 512);                      /* by the number of the call of 32 bits */
BPF_RINGBUF_OUTPUT(accesses, ROAR_ACCESS_PAGES);
BPF_RINGBUF_OUTPUT(contents, ROAR_CONTENT_PAGES);       /* a ring of its own: bytes cannot crowd out accesses */
BPF_RINGBUF_OUTPUT(processes, ROAR_PROCESS_PAGES);
BPF_RINGBUF_OUTPUT(errors, ROAR_STDERR_PAGES);

#include "kernel.h"
#include "files.h"
#include "names.h"
#include "network.h"
#include "calls.h"
#include "stderr.h"
#include "memory.h"
#include "uring.h"
#include "processes.h"
#include "groups.h"
