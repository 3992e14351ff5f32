"""plots.py - plots by gnuplot, as SVG that stands inside a page: text as text, no reference to anything outside.

Each function returns the SVG's text. Names in it are made different from those of other plots, because ids of all SVGs in a page are one space; the
namespaces are left out, as HTML needs none.
"""
import math
import re
import subprocess

# Okabe and Ito's colours, which stay apart for all eyes; then greys for what is only there for comparison.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D1F", "#6A51A3", "#7F7F7F", "#B2182B", "#4D9221", "#313695", "#BBBBBB")


def quoted(text): # as gnuplot reads it: _ and @ are marks of its own there
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"').replace("@", "\\\\@").replace("_", "\\\\_") + '"'


def gnuplot(name, commands, height=340, width=900):
    script = f"""set encoding utf8
set terminal svg size {width},{height} dynamic font 'Helvetica,13'
set border 3 lc rgb '#444444'
set tics nomirror out
set grid ytics lc rgb '#DDDDDD' lt 1 lw 0.6
set key outside top center horizontal maxrows 3 samplen 1.4 font ',12'
{commands}
"""
    result = subprocess.run(["gnuplot"], input=script.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if result.returncode != 0 or b"<svg" not in result.stdout:
        raise RuntimeError(f"gnuplot: {name}: {result.stderr.decode(errors='replace')}\n{script}")
    svg = result.stdout.decode()
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<(desc|title)>.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r"\bid=(['\"])([^'\"]+)\1", rf'id="{name}-\2"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    return re.sub(r"(?:xlink:)?href=(['\"])#([^'\"]+)\1", rf'href="#{name}-\2"', svg)


def block(name, lines):
    return f"${name} << END\n" + "\n".join(" ".join("NaN" if value is None else str(value) for value in line) for line in lines) + "\nEND\n"


def clusters(name, groups, series, y_label, log=False, floor=None, line=None, marks=None, height=340, colours=COLOURS):
    """Bars in groups. groups: labels. series: (label, [(median, lo, hi) or None for each group]). floor: where a bar begins. line: a horizontal
    line at this y. marks: (label, for each series the values for each group): a dash over the bar, the original's figure."""
    count = len(series)
    width = 0.84 / max(count, 1)
    commands, plots = "", []
    tops = [point[2] for _, points in series for point in points if point] + [value for _, of in ([marks] if marks else []) for row in of for value in row if value]
    bottoms = [point[0] for _, points in series for point in points if point]
    if floor is None:
        floor = 0 if not log else 10 ** math.floor(math.log10(max(min(bottoms, default=1), 1e-9)))
    for number, (label, points) in enumerate(series):
        lines = [(group - 0.42 + (number + 0.5) * width, *point) for group, point in enumerate(points) if point]
        if not lines:
            continue
        commands += block(f"s{number}", lines)
        colour = colours[number % len(colours)]
        plots.append(f"$s{number} using 1:2:({width * 0.9}) with boxes fs solid 1 noborder lc rgb '{colour}' title {quoted(label)}")
        plots.append(f"$s{number} using 1:3:(0):($4-$3) with vectors nohead lw 1.3 lc rgb '#222222' notitle")
    if marks:
        lines = [(group - 0.42 + (number + 0.5) * width, value) for number, row in enumerate(marks[1]) for group, value in enumerate(row) if value]
        if lines:
            commands += block("marks", lines)
            plots.append(f"$marks using ($1-{width * 0.5}):2:({width}):(0) with vectors nohead lw 2.5 lc rgb '#000000' title {quoted(marks[0])}")
    top = max(tops, default=1)
    axis = f"set logscale y\nset yrange [{floor}:{top * 1.6}]\n" if log else f"set yrange [{floor}:{floor + (top - floor) * 1.08 + 1e-9}]\n"
    tics = ", ".join(f"{quoted(group)} {number}" for number, group in enumerate(groups))
    if line is not None:
        commands += f"set arrow from graph 0, first {line} to graph 1, first {line} nohead lc rgb '#444444' dt 2\n"
    if log and top >= 10000:
        axis += "set format y '%.0s%c'\n"
    return gnuplot(name, f"{commands}{axis}set xrange [-0.55:{len(groups) - 0.45}]\nset xtics ({tics}) scale 0\nset ylabel {quoted(y_label)}\n"
                         f"plot {', '.join(plots)}\n", height)


def stacked(name, groups, series, y_label, height=340, colours=COLOURS):
    """One bar a group, of parts on each other. series: (label, [value for each group])."""
    commands, plots = "", []
    below = [0.0] * len(groups)
    for number, (label, values) in enumerate(series):
        lines = [(group, below[group], below[group] + (value or 0)) for group, value in enumerate(values)]
        below = [line[2] for line in lines]
        commands += block(f"s{number}", lines)
        plots.append(f"$s{number} using 1:(($2+$3)/2):($1-0.32):($1+0.32):2:3 with boxxyerror fs solid 1 noborder lc rgb '{colours[number]}' title "
                     f"{quoted(label)}")
    tics = ", ".join(f"{quoted(group)} {number}" for number, group in enumerate(groups))
    return gnuplot(name, f"{commands}set yrange [0:{max(below, default=1) * 1.05 + 1e-9}]\nset xrange [-0.6:{len(groups) - 0.4}]\n"
                         f"set xtics ({tics}) scale 0 {'rotate by 30 right' if len(groups) > 9 else ''}\nset ylabel {quoted(y_label)}\nplot "
                         f"{', '.join(plots)}\n", height)


def lines(name, series, x_label, y_label, log_x=True, log_y=True, x_tics=None, y_tics=None, height=320, width=900, y_range=None):
    """series: (label, [(x, median, lo, hi)], dashed). x_tics, y_tics: (label, value)."""
    commands, plots = "", []
    for number, (label, points, dashed) in enumerate(series):
        if not points:
            continue
        commands += block(f"s{number}", points)
        colour = COLOURS[number % len(COLOURS)]
        dash = "dt 2 " if dashed else ""
        plots.append(f"$s{number} using 1:2 with linespoints pt {6 if dashed else 7} ps 0.6 lw 1.6 {dash}lc rgb '{colour}' title {quoted(label)}")
        if any(point[2] != point[3] for point in points):
            plots.append(f"$s{number} using 1:3:(0):($4-$3) with vectors nohead lw 1.3 lc rgb '{colour}' notitle")
    for axis, log, tics in (("x", log_x, x_tics), ("y", log_y, y_tics)):
        commands += f"set logscale {axis}\n" if log else ""
        if tics:
            commands += f"set {axis}tics ({', '.join(f'{quoted(text)} {value}' for text, value in tics)})\n"
    xs = [point[0] for _, points, _ in series for point in points] or [1, 2]
    pad = (max(xs) - min(xs)) * 0.04
    x_range = (min(xs) / 1.25, max(xs) * 1.25) if log_x else (min(xs) - pad, max(xs) + pad)
    commands += f"set yrange [{y_range[0]}:{y_range[1]}]\n" if y_range else ""
    return gnuplot(name, f"{commands}set xrange [{x_range[0]}:{x_range[1]}]\nset xlabel {quoted(x_label)}\nset ylabel {quoted(y_label)}\nplot "
                         f"{', '.join(plots)}\n",
                   height, width)
