/* gcc: -O1 -shared -fPIC
 * What is loaded while a program runs. */
int answer(void)
{
    return 42;
}
