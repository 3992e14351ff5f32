"""calls - structures by value in and out, variable arguments, calls in tail position, pointers to functions."""
from .loops import indent
from .source import TYPES


def write_values(piece):
    """Structures as arguments and results: in registers, on the stack, through a hidden pointer, straight into the heap."""
    piece.kind = "values"
    p = piece
    tag, make, change, function, table = p.name("value"), p.name("make"), p.name("change"), p.name("values"), p.name("table")
    members = []
    for number in range(p.between(1, 5)):
        members.append((f"m{number}", p.pick(*TYPES), p.pick(0, 0, p.between(2, 30))))
    p.globals.append([f"struct {tag} {{", *[f"    {kind} {name}{f'[{length}]' if length else ''};" for name, kind, length in members], "};"])
    count = p.between(2, 9)
    if p.chance(0.5):
        p.globals.append(f"static struct {tag} {table}[{count}];")
    else:
        p.globals.append(f"static struct {tag} *{table};")
        p.setup.append(f"{table} = (struct {tag} *)zeroed({count} * sizeof *{table});")
    assign = [f"v.{name}{f'[h % {length}]' if length else ''} = ({kind})(h + {number});" for number, (name, kind, length) in enumerate(members)]
    name, kind, length = p.pick(*members)
    one = f"v.{name}{f'[{length - 1}]' if length else ''}"
    p.functions.append([f"static NOINLINE struct {tag} {make}(u64 h)", "{", f"    struct {tag} v;", "    memset(&v, (int)(h & 15), sizeof v);", *indent(assign), "    return v;", "}"])
    p.functions.append([f"static NOINLINE struct {tag} {change}(struct {tag} v, u64 h, struct {tag} *also)", "{", f"    {one} = ({kind})((u64){one} + h);",
                        "    if (h & 1) *also = v;", "    return v;", "}"])
    indirect = p.chance(0.4)
    lines = [f"struct {tag} (*{'volatile ' if p.chance(0.5) else ''}made)(u64) = {make};"] if indirect else []
    made = "made" if indirect else make
    lines += [f"for (unsigned i = 0; i < {p.between(2, 12)}; ++i) {{", f"    {table}[(h + i) % {count}] = {made}(h);",
              f"    {table}[h % {count}] = {change}({table}[i % {count}], h, &{table}[(h >> 5) % {count}]);",
              f"    struct {tag} v = {change}({made}(h + i), h, &{table}[0]);", f"    h = mix(h, (u64){one});", *([f"    {table}[i % {count}] = v;"] if p.chance(0.5) else []), "}"]
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent(lines), "    return h;", "}"])
    p.body.append(f"h = {function}(h);")
    p.closing.append(f"for (unsigned i = 0; i < {count}; ++i) {{ struct {tag} v = {table}[i]; h = mix(h, (u64){one}); }}")


def write_arguments(piece):
    piece.kind = "arguments"
    p = piece
    gather, outer, sums = p.name("gather"), p.name("outer"), p.name("sums")
    p.globals += ["#include <stdarg.h>", f"static u64 {sums}[{p.between(3, 300)}];"]
    count = p.between(1, 14)
    kinds = [p.pick("int", "u64", "double", "char *") for _ in range(count)]
    lines = ["va_list copy;", "va_copy(copy, list);"]
    target = f"{sums}[{{}} % (sizeof {sums} / 8)]"
    for source in ("list", "copy"):
        for number, kind in enumerate(kinds):
            value = f"va_arg({source}, {kind})"
            lines.append(f"{target.format(number)} += {'(u64)*' if kind == 'char *' else '(u64)'}{value};")
            if p.chance(0.3):
                lines.append(f"{sums}[0] = opaque({sums}[0] * 3);")
        if source == "list":
            lines.append("h = mix(h, *to);")
    lines += ["va_end(copy);", "*to += h;"]
    p.functions.append([f"static NOINLINE u64 {gather}(u64 h, u64 *to, va_list list)", "{", *indent(lines), "    return h;", "}"])
    p.functions.append([f"static NOINLINE u64 {outer}(u64 h, u64 *to, ...)", "{", "    va_list list;", "    va_start(list, to);", f"    h = {gather}(h, to, list);", "    va_end(list);",
                        "    return h;", "}"])
    values = [{"int": f"(int)(h >> {n} & 1023)", "u64": f"h * {n + 3}", "double": f"(double)(h >> {n} & 4095)", "char *": f"(char *)\"{chr(97 + n)}\""}[kind] for n, kind in enumerate(kinds)]
    p.body.append(f"h = {outer}({', '.join(['h', f'&{sums}[h % (sizeof {sums} / 8)]', *values])});")
    p.closing.append(f"for (unsigned i = 0; i < sizeof {sums} / 8; i += 3) h = mix(h, {sums}[i]);")


def write_tails(piece):
    """Functions that end in a call of one another, some of which must become jumps."""
    piece.kind = "tails"
    p = piece
    state, count = p.name("state"), p.between(2, 5)
    names = [p.name("step") for _ in range(count)]
    p.globals.append(f"static u64 {state}[{p.between(50, 900)}];")
    p.globals += [f"static NOINLINE u64 {name}(u64 h, u64 *at, unsigned left);" for name in names]
    for name in names:
        must = p.pick("__attribute__((musttail)) ", "")
        branches = [f"if (h & {1 << n}) {must}return {p.pick(*names)}(mix(h, left), {p.pick('at', f'&{state}[h % (sizeof {state} / 8)]', f'&{state}[h % (sizeof {state} / 8)]', f'{state}')}, left - 1);" for n in range(p.between(0, 2))]
        p.functions.append([f"static NOINLINE u64 {name}(u64 h, u64 *at, unsigned left)", "{", f"    *at {p.pick('+=', '^=', '=')} h + left;",
                            f"    {state}[left % (sizeof {state} / 8)] += 1;", "    if (left == 0) return h;", *indent(branches),
                            f"    {must}return {p.pick(*names)}(h + *at, {p.pick('at', f'&{state}[h % (sizeof {state} / 8)]')}, left - 1);", "}"])
    p.body.append(f"h = {names[0]}(h, {state}, {p.pick(str(p.between(3, 40)), f'(unsigned)(h % {p.between(5, 50)})')});")
    p.closing.append(f"for (unsigned i = 0; i < sizeof {state} / 8; i += 7) h = mix(h, {state}[i]);")
