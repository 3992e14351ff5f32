"""source - a piece of a program while it is being written: its random numbers, its names, its globals and functions, and expressions.

Everything computes with u64, so nothing overflows, and everything that is stored depends on the running hash h, so that a store that is lost or
comes twice is seen. A piece uses names of its own only (they carry its number): a program without one of its pieces is a program too.
"""
import random

# Element types: name, bytes. The *_1 types are the same ones with alignment 1, which may also alias anything.
TYPES = {"u8": 1, "u16": 2, "u32": 4, "u64": 8, "i32": 4, "i64": 8}


class Scope:
    """What expressions and statements may name here: variables with a value below a bound, and areas of memory."""

    def __init__(self, areas, variables=(), depth=0):
        self.areas = list(areas)
        self.variables = list(variables)  # (name, bound): an unsigned number, 0 <= value < bound
        self.depth = depth

    def deeper(self, *variables):
        return Scope(self.areas, [*self.variables, *variables], self.depth + 1)


class Piece:
    def __init__(self, seed, number, cxx=False):
        self.random = random.Random(f"{seed}/{number}")
        self.number = number
        self.cxx = cxx
        self.globals = []    # declarations, before all functions of the piece
        self.functions = []
        self.setup = []      # statements, once before the first round
        self.body = []       # statements of each round: they may use h and round, and change h
        self.closing = []    # statements after the last round, which fold what the piece has in memory into h
        self.count = 0
        self.kind = ""

    def name(self, what):
        self.count += 1
        return f"{what}{self.number}_{self.count}"

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, *items):
        return self.random.choice(items)

    def below(self, bound):
        return self.random.randrange(bound)

    def between(self, low, high):
        return self.random.randint(low, high)

    def constant(self):
        return self.pick(f"{self.below(16)}ull", f"{self.below(256)}ull", f"0x{self.random.getrandbits(32):x}ull", f"0x{self.random.getrandbits(64):x}ull", "~0ull")

    def expression(self, scope, depth=2):
        """An expression of type u64 without side effects and without undefined behaviour."""
        if depth == 0 or self.chance(0.2):
            leaves = ["h", "h"] + [f"(u64){name}" for name, _ in scope.variables]
            if scope.areas and self.chance(0.5):
                area = self.pick(*scope.areas)
                return f"(u64){area.at(self.index(scope, area.count, simple=True))}"
            return self.constant() if self.chance(0.25) else self.pick(*leaves)
        left, right = self.expression(scope, depth - 1), self.expression(scope, depth - 1)
        form = self.below(10)
        if form < 6:
            return f"({left} {self.pick('+', '-', '*', '^', '&', '|', '+', '^')} {right})"
        if form == 6:
            return f"({left} {self.pick('>>', '<<')} {self.between(1, 40)})"
        if form == 7:
            return f"({left} {self.pick('/', '%')} ({right} | 1))"
        if form == 8:
            return f"(u64)({left} {self.pick('<', '==', '>=')} {right})"
        return f"({left} {self.pick('<', '>')} {right} ? {self.expression(scope, depth - 1)} : {right})"

    def condition(self, scope, often=True):
        if scope.variables and self.chance(0.4):
            name, bound = self.pick(*scope.variables)
            return self.pick(f"{name} % {self.between(2, 7)} == {self.below(2)}", f"{name} {self.pick('<', '>')} {self.below(bound + 1)}u")
        mask = self.pick(1, 3, 7) if often else self.pick(31, 63, 255)
        return f"(({self.expression(scope, 1)}) & {mask}) == {self.below(mask + 1)}"

    def index(self, scope, count, simple=False, width=1):
        """An index with index + width <= count: a function of the loops' variables where that fits, or of anything, reduced."""
        room = count - width + 1
        fitting = [(name, bound) for name, bound in scope.variables if bound <= room]
        if fitting and self.chance(0.7):
            name, bound = self.pick(*fitting)
            factor = self.between(1, max(1, min(self.pick(3, 9, 70), (room - 1) // max(1, bound - 1)))) if bound > 1 else 1
            rest = room - 1 - (bound - 1) * factor
            offset = self.below(rest + 1) if rest else 0
            inner = [(n, b) for n, b in fitting if n != name and (b - 1) + (bound - 1) * factor + offset < room]
            second = f" + {self.pick(*inner)[0]}" if inner and self.chance(0.5) else ""
            text = f"{name} * {factor} + {offset}{second}" if factor > 1 or self.chance(0.3) else f"{name} + {offset}{second}" if offset or second else name
            return f"{room - 1} - ({text})" if self.chance(0.2) and not second else text
        if self.chance(0.1):
            return str(self.below(room))
        inside = self.expression(scope, 0 if simple else 1) if not simple else self.pick("h", *[name for name, _ in scope.variables])
        return f"({inside}) % {room}"
