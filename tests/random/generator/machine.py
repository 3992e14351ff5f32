"""machine - what is near the processor: vectors, intrinsics, inline assembly with outputs in memory, atomics, bit fields."""
from .areas import make_area
from .loops import indent


def write_vectors(piece):
    piece.kind = "vectors"
    p = piece
    bytes_, element = p.pick(16, 32, 64), p.pick("u8", "u16", "u32", "u64")
    lanes = bytes_ // {"u8": 1, "u16": 2, "u32": 4, "u64": 8}[element]
    vector, loose, array, function = p.name("vector"), p.name("loose"), p.name("array"), p.name("vectors")
    count = p.between(2, 24)
    p.globals += [f"typedef {element} {vector} __attribute__((vector_size({bytes_})));",
                  f"typedef {element} {loose} __attribute__((vector_size({bytes_}), aligned(1), may_alias));"]
    if p.chance(0.5):
        p.globals.append(f"static {vector} {array}[{count}];")
    else:
        p.globals.append(f"static {vector} *{array};")
        p.setup.append(f"{array} = ({vector} *)(((uintptr_t)zeroed({count} * {bytes_} + 64) + 63) & ~(uintptr_t)63);")
    lines = [f"{vector} v;", f"for (unsigned i = 0; i < {lanes}; ++i) v[i] = ({element})(h >> i % 50);"]
    index, k = p.name("i"), p.between(1, 9)
    for _ in range(p.between(2, 5)):
        lines += p.pick(
            [f"for (unsigned {index} = 0; {index} < {count}; ++{index}) {array}[{index}] = {array}[{index}] * {k} + v;"],
            [f"for (unsigned {index} = {count}; {index}-- > 0;) {array}[{index}][h % {lanes}] = ({element})(h + {index});"],
            [f"*({loose} *)((char *){array} + h % {(count - 1) * bytes_ + 1}) = ({loose})v;"],
            [f"{array}[h % {count}] ^= v;", "h = mix(h, v[0]);"],
            [f"if (h & 1) {array}[{p.below(count)}] = v + ({element})h;"],
            [f"for ({element} *e = ({element} *){array}, *end = e + {count * lanes}; e != end; ++e) *e = ({element})(*e + h);"])
        lines.append(f"h = mix(h, {array}[h % {count}][{p.below(lanes)}]);")
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent(lines), "    return h;", "}"])
    p.body.append(f"h = {function}(h);")
    if p.chance(0.5):
        write_intrinsics(p)
    p.closing.append(f"for (unsigned i = 0; i < {count}; ++i) h = mix(h, {array}[i][i % {lanes}]);")


def write_intrinsics(p):
    """Stores that only wide processors have; elsewhere the function has ordinary ones."""
    memory, function = p.name("memory"), p.name("intrinsics")
    p.globals += ["#include <immintrin.h>", f"static u32 *{memory};"]
    p.setup.append(f"{memory} = (u32 *)zeroed(4096);")
    at = [f"{memory} + h % {bound}" for bound in (1000, 1008, 1016)]
    lines = [f"_mm_storeu_si128((__m128i *)({at[1]}), _mm_set1_epi32((int)h));", "h = mix(h, 3);",
             f"_mm_maskmoveu_si128(_mm_set1_epi32((int)h), _mm_set1_epi16((short)(h >> 7)), (char *)({at[1]}));", "h = mix(h, 5);",
             "#ifdef __AVX2__",
             f"_mm256_maskstore_epi32((int *)({at[0]}), _mm256_set1_epi64x((long long)(h * 77)), _mm256_set1_epi32((int)(h >> 3)));", "h = mix(h, 7);",
             f"_mm256_storeu_si256((__m256i *)({at[1]}), _mm256_set1_epi64x((long long)h));", "#endif",
             "#if defined __AVX512F__ && defined __AVX512VL__",
             f"_mm512_mask_storeu_epi32({at[0]}, (__mmask16)(h >> 4), _mm512_set1_epi32((int)h));", "h = mix(h, 9);",
             f"_mm512_mask_compressstoreu_epi32({at[0]}, (__mmask16)(h >> 9), _mm512_set1_epi32((int)h + 1));", "h = mix(h, 11);",
             "#endif"]
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent(lines), f"    return mix(h, {memory}[h % 1024]);", "}"])
    p.body.append(f"for (unsigned i = 0; i < {p.between(1, 5)}; ++i) h = {function}(h);")
    p.closing.append(f"for (unsigned i = 0; i < 1024; i += 7) h = mix(h, {memory}[i]);")


def write_assembly(piece):
    piece.kind = "assembly"
    p = piece
    areas = [make_area(p, place, p.between(50, 300), kind) for place, kind in ((p.pick("global", "heap"), "u64"), (p.pick("heap", "mapping", "fields"), "u32"))]
    function = p.name("assembly")
    wide, narrow = areas
    a, b = wide.at(f"h % {wide.count}"), narrow.at(f"h % {narrow.count}")
    forms = [[f"__asm__(\"movq %1, %0\" : \"=m\"({a}) : \"r\"(h));"], [f"__asm__(\"addq %1, %0\" : \"+m\"({a}) : \"r\"(h) : \"cc\");"],
             [f"__asm__(\"movl %1, %0\" : \"=m\"({b}) : \"r\"((u32)h));"], [f"__asm__ volatile(\"incl %0\" : \"+m\"({b}) : : \"cc\");"],
             ["{", "    u64 old = 7;", f"    __asm__(\"lock xaddq %0, %1\" : \"+r\"(old), \"+m\"({a}) : : \"cc\");", "    h = mix(h, old);", "}"],
             ["{", f"    u64 *to = &{wide.name}[0], count = {min(wide.count, 12)};",
              f"    __asm__ volatile(\"rep stosq\" : \"+D\"(to), \"+c\"(count), \"=m\"(*(u64 (*)[{min(wide.count, 12)}])&{wide.name}[0]) : \"a\"(h));", "}"],
             [f"__asm__(\"movq %2, %0; movl %k2, %1\" : \"=&m\"({a}), \"=&m\"({b}) : \"r\"(h));"],
             [f"{a} += 3;"], [f"for (unsigned i = 0; i < {wide.count}; i += 9) __asm__(\"xorq %1, %0\" : \"+m\"({wide.at('i')}) : \"r\"(h + i) : \"cc\");"]]
    lines = []
    for _ in range(p.between(3, 8)):
        lines += [*p.pick(*forms), "h = mix(h, 1);"]
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent(lines), f"    return mix(h, {a} + {b});", "}"])
    p.body.append(f"h = {function}(h);")


def write_atomics(piece):
    piece.kind = "atomics"
    p = piece
    area = make_area(p, p.pick("global", "heap", "mapping", "thread"), p.between(200, 1500), p.pick("u8", "u16", "u32", "u64"))
    function, kind = p.name("atomics"), area.kind
    lines = []
    for _ in range(p.between(3, 8)):
        at = f"&{area.at(f'h % {area.count}')}"
        order = p.pick("__ATOMIC_RELAXED", "__ATOMIC_SEQ_CST", "__ATOMIC_ACQ_REL")
        store_order = p.pick("__ATOMIC_RELAXED", "__ATOMIC_RELEASE", "__ATOMIC_SEQ_CST")
        lines += p.pick([f"h = mix(h, __atomic_fetch_{p.pick('add', 'sub', 'and', 'or', 'xor', 'nand')}({at}, ({kind})h, {order}));"],
                        [f"__atomic_store_n({at}, ({kind})h, {store_order});", "h = mix(h, 1);"],
                        [f"h = mix(h, __atomic_exchange_n({at}, ({kind})h, {order}));"],
                        ["{", f"    {kind} expected = ({kind})(h & 1), *to = {at};", f"    for (int i = 0; i < 3 && !__atomic_compare_exchange_n(to, &expected, ({kind})(expected + h), {p.pick(0, 1)}, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED); ++i) h += expected;", "    h = mix(h, expected);", "}"],
                        [f"for (unsigned i = 0; i < {area.count}; i += {area.count // 20}) h = mix(h, __atomic_add_fetch(&{area.at('i')}, ({kind})(h + i), __ATOMIC_RELAXED));"],
                        [f"h = mix(h, __sync_fetch_and_add({at}, ({kind})h));"])
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent(lines), "    return h;", "}"])
    p.body.append(f"h = {function}(h);")


def write_bits(piece):
    piece.kind = "bits"
    p = piece
    tag, table, function = p.name("bits"), p.name("table"), p.name("bitfields")
    members = []
    for number in range(p.between(2, 8)):
        kind = p.pick("unsigned", "u64", "u16", "u8")
        limit = {"unsigned": 32, "u64": 64, "u16": 16, "u8": 8}[kind]
        members.append((f"b{number}", kind, p.between(1, limit)))
    gap = f"u8 gap[{p.pick(1, 7, 60)}];" if p.chance(0.4) else ""
    p.globals.append(f"struct {tag} {{ {' '.join(f'{kind} {name} : {bits};' for name, kind, bits in members)} {gap} }}{p.pick('', ' __attribute__((packed))')};")
    count = p.between(2, 40)
    p.globals.append(f"static struct {tag} *{table};")
    p.setup.append(f"{table} = (struct {tag} *)zeroed({count} * sizeof *{table});")
    lines = [f"for (unsigned i = 0; i < {count}; ++i) {{"]
    for _ in range(p.between(2, 5)):
        name, kind, _ = p.pick(*members)
        lines += [p.pick(f"    {table}[i].{name} = ({kind})h;", f"    {table}[h % {count}].{name} += 1;", f"    if (h & 2) {table}[i].{name} ^= ({kind})(h >> 3);"), f"    h = mix(h, {table}[i].{name});"]
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent([*lines, "}"]), "    return h;", "}"])
    p.body.append(f"h = {function}(h);")
    p.closing.append(f"for (unsigned i = 0; i < {count}; ++i) h = mix(h, {' + '.join(f'(u64){table}[i].{name}' for name, _, _ in members)});")
