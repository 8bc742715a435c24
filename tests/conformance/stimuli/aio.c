/* aio WHAT: one use of libaio's system calls, on files "in" and "out" in the working directory. */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static const char content[] = "what goes out\n";
static char buffer[1 << 16] __attribute__((aligned(4096)));
static aio_context_t context;
static struct iocb requests[16], *queue[16];
static int number;

static int must(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static struct iocb *add(int opcode, int fd, const void *data, uint64_t bytes, int64_t offset)
{
    struct iocb *request = &requests[number];

    request->aio_lio_opcode = opcode;
    request->aio_fildes = fd;
    request->aio_buf = (uintptr_t)data;
    request->aio_nbytes = bytes;
    request->aio_offset = offset;
    queue[number++] = request;
    return request;
}

static void submit(int expected)
{
    struct io_event events[16];
    int taken = syscall(SYS_io_submit, context, number, queue), done = 0;

    if (taken != expected)
        exit(1);
    while (done < expected)
        done += must(syscall(SYS_io_getevents, context, expected - done, 16, events, NULL), "io_getevents");
    number = 0;
}

static int open_in(void) { return must(open("in", O_RDONLY), "open"); }
static int open_out(void) { return must(open("out", O_WRONLY | O_CREAT, 0644), "open"); }

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    struct iovec vectors[2] = { { buffer, 5 }, { buffer + 5, 999 } };
    struct iovec pieces[2] = { { (void *)content, 5 }, { (void *)(content + 5), sizeof(content) - 6 } };

    if (syscall(SYS_io_setup, 16, &context) < 0) {
        fprintf(stderr, "io_setup: %s\n", strerror(errno));
        return 77;
    }
    if (!strcmp(what, "PREAD")) {
        add(IOCB_CMD_PREAD, open_in(), buffer, 999, 0);
        submit(1);
    } else if (!strcmp(what, "PWRITE")) {
        add(IOCB_CMD_PWRITE, open_out(), content, sizeof(content) - 1, 0);
        submit(1);
    } else if (!strcmp(what, "PREADV")) {
        add(IOCB_CMD_PREADV, open_in(), vectors, 2, 0);
        submit(1);
    } else if (!strcmp(what, "PWRITEV")) {
        add(IOCB_CMD_PWRITEV, open_out(), pieces, 2, 0);
        submit(1);
    } else if (!strcmp(what, "direct")) {
        int fd = open("in", O_RDONLY | O_DIRECT);
        if (fd < 0) {
            fprintf(stderr, "no O_DIRECT on this file system\n");
            return 77;
        }
        add(IOCB_CMD_PREAD, fd, buffer, 4096, 0);
        submit(1);
    } else if (!strcmp(what, "several")) {
        char name[16];
        for (int i = 0; i < 8; i++) {
            snprintf(name, sizeof(name), "in%d", i);
            add(IOCB_CMD_PREAD, must(open(name, O_RDONLY), name), buffer + i * 999, 999, 0);
            snprintf(name, sizeof(name), "out%d", i);
            add(IOCB_CMD_PWRITE, must(open(name, O_WRONLY | O_CREAT, 0644), name), content, sizeof(content) - 1, 0);
        }
        submit(16);
    } else if (!strcmp(what, "closed")) {   /* the descriptor goes while the request is under way */
        int fd = open_in();
        struct io_event event;
        add(IOCB_CMD_PREAD, fd, buffer, 999, 0);
        must(syscall(SYS_io_submit, context, number, queue), "io_submit");
        close(fd);
        must(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), "io_getevents");
    } else if (!strcmp(what, "stops-at-a-bad-one")) {
        add(IOCB_CMD_PREAD, open_in(), buffer, 999, 0);
        add(IOCB_CMD_PREAD, 999, buffer, 999, 0);
        add(IOCB_CMD_PWRITE, must(open("keep", O_WRONLY), "open"), content, sizeof(content) - 1, 0);
        submit(1);                          /* the third is never looked at */
    } else if (!strcmp(what, "append")) {
        add(IOCB_CMD_PWRITE, must(open("in", O_WRONLY | O_APPEND), "open"), content, sizeof(content) - 1, 0);
        submit(1);
    } else if (!strcmp(what, "append-to-two")) {
        add(IOCB_CMD_PWRITE, must(open("short", O_WRONLY | O_APPEND), "open"), content, sizeof(content) - 1, 0);
        add(IOCB_CMD_PWRITE, must(open("in", O_WRONLY | O_APPEND), "open"), content, sizeof(content) - 1, 0);
        submit(2);
    } else if (!strcmp(what, "fails-later")) {  /* it is taken, and its event says that it failed */
        struct rlimit limit = { 4, 4 };
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        add(IOCB_CMD_PWRITE, must(open("keep", O_WRONLY), "open"), content, 5, 100);
        submit(1);
    } else if (!strcmp(what, "nothing")) {
        int in = open_in();
        add(IOCB_CMD_PREAD, in, buffer, 999, 100000);
        add(IOCB_CMD_PREAD, in, buffer, 0, 0);
        add(IOCB_CMD_FSYNC, in, NULL, 0, 0);
        submit(3);
        add(IOCB_CMD_PWRITE, in, content, 5, 0);
        if (syscall(SYS_io_submit, context, number, queue) >= 0 || errno != EBADF)
            return 1;
    } else {
        fprintf(stderr, "no such use\n");
        return 1;
    }
    return 0;
}
