"""pack - a pool as a small file: its runs that are not zero (the format of tests/fuzz/sparse.h), compressed."""
import lzma
import os
import struct

MAGIC = b"PSPRUN1\n"
LINE = 64


def runs(data):
    """(offset, bytes) of what is not zero, in whole lines."""
    start = None
    for at in range(0, len(data), 65536): # most of it is zero, and looked through quickly
        block = data[at:at + 65536]
        if not block.strip(b"\0"):
            if start is not None:
                yield start, data[start:at]
                start = None
            continue
        for line in range(at, at + len(block), LINE):
            if data[line:line + LINE].strip(b"\0"):
                start = line if start is None else start
            elif start is not None:
                yield start, data[start:line]
                start = None
    if start is not None:
        yield start, data[start:]


def pack(pool, packed):
    with open(pool, "rb") as file:
        data = file.read()
    out = bytearray(MAGIC + struct.pack("<Q", len(data)))
    for offset, content in runs(data):
        out += struct.pack("<QI", offset, len(content)) + content
    with open(packed, "wb") as file:
        file.write(lzma.compress(bytes(out), preset=9 | lzma.PRESET_EXTREME))


def unpack(packed, pool):
    with open(packed, "rb") as file:
        data = lzma.decompress(file.read())
    length, = struct.unpack_from("<Q", data, 8)
    at = 16
    with open(os.open(pool, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.truncate(length)
        while at < len(data):
            offset, count = struct.unpack_from("<QI", data, at)
            file.seek(offset)
            file.write(data[at + 12:at + 12 + count])
            at += 12 + count
