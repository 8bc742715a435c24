/* gcc: -O1 -Wl,--dynamic-linker=./ld.so
 * A program that needs the loader "./ld.so": copies "in" to "out", if there is one. */
#include <stdio.h>

int main(void)
{
    char buffer[4096];
    FILE *in = fopen("in", "r");
    FILE *out = in ? fopen("out", "w") : NULL;

    return out && fputs(fgets(buffer, sizeof(buffer), in), out) < 0;
}
