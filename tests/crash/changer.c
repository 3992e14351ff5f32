/* changer.c - makes and removes a directory, for ever: nearly always in a checkpoint before a change (ended_in_change). */
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    for (;;) {
        if (mkdir("made", 0700) != 0 || rmdir("made") != 0) {
            return 1;
        }
    }
}
