"""areas - arrays of every kind of memory, which loops and calls store into.

An area is an array of `count` elements. In the function that uses it, it is known by a name: of the array itself, or of a pointer to it.
"""
from .source import TYPES

PLACES = ("global", "heap", "odd heap", "mapping", "thread", "fields", "packed", "large global")


class Area:
    def __init__(self, name, kind, count, member=""):
        self.name, self.kind, self.count, self.member = name, kind, count, member
        self.type = f"{kind}"       # of *name
        self.bytes = TYPES.get(kind.removesuffix("_1"), 8)
        self.stride = self.bytes    # bytes from one element to the next
        self.owner = name           # the global that keeps it

    def at(self, index):
        return f"{self.name}[{index}]{self.member}"

    def called(self, name):
        """The same area under another name: a parameter, a local pointer."""
        other = Area(name, self.kind, self.count, self.member)
        other.type, other.bytes, other.stride, other.owner = self.type, self.bytes, self.stride, self.owner
        return other


def make_area(piece, place=None, count=None, kind=None):
    """Declares it, allocates it in the piece's set-up, and folds it into h at the end."""
    place = place or piece.pick(*PLACES)
    kind = kind or piece.pick(*TYPES)
    # Large against a line, mostly: what is marked beside it hides a mark that is missing.
    count = count or piece.pick(piece.between(3, 20), piece.between(40, 260), *[piece.between(300, 1600)] * 4)
    name = piece.name("area")
    area = Area(name, kind, count)
    if place == "fields":  # one field of structures, whose other fields lie between: strides over lines
        before, after = piece.pick(0, 8, 40, 64, 100, 192), piece.pick(0, 24, 56, 128, 200)
        tag = piece.name("fields")
        attribute = piece.pick("", "", " __attribute__((packed))")
        fields = (f"u8 before[{before}]; " if before else "") + f"{kind} value; " + (f"u8 after[{after}]; " if after else "")
        piece.globals.append(f"struct {tag} {{ {fields}}}{attribute};")
        area.type, area.member = f"struct {tag}", ".value"
        area.stride = before + after + area.bytes
        area.count = count = min(count, 90)
        place = piece.pick("global", "heap", "mapping")
    elif place == "packed":
        area.kind = kind = area.type = kind + "_1"
        place = "odd heap"
    elif place == "large global":
        area.count = count = piece.between(10, 60) * 1000 // area.bytes
        place = "global"
    if place in ("global", "thread"):
        align = piece.pick("", "", " __attribute__((aligned(64)))")
        piece.globals.append(f"static {'__thread ' if place == 'thread' else ''}{area.type} {name}[{count}]{align};")
    else:
        piece.globals.append(f"static {area.type} *{name};")
        size = f"{count} * sizeof *{name}"
        if place == "mapping":
            piece.setup.append(f"{name} = ({area.type} *)mapping({size});")
        elif place == "heap":
            piece.setup.append(f"{name} = ({area.type} *)zeroed({size});")
        else:
            step = piece.between(1, 63) if kind.endswith("_1") else piece.between(1, 7) * 8
            piece.setup.append(f"{name} = ({area.type} *)((char *)zeroed({size} + 64) + {step});")
    index = piece.name("i")
    stride = max(1, count // piece.pick(60, 120))
    piece.closing.append(f"for (unsigned {index} = 0; {index} < {count}; {index} += {stride}) h = mix(h, (u64){area.at(index)});")
    return area
