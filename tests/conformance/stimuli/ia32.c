/* gcc: -m32 -nostdlib -static -fno-stack-protector -O1
 * A 32-bit program: its calls have numbers of their own, and enter the kernel by int 0x80. */
static int call(int number, const void *a, int b, int c)
{
    int result;

    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

void _start(void)
{
    static char buffer[999];
    int in = call(5, "in", 0, 0), out = call(5, "out", 01101, 0644);    /* open: O_WRONLY | O_CREAT | O_TRUNC */
    int length = call(3, (void *)in, (int)buffer, sizeof(buffer));

    length = call(4, (void *)out, (int)buffer, length);
    call(1, (void *)(length <= 0), 0, 0);
}
