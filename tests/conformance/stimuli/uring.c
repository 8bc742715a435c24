/* uring WHAT: one use of io_uring by bare system calls, on files "in" and "out" in the working directory.
 *
 * Opcodes that the headers may not know are given by their numbers. Exits with 77 and a sentence where the kernel lacks
 * what is asked for, with 1 where something fails.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { READ_MULTISHOT = 49, FIXED_FD_INSTALL = 54, FTRUNCATE = 55, READV_FIXED = 60, WRITEV_FIXED = 61 };
enum { SEND_FD = 1, INDEX_ALLOC = ~0u, REGISTER_RING_FDS = 20, ENTER_REGISTERED_RING = 1 << 4, SINGLE_ISSUER = 1 << 12,
       DEFER_TASKRUN = 1 << 13 };

#define IN_LENGTH 20                    /* of "in": a short read would break a chain of linked requests */
static const char content[] = "what goes out\n";
/* On pages of its own: 6.1 registers no buffer of which a page is a file's, as where .data ends. */
static char buffer[1 << 16] __attribute__((aligned(4096)));

struct ring {
    int fd;
    unsigned flags, waiting;
    unsigned *sq_tail, *sq_mask, *sq_array, *sq_flags, *cq_head, *cq_tail, *cq_mask;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
};

static int results[64];                 /* by user_data */

static void unsupported(const char *what)
{
    fprintf(stderr, "this kernel's io_uring lacks %s\n", what);
    exit(77);
}

static int must(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, strerror(result == -1 ? errno : -result));
        exit(1);
    }
    return result;
}

static struct ring open_ring(unsigned flags)
{
    struct io_uring_params params = { .flags = flags, .sq_thread_idle = 100 };
    struct ring ring = { .flags = flags };

    ring.fd = syscall(SYS_io_uring_setup, 32, &params);
    if (ring.fd < 0 && (errno == ENOSYS || errno == EPERM))
        unsupported("everything: io_uring_setup is not allowed");
    if (ring.fd < 0 && errno == EINVAL)
        unsupported("these flags");
    must(ring.fd, "io_uring_setup");
    char *sq = mmap(0, params.sq_off.array + params.sq_entries * 4, PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
                    IORING_OFF_SQ_RING);
    char *cq = mmap(0, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe), PROT_READ | PROT_WRITE,
                    MAP_SHARED, ring.fd, IORING_OFF_CQ_RING);
    ring.sqes = mmap(0, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE, MAP_SHARED, ring.fd,
                     IORING_OFF_SQES);
    ring.sq_tail = (void *)(sq + params.sq_off.tail);
    ring.sq_mask = (void *)(sq + params.sq_off.ring_mask);
    ring.sq_array = (void *)(sq + params.sq_off.array);
    ring.sq_flags = (void *)(sq + params.sq_off.flags);
    ring.cq_head = (void *)(cq + params.cq_off.head);
    ring.cq_tail = (void *)(cq + params.cq_off.tail);
    ring.cq_mask = (void *)(cq + params.cq_off.ring_mask);
    ring.cqes = (void *)(cq + params.cq_off.cqes);
    return ring;
}

static void need(struct ring *ring, unsigned opcode, const char *name)
{
    static struct { struct io_uring_probe head; struct io_uring_probe_op ops[256]; } probe;

    memset(&probe, 0, sizeof(probe));
    must(syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_PROBE, &probe, 256), "IORING_REGISTER_PROBE");
    if (opcode > probe.head.last_op || !(probe.ops[opcode].flags & IO_URING_OP_SUPPORTED))
        unsupported(name);
}

/* The next entry; its user_data is how many came before it since the last submission. */
static struct io_uring_sqe *add(struct ring *ring, unsigned opcode, int fd, const void *address, unsigned length,
                                uint64_t offset)
{
    unsigned at = (*ring->sq_tail + ring->waiting) & *ring->sq_mask;
    struct io_uring_sqe *sqe = &ring->sqes[at];

    memset(sqe, 0, sizeof(*sqe));
    sqe->opcode = opcode;
    sqe->fd = fd;
    sqe->addr = (uintptr_t)address;
    sqe->len = length;
    sqe->off = offset;
    sqe->user_data = ring->waiting;
    ring->sq_array[at] = at;
    ring->waiting++;
    return sqe;
}

/* Submits what was added and waits for `expected` completions. */
static void submit(struct ring *ring, unsigned expected)
{
    unsigned number = ring->waiting, flags = IORING_ENTER_GETEVENTS;

    for (unsigned at = 0; at < number; at++)
        results[at] = -ENODATA;
    __atomic_store_n(ring->sq_tail, *ring->sq_tail + number, __ATOMIC_RELEASE);
    ring->waiting = 0;
    if (ring->flags & IORING_SETUP_SQPOLL)
        flags |= IORING_ENTER_SQ_WAKEUP;
    must(syscall(SYS_io_uring_enter, ring->fd, number, expected, flags, NULL, 0), "io_uring_enter");
    for (unsigned seen = 0; seen < expected;) {
        unsigned head = *ring->cq_head;
        if (head == __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE)) {
            must(syscall(SYS_io_uring_enter, ring->fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0), "io_uring_enter");
            continue;
        }
        struct io_uring_cqe *cqe = &ring->cqes[head & *ring->cq_mask];
        results[cqe->user_data & 63] = cqe->res;
        __atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
        seen++;
    }
}

static int one(struct ring *ring)
{
    submit(ring, 1);
    return results[0];
}

static void all(struct ring *ring)
{
    unsigned number = ring->waiting;

    submit(ring, number);
    for (unsigned at = 0; at < number; at++)
        must(results[at], "a request");
}

static int open_in(void) { return must(open("in", O_RDONLY), "open"); }
static int open_out(void) { return must(open("out", O_RDWR | O_CREAT, 0644), "open"); }

static void register_files(struct ring *ring, int fd)
{
    int files[4] = { -1, fd, -1, -1 };

    must(syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_FILES, files, 4), "IORING_REGISTER_FILES");
}

static void register_buffer(struct ring *ring)
{
    struct iovec vector = { buffer, sizeof(buffer) };

    must(syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_BUFFERS, &vector, 1), "IORING_REGISTER_BUFFERS");
}

static struct io_uring_sqe *add_open(struct ring *ring, const char *name, unsigned flags)
{
    struct io_uring_sqe *sqe = add(ring, IORING_OP_OPENAT, AT_FDCWD, name, 0644, 0);

    sqe->open_flags = flags;
    return sqe;
}

static void read_slot(struct ring *ring, int slot)
{
    add(ring, IORING_OP_READ, slot, buffer, 999, 0)->flags |= IOSQE_FIXED_FILE;
    must(one(ring), "READ of a fixed file");
}

/* ---- reading and writing ---- */

static void simple(unsigned setup, unsigned sqe_flags, int writes)
{
    struct ring ring = open_ring(setup);

    add(&ring, writes ? IORING_OP_WRITE : IORING_OP_READ, writes ? open_out() : open_in(), writes ? content : buffer,
        writes ? sizeof(content) - 1 : 999, 0)->flags |= sqe_flags;
    must(one(&ring), "READ or WRITE");
}

static void do_read(void) { simple(0, 0, 0); }
static void do_write(void) { simple(0, 0, 1); }
static void do_read_async(void) { simple(0, IOSQE_ASYNC, 0); }
static void do_write_async(void) { simple(0, IOSQE_ASYNC, 1); }
static void do_read_sqpoll(void) { simple(IORING_SETUP_SQPOLL, 0, 0); }
static void do_write_sqpoll(void) { simple(IORING_SETUP_SQPOLL, 0, 1); }
static void do_read_deferred(void) { simple(SINGLE_ISSUER | DEFER_TASKRUN, 0, 0); }
static void do_write_deferred(void) { simple(SINGLE_ISSUER | DEFER_TASKRUN, IOSQE_ASYNC, 1); }

static void vectored(unsigned reading, unsigned writing, int fixed)
{
    struct ring ring = open_ring(0);
    int in = open_in(), out = open_out();
    struct iovec vectors[2] = { { buffer, 5 }, { buffer + 5, 999 } };

    need(&ring, writing, "this opcode");
    if (fixed)
        register_buffer(&ring);
    add(&ring, reading, in, vectors, 2, 0);
    must(one(&ring), "READV");
    memcpy(buffer, content, sizeof(content) - 1);
    vectors[1].iov_len = sizeof(content) - 1 - 5;
    add(&ring, writing, out, vectors, 2, 0);
    must(one(&ring), "WRITEV");
}

static void do_vectored(void) { vectored(IORING_OP_READV, IORING_OP_WRITEV, 0); }
static void do_vectored_fixed(void) { vectored(READV_FIXED, WRITEV_FIXED, 1); }

static void do_fixed_buffers(void)
{
    struct ring ring = open_ring(0);

    register_buffer(&ring);
    add(&ring, IORING_OP_READ_FIXED, open_in(), buffer, 999, 0);
    must(one(&ring), "READ_FIXED");
    memcpy(buffer, content, sizeof(content) - 1);
    add(&ring, IORING_OP_WRITE_FIXED, open_out(), buffer, sizeof(content) - 1, 0);
    must(one(&ring), "WRITE_FIXED");
}

static void do_selected_buffer(void)
{
    struct ring ring = open_ring(0);
    struct io_uring_sqe *sqe = add(&ring, IORING_OP_PROVIDE_BUFFERS, 4, buffer, 1024, 0);

    sqe->buf_group = 7;
    must(one(&ring), "PROVIDE_BUFFERS");
    sqe = add(&ring, IORING_OP_READ, open_in(), NULL, 999, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 7;
    must(one(&ring), "READ");
}

static void do_read_at_position(void)
{
    struct ring ring = open_ring(0);
    int in = open_in();

    lseek(in, 5, SEEK_SET);
    add(&ring, IORING_OP_READ, in, buffer, 3, -1);
    must(one(&ring), "READ");
}

/* Empty reads of a file that is not, and what fails: nothing was taken, nothing left. */
static void do_nothing(void)
{
    struct ring ring = open_ring(0);
    int in = open_in(), write_only = must(open("in", O_WRONLY), "open");
    static char status[256];

    add(&ring, IORING_OP_READ, in, buffer, 999, 100000);
    add(&ring, IORING_OP_READ, in, buffer, 0, 0);
    add(&ring, IORING_OP_READ, write_only, buffer, 999, 0);
    add(&ring, IORING_OP_READ, in, (void *)1, 999, 0);
    add(&ring, IORING_OP_WRITE, in, content, 5, 0);
    add(&ring, IORING_OP_WRITE, write_only, content, 0, 0);
    add(&ring, IORING_OP_FSYNC, in, NULL, 0, 0);
    add(&ring, IORING_OP_FADVISE, in, NULL, 0, 0);
    add(&ring, IORING_OP_STATX, AT_FDCWD, "in", 0xfff, (uintptr_t)status);
    add(&ring, IORING_OP_NOP, -1, NULL, 0, 0);
    add_open(&ring, "in", O_RDONLY);
    add_open(&ring, "in", O_RDWR | O_CREAT);
    add_open(&ring, "in", O_WRONLY | O_CREAT | O_EXCL | O_TRUNC);
    add_open(&ring, "none", O_RDONLY);
    submit(&ring, 14);
}

static void do_many(void)
{
    struct ring ring = open_ring(0);
    char name[16];

    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "in%d", i);
        add(&ring, IORING_OP_READ, must(open(name, O_RDONLY), name), buffer + i * 999, 999, 0);
        snprintf(name, sizeof(name), "out%d", i);
        add(&ring, IORING_OP_WRITE, must(open(name, O_WRONLY | O_CREAT, 0644), name), content, sizeof(content) - 1, 0);
    }
    all(&ring);
}

static void do_skip_success(void)
{
    struct ring ring = open_ring(0);

    add(&ring, IORING_OP_READ, open_in(), buffer, IN_LENGTH, 0)->flags |= IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
    add(&ring, IORING_OP_WRITE, open_out(), content, sizeof(content) - 1, 0)->flags |= IOSQE_CQE_SKIP_SUCCESS | IOSQE_IO_LINK;
    add(&ring, IORING_OP_NOP, -1, NULL, 0, 0);
    submit(&ring, 1);
    must(results[2], "NOP");
}

static void do_skip_success_async(void)
{
    struct ring ring = open_ring(0);

    add(&ring, IORING_OP_READ, open_in(), buffer, IN_LENGTH, 0)->flags |= IOSQE_CQE_SKIP_SUCCESS | IOSQE_ASYNC | IOSQE_IO_LINK;
    add(&ring, IORING_OP_NOP, -1, NULL, 0, 0);
    submit(&ring, 1);
    must(results[1], "NOP");
}

static void do_read_then_overwritten(void)
{
    struct ring ring = open_ring(0);

    add(&ring, IORING_OP_READ, open_in(), buffer, 999, 0);
    must(one(&ring), "READ");
    add(&ring, IORING_OP_WRITE, must(open("in", O_WRONLY | O_TRUNC), "open"), content, sizeof(content) - 1, 0);
    must(one(&ring), "WRITE");
}

/* ---- opening ---- */

static void open_and_read(struct io_uring_sqe *(*how)(struct ring *))
{
    struct ring ring = open_ring(0);

    how(&ring);
    if (read(must(one(&ring), "open"), buffer, 999) < 0)
        exit(1);
}

static struct io_uring_sqe *by_openat(struct ring *ring) { return add_open(ring, "in", O_RDONLY); }

static struct io_uring_sqe *by_openat2(struct ring *ring)
{
    static struct { uint64_t flags, mode, resolve; } how = { O_RDONLY, 0, 0 };

    return add(ring, IORING_OP_OPENAT2, AT_FDCWD, "in", sizeof(how), (uintptr_t)&how);
}

static void do_openat(void) { open_and_read(by_openat); }
static void do_openat2(void) { open_and_read(by_openat2); }

static void do_openat_create(void)
{
    struct ring ring = open_ring(0);

    add_open(&ring, "out", O_WRONLY | O_CREAT);
    add(&ring, IORING_OP_WRITE, must(one(&ring), "OPENAT"), content, sizeof(content) - 1, 0);
    must(one(&ring), "WRITE");
}

static void do_openat_create_async(void)
{
    struct ring ring = open_ring(0);

    add_open(&ring, "out", O_WRONLY | O_CREAT)->flags |= IOSQE_ASYNC;
    must(one(&ring), "OPENAT");
}

static void do_openat_truncate(void)
{
    struct ring ring = open_ring(0);

    add_open(&ring, "in", O_WRONLY | O_TRUNC);
    must(one(&ring), "OPENAT");
}

/* ---- many completions of one request, which do not say whose they are ---- */

static void start(struct ring *ring)
{
    __atomic_store_n(ring->sq_tail, *ring->sq_tail + 1, __ATOMIC_RELEASE);
    ring->waiting = 0;
    must(syscall(SYS_io_uring_enter, ring->fd, 1, 0, 0, NULL, 0), "io_uring_enter");
}

static void do_read_multishot(void)
{
    struct ring ring = open_ring(0);
    struct io_uring_sqe *sqe;
    int pipes[2];

    need(&ring, READ_MULTISHOT, "READ_MULTISHOT");
    must(pipe(pipes), "pipe");
    add(&ring, IORING_OP_PROVIDE_BUFFERS, 4, buffer, 1024, 0)->buf_group = 7;
    must(one(&ring), "PROVIDE_BUFFERS");
    sqe = add(&ring, READ_MULTISHOT, pipes[0], NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = 7;
    start(&ring);
    for (int i = 0; i < 3; i++) {
        must(write(pipes[1], "x", 1), "write");
        submit(&ring, 1);
        must(results[0], "READ_MULTISHOT");
    }
}

/* Three who come to a port, and are accepted as descriptors or into slots; says which port. */
static void accepting(unsigned flags, unsigned index)
{
    struct ring ring = open_ring(0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(at);
    int server = must(socket(AF_INET, SOCK_STREAM, 0), "socket");
    struct io_uring_sqe *sqe;

    must(bind(server, (void *)&at, size), "bind");
    must(listen(server, 9), "listen");
    must(getsockname(server, (void *)&at, &size), "getsockname");
    register_files(&ring, -1);
    for (int i = 0; i < 3; i++) {
        if (!i || !flags) {
            sqe = add(&ring, IORING_OP_ACCEPT, server, NULL, 0, 0);
            sqe->ioprio = flags;
            sqe->file_index = index;
            start(&ring);
        }
        must(connect(must(socket(AF_INET, SOCK_STREAM, 0), "socket"), (void *)&at, size), "connect");
        submit(&ring, 1);
        must(results[0], "ACCEPT");
    }
    printf("%d\n", ntohs(at.sin_port));
}

static void do_accept(void) { accepting(0, 0); }
static void do_accept_direct(void) { accepting(0, 2); }
static void do_accept_multishot(void) { accepting(1, 0); }
static void do_accept_multishot_direct(void) { accepting(1, INDEX_ALLOC); }

/* ---- fixed files ---- */

static void do_fixed_read(void)
{
    struct ring ring = open_ring(0);
    int in = open_in();

    register_files(&ring, in);
    close(in);
    read_slot(&ring, 1);
}

static void do_fixed_write(void)
{
    struct ring ring = open_ring(IORING_SETUP_SQPOLL);
    int out = open_out();

    register_files(&ring, out);
    close(out);
    add(&ring, IORING_OP_WRITE, 1, content, sizeof(content) - 1, 0)->flags |= IOSQE_FIXED_FILE;
    must(one(&ring), "WRITE");
}

static void do_files_update(void)
{
    struct ring ring = open_ring(0);
    int in = open_in(), slots[1] = { in };

    register_files(&ring, -1);
    add(&ring, IORING_OP_FILES_UPDATE, -1, slots, 1, 2);
    must(one(&ring), "FILES_UPDATE");
    close(in);
    read_slot(&ring, 2);
}

static void direct(struct io_uring_sqe *(*how)(struct ring *), unsigned index, int slot)
{
    struct ring ring = open_ring(0);

    register_files(&ring, -1);
    how(&ring)->file_index = index;
    must(one(&ring), "a direct open");
    read_slot(&ring, slot);
}

static void do_register_update(void)
{
    struct ring ring = open_ring(0);
    int in = open_in();
    struct io_uring_files_update update = { .offset = 2, .fds = (uintptr_t)&in };

    register_files(&ring, -1);
    must(syscall(SYS_io_uring_register, ring.fd, IORING_REGISTER_FILES_UPDATE, &update, 1), "IORING_REGISTER_FILES_UPDATE");
    close(in);
    read_slot(&ring, 2);
}

static void do_direct_openat(void) { direct(by_openat, 3, 2); }
static void do_direct_openat2(void) { direct(by_openat2, 3, 2); }
static void do_direct_alloc(void) { direct(by_openat, INDEX_ALLOC, 0); }

static void do_direct_create(void)
{
    struct ring ring = open_ring(0);

    register_files(&ring, -1);
    add_open(&ring, "out", O_WRONLY | O_CREAT)->file_index = 3;
    must(one(&ring), "a direct open");
    add(&ring, IORING_OP_WRITE, 2, content, sizeof(content) - 1, 0)->flags |= IOSQE_FIXED_FILE;
    must(one(&ring), "WRITE");
    add(&ring, IORING_OP_CLOSE, 0, NULL, 0, 0)->file_index = 3;
    must(one(&ring), "CLOSE");
}

static void do_direct_create_empty(void)
{
    struct ring ring = open_ring(0);

    register_files(&ring, -1);
    add_open(&ring, "out", O_WRONLY | O_CREAT)->file_index = 3;
    must(one(&ring), "a direct open");
}

static void do_direct_unread(void)
{
    struct ring ring = open_ring(0);

    register_files(&ring, -1);
    add_open(&ring, "in", O_RDWR)->file_index = 3;
    must(one(&ring), "a direct open");
}

static void do_direct_install(void)
{
    struct ring ring = open_ring(0);

    need(&ring, FIXED_FD_INSTALL, "FIXED_FD_INSTALL");
    register_files(&ring, -1);
    by_openat(&ring)->file_index = 3;
    must(one(&ring), "a direct open");
    add(&ring, FIXED_FD_INSTALL, 2, NULL, 0, 0)->flags |= IOSQE_FIXED_FILE;
    if (read(must(one(&ring), "FIXED_FD_INSTALL"), buffer, 999) < 0)
        exit(1);
}

static void do_direct_sent_to_another_ring(void)
{
    struct ring ring = open_ring(0), other = open_ring(0);

    need(&ring, IORING_OP_MSG_RING, "MSG_RING");
    register_files(&ring, -1);
    register_files(&other, -1);
    by_openat(&ring)->file_index = 3;
    must(one(&ring), "a direct open");
    struct io_uring_sqe *sqe = add(&ring, IORING_OP_MSG_RING, other.fd, (void *)SEND_FD, 0, 0);
    sqe->addr3 = 2;
    sqe->file_index = 1;
    must(one(&ring), "MSG_RING");
    submit(&other, 1);                  /* the message itself */
    read_slot(&other, 0);
}

static void do_linked(void)
{
    struct ring ring = open_ring(0);
    struct io_uring_sqe *sqe;

    register_files(&ring, -1);
    sqe = by_openat(&ring);
    sqe->file_index = 1;
    sqe->flags |= IOSQE_IO_LINK;
    add(&ring, IORING_OP_READ, 0, buffer, IN_LENGTH, 0)->flags |= IOSQE_IO_LINK | IOSQE_FIXED_FILE;
    add(&ring, IORING_OP_CLOSE, 0, NULL, 0, 0)->file_index = 1;
    all(&ring);
}

static void do_linked_write(void)
{
    struct ring ring = open_ring(0);
    struct io_uring_sqe *sqe;

    register_files(&ring, -1);
    sqe = add_open(&ring, "t", O_WRONLY | O_CREAT);
    sqe->file_index = 1;
    sqe->flags |= IOSQE_IO_LINK;
    add(&ring, IORING_OP_WRITE, 0, content, sizeof(content) - 1, 0)->flags |= IOSQE_IO_LINK | IOSQE_FIXED_FILE;
    sqe = add(&ring, IORING_OP_CLOSE, 0, NULL, 0, 0);
    sqe->file_index = 1;
    sqe->flags |= IOSQE_IO_LINK;
    add(&ring, IORING_OP_RENAMEAT, AT_FDCWD, "t", AT_FDCWD, (uintptr_t)"out");
    all(&ring);
}

/* The first one fails, and what is linked to it is cancelled. */
static void do_cancelled(void)
{
    struct ring ring = open_ring(0);

    add_open(&ring, "none", O_RDONLY)->flags |= IOSQE_IO_LINK;
    add(&ring, IORING_OP_READ, open_in(), buffer, IN_LENGTH, 0)->flags |= IOSQE_IO_LINK;
    add(&ring, IORING_OP_UNLINKAT, AT_FDCWD, "in", 0, 0)->flags |= IOSQE_IO_LINK;
    add(&ring, IORING_OP_RENAMEAT, AT_FDCWD, "in", AT_FDCWD, (uintptr_t)"out");
    submit(&ring, 4);
    if (results[3] != -ECANCELED)
        exit(1);
}

/* ---- moving and changing ---- */

static void do_splice(void)
{
    struct ring ring = open_ring(0);
    int in = open_in(), out = open_out(), pipes[2];
    struct io_uring_sqe *sqe;

    must(pipe(pipes), "pipe");
    sqe = add(&ring, IORING_OP_SPLICE, pipes[1], NULL, 999, -1);
    sqe->splice_fd_in = in;
    sqe->splice_off_in = 0;
    must(one(&ring), "SPLICE");
    sqe = add(&ring, IORING_OP_SPLICE, out, NULL, results[0], 0);
    sqe->splice_fd_in = pipes[0];
    sqe->splice_off_in = -1;
    must(one(&ring), "SPLICE");
}

/* splice_fd_in has a table and a flag of its own. */
static void do_splice_fixed(void)
{
    struct ring ring = open_ring(0);
    int in = open_in(), pipes[2];
    struct io_uring_sqe *sqe;

    must(pipe(pipes), "pipe");
    register_files(&ring, in);
    close(in);
    sqe = add(&ring, IORING_OP_SPLICE, pipes[1], NULL, 999, -1);
    sqe->splice_fd_in = 1;
    sqe->splice_off_in = 0;
    sqe->splice_flags = 1u << 31;       /* SPLICE_F_FD_IN_FIXED */
    must(one(&ring), "SPLICE");
}

/* What is read into one pipe goes on to another. */
static void do_tee(void)
{
    struct ring ring = open_ring(0);
    int from[2], to[2];
    struct io_uring_sqe *sqe;

    must(pipe(from), "pipe");
    must(pipe(to), "pipe");
    must(splice(open_in(), NULL, from[1], NULL, 999, 0), "splice");
    sqe = add(&ring, IORING_OP_TEE, to[1], NULL, 999, 0);
    sqe->splice_fd_in = from[0];
    must(one(&ring), "TEE");
    must(read(to[0], buffer, 999), "read");
}

/* MADV_REMOVE: a hole in the file. */
static void do_madvise(void)
{
    struct ring ring = open_ring(0);
    void *at = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, must(open("in", O_RDWR), "open"), 0);

    add(&ring, IORING_OP_MADVISE, -1, at, 4096, 0)->fadvise_advice = MADV_REMOVE;
    must(one(&ring), "MADVISE");
}

static void do_fallocate(void)
{
    struct ring ring = open_ring(0);

    add(&ring, IORING_OP_FALLOCATE, open_out(), (void *)9, 0, 0);
    must(one(&ring), "FALLOCATE");
}

static void do_ftruncate(void)
{
    struct ring ring = open_ring(0);

    need(&ring, FTRUNCATE, "FTRUNCATE");
    add(&ring, FTRUNCATE, must(open("in", O_RDWR), "open"), NULL, 0, 4);
    must(one(&ring), "FTRUNCATE");
}

static void named(unsigned opcode, const char *old, unsigned length, uint64_t offset, unsigned flags)
{
    struct ring ring = open_ring(0);

    need(&ring, opcode, "this opcode");
    add(&ring, opcode, AT_FDCWD, old, length, offset)->rename_flags = flags;
    must(one(&ring), "a change of names");
}

static void do_renameat(void) { named(IORING_OP_RENAMEAT, "in", AT_FDCWD, (uintptr_t)"out", 0); }
static void do_exchange(void) { named(IORING_OP_RENAMEAT, "a", AT_FDCWD, (uintptr_t)"b", 2); }
static void do_unlinkat(void) { named(IORING_OP_UNLINKAT, "in", 0, 0, 0); }
static void do_linkat(void) { named(IORING_OP_LINKAT, "in", AT_FDCWD, (uintptr_t)"out", 0); }
static void do_symlinkat(void) { named(IORING_OP_SYMLINKAT, "in", 0, (uintptr_t)"out", 0); }

static void do_renameat_of_own(void)
{
    int fd = must(open("t", O_WRONLY | O_CREAT, 0644), "open");

    if (write(fd, content, sizeof(content) - 1) < 0)
        exit(1);
    close(fd);
    named(IORING_OP_RENAMEAT, "t", AT_FDCWD, (uintptr_t)"out", 0);
}

/* The kernel has its own copy of the names when the request is submitted: what becomes of the caller's does not matter. */
static void do_renameat_name_reused(void)
{
    struct ring ring = open_ring(0);
    static char old[16] = "in", new[16] = "out";

    add(&ring, IORING_OP_RENAMEAT, AT_FDCWD, old, AT_FDCWD, (uintptr_t)new)->flags |= IOSQE_ASYNC;
    unsigned number = ring.waiting;
    __atomic_store_n(ring.sq_tail, *ring.sq_tail + number, __ATOMIC_RELEASE);
    ring.waiting = 0;
    must(syscall(SYS_io_uring_enter, ring.fd, number, 0, 0, NULL, 0), "io_uring_enter");
    strcpy(old, "xxxx");
    strcpy(new, "yyyy");
    submit(&ring, 1);
    must(results[0], "RENAMEAT");
}

static void do_mkdirat(void)
{
    struct ring ring = open_ring(0);

    add(&ring, IORING_OP_MKDIRAT, AT_FDCWD, "d", 0755, 0)->flags |= IOSQE_IO_LINK;
    add_open(&ring, "d/out", O_WRONLY | O_CREAT)->flags |= IOSQE_IO_LINK;
    add(&ring, IORING_OP_MKDIRAT, AT_FDCWD, "e", 0755, 0)->flags |= IOSQE_IO_LINK;
    add(&ring, IORING_OP_UNLINKAT, AT_FDCWD, "e", 0, 0)->unlink_flags = AT_REMOVEDIR;
    all(&ring);
}

static void do_names_that_fail(void)
{
    struct ring ring = open_ring(0);

    add(&ring, IORING_OP_RENAMEAT, AT_FDCWD, "none", AT_FDCWD, (uintptr_t)"out");
    add(&ring, IORING_OP_RENAMEAT, AT_FDCWD, "a", AT_FDCWD, (uintptr_t)"b")->rename_flags = 1;     /* RENAME_NOREPLACE */
    add(&ring, IORING_OP_RENAMEAT, AT_FDCWD, "a", AT_FDCWD, (uintptr_t)"none/b");
    add(&ring, IORING_OP_UNLINKAT, AT_FDCWD, "none", 0, 0);
    add(&ring, IORING_OP_LINKAT, AT_FDCWD, "a", AT_FDCWD, (uintptr_t)"b");
    add(&ring, IORING_OP_SYMLINKAT, AT_FDCWD, "a", 0, (uintptr_t)"b");
    submit(&ring, 6);
    for (int at = 0; at < 6; at++)
        if (results[at] >= 0)
            exit(1);
}

static void do_append(void)
{
    struct ring ring = open_ring(0);

    add(&ring, IORING_OP_WRITE, must(open("in", O_WRONLY | O_APPEND), "open"), content, sizeof(content) - 1, 0);
    must(one(&ring), "WRITE");
}

/* What bypasses the cache is completed later, by an interrupt. */
static void direct_io(int writes, int waits)
{
    static char page[4096] __attribute__((aligned(4096))) = "what goes out\n";
    struct ring ring = open_ring(0);
    int fd = open("in", (writes ? O_WRONLY : O_RDONLY) | O_DIRECT);

    if (fd < 0) {
        fprintf(stderr, "no O_DIRECT on this file system\n");
        exit(77);
    }
    add(&ring, writes ? IORING_OP_WRITE : IORING_OP_READ, fd, page, sizeof(page), 0);
    if (waits) {
        must(one(&ring), "READ or WRITE");
        return;
    }
    __atomic_store_n(ring.sq_tail, *ring.sq_tail + 1, __ATOMIC_RELEASE);
    must(syscall(SYS_io_uring_enter, ring.fd, 1, 0, 0, NULL, 0), "io_uring_enter");
    _exit(0);
}

static void do_read_direct(void) { direct_io(0, 1); }
static void do_write_direct(void) { direct_io(1, 1); }
static void do_write_and_exit(void) { direct_io(1, 0); }

static void do_skip_success_direct(void)
{
    struct ring ring = open_ring(0);
    struct io_uring_sqe *sqe;

    register_files(&ring, -1);
    sqe = by_openat(&ring);
    sqe->file_index = 1;
    sqe->flags |= IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    add(&ring, IORING_OP_READ, 0, buffer, IN_LENGTH, 0)->flags |= IOSQE_IO_LINK | IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
    add(&ring, IORING_OP_NOP, -1, NULL, 0, 0);
    submit(&ring, 1);
    must(results[2], "NOP");
}

static void do_skip_success_names(void)
{
    struct ring ring = open_ring(0);

    add(&ring, IORING_OP_RENAMEAT, AT_FDCWD, "in", AT_FDCWD, (uintptr_t)"out")->flags |=
        IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS;
    add(&ring, IORING_OP_NOP, -1, NULL, 0, 0);
    submit(&ring, 1);
    must(results[1], "NOP");
}

/* ---- who submits ---- */

static void do_child(void)
{
    struct ring ring = open_ring(0);
    int status;

    if (fork() == 0) {
        add(&ring, IORING_OP_READ, open_in(), buffer, 999, 0);
        must(one(&ring), "READ");
        add(&ring, IORING_OP_WRITE, open_out(), content, sizeof(content) - 1, 0);
        must(one(&ring), "WRITE");
        _exit(0);
    }
    wait(&status);
    exit(status != 0);
}

static void *in_a_thread(void *ring)
{
    add(ring, IORING_OP_READ, open_in(), buffer, 999, 0);
    must(one(ring), "READ");
    return NULL;
}

static void do_thread(void)
{
    struct ring ring = open_ring(0);
    pthread_t thread;

    pthread_create(&thread, NULL, in_a_thread, &ring);
    pthread_join(thread, NULL);
}

static void do_registered_ring(void)
{
    struct ring ring = open_ring(0);
    struct { uint32_t offset, pad; uint64_t data; } update = { ~0u, 0, ring.fd };

    if (syscall(SYS_io_uring_register, ring.fd, REGISTER_RING_FDS, &update, 1) < 0)
        unsupported("IORING_REGISTER_RING_FDS");
    add(&ring, IORING_OP_READ, open_in(), buffer, 999, 0);
    close(ring.fd);
    __atomic_store_n(ring.sq_tail, *ring.sq_tail + 1, __ATOMIC_RELEASE);
    must(syscall(SYS_io_uring_enter, update.offset, 1, 1, IORING_ENTER_GETEVENTS | ENTER_REGISTERED_RING, NULL, 0),
         "io_uring_enter");
}

static const struct { const char *name; void (*does)(void); } uses[] = {
    { "READ", do_read }, { "WRITE", do_write }, { "vectored", do_vectored }, { "vectored-fixed", do_vectored_fixed },
    { "fixed-buffers", do_fixed_buffers }, { "selected-buffer", do_selected_buffer }, { "at-position", do_read_at_position },
    { "nothing", do_nothing }, { "many", do_many }, { "skip-success", do_skip_success },
    { "skip-success-async", do_skip_success_async }, { "read-then-overwritten", do_read_then_overwritten },
    { "READ-async", do_read_async }, { "WRITE-async", do_write_async }, { "READ-sqpoll", do_read_sqpoll },
    { "WRITE-sqpoll", do_write_sqpoll }, { "READ-deferred", do_read_deferred }, { "WRITE-deferred", do_write_deferred },
    { "OPENAT", do_openat }, { "OPENAT2", do_openat2 }, { "OPENAT-create", do_openat_create },
    { "OPENAT-create-async", do_openat_create_async }, { "OPENAT-truncate", do_openat_truncate },
    { "fixed-read", do_fixed_read }, { "fixed-write", do_fixed_write }, { "FILES_UPDATE", do_files_update },
    { "direct-OPENAT", do_direct_openat }, { "direct-OPENAT2", do_direct_openat2 }, { "direct-alloc", do_direct_alloc },
    { "direct-create", do_direct_create }, { "direct-create-empty", do_direct_create_empty },
    { "direct-unread", do_direct_unread }, { "direct-install", do_direct_install },
    { "direct-sent", do_direct_sent_to_another_ring }, { "linked", do_linked }, { "linked-write", do_linked_write },
    { "cancelled", do_cancelled }, { "SPLICE", do_splice }, { "SPLICE-fixed", do_splice_fixed },
    { "FALLOCATE", do_fallocate }, { "FTRUNCATE", do_ftruncate }, { "RENAMEAT", do_renameat }, { "EXCHANGE", do_exchange },
    { "RENAMEAT-own", do_renameat_of_own }, { "RENAMEAT-reused", do_renameat_name_reused }, { "UNLINKAT", do_unlinkat },
    { "LINKAT", do_linkat }, { "SYMLINKAT", do_symlinkat }, { "MKDIRAT", do_mkdirat },
    { "names-that-fail", do_names_that_fail }, { "child", do_child }, { "thread", do_thread },
    { "registered-ring", do_registered_ring }, { "append", do_append }, { "READ-O_DIRECT", do_read_direct },
    { "WRITE-O_DIRECT", do_write_direct }, { "WRITE-and-exit", do_write_and_exit },
    { "TEE", do_tee }, { "MADVISE", do_madvise }, { "register-update", do_register_update },
    { "READ_MULTISHOT", do_read_multishot }, { "ACCEPT", do_accept }, { "ACCEPT-direct", do_accept_direct },
    { "ACCEPT-multishot", do_accept_multishot }, { "ACCEPT-multishot-direct", do_accept_multishot_direct },
    { "skip-success-direct", do_skip_success_direct }, { "skip-success-names", do_skip_success_names },
};

int main(int argc, char **argv)
{
    for (unsigned at = 0; at < sizeof(uses) / sizeof(uses[0]); at++)
        if (argc > 1 && !strcmp(uses[at].name, argv[1])) {
            uses[at].does();
            return 0;
        }
    fprintf(stderr, "no such use\n");
    return 1;
}
