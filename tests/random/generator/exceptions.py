"""exceptions - C++: objects whose destructors store while unwinding goes through their frames, large objects in these frames, catches by value, by reference and
of anything, exceptions thrown on, virtual calls and operator new."""
from .loops import indent


def write_exceptions(piece):
    piece.kind = "exceptions"
    p = piece
    memory, guard, error, deep, function = p.name("memory"), p.name("Guard"), p.name("Error"), p.name("deep"), p.name("exceptions")
    count = p.between(4, 60)
    if p.chance(0.5):
        p.globals.append(f"static u64 {memory}[{count}];")
    else:
        p.globals.append(f"static u64 *{memory};")
        p.setup.append(f"{memory} = (u64 *)zeroed({count} * 8);")
    p.globals.append([f"struct {error} {{", f"    u64 code; u8 more[{p.pick(1, 24, 100, 900)}];", f"    explicit {error}(u64 c) : code(c) {{ memset(more, (int)(c & 63), sizeof more); }}", "};"])
    p.globals.append([f"struct {guard} {{", f"    u64 *at; u64 value; u8 body[{p.pick(1, 60, 300, 2000)}];",
                      f"    {guard}(u64 *a, u64 v) : at(a), value(v) {{ body[0] = (u8)v; *at += body[0]; }}",
                      f"    {p.pick('', '__attribute__((noinline)) ')}~{guard}() {{ *at = *at * 3 + value + body[0]; {memory}[value % {count}] ^= *at; }}", "};"])
    thrown = [f"throw {error}(h);", "throw (int)(h % 100);", "throw h;"]
    lines = [f"{guard} guard(&{memory}[h % {count}], h);"]
    if p.chance(0.4):
        lines.append(f"u8 object[{p.pick(100, 600, 5000)}]; object[h % sizeof object] = (u8)h; object[0] = 1; h += object[0];")
    lines += [f"if (depth == 0) {p.pick(*thrown)}", f"if ((h & {p.pick(7, 15)}) == 3) {p.pick(*thrown)}"]
    inner = [f"h = {deep}(depth - 1, mix(h, depth));", f"{memory}[h % {count}] += depth;"]
    if p.chance(0.5):
        handled = p.pick([f"}} catch ({error} &e) {{", "    e.code += depth;", f"    {memory}[e.code % {count}] = e.code;", "    if (e.code & 1) throw;", "    h ^= e.code;", "}"],
                         [f"}} catch (int n) {{", f"    {memory}[(u64)n % {count}] += (u64)n;", f"    if (n & 1) throw {error}(h);", "    h += (u64)n;", "}"],
                         ["} catch (...) {", f"    {memory}[depth % {count}] ^= h;", p.pick("    throw;", f"    if (h & 2) {p.pick(*thrown)}"), "}"])
        inner = ["try {", *indent(inner), *handled]
    lines += inner
    if p.chance(0.5):
        lines.append(f"{guard} *heap = new {guard}(&{memory}[0], h); heap->value += depth; delete heap;")
    p.functions.append([f"static NOINLINE u64 {deep}(unsigned depth, u64 h)", "{", *indent(lines), "    return h + guard.value;", "}"])
    loop = [f"for (unsigned turn = 0; turn < {p.between(1, 2)}; ++turn) {{", "    try {", f"        {guard} outer(&{memory}[turn], h);", f"        h = {deep}({p.between(0, 4)}, h + turn);",
            f"    }} catch ({p.pick(error, 'const ' + error + ' &')} {'e'}) {{", f"        h = mix(h, e.code + e.more[0]);", f"        {memory}[h % {count}] += e.code;",
            "    } catch (int n) {", f"        {memory}[(u64)n % {count}] -= 1;", "        h = mix(h, (u64)n);", "    } catch (u64 v) {", "        h = mix(h, v);", "    }",
            f"    {memory}[turn] += h;", "}"]
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent(loop), "    return h;", "}"])
    p.body.append(f"h = {function}(h);")
    p.closing.append(f"for (unsigned i = 0; i < {count}; ++i) h = mix(h, {memory}[i]);")


def write_objects(piece):
    """Classes: virtual functions that store into their objects, constructors into memory of any place, lambdas by reference, static locals."""
    piece.kind = "objects"
    p = piece
    base, function, table = p.name("Base"), p.name("objects"), p.name("table")
    count, kinds = p.between(3, 16), p.between(2, 4)
    p.globals.append([f"struct {base} {{", f"    u64 count; u32 history[{p.between(1, 30)}];", f"    explicit {base}(u64 h) : count(h & 15) {{ memset(history, (int)(h & 7), sizeof history); }}",
                      "    virtual u64 change(u64 h) = 0;", f"    virtual ~{base}() {{}}", "};"])
    names = []
    for number in range(kinds):
        name = p.name("Derived")
        names.append(name)
        p.globals.append([f"struct {name} : {base} {{", f"    u64 own[{p.between(1, 20)}];", f"    explicit {name}(u64 h) : {base}(h + {number}) {{ for (u64 &o : own) o = h++; }}",
                          "    u64 change(u64 h) override {", f"        own[h % (sizeof own / 8)] {p.pick('+=', '^=', '=')} h;", "        history[count++ % (sizeof history / 4)] += (u32)h;",
                          "        return mix(h, own[0]);", "    }", "};"])
    p.globals.append(f"static {base} *{table}[{count}];")
    lines = [f"static u64 *first = new u64[{p.between(2, 20)}]();", f"for (unsigned i = 0; i < {count}; ++i) {{", f"    {base} *&slot = {table}[i];",
             "    if (!slot || (h & 7) == 1) {", "        delete slot;", f"        switch (h % {kinds}) {{",
             *[f"        {'default' if number == kinds - 1 else f'case {number}'}: slot = new {name}(h); break;" for number, name in enumerate(names)], "        }", "    }",
             "    h = slot->change(h);", "    first[h & 1] += h;", "}", "u64 local = h;", "auto add = [&](u64 v) { local += v; first[v & 1] ^= local; };",
             f"for (unsigned i = 0; i < {p.between(1, 9)}; ++i) add(h >> i);"]
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent(lines), "    return mix(h, local);", "}"])
    p.body.append(f"h = {function}(h);")
    p.closing.append(f"for (unsigned i = 0; i < {count}; ++i) if ({table}[i]) h = mix({table}[i]->change(h), {table}[i]->count);")
