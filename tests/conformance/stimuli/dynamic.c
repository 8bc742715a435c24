/* gcc: -O1
 * A program that needs a loader: copies "in" to "out", if there is one. */
#include <stdio.h>

int main(void)
{
    char buffer[4096];
    FILE *in = fopen("in", "r");
    FILE *out = in ? fopen("out", "w") : NULL;

    return out && fputs(fgets(buffer, sizeof(buffer), in), out) < 0;
}
