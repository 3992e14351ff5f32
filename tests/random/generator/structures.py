"""structures - linked lists, trees and tables of blocks on the heap: chased through pointers, with stores into fields on the way."""
from .loops import indent
from .source import TYPES, Scope


def make_node(piece):
    """A structure with a link, a key, and fields at distances that put them into other lines now and then."""
    tag = piece.name("node")
    fields, members = [f"struct {tag} *next;", "u64 key;"], []
    for _ in range(piece.between(1, 4)):
        kind, member = piece.pick(*TYPES), piece.name("m")
        if piece.chance(0.6):
            fields.append(f"u8 {piece.name('gap')}[{piece.pick(3, 56, 64, 120, 200)}];")
        length = piece.pick(0, 0, piece.between(2, 12))
        fields.append(f"{kind} {member}{f'[{length}]' if length else ''};")
        members.append((member, kind, length))
    if piece.chance(0.5):
        fields.append(f"struct {tag} *other;")
        members.append(("other", None, 0))
    head, rest = fields[:2], fields[2:]
    piece.random.shuffle(rest)
    order = head + rest if piece.chance(0.5) else rest + head
    piece.globals.append([f"struct {tag} {{", *indent(order), "};"])
    return tag, members


class Structures:
    def __init__(self, piece):
        self.piece = piece
        self.tag, self.members = make_node(piece)
        self.numbers = [m for m in self.members if m[1]]
        self.head = piece.name("head")
        piece.globals.append(f"static struct {self.tag} *{self.head};")

    def member(self, variable, index="h"):
        name, kind, length = self.piece.pick(*self.numbers)
        return f"{variable}->{name}" + (f"[({index}) % {length}]" if length else ""), kind

    def touch(self, variable):
        p = self.piece
        place, kind = self.member(variable, p.pick("h", "n", "h >> 7"))
        value = p.pick(f"h * {p.between(3, 99)} + n", f"(u64){place} + h", f"{variable}->key ^ h", "n")
        return p.pick([f"{place} = ({kind})({value});"], [f"{place} = ({kind})({value});", f"{variable}->key += {p.between(1, 9)} + n;"],
                      [f"if (({value}) & 1) {place} = ({kind})({value});"], [f"{variable}->key = mix({variable}->key, h);"])

    def function(self, what, lines, result="h"):
        name = self.piece.name(what)
        text = [f"static {self.piece.pick('NOINLINE ', '')}u64 {name}(u64 h)", "{", "    u64 n = 0;", *indent(lines), f"    return {result} + n;", "}"]
        self.piece.functions.append(text)
        self.piece.body.append(f"h = {name}(h);")

    def grow(self):
        p = self.piece
        count = p.between(4, 24)
        at_end = p.chance(0.4)
        node = f"struct {self.tag} *node = (struct {self.tag} *){p.pick('zeroed', 'zeroed', 'garbage')}(sizeof *node);"
        lines = [node, "node->key = h + n;"]
        if "garbage" in node:  # a block whose content is anything but not read before it is written
            lines += ["memset((void *)node, 0, sizeof *node);", "node->key = h ^ n;"]
        for _ in range(p.between(1, 3)):
            lines += self.touch("node")
        if at_end:
            link = [f"struct {self.tag} **end = &{self.head};", "while (*end) end = &(*end)->next;", "*end = node;"]
        else:
            link = [f"node->next = {self.head};", f"{self.head} = node;"]
        self.function("grow", [f"for (n = 0; n < {count} && {self.counter} < {self.limit}; ++n, ++{self.counter}) {{",
                               *indent([*lines, *link, "h = mix(h, node->key);"]), "}"])

    def walk(self):
        p = self.piece
        lines = []
        for _ in range(p.between(1, 3)):
            lines += self.touch("node")
        if p.chance(0.3):
            lines.append("if ((h & 63) == 1) break;")
        if p.chance(0.4):
            lines.append(f"h = {p.pick('opaque(h)', 'mix(h, node->key)')};")
        if any(name == "other" for name, _, _ in self.members) and p.chance(0.7):
            lines += [f"node->other = node->key & 1 ? {self.head} : node->next;", *[f"if (node->other) {line}" for line in self.touch("node->other")[:1]]]
        form = p.below(3)
        if form == 0:
            loop = [f"for (struct {self.tag} *node = {self.head}; node; node = node->next, ++n) {{", *indent(lines), "}"]
        elif form == 1:
            loop = [f"struct {self.tag} *node = {self.head};", "while (node) {", *indent(lines), "    ++n;", "    node = node->next;", "}"]
        else:
            loop = [f"struct {self.tag} *node = {self.head};", "if (node) do {", *indent(lines), "    ++n;", "} while ((node = node->next) != 0);"]
        self.function("walk", loop)

    def reverse(self):
        lines = [f"struct {self.tag} *done = 0;", f"while ({self.head}) {{", f"    struct {self.tag} *node = {self.head};", f"    {self.head} = node->next;",
                 "    node->next = done;", *indent(self.touch("node")), "    done = node;", "    ++n;", "}", f"{self.head} = done;"]
        self.function("reverse", lines)

    def drop(self):
        p = self.piece
        lines = [f"for (struct {self.tag} **link = &{self.head}; *link; ++n) {{", f"    struct {self.tag} *node = *link;",
                 f"    if ((node->key & {p.pick(1, 3, 7)}) == 0) {{", "        *link = node->next;", f"        --{self.counter};", "        h = mix(h, node->key);",
                 *(["        node->next = 0;"] if p.chance(0.5) else []), "        free(node);", "    } else {", *indent(indent(self.touch("node"))),
                 "        link = &node->next;", "    }", "}"]
        others = any(name == "other" for name, _, _ in self.members)
        if others:
            lines += [f"for (struct {self.tag} *node = {self.head}; node; node = node->next) node->other = 0;"]
        self.function("drop", lines)

    def sort(self):
        """Insertion sort by relinking: stores of pointers into fields."""
        lines = [f"struct {self.tag} *sorted = 0;", f"while ({self.head}) {{", f"    struct {self.tag} *node = {self.head}, **place = &sorted;",
                 f"    {self.head} = node->next;", "    for (int k = 0; *place && (*place)->key < node->key && k < 12; ++k) place = &(*place)->next;",
                 "    node->next = *place;", "    *place = node;", "    ++n;", "}", f"{self.head} = sorted;"]
        self.function("sort", lines)

    def write(self):
        p = self.piece
        self.counter = p.name("count")
        self.limit = p.between(20, 60)
        p.globals.append(f"static unsigned {self.counter};")
        self.grow()
        for _ in range(p.between(2, 5)):
            p.pick(self.walk, self.walk, self.reverse, self.drop, self.sort)()
        sums = [f"(u64)node->{name}" + (f"[{length - 1}]" if length else "") for name, kind, length in self.numbers]
        p.closing.append(f"for (struct {self.tag} *node = {self.head}; node; node = node->next) h = mix(h, node->key + {' + '.join(sums)});")


def write_structures(piece):
    piece.kind = "structures"
    Structures(piece).write()


def write_table(piece):
    """A table of blocks that come, grow, shrink and go: malloc, calloc, realloc, free, and stores between."""
    piece.kind = "table"
    p = piece
    count = p.between(3, 14)
    table, sizes, function = p.name("table"), p.name("sizes"), p.name("turn")
    kind = p.pick("u8", "u16", "u32", "u64")
    p.globals += [f"static {kind} *{table}[{count}];", f"static size_t {sizes}[{count}];"]
    most = p.pick(20, 80, 300, 700)
    scope = Scope([], [("k", count), ("n", most)])
    lines = [f"for (unsigned turn = 0; turn < {p.between(3, 9)}; ++turn) {{", f"    size_t k = h % {count}, n = 1 + (h >> 9) % {most}, old = {sizes}[k];",
             "    switch ((h >> 20) % 4) {", "    case 0:", f"        free({table}[k]);",
             f"        {table}[k] = ({kind} *){p.pick('zeroed(n * sizeof(' + kind + '))', 'calloc(n, sizeof(' + kind + '))')};", f"        {sizes}[k] = n;", "        break;",
             "    case 1:", f"        {table}[k] = ({kind} *)realloc({table}[k], n * sizeof({kind}));",
             f"        for (size_t i = old; i < n; ++i) {table}[k][i] = ({kind})({p.expression(scope, 1)} + i);", f"        {sizes}[k] = n;", "        break;",
             "    case 2:", f"        for (size_t i = 0; i < old; i += {p.between(1, 4)}) {table}[k][i] = ({kind})({table}[k][i] * 3 + h);", "        break;",
             "    default:", f"        if (old) {table}[k][h % old] ^= ({kind})({p.expression(scope, 1)});", "    }",
             f"    if ({sizes}[k]) h = mix(h, {table}[k][{sizes}[k] / 2]);", "}"]
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent(lines), "    return h;", "}"])
    # Blocks that have been there for a while: a new one is marked whole.
    visit = p.name("visit")
    store = p.pick(f"{table}[k][h % {sizes}[k]] += ({kind})h;", f"for (size_t i = {sizes}[k]; i-- > {sizes}[k] / 2;) {table}[k][i] ^= ({kind})(h + i);",
                   f"for ({kind} *at = {table}[k], *end = at + {sizes}[k]; at < end; ++at) {{ if ((h & 15) == 3) break; *at = ({kind})(*at + h); h = mix(h, *at); }}")
    p.functions.append([f"static NOINLINE u64 {visit}(u64 h)", "{", f"    for (unsigned k = {count}; k-- > 0;) {{", f"        if (!{sizes}[k]) continue;", f"        {store}",
                        f"        h = mix(h, {table}[k][0]);", "    }", "    return h;", "}"])
    p.body += [f"h = {function}(h);", f"h = {visit}(h);"]
    p.closing.append(f"for (unsigned k = 0; k < {count}; ++k) for (size_t i = 0; i < {sizes}[k]; i += 3) h = mix(h, {table}[k][i]);")
