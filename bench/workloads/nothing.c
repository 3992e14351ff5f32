/* nothing.c - a program that does nothing: what a start costs, and how a pool comes about before what is measured. */
int main(void) { return 0; }
