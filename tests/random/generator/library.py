"""library - functions of libc that write into the program's memory, in sizes and at places of every kind."""
from .loops import indent


class Library:
    def __init__(self, piece):
        self.piece = piece
        self.size = piece.pick(64, 200, 700, 1500)
        self.buffer, self.other = piece.name("buffer"), piece.name("other")

    def places(self):
        for name in (self.buffer, self.other):
            if self.piece.chance(0.5):
                self.piece.globals.append(f"static char {name}[{self.size}];")
            else:
                self.piece.globals.append(f"static char *{name};")
                self.piece.setup.append(f"{name} = (char *)zeroed({self.size} + 80) + {self.piece.below(64)};")
            self.piece.closing.append(f"for (unsigned i = 0; i < {self.size}; i += 3) h = mix(h, (u8){name}[i]);")

    def range(self, limit):
        """(offset, length) as expressions with offset + length <= size; length in words that the compiler knows or not."""
        p = self.piece
        length = p.pick(p.between(0, 9), p.between(0, min(limit, 70)), p.between(0, limit))
        offset = f"h % {self.size - length + 1}" if p.chance(0.6) else str(p.below(self.size - length + 1))
        return offset, p.pick(str(length), f"opaque({length})", f"h % {length + 1}")

    def word(self):
        p = self.piece
        return "".join(p.pick(*"abcdefgh .,") for _ in range(p.between(0, p.pick(5, 30))))

    def statement(self):
        p, a, b = self.piece, self.buffer, self.other
        if p.chance(0.5):
            a, b = b, a
        half = self.size // 2
        offset, length = self.range(half)
        short = min(half - 1, 60)
        forms = [
            lambda: [f"memset({a} + {offset}, (int)(h & 127), {length});"],
            lambda: [f"memcpy({a} + {offset}, {b} + {p.below(half)}, {length});"],
            lambda: [f"memmove({a} + {offset}, {a} + {p.below(half)}, {length});"],
            lambda: [f"strcpy({a} + {p.below(half)}, \"{self.word()}\");"],
            lambda: [f"snprintf({a} + {p.below(self.size - 1 - short)}, {p.between(1, short)}, \"%llx-%d {self.word()}\", (unsigned long long)h, (int)(h & 1023));"],
            lambda: [f"sprintf({a} + {p.below(self.size - 41)}, \"%s.%u\", \"{self.word()[:20]}\", (unsigned)h);"] if self.size > 60 else ["h += 7;"],
            lambda: [f"strncpy({a} + {p.below(half)}, \"{self.word()}\", {p.between(1, short)});"],
            lambda: [f"{{ char *end = stpcpy({a} + {p.below(half)}, \"{self.word()[:25]}\"); h = mix(h, (u64)(end - {a})); }}"],
            lambda: ["{", f"    char *place = {a} + {p.below(half)};", f"    strcpy(place, \"{self.word()[:12]}\");", f"    strcat(place, \"{self.word()[:15]}\");",
                     "    h = mix(h, strlen(place));", "}"],
            lambda: ["{", f"    char *end; char *place = {a} + {p.below(half)};", f"    strcpy(place, \"{p.below(100000)}x\");",
                     "    h = mix(h, strtoul(place, &end, 10) + (u64)*end);", "    *end = (char)(h & 127);", "}"],
            lambda: ["{", f"    unsigned x = 0, y = 0; sscanf(\"{p.below(1000)} {p.below(1000)}\", \"%u %u\", &x, &y);", "    h = mix(h, x * 1000 + y);", "}"],
            lambda: ["{", f"    char words[] = \"{self.word()} a {self.word()}\";", "    char *rest = words;",
                     f"    for (char *word; (word = strsep(&rest, \" .\")) != 0;) h = mix(h, strlen(word)), {a}[h % {self.size}] = (char)(h & 127);", "}"],
        ]
        return p.pick(*forms)()


def write_library(piece):
    piece.kind = "library"
    library = Library(piece)
    library.places()
    function = piece.name("strings")
    lines = []
    for _ in range(piece.between(4, 10)):
        lines += library.statement()
        if piece.chance(0.3):
            lines.append(f"h = mix(h, (u8){library.buffer}[h % {library.size}]);")
    if piece.chance(0.4):
        lines = [f"for (unsigned n = 0; n < {piece.between(2, 4)}; ++n) {{", *indent(lines), "    h += n;", "}"]
    piece.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent(lines), "    return h;", "}"])
    piece.body.append(f"h = {function}(h);")


def write_sorting(piece):
    """qsort and bsearch with callbacks that store: libc's writes and the program's in turn."""
    piece.kind = "sorting"
    p = piece
    count, array, compare, counted = p.between(5, 40), p.name("array"), p.name("compare"), p.name("counted")
    fill = f"u8 gap[{p.pick(4, 12, 60)}];" if p.chance(0.5) else ""
    tag = p.name("item")
    p.globals += [f"struct {tag} {{ u32 key; {fill} u32 value; }};", f"static struct {tag} {array}[{count}];", f"static u64 {counted}[{p.between(1, 9) * 8}];"]
    p.functions.append([f"static int {compare}(const void *a, const void *b)", "{", f"    u32 x = ((const struct {tag} *)a)->key, y = ((const struct {tag} *)b)->key;",
                        f"    {counted}[(x ^ y) % (sizeof {counted} / 8)] += 1 + (x > y);", "    return (x > y) - (x < y);", "}"])
    function = p.name("sort")
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{",
                        f"    for (u32 i = 0; i < {count}; ++i) {array}[i].key = (u32)(h >> i % 7) * 2654435761u, {array}[i].value += i, h = mix(h, i);",
                        f"    qsort({array}, {p.pick(str(count), f'opaque({count})')}, sizeof {array}[0], {compare});",
                        f"    struct {tag} *found = (struct {tag} *)bsearch(&{array}[h % {count}], {array}, {count}, sizeof {array}[0], {compare});",
                        "    if (found) found->value += (u32)h;", f"    return mix(h, {array}[{count // 2}].key + {counted}[0]);", "}"])
    p.body.append(f"h = {function}(h);")
    p.closing.append(f"for (unsigned i = 0; i < {count}; ++i) h = mix(h, {array}[i].key + {array}[i].value);")
    p.closing.append(f"for (unsigned i = 0; i < sizeof {counted} / 8; ++i) h = mix(h, {counted}[i]);")
