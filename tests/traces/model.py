"""A second model of the unit and of both trace formats, as plain as possible: dictionaries and sets, nothing shared with the C code but
docs/unit.md and docs/trace-format.md."""
import struct

NEMOS_TYPES = {"stack": 0, "heap1": 1, "heap2": 2}


# ---- traces: lists of ("store", address, size), ("load", address, size), ("time", ns, sp), ("stack", id, low, high) ----

def nemos(records):
    """records: (ms, offset, op, size, type) as NemOS has them."""
    return b"".join(struct.pack("<II4sii", ms, offset, op.encode(), size, kind) for ms, offset, op, size, kind in records)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def difference(value):
    value &= (1 << 64) - 1
    signed = value - (1 << 64) if value >> 63 else value
    return varint(2 * signed if signed >= 0 else -2 * signed - 1)


def own(events, per_block=1000):
    header = struct.pack("<8sIIQI", b"PRSTRACE", 1, 0x01020304, 0, 0)
    out = [header + struct.pack("<I", crc32c(header))]
    records, address, time, sp, stores = [], 0, 0, 0, 0
    for event in events:
        if event[0] == "store":
            code = {**{n: n for n in range(1, 17)}, 32: 17, 64: 18}.get(event[2], 0)
            records.append(bytes([code << 3 | 1]) + (b"" if code else varint(event[2])) + difference(event[1] - address))
            address = event[1]
            stores += 1
        elif event[0] == "time":
            records.append(b"\x02" + varint(event[1] - time) + difference(event[2] - sp))
            time, sp = event[1], event[2]
        else:
            records.append(b"\x03" + varint(event[1]) + varint(event[2]) + varint(event[3] - event[2]))
    records.append(b"\x04" + varint(stores) + varint(0))
    for number, at in enumerate(range(0, len(records), per_block)):
        block = records[at:at + per_block]
        body = b"".join(block)
        head = struct.pack("<III", len(body), number, len(block))
        out.append(head + struct.pack("<I", crc32c(head + body)) + body)
    return b"".join(out)


# ---- the unit ----

class Unit:
    def __init__(self, entries=16, hwm=24, lwm=8, policy="accumulate-and-apply", replace="oldest"):
        self.entries, self.hwm, self.lwm, self.early, self.newest = entries, hwm, lwm, policy == "load-and-update", replace == "newest"
        self.table = {}  # word -> (set of granules told, set of granules loaded); in the order in which they were made
        self.bitmap = set()
        self.loads = self.stores = self.redundant = 0

    def leave(self, word):
        told, loaded = self.table.pop(word)
        if not self.early:
            self.loads += 1
        new = told - (loaded if self.early else self.bitmap)
        self.stores += bool(new)
        self.redundant += not new
        self.bitmap |= told

    def store(self, granules):
        """Granules of one store, as numbers."""
        for word in sorted({granule // 32 for granule in granules}):
            if word not in self.table:
                if len(self.table) == self.entries:
                    for low in [w for w in self.table if len(self.table[w][0]) <= self.lwm]:
                        self.leave(low)
                    if len(self.table) == self.entries:
                        self.leave(list(self.table)[-1 if self.newest else 0])
                loaded = {g for g in self.bitmap if g // 32 == word} if self.early else set()
                self.loads += self.early
                self.table[word] = (set(), loaded)
            told, loaded = self.table[word]
            told |= {g for g in granules if g // 32 == word} - loaded
            if len(told) >= self.hwm:
                self.leave(word)

    def flush(self):
        for word in list(self.table):
            self.leave(word)
        dirty, self.bitmap = self.bitmap, set()
        return dirty


def run(events, granularity, interval_ns, **table):
    """One stack. Returns the totals and a list of (number, stores, dirty granules)."""
    unit, intervals, number, stores, total = Unit(**table), [], 0, 0, 0
    fresh = None
    low = high = 0

    def end():
        nonlocal stores, fresh
        dirty = unit.flush()
        bound = fresh - 128 if fresh is not None else 0
        live = {g for g in dirty if (g + 1) * granularity > bound}
        if stores:
            intervals.append((number, stores, len(live), len(dirty) - len(live)))
        stores = 0

    for event in events:
        if event[0] == "stack":
            low, high = event[2], event[3]
        if event[0] == "time":
            fresh = event[2] if low <= event[2] <= high and event[2] else None
            now = event[1] // interval_ns if interval_ns else 0
            if now != number:
                end()
                number = now
        if event[0] == "store" and event[1] < high and event[1] + event[2] > low:
            fresh = None
            stores += 1
            total += 1
            first, last = max(event[1], low), min(event[1] + event[2], high) - 1
            unit.store(range(first // granularity, last // granularity + 1))
    end()
    return {"stores": total, "dirty_granules": sum(i[2] for i in intervals), "inactive_granules": sum(i[3] for i in intervals),
            "bitmap_loads": unit.loads, "bitmap_stores": unit.stores, "redundant_stores": unit.redundant}, intervals
