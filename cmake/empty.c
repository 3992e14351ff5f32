/* empty.c - keeps an archive from being empty where a part of the runtime has no file of its own. */
extern const char prosper_part_is_not_empty;
const char prosper_part_is_not_empty = 1;
