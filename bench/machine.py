"""machine.py - on what an evaluation ran: processor, kernel, memory, and the medium that pools lie on."""
import datetime
import os
import platform
import re


def first_match(path, pattern, otherwise="unknown"):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            found = re.search(pattern, file.read(), flags=re.MULTILINE)
    except OSError:
        found = None
    return found.group(1).strip() if found else otherwise


def processor():
    model = first_match("/proc/cpuinfo", r"^model name\s*:\s*(.*)$")
    flags = first_match("/proc/cpuinfo", r"^flags\s*:\s*(.*)$", "").split()
    flush = next((name for name in ("clwb", "clflushopt", "clflush") if name in flags), "no flush instruction")
    return f"{model}{', virtual machine' if 'hypervisor' in flags else ''}; {flush}"


def memory_bytes():
    return int(first_match("/proc/meminfo", r"^MemTotal:\s*(\d+) kB", "0")) * 1024


def medium(directory):
    """(file system, device, whether it is mounted with DAX) of the mount that a directory lies in."""
    best = ("", "unknown", "unknown", "")
    path = os.path.realpath(directory)
    with open("/proc/self/mounts", encoding="utf-8") as file:
        for line in file:
            device, mount, kind, options = line.split()[:4]
            mount = mount.encode().decode("unicode_escape")
            if (path == mount or path.startswith(mount.rstrip("/") + "/")) and len(mount) >= len(best[0]):
                best = (mount, kind, device, options)
    return best[1], best[2], bool(re.search(r"(^|,)dax(=always)?(,|$)", best[3]))


def describe(rows, pool_directory, pool_bytes, pairs, size):
    kind, device, dax = medium(pool_directory)
    rows.add("machine", "", "", "cpus", [os.cpu_count()], text=processor())
    rows.add("machine", "", "", "memory_bytes", [memory_bytes()], text=f"Linux {platform.release()}")
    rows.add("machine", "", "", "pairs", [pairs], text=f"{size}, {datetime.date.today().isoformat()}")
    what = "DAX: stores go to the medium itself" if dax else "not DAX: stores go to the page cache, which survives kill -9"
    rows.add("machine", "", "", "pool_file_bytes", [pool_bytes], text=f"{kind} on {device}, {what}")
