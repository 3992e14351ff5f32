"""report.py - one HTML page of tables, plots and text that needs nothing but itself."""
import html
import re

STYLE = """
body { font: 16px/1.5 Georgia, 'DejaVu Serif', serif; color: #1a1a1a; background: #fff; max-width: 980px; margin: 2.5em auto; padding: 0 1.5em; }
h1 { font-size: 1.75em; line-height: 1.2; margin: 0 0 .3em; }
h2 { font-size: 1.3em; margin: 2.2em 0 .5em; border-top: 1px solid #ccc; padding-top: .9em; }
h3 { font-size: 1.05em; margin: 1.4em 0 .4em; }
p { margin: .6em 0; }
p.small, p.caption, figcaption, .machine { font: 14px/1.45 Helvetica, Arial, 'DejaVu Sans', sans-serif; color: #444; }
figure { margin: 1.2em 0; }
figure svg { width: 100%; height: auto; display: block; }
figcaption { margin: .3em 0 .5em; }
p.caption { margin: 1.4em 0 .2em; }
figcaption b, p.caption b { color: #1a1a1a; }
table { border-collapse: collapse; font: 13.5px/1.35 Helvetica, Arial, 'DejaVu Sans', sans-serif; margin: .3em 0 1.2em; font-variant-numeric: tabular-nums; }
th, td { padding: .25em .6em; text-align: right; white-space: nowrap; vertical-align: top; }
th { border-bottom: 1.5px solid #444; vertical-align: bottom; font-weight: 600; }
th.l, td.l { text-align: left; }
td.l { white-space: normal; }
td { border-bottom: 1px solid #e4e4e4; }
tr.sum td { border-top: 1.5px solid #444; font-weight: 600; }
.spread, .theirs { color: #777; font-size: .88em; }
.yes { color: #00643f; font-weight: 600; } .no { color: #a8320a; font-weight: 600; } .none { color: #777; }
.scroll { overflow-x: auto; }
ul { padding-left: 1.2em; } li { margin: .2em 0; }
nav { font: 14px/1.6 Helvetica, Arial, sans-serif; margin: 1em 0; } nav a { color: #0050a0; text-decoration: none; margin-right: 1.1em; white-space: nowrap; }
"""


class Raw(str):
    """Text that is HTML already."""


def escape(value):
    return value if isinstance(value, Raw) else html.escape(str(value))


def paragraph(text, small=False):
    """Words between backquotes are code."""
    text = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return f'<p class="small">{text}</p>' if small else f"<p>{text}</p>"


def table(caption, head, body, left=1, sums=0):
    """head: texts. body: rows of texts. left: columns, from the first, that are text. sums: rows, from the last, set off."""
    def cell(tag, number, value):
        return f'<{tag}{" class=l" if number < left else ""}>{escape(value)}</{tag}>'
    rows = []
    for number, row in enumerate(body):
        rows.append(f'<tr{" class=sum" if sums and number == len(body) - sums else ""}>' + "".join(cell("td", at, value) for at, value in enumerate(row)) + "</tr>")
    return (f'<p class="caption">{caption_of(caption)}</p><div class="scroll"><table><thead><tr>' + "".join(cell("th", at, value) for at, value in enumerate(head)) +
            f"</tr></thead><tbody>{''.join(rows)}</tbody></table></div>")


def caption_of(text):
    """The first sentence stands out."""
    first, *rest = re.split(r"(?<!Fig)\. ", text, maxsplit=1) # of "Fig. 8" it is no end
    return f"<b>{escape(first)}.</b> {escape(rest[0])}" if rest else f"<b>{escape(text)}</b>"


def figure(svg, caption):
    return f"<figure>{svg}<figcaption>{caption_of(caption)}</figcaption></figure>"


def section(anchor, title, *parts):
    return f'<section id="{anchor}"><h2>{escape(title)}</h2>{"".join(part for part in parts if part)}</section>'


# ---- figures as text ----

def ratio(row, digits=3):
    """A median with its spread: 1.012 (1.009 to 1.020)."""
    if row is None:
        return Raw('<span class="none">-</span>')
    if row["median"] >= 10:
        digits = 1
    elif row["median"] >= 3:
        digits = 2
    same = f'{row["lo"]:.{digits}f}' == f'{row["hi"]:.{digits}f}'
    spread = "" if same else f'<br><span class="spread">{row["lo"]:.{digits}f}–{row["hi"]:.{digits}f}</span>'
    return Raw(f'{row["median"]:.{digits}f}{spread}')


def theirs(value, form="{}"):
    return Raw(f'<span class="theirs">{form.format(value)}</span>') if value is not None else Raw('<span class="none">-</span>')


def number(value):
    return "-" if value is None else f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def size(value):
    """Bytes in the unit that suits them."""
    if value is None:
        return "-"
    for unit, factor in (("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)):
        if value >= factor:
            return f"{value / factor:.3g} {unit}" if value / factor < 1000 else f"{value / factor:.0f} {unit}"
    return f"{value:.0f} B"


def duration(ns):
    if ns is None:
        return "-"
    for unit, factor in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= factor:
            return f"{ns / factor:.3g} {unit}" if ns / factor < 1000 else f"{ns / factor:.0f} {unit}"
    return f"{ns:.0f} ns"


def page(title, introduction, sections):
    contents = " ".join(f'<a href="#{anchor}">{escape(name)}</a>' for anchor, name in re.findall(r'<section id="([^"]+)"><h2>(.*?)</h2>', "".join(sections)))
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
            f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{introduction}<nav>{contents}</nav>{''.join(sections)}</body></html>\n")
