"""loops - loops of every form that store: along their variables, through pointers that move, forwards and backwards, nested, with exits, with calls
inside, over bounds that are known or not, and loops that run not at all while their pointers point nowhere."""
from .areas import make_area
from .source import Scope

FILL_MAX = 500  # bytes; found/long-memset.c says why not more
COUNTERS = ("unsigned", "int", "size_t", "long", "u16", "i64", "u32")


class Loops:
    def __init__(self, piece, areas):
        self.piece = piece
        self.areas = areas
        self.budget = 0
        self.trips = 1       # how often the innermost body runs
        self.helpers = {}

    # ---- statements ----

    def block(self, scope, length, in_loop):
        lines = []
        for _ in range(length):
            lines += self.statement(scope, in_loop)
        return lines

    def statement(self, scope, in_loop):
        p = self.piece
        forms = [(6, self.store), (3, self.compound), (3, self.conditional), (2, self.wide), (2, self.call), (1, self.choice), (2, self.fill),
                 (1, self.fold), (2, self.through_pointer), (1, self.neighbours), (1, self.either_pointer)]
        if scope.depth < 3 and self.budget > 0:
            forms.append((5, self.loop))
        if in_loop:
            forms.append((1, lambda s: [f"if ({p.condition(s, often=False)}) {in_loop};"]))
        total = p.below(sum(weight for weight, _ in forms))
        for weight, form in forms:
            total -= weight
            if total < 0:
                return form(scope)
        return []

    def target(self, scope):
        area = self.piece.pick(*scope.areas)
        return area, area.at(self.piece.index(scope, area.count))

    def store(self, scope):
        area, place = self.target(scope)
        return [f"{place} = ({area.kind})({self.piece.expression(scope)});"]

    def compound(self, scope):
        p = self.piece
        area, place = self.target(scope)
        if area.kind.startswith("i"):
            return [f"{place} = ({area.kind})((u64){place} {p.pick('+', '-', '^', '*')} {p.expression(scope, 1)});"]
        return p.pick([f"{place} {p.pick('+=', '-=', '^=', '|=')} ({area.kind})({p.expression(scope, 1)});"], [f"{p.pick('++', '--')}{place};"])

    def conditional(self, scope):
        first = [line for line in self.block(scope, 1, None) or ["h += 3;"]]
        text = [f"if ({self.piece.condition(scope)}) {{", *indent(first), "}"]
        if self.piece.chance(0.4):
            text[-1:] = ["} else {", *indent(self.store(scope)), "}"]
        return text

    def wide(self, scope):
        """A store of another width at any byte of the area, over lines' ends."""
        p = self.piece
        area = p.pick(*scope.areas)
        kind, size = p.pick(("u64_1", 8), ("u32_1", 4), ("u16_1", 2))
        if area.member or area.bytes * area.count < 16:
            return self.store(scope)
        return [f"*({kind} *)((char *){area.name} + {p.index(scope, area.bytes * area.count, width=size)}) = ({kind})({p.expression(scope, 1)});"]

    def through_pointer(self, scope):
        p = self.piece
        area, place = self.target(scope)
        pointer = p.name("p")
        return [f"{area.kind} *{pointer} = &{place};", f"*{pointer} = ({area.kind})({p.expression(scope, 1)});", f"h = mix(h, (u64)*{pointer});",
                f"*{pointer} = ({area.kind})((u64)*{pointer} + {p.constant()});"] if not unaligned(area) else self.compound(scope)

    def neighbours(self, scope):
        """Several stores near each other: what a pass may find to be one line."""
        p = self.piece
        area = p.pick(*scope.areas)
        width = min(area.count, p.between(2, 6))
        base = p.name("k")
        places = p.random.sample(range(width), p.between(2, width))
        return [f"size_t {base} = {p.index(scope, area.count, width=width)};",
                *[f"{area.at(f'{base} + {place}')} = ({area.kind})({p.expression(scope, 1)});" for place in places]]

    def either_pointer(self, scope):
        """A pointer that is only followed when it points somewhere."""
        p = self.piece
        area, place = self.target(scope)
        if unaligned(area):
            return self.compound(scope)
        flag, pointer = p.name("c"), p.name("p")
        wild = p.pick("0", "0x10", "0xdeadbeefdeadbeef", "0x7fffffffff00", "~(uintptr_t)0", "0xffff800000000000")
        lines = [f"int {flag} = {p.condition(scope)};", f"{area.kind} *{pointer} = {flag} ? &{place} : ({area.kind} *)(uintptr_t){wild};"]
        if p.chance(0.5):
            return [*lines, f"if ({flag}) *{pointer} = ({area.kind})({p.expression(scope, 1)});"]
        counter = p.name("i")
        return [*lines, f"for (int {counter} = 0; {counter} < {p.between(2, 9)}; ++{counter}) {{",
                f"    h += {counter};", f"    if ({flag}) *{pointer} = ({area.kind})((u64)*{pointer} * 3 + h);", "}"]

    def choice(self, scope):
        p = self.piece
        cases = p.between(2, 6)
        lines = [f"switch (({p.expression(scope, 1)}) % {cases + 1}) {{"]
        for case in range(cases):
            lines += [f"case {case}:", *indent(["{", *indent(self.store(scope) if p.chance(0.7) else self.compound(scope)), "}"])]
            lines += ["    break;"] if p.chance(0.7) or case == cases - 1 else ["    /* fall through */"]
        return [*lines, "default:", "    h ^= 5;", "}"]

    def fill(self, scope):
        """Part of the area by memset, memcpy, memmove or a structure's assignment."""
        p = self.piece
        area = p.pick(*scope.areas)
        limit = min(area.count, 40, max(1, FILL_MAX // area.stride))
        length = p.between(0, limit)
        count = str(length) if p.chance(0.5) or length == 0 else f"(h % {length + 1})"
        width = max(length, 1)
        to = f"&{area.name}[{p.index(scope, area.count, width=width)}]"
        if p.chance(0.4):
            return [f"memset({to}, (int)(h & 255), {count} * sizeof *{area.name});"]
        start = f"&{area.name}[{p.index(scope, area.count, width=width)}]"
        if p.chance(0.6):
            return [f"memmove({to}, {start}, {count} * sizeof *{area.name});"]
        buffer = p.name("copy")
        return ["{", f"    {area.type} {buffer}[{width}];", f"    const size_t {buffer}_count = {count};",
                f"    memcpy({buffer}, {start}, {buffer}_count * sizeof *{area.name});", f"    h += {buffer}_count;",
                f"    memcpy({to}, {buffer}, {buffer}_count * sizeof *{area.name});", "}"]

    def fold(self, scope):
        return [f"h = mix(h, {self.piece.expression(scope, 1)});"]

    def call(self, scope):
        p = self.piece
        area, place = self.target(scope)
        if unaligned(area):
            return [f"h = opaque(h + {p.constant()});"]
        if area.kind not in self.helpers:
            helper = self.helpers[area.kind] = p.name("poke")
            attribute = p.pick("NOINLINE ", "NOINLINE ", "")
            body = p.pick(f"*p = ({area.kind})(v * 5 + (u64)*p);", f"if (v & 3) *p = ({area.kind})v;", f"*p = ({area.kind})opaque(v); *p = ({area.kind})((u64)*p ^ v);")
            p.functions.append([f"static {attribute}u64 {helper}({area.kind} *p, u64 v)", "{", f"    {body}", "    return v + (u64)*p;", "}"])
        return [f"h += {self.helpers[area.kind]}(&{place}, {p.expression(scope, 1)});"]

    # ---- loops ----

    def loop(self, scope):
        p = self.piece
        self.budget -= 1
        limit = max(2, 150 // self.trips)
        area = p.pick(*scope.areas)
        trips = p.pick(p.between(0, 4), p.between(4, 20), p.between(20, 80), area.count)
        trips = max(0, min(trips, limit))
        outer, self.trips = self.trips, self.trips * max(1, trips)
        lines = p.pick(self.ascending, self.ascending, self.descending, self.strided, self.unknown, self.unknown, self.moving, self.moving,
                       self.moving_back, self.checked_last, self.growing, self.by_goto)(scope, trips)
        self.trips = outer
        return ["{", *indent(lines), "}"] if p.chance(0.2) else lines

    def body(self, scope, in_loop="break"):
        if in_loop == "break" and self.piece.chance(0.3):
            in_loop = "continue"
        return indent(self.block(scope, self.piece.pick(1, 1, 2, 3), in_loop))

    def counter(self, trips):
        kinds = COUNTERS + (("u8",) if trips < 200 else ())
        return self.piece.name("i"), self.piece.pick(*kinds)

    def ascending(self, scope, trips):
        name, kind = self.counter(trips)
        return [f"for ({kind} {name} = 0; {name} {self.piece.pick('<', '!=')} {trips}; ++{name}) {{", *self.body(scope.deeper((name, max(trips, 1)))), "}"]

    def descending(self, scope, trips):
        name, kind = self.counter(trips)
        return [f"for ({kind} {name} = {trips}; {name}-- > 0;) {{", *self.body(scope.deeper((name, max(trips, 1)))), "}"]

    def strided(self, scope, trips):
        name, _ = self.counter(trips)
        step, start = self.piece.between(2, 13), self.piece.below(4)
        return [f"for (size_t {name} = {start}; {name} < {max(trips, 1) * step}; {name} += {step}) {{",
                *self.body(scope.deeper((name, max(trips, 1) * step))), "}"]

    def unknown(self, scope, trips):
        """Bounds that only the run knows, sometimes none at all."""
        p = self.piece
        name, kind = self.counter(trips)
        bound = p.name("n")
        value = p.pick(f"opaque({trips})", f"h % {trips + 1}", f"h % 3 ? opaque({trips}) : 0")
        head = p.pick(f"for ({kind} {name} = 0; {name} < ({kind}){bound}; ++{name}) {{", f"for ({kind} {name} = ({kind}){bound}; {name}-- > 0;) {{")
        return [f"const size_t {bound} = {value};", head, *self.body(scope.deeper((name, max(trips, 1)))), "}"]

    def moving(self, scope, trips):
        p = self.piece
        area = p.pick(*scope.areas)
        trips = min(trips, area.count)
        pointer, end = p.name("p"), p.name("e")
        step = p.pick(1, 1, 1, p.between(2, 5))
        start = p.below(area.count - trips + 1)
        # A pointer may go one beyond the last element, not further: the last round may lack a whole step.
        reach = trips // step * step
        bound = p.pick(str(reach), f"opaque({reach})")
        inner = scope.deeper()
        return [f"for ({area.type} *{pointer} = {area.name} + {start}, *{end} = {pointer} + {bound}; {pointer} != {end}; {pointer} += {step}) {{",
                f"    (*{pointer}){area.member} = ({area.kind})({p.expression(inner, 1)});", *self.body(inner, None if p.chance(0.5) else "break"), "}"]

    def moving_back(self, scope, trips):
        p = self.piece
        area = p.pick(*scope.areas)
        trips = min(trips, area.count)
        pointer, left = p.name("p"), p.name("n")
        inner = scope.deeper((left, max(trips, 1)))
        return [f"{area.type} *{pointer} = {area.name} + {trips};", f"for (size_t {left} = {p.pick(str(trips), f'opaque({trips})')}; {left}-- != 0;) {{",
                f"    (*--{pointer}){area.member} = ({area.kind})({p.expression(inner, 1)});", *self.body(inner, None), "}"]

    def checked_last(self, scope, trips):
        p = self.piece
        name = p.name("i")
        return [f"size_t {name} = 0;", "do {", *self.body(scope.deeper((name, max(trips, 1))), None), f"}} while (++{name} < {trips});"]

    def growing(self, scope, trips):
        p = self.piece
        name = p.name("i")
        bound = max(2, trips * 3)
        grow = p.pick(f"{name} *= 2", f"{name} = {name} * 3 + 1", f"{name} += {name} / 2 + 1")
        return [f"for (size_t {name} = 1; {name} < {bound}; {grow}) {{", *self.body(scope.deeper((name, bound)), None), "}"]

    def by_goto(self, scope, trips):
        p = self.piece
        name, label = p.name("i"), p.name("again")
        trips = min(max(trips, 1), 40)
        body = self.body(scope.deeper((name, trips)), None)
        return ["{", f"    size_t {name} = 0;", f"{label}:", "    {", *indent(body), "    }", f"    if (++{name} < opaque({trips})) goto {label};", "}"]


def unaligned(area):
    return area.kind.endswith("_1") or area.member != ""


def indent(lines):
    return ["    " + line for line in lines]


def write_loops(piece):
    piece.kind = "loops"
    areas = [make_area(piece) for _ in range(piece.between(1, 4))]
    loops = Loops(piece, areas)
    for _ in range(piece.between(1, 3)):
        function = piece.name("loops")
        by_parameter = [area for area in areas if piece.chance(0.6)]
        inside, parameters, arguments = [], [], []
        for area in areas:
            if area in by_parameter:
                restrict = "__restrict " if piece.chance(0.3) and len(areas) == len(set(areas)) else ""
                local = area.called(piece.name("a"))
                inside.append(local)
                parameters.append(f"{area.type} *{restrict}{local.name}")
                arguments.append(area.name)
            else:
                inside.append(area)
        loops.budget = piece.between(2, 5)
        scope = Scope(inside)
        lines = loops.loop(scope) + loops.block(scope, piece.between(0, 3), None)
        loops.budget = 0
        text = [f"static {piece.pick('NOINLINE ', 'NOINLINE ', '')}u64 {function}({', '.join(['u64 h', *parameters])})", "{", *indent(lines), "    return h;", "}"]
        piece.functions.append(text)
        piece.body.append(f"h = {function}({', '.join(['h', *arguments])});")
