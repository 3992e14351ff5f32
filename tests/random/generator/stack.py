"""stack - memory of frames: recursion with pointers to callers' locals, alloca and arrays of variable length, small objects and large ones."""
from .loops import indent
from .source import Scope


def write_recursion(piece):
    piece.kind = "recursion"
    p = piece
    kind = p.pick("u8", "u32", "u64", "i64")
    count = p.pick(1, p.between(2, 20), p.between(40, 400))
    name, trail = p.name("descend"), p.name("trail")
    depth = p.between(3, 12)
    p.globals.append(f"static u64 {trail}[{depth + 1}][{p.pick(1, 3, 8, 20)}];")
    scope = Scope([], [("depth", depth + 1)])
    attribute = p.pick("NOINLINE ", "")
    lines = [f"{kind} local[{count}];", f"for (unsigned i = 0; i < {count}; i += {max(1, count // 12)}) local[i] = ({kind})(h + i * {p.between(1, 9)});",
             f"{trail}[depth][h % (sizeof {trail}[0] / 8)] += {p.expression(scope, 1)};",
             f"local[0] = ({kind})h;", f"if (depth == 0) {{ *above = ({kind})(h ^ local[0]); return h; }}"]
    place = f"&local[(h % {(count + max(1, count // 12) - 1) // max(1, count // 12)}) * {max(1, count // 12)}]"
    lines.append(f"h = {name}(depth - 1, {place}, mix(h, depth));")
    if p.chance(0.4):
        lines.append(f"if (depth % 3 == 1) h = {name}(depth / 3, &local[0], h);")
    lines += [f"*above = ({kind})((u64)*above + h);", f"{trail}[depth][0] ^= (u64)local[0];", f"return mix(h, (u64)local[0] + {trail}[depth][0]);"]
    p.functions.append([f"static {attribute}u64 {name}(unsigned depth, {kind} *above, u64 h)", "{", *indent(lines), "}"])
    p.body += ["{", f"    {kind} start = ({kind})h;", f"    h = {name}({p.pick(str(depth), f'h % {depth + 1}')}, &start, h);", "    h = mix(h, (u64)start);", "}"]
    p.closing.append(f"for (unsigned i = 0; i <= {depth}; ++i) h = mix(h, {trail}[i][0]);")


def write_frames(piece):
    """Objects of frames by size: known, known only at run time, in loops, left by break and goto."""
    piece.kind = "frames"
    p = piece
    fill, function, kept = p.name("fill"), p.name("frames"), p.name("kept")
    p.globals.append(f"static u64 {kept}[64];")
    p.functions.append([f"static NOINLINE u64 {fill}(u8 *at, size_t size, u64 h)", "{", f"    for (size_t i = 0; i < size; i += 1 + size / {p.between(4, 20)}) at[i] = (u8)(h + i);",
                        f"    {kept}[h % 64] += size;", "    return size ? mix(h, at[0]) : h;", "}"])
    lines = []
    for _ in range(p.between(1, 4)):
        most = p.pick(40, 300, 5000, 40000, 300000)
        size = p.pick(f"1 + h % {most}", f"opaque({most})", f"{most}")
        name = p.name("object")
        form = p.below(6)
        if form == 0:
            lines += [f"const size_t {name}_size = {size};", f"u8 *{name} = (u8 *)__builtin_alloca({name}_size);", f"{name}[0] = (u8)h;",
                      f"h = {fill}({name}, {name}_size, h);"]
        elif form == 1:
            lines += ["{", f"    const size_t size = {size};", f"    u8 {name}[size];", f"    h = {fill}({name}, size, h);", f"    {name}[size - 1] = (u8)(h >> 3);",
                      f"    h = mix(h, {name}[size - 1]);", "}"]
        elif form == 2:
            lines += [f"for (unsigned turn = 0; turn < {p.between(2, 5)}; ++turn) {{", f"    const size_t size = 1 + (h >> turn) % {most};", f"    u64 {name}[size];",
                      f"    {name}[0] = h; {name}[size - 1] = h + turn;", f"    h = {fill}((u8 *){name}, {p.pick('8', 'size * 8')}, h);", "    if ((h & 15) == 3) break;",
                      "    if ((h & 7) == 2) continue;", f"    h = mix(h, {name}[size - 1]);", "}"]
        elif form == 3:
            lines += [f"u8 {name}[{most}];", f"h = {fill}({name}, {most}, h);", f"{name}[h % {most}] = (u8)h;", f"h = mix(h, {name}[0]);"]
        elif form == 4:
            lines += ["{", f"    struct {{ u64 a; u8 middle[{most}]; u64 b; }} {name};", f"    {name}.a = h; {name}.b = h ^ 1;", f"    h = {fill}({name}.middle, {most}, h);",
                      f"    h = mix(h, {name}.a + {name}.b + {name}.middle[0]);", "}"]
        elif not p.cxx:
            lines += ["{", "    unsigned turns = 0;", f"{name}_again:;", f"    u32 {name}[1 + (h >> 8) % {most // 4 + 1}];", f"    {name}[0] = (u32)h;",
                      f"    h = {fill}((u8 *){name}, 4, h) + {name}[0];", f"    if (++turns < {p.between(2, 5)}) goto {name}_again;", "}"]
    p.functions.append([f"static {p.pick('NOINLINE ', '')}u64 {function}(u64 h)", "{", *indent(lines), "    return h;", "}"])
    p.body.append(f"h = {function}(h);")
    p.closing.append(f"for (unsigned i = 0; i < 64; ++i) h = mix(h, {kept}[i]);")


def write_jumps(piece):
    """setjmp and longjmp, out of several frames with objects of their own; what changes between is volatile or in memory."""
    piece.kind = "jumps"
    p = piece
    place, away, function, memory = p.name("place"), p.name("away"), p.name("jumps"), p.name("memory")
    signal = p.chance(0.3)
    p.globals += ["#include <setjmp.h>", f"static {'sigjmp_buf' if signal else 'jmp_buf'} {place};" if p.chance(0.6) else f"static {'sigjmp_buf' if signal else 'jmp_buf'} *{place}_block;",
                  f"static u64 {memory}[{p.between(6, 60)}];"]
    if "_block" in p.globals[-2]:
        p.setup.append(f"{place}_block = (__typeof__({place}_block))zeroed(sizeof *{place}_block);")
        place = f"(*{place}_block)"
    size = p.pick(16, 300, 2000)
    p.functions.append([f"static NOINLINE u64 {away}(unsigned depth, u64 h)", "{", f"    u8 object[{size}];", "    for (unsigned i = 0; i < 8; ++i) object[i] = (u8)(h >> i);",
                        f"    {memory}[(h + depth) % (sizeof {memory} / 8)] += object[h % 8];",
                        f"    if (depth == 0) {'siglongjmp' if signal else 'longjmp'}({place}, (int)(h % 5) + 1);",
                        f"    if ((h & {p.pick(7, 15, 31)}) == 9) return h;", f"    h = {away}(depth - 1, mix(h, depth));", "    return h + object[0];", "}"])
    lines = [f"volatile unsigned turns = 0;", "volatile u64 kept = h;", f"{p.pick('u8', 'volatile u8')} large[{p.pick(8, 500, 3000)}];", "large[0] = (u8)h;",
             f"int code = {'sigsetjmp' if signal else 'setjmp'}({place}{', 1' if signal else ''});", f"{memory}[code] += kept;", "kept = mix(kept, (u64)code);", "turns = turns + 1;",
             f"if (turns < {p.between(2, 6)}) kept = {away}({p.pick('turns', str(p.between(0, 7)), 'kept % 6')}, kept);",
             f"for (unsigned i = 0; i < sizeof {memory} / 8; ++i) {memory}[i] ^= kept + i;", "return kept + large[0];"]
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent(lines), "}"])
    p.body.append(f"h = {function}(h);")
    p.closing.append(f"for (unsigned i = 0; i < sizeof {memory} / 8; ++i) h = mix(h, {memory}[i]);")
