/* races N: reads each of in1 … inN, and overwrites it before anybody can look at what was read. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    static char buffer[65536];
    static const char content[] = "the new content\n";
    int number = atoi(argv[1]);

    for (int i = 1; i <= number; i++) {
        char name[32];

        snprintf(name, sizeof(name), "in%d", i);
        int from = open(name, O_RDONLY);
        if (read(from, buffer, sizeof(buffer)) < 0)
            return 1;
        int to = open(name, O_WRONLY | O_TRUNC);
        if (write(to, content, sizeof(content) - 1) < 0)
            return 1;
        close(from);
        close(to);
    }
    return 0;
}
