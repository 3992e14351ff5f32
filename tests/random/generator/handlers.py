"""handlers - the program's own signal handlers, which store into globals, the heap and the frame that they interrupt. raise() makes them deterministic; one kind
comes by a timer, and stores only into memory of its own that nothing prints."""
from .loops import indent

# The number of the process is not kept by a restore, and raise, in libc, asks for it before it uses it.
RAISED = ["#include <errno.h>", "#include <signal.h>", "#ifndef RAISED", "#define RAISED", "static void raised(int number)", "{",
          "    while (raise(number) != 0) if (errno != ESRCH) abort();", "}", "#endif"]


def install(signal, member, handler, flags):
    """sigaction's wrapper blocks every signal for a moment. A process that is single-stepped would die of a trap that is blocked, so it is not stepped there."""
    return ["{", "    struct sigaction action;", "    memset(&action, 0, sizeof action);", f"    action.{member} = {handler};", f"    action.sa_flags = {flags};",
            "    unsigned long long stepped = __builtin_ia32_readeflags_u64();", "    __builtin_ia32_writeeflags_u64(stepped & ~0x100ull);",
            f"    sigaction({signal}, &action, 0);", "    __builtin_ia32_writeeflags_u64(stepped);", "}"]


def write_signals(piece):
    piece.kind = "signals"
    p = piece
    signal = p.pick("SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGTERM", "SIGHUP")
    handler, function, memory, aim, here = p.name("handler"), p.name("signals"), p.name("memory"), p.name("aim"), p.name("here")
    count = p.between(2, 60)
    flags = p.pick("0", "SA_NODEFER", "SA_RESTART", "SA_SIGINFO")
    p.globals += [*RAISED, f"static u64 {memory}[{count}];", f"static u64 *{aim};", f"static volatile u64 * volatile {here};"]
    again = p.chance(0.3)
    other = p.name("nested") if again else None
    if again:
        p.functions.append([f"static void {other}(int number)", "{", f"    {memory}[number % {count}] ^= 0x55;", f"    {aim}[number % 4] += {memory}[0];", "}"])
    parameters = "int number, siginfo_t *info, void *context" if flags == "SA_SIGINFO" else "int number"
    p.functions.append([f"static void {handler}({parameters})", "{", *(["    (void)context; (void)info;"] if "info" in parameters else []),
                        f"    u64 h = {memory}[0];", f"    for (unsigned i = 0; i < {p.between(1, count)}; ++i) {memory}[i] = mix({memory}[i], h + i);",
                        f"    {aim}[h % 64] += (u64)number;", f"    if ({here}) *{here} ^= h;", *(["    raised(SIGCHLD);"] if again else []), "}"])
    member = "sa_sigaction" if "info" in parameters else "sa_handler"
    p.setup += [f"{aim} = (u64 *)zeroed(64 * 8);", *install(signal, member, handler, flags), *(install("SIGCHLD", "sa_handler", other, "0") if again else [])]
    lines = ["volatile u64 local = h;", f"{here} = &local;", f"for (unsigned i = 0; i < {p.between(1, 6)}; ++i) {{",
             f"    {memory}[(h + i) % {count}] = h;", f"    {p.pick(f'raised({signal});', f'if (h & 1) raised({signal});')}", f"    {aim}[i % 64] ^= h;",
             f"    h = mix(h, {memory}[i % {count}] + local);", "}"]
    if p.chance(0.4):
        lines += ["{", "    sigset_t set, old;", "    sigemptyset(&set);", f"    sigaddset(&set, {signal});", "    sigprocmask(SIG_BLOCK, &set, &old);", f"    raised({signal});",
                  f"    {memory}[h % {count}] += 2;", "    sigprocmask(SIG_SETMASK, &old, 0);", "    h = mix(h, local);", "}"]
    p.functions.append([f"static NOINLINE u64 {function}(u64 h)", "{", *indent(lines), f"    {here} = 0;", "    return h;", "}"])
    p.body.append(f"h = {function}(h);")
    p.closing.append(f"for (unsigned i = 0; i < {count}; ++i) h = mix(h, {memory}[i]);")
    p.closing.append(f"for (unsigned i = 0; i < 64; ++i) h = mix(h, {aim}[i]);")


def write_ticks(piece):
    """A timer's handler races with everything else in the program."""
    piece.kind = "ticks"
    p = piece
    handler, ticks, block = p.name("tick"), p.name("ticks"), p.name("block")
    p.globals += ["#include <signal.h>", "#include <sys/time.h>", f"static u64 {ticks}[{p.between(1, 8)}];", f"static u64 *{block};"]
    p.functions.append([f"static void {handler}(int number)", "{", f"    for (unsigned i = 0; i < sizeof {ticks} / 8; ++i) {ticks}[i] += (u64)number + i;",
                        f"    {block}[{ticks}[0] % 512] ^= {ticks}[0];", "}"])
    p.setup += [f"{block} = (u64 *)zeroed(4096);", *install("SIGALRM", "sa_handler", handler, "SA_RESTART"), "{",
                f"    struct itimerval every = {{{{0, {p.between(4, 9)}000}}, {{0, 1000}}}};",
                "    setitimer(ITIMER_REAL, &every, 0);", "}"]
    p.closing += ["{", "    struct itimerval never = {{0, 0}, {0, 0}};", "    setitimer(ITIMER_REAL, &never, 0);", "}"]
