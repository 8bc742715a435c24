/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
 *
 * The layouts that the probes and roard/probe/layout.py share; tests/integration/test_layout.py holds them together.
 * Every record begins with struct roar_head. All integers are in the machine's byte order, all times are CLOCK_BOOTTIME
 * nanoseconds but for mtime and ctime, which are the file system's own.
 */
#ifndef ROAR_H
#define ROAR_H

#define ROAR_PATH_MAX 8192      /* bytes of one path: it may be longer than a call takes, below a long working directory */
#define ROAR_TEXT_MAX 4096      /* bytes of a name as a call takes it: PATH_MAX */
#define ROAR_NAME_MAX 256       /* bytes of one component, its NUL included */
#define ROAR_COMPONENTS 128     /* components and mount crossings of one path */
#define ROAR_PIECE 16383        /* bytes of content in one record: a mask, see clamp() */
#define ROAR_PIECES 4
#define ROAR_BUFFERS 6          /* of a vectored read; one into more of them is not carried */
#define ROAR_CARRY_MAX (ROAR_PIECE * ROAR_PIECES)   /* a file up to this size travels with the read of it */
#define ROAR_CARRY_MIN 1024     /* a read shorter than this, and not to the end, is not worth a record */
#define ROAR_ARGV_MAX 8192
#define ROAR_BATCH 256
#define ROAR_CONTENT_BATCH 64   /* 1 MB */
#define ROAR_STDERR_MAX 8191     /* bytes of one write to descriptor 2 that are sent, the last ones: a mask */
#define ROAR_STDERR_BATCH 16

enum roar_kind {
    ROAR_OPEN = 1,      /* a descriptor came to be: not an access yet, but a reason to hash early */
    ROAR_READ,
    ROAR_WRITE,
    ROAR_COPY,          /* the whole of one file became the whole of this one: offset is the other's inode, length its
                         * device << 32 | generation */
    ROAR_MAP,
    ROAR_MAP_WRITE,     /* shared and writable, from its making or by mprotect */
    ROAR_RESIZE,        /* ftruncate, fallocate */
    ROAR_CLOSE,         /* of a file that this step wrote */
    ROAR_BYTES,         /* content that a read returned, in the ring of contents */
    ROAR_RENAME,        /* from here on: struct roar_names */
    ROAR_LINK,
    ROAR_SYMLINK,
    ROAR_UNLINK,
    ROAR_TRUNCATE,
    ROAR_CREATE,        /* mknod; call_flags is the mode */
    ROAR_SCRIPT,        /* a script was executed: by its interpreter, which need not read it */
    ROAR_RESULT,        /* of a call that was sent when it was submitted: token says which, call_flags is its result */
    ROAR_FORK = 32,     /* from here on: struct roar_process, in the ring of processes */
    ROAR_EXEC,
    ROAR_LOADER,        /* the program (ld.so) that the kernel loaded beside the executed one */
    ROAR_EXIT,
    ROAR_BLIND,         /* a call whose accesses the probes cannot see yet; its number is in exit_code */
    ROAR_JOIN,          /* a process that was not in the job is in a cgroup that is watched */
    ROAR_SPENT,         /* what a thread had used that ended while, or after, the last one of its process was counted */
    ROAR_CONNECT = 48,  /* from here on: struct roar_endpoint, in the ring of accesses */
    ROAR_ACCEPT,        /* somebody connected to the job */
    ROAR_SEND,          /* a datagram */
    ROAR_ANSWER,        /* what a resolver answered, in the ring of contents */
    ROAR_STDERR = 80,   /* struct roar_stderr, in a ring of its own */
};

enum roar_flag {
    ROAR_F_PATH = 1,        /* a path follows */
    ROAR_F_CUT = 2,         /* a path, name or argument list did not fit */
    ROAR_F_UNLINKED = 4,    /* the file has no name any more, or never had one */
    ROAR_F_DETACHED = 8,    /* the path does not reach a mount namespace's root (memfd, lazily unmounted) */
    ROAR_F_CREATED = 16,    /* this open created the file */
    ROAR_F_TRUNCATED = 32,  /* this open truncated the file */
    ROAR_F_COMPAT = 64,     /* a 32-bit program: its calls are not seen */
    ROAR_F_UNREADABLE = 128, /* the user's memory could not be read */
    ROAR_F_FOREIGN = 256,   /* the path is one of another mount namespace than the daemon's */
    ROAR_F_SHARED = 512,    /* somebody has it mapped shared and writable: its times may not tell that it changed */
    ROAR_F_PROMISED = 1024, /* sent when it was submitted, and no result will come unless it fails */
    ROAR_F_APPENDED = 2048, /* offset is where the old content ends, which is kept */
    ROAR_F_AFTER = 4096,    /* read and written by the same call: the version is the one after it */
    ROAR_F_CHROOT = 8192,   /* the process has a root of its own, whose path comes first */
};

struct roar_head {
    u32 kind;
    u32 flags;
    u64 job;
    u64 step;
    u64 time;
    u32 tgid;
    s32 fd;
};

/* Which file, and which version of it: an unchanged signature means unchanged content. */
struct roar_file {
    u64 ino;
    u64 size;
    u64 mtime;
    u64 ctime;
    u32 dev;            /* the kernel's encoding: major << 20 | minor */
    u32 generation;
    u32 magic;          /* of the file system */
    u32 mode;           /* S_IFMT and permissions */
};

/* OPEN to BYTES. The tail: path components, leaf first, each with a NUL, then, where the path is FOREIGN or
 * DETACHED, those of the path inside the file system; or content. offset and length: of a WRITE that was
 * APPENDED, and of BYTES, where in the file; of a COPY, see there. */
struct roar_access {
    struct roar_head head;
    struct roar_file file;
    u64 offset;
    u64 length;
    u32 f_mode;
    u32 f_flags;
    u32 path_len;
    u32 inner_len;
    u64 name;           /* which of the file's names: made of kernel addresses, to be compared only */
};

/* RENAME to RESULT. The tail: the process's root (components as above; none where it is the namespace's), then for each
 * name the directory it is relative to, where that is FOREIGN its path inside the file system dev, and the name as the
 * process gave it, with its NUL. lens: root, and for each name directory, inner, name. fd: the descriptor that an empty
 * first name stands for (AT_EMPTY_PATH), and file what is behind it. */
struct roar_names {
    struct roar_head head;
    struct roar_file file;
    u64 token;          /* of io_uring: the request; else 0 */
    u32 lens[7];
    u32 dev[2];
    s32 call_flags;     /* renameat2's, linkat's, unlinkat's; mknod's mode */
};

/* What a process used, by the kernel's own counters, since it was forked. user_ns and system_ns are counted by the clock's tick
 * where the kernel is built so, they say how cpu_ns divides. The bytes: moved by read(2), write(2) and their like,
 * and to and from storage. */
struct roar_used {
    u64 cpu_ns;
    u64 user_ns;
    u64 system_ns;
    u64 read_chars;
    u64 written_chars;
    u64 read_bytes;
    u64 written_bytes;
};

/* FORK: tgid is the parent, other the child. EXEC: step is the new step, parent_step the one before; the tail is the
 * path of the program (as in struct roar_access), then its arguments. LOADER: likewise, without arguments. EXIT: exit_code
 * as wait(2) gives it. EXEC, EXIT, SPENT: used, of an EXEC until then. JOIN: tgid is who joined, exit_code of enum roar_join, the tail
 * its arguments, or its name. */
struct roar_process {
    struct roar_head head;
    struct roar_file file;
    u64 parent_step;
    u64 start;          /* start_boottime of the process that the record is about: tells a reused pid apart */
    struct roar_used used;
    u64 max_rss_pages;  /* of all programs that the process was */
    u64 rss_pages;      /* of the last one, where the kernel still tells; else 0 */
    u32 other;
    s32 exit_code;
    u32 path_len;
    u32 inner_len;      /* as in struct roar_access */
    u32 argv_len;
    u32 pad;
};

/* CONNECT to ANSWER. family, protocol and port (in the machine's byte order) as in socket(2) and struct sockaddr; of an
 * ACCEPT, the port that was connected to. The tail: the other side's address, 4 or 16 bytes or struct sockaddr_un's path;
 * of an ANSWER, the message. */
struct roar_endpoint {
    struct roar_head head;
    u32 family;
    u32 protocol;
    u32 port;
    u32 length;
};

/* The tail: length bytes that a process wrote to its descriptor 2 (or 1, see head.fd), the last ones of `written`. */
struct roar_stderr {
    struct roar_head head;
    u64 written;
    u32 length;
    u32 pad;
};

/* Kept for a thread group while it belongs to a job. step 0: registered, but its own program has not begun. */
struct roar_member {
    u64 job;
    u64 step;
};

enum roar_join { JOINED, JOIN_TAKEN, JOIN_DENIED };      /* it is in the job now; in another job; of another user */

/* By the id of a cgroup that is watched with all below it: the job that its processes belong to. */
struct roar_group {
    u64 job;
    u32 uid;            /* whose processes */
    u32 any;            /* everybody's */
};

/* By job: what was sent and what could not be. */
struct roar_counts {
    u64 accesses;
    u64 lost_accesses;
    u64 processes;
    u64 lost_processes;
    u64 contents;       /* tried: one that is not sent takes nothing from the record */
    u64 answers;        /* of resolvers */
};

/* By job whose standard error is kept: pieces that were sent, and that could not be. */
struct roar_heard {
    u64 sent;
    u64 lost;
};

#endif
