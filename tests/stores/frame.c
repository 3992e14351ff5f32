/* frame.c - compiled without optimisation: every store that is made, one by one. */
static volatile int i;

static void fill(volatile int *at, long count)
{
    for (i = 0; i < count; i++) {
        at[i] = 1;
    }
}

int main(void)
{
    _Alignas(16) int a[10];
    fill(a, 10);
    return 0;
}
