/* process WHAT [ARGUMENTS]: ways to become another process or program; mostly "in" is then read and "out" written. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char content[] = "what goes out\n";
static char buffer[1 << 16];
static char **rest;

static int must(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
    return result;
}

static void read_file(const char *name)
{
    int fd = must(open(name, O_RDONLY), name);

    must(read(fd, buffer, sizeof(buffer)), "read");
    close(fd);
}

static void write_file(const char *name)
{
    int fd = must(open(name, O_WRONLY | O_CREAT, 0644), name);

    must(write(fd, content, sizeof(content) - 1), "write");
    close(fd);
}

static void use_files(void)
{
    read_file("in");
    write_file("out");
}

static pid_t reap(void)
{
    int status;
    pid_t pid = must(wait(&status), "wait");

    if (status) {
        if (WIFEXITED(status))
            exit(WEXITSTATUS(status));
        exit(1);
    }
    return pid;
}

static void in_a_child(int flags, uint64_t tid, void (*does)(void))
{
    struct clone_args arguments = { .flags = flags, .exit_signal = flags & CLONE_PARENT ? 0 : SIGCHLD };
    pid_t wanted = tid, child;

    if (tid) {
        arguments.set_tid = (uintptr_t)&wanted;
        arguments.set_tid_size = 1;
    }
    child = syscall(SYS_clone3, &arguments, sizeof(arguments));
    if (child < 0 && tid && (errno == EPERM || errno == EINVAL)) {
        fprintf(stderr, "clone3 may not choose a pid here: %s\n", strerror(errno));
        exit(77);
    }
    must(child, "clone3");
    if (child == 0) {
        does();
        _exit(0);
    }
}

static void do_use(void) { use_files(); }

static void do_vfork(void)
{
    if (vfork() == 0) {
        use_files();
        _exit(0);
    }
    reap();
}

static void do_clone3(void)
{
    in_a_child(0, 0, use_files);
    reap();
}

/* The child of a sibling's parent: here that of whatever runs the command. */
static void do_clone_parent(void)
{
    int done[2];
    char byte;

    must(pipe(done), "pipe");
    in_a_child(CLONE_PARENT, 0, use_files);
    close(done[1]);
    if (read(done[0], &byte, 1))        /* until the child has ended */
        exit(1);
}

static int shared_fd;

static int opens_for_the_other(void *unused)
{
    shared_fd = open("in", O_RDONLY);
    return 0;
}

/* Processes of their own that share a table of descriptors and the memory. */
static void do_shared_table(void)
{
    static char stack[1 << 16];

    must(clone(opens_for_the_other, stack + sizeof(stack), CLONE_FILES | CLONE_VM | SIGCHLD, NULL), "clone");
    reap();
    must(read(shared_fd, buffer, 999), "read");
    write_file("out");
}

static void *thread(void *unused)
{
    usleep(50000);                      /* the leader has ended by then */
    use_files();
    exit(0);
}

static void do_thread_without_leader(void)
{
    pthread_t id;

    pthread_create(&id, NULL, thread, NULL);
    pthread_exit(NULL);
}

static void *exec_in_a_thread(void *unused)
{
    execv("/proc/self/exe", (char *[]) { "process", "use", NULL });
    exit(1);
}

static void do_thread_exec(void)
{
    pthread_t id;

    pthread_create(&id, NULL, exec_in_a_thread, NULL);
    pause();
}

static void *fork_in_a_thread(void *unused)
{
    in_a_child(0, 0, use_files);
    return NULL;
}

static void do_thread_fork(void)
{
    pthread_t id;

    pthread_create(&id, NULL, fork_in_a_thread, NULL);
    pthread_join(id, NULL);
    reap();
}

/* A thread with a table of its own: its descriptor is not the leader's of the same number. */
static void *unshares(void *unused)
{
    must(unshare(CLONE_FILES), "unshare");
    dup2(must(open("in", O_RDONLY), "open"), 9);
    must(read(9, buffer, 999), "read");
    return NULL;
}

static void do_unshared_table(void)
{
    pthread_t id;

    dup2(must(open("other", O_RDONLY), "open"), 9);
    pthread_create(&id, NULL, unshares, NULL);
    pthread_join(id, NULL);
    write_file("out");
}

static void do_daemon(void)
{
    if (fork())
        exit(0);
    setsid();
    if (fork())
        _exit(0);
    for (int fd = 0; fd < 3; fd++)
        dup2(must(open("/dev/null", O_RDWR), "open"), fd);
    usleep(600000);
    use_files();
}

static char reused[16];

static void read_reused(void) { read_file(reused); }

static void nothing(void) { }

/* The same pid again and again. */
static void do_pid_reuse(void)
{
    in_a_child(0, 0, nothing);
    uint64_t pid = reap();

    for (int i = 0; i < 50; i++) {
        snprintf(reused, sizeof(reused), "in%d", i);
        in_a_child(0, pid, read_reused);
        reap();
    }
}

/* Says which pid a process of the job had, and ends when told to. */
static void do_pid_for_another(void)
{
    char byte;

    in_a_child(0, 0, nothing);
    printf("%d\n", reap());
    fflush(stdout);
    must(read(0, &byte, 1), "read");
    use_files();
}

/* process as PID: uses the files as that process. */
static void do_as(void)
{
    in_a_child(0, atoi(rest[0]), use_files);
    reap();
}

static void do_many_children(void)
{
    for (int i = 0; i < 300; i++) {
        if (fork() == 0)
            _exit(0);
        reap();
    }
    for (int i = 0; i < 50; i++) {
        snprintf(reused, sizeof(reused), "in%d", i);
        in_a_child(0, 0, read_reused);
        reap();
    }
}

static void do_fexecve(void)
{
    int fd = must(open(rest[0], O_PATH), "open");

    syscall(SYS_execveat, fd, "", rest, environ, AT_EMPTY_PATH);
    must(-1, "execveat");
}

/* A program that never had a name. */
static void do_memfd(void)
{
    int fd = must(memfd_create("program", 0), "memfd_create"), from = must(open(rest[0], O_RDONLY), "open");
    ssize_t length;

    while ((length = read(from, buffer, sizeof(buffer))) > 0)
        must(write(fd, buffer, length), "write");
    fexecve(fd, rest, environ);
    must(-1, "fexecve");
}

static void do_killed(void)
{
    use_files();
    raise(SIGKILL);
}

static void do_exec_that_fails(void)
{
    execv("none", rest);
    execv("text", rest);                /* ENOEXEC: it begins with no magic number */
    execv("not-executable", rest);
    execv("broken", rest);              /* its interpreter does not exist */
    use_files();
}

static void do_reads_itself(void) { read_file("/proc/self/exe"); }

static const struct { const char *name; void (*does)(void); } uses[] = {
    { "use", do_use }, { "vfork", do_vfork }, { "clone3", do_clone3 }, { "clone-parent", do_clone_parent },
    { "shared-table", do_shared_table }, { "thread-without-leader", do_thread_without_leader },
    { "thread-exec", do_thread_exec }, { "thread-fork", do_thread_fork }, { "unshared-table", do_unshared_table },
    { "daemon", do_daemon }, { "pid-reuse", do_pid_reuse }, { "pid-for-another", do_pid_for_another }, { "as", do_as },
    { "many-children", do_many_children }, { "fexecve", do_fexecve }, { "memfd", do_memfd }, { "killed", do_killed },
    { "exec-that-fails", do_exec_that_fails }, { "reads-itself", do_reads_itself },
};

int main(int argc, char **argv)
{
    rest = argv + 2;
    for (unsigned at = 0; at < sizeof(uses) / sizeof(uses[0]); at++)
        if (argc > 1 && !strcmp(uses[at].name, argv[1])) {
            uses[at].does();
            return 0;
        }
    fprintf(stderr, "no such use\n");
    return 1;
}
