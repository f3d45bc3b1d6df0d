#!/usr/bin/env python3
"""Draw the icons of the three addons (needs Pillow).

    python devtools/icons.py [ADDONS_DIR]

One family: the same four colours, the same 100 x 100 canvas with a transparent
ground, the same line widths. Everything is drawn eight times too large and scaled
down once, so that the edges are smooth.
"""

import math
import pathlib
import sys

from PIL import Image, ImageDraw

SIZE = 100
SCALE = 8
NAVY = "#24405C"
TEAL = "#1B8A8F"
AMBER = "#F2A33A"
CORAL = "#D8495A"
WHITE = "#FFFFFF"
PALE = "#BFE3E2"


def px(*values):
    """Scale canvas units (0 to 100) to pixels of the large drawing."""
    return tuple(round(value * SCALE) for value in values)


def canvas():
    image = Image.new("RGBA", px(SIZE, SIZE), (0, 0, 0, 0))
    return image, ImageDraw.Draw(image)


def bar(draw, left, top, right, bottom, fill):
    """A bar with fully rounded ends."""
    radius = min(right - left, bottom - top) / 2
    draw.rounded_rectangle(px(left, top, right, bottom), px(radius)[0], fill=fill)


def stroke(draw, points, width, fill):
    """A line with round joints and round ends."""
    draw.line([px(*point) for point in points], fill=fill, width=px(width)[0])
    for x, y in points:
        half = width / 2
        draw.ellipse(px(x - half, y - half, x + half, y + half), fill=fill)


def ledger():
    """A ledger page: entries left and right, and the balance under a double line."""
    image, draw = canvas()
    draw.rounded_rectangle(px(16, 6, 84, 94), px(9)[0], fill=TEAL)
    for top, left_end, right_start in ((20, 44, 62), (33, 38, 58), (46, 47, 64)):
        bar(draw, 26, top, left_end, top + 5.5, PALE)
        bar(draw, right_start, top, 74, top + 5.5, WHITE)
    bar(draw, 26, 59, 74, 62, WHITE)
    bar(draw, 48, 68, 74, 78, AMBER)
    bar(draw, 48, 82, 74, 85, AMBER)
    return image


def gauge():
    """A gauge whose needle is past the limit, and the bar that holds."""
    image, draw = canvas()
    box = px(8, 12, 92, 96)
    width = px(15)[0]
    for start, end, colour in ((180, 254, TEAL), (258, 306, AMBER), (310, 360, CORAL)):
        draw.arc(box, start, end, fill=colour, width=width)
    angle = math.radians(328)
    centre = (50, 55)
    tip = (centre[0] + 29 * math.cos(angle), centre[1] + 29 * math.sin(angle))
    stroke(draw, [centre, tip], 6, NAVY)
    draw.ellipse(px(42, 47, 58, 63), fill=NAVY)
    bar(draw, 8, 71, 92, 88, CORAL)
    draw.rounded_rectangle(px(41, 74.5, 47, 84.5), px(1.5)[0], fill=WHITE)
    draw.rounded_rectangle(px(53, 74.5, 59, 84.5), px(1.5)[0], fill=WHITE)
    return image


def shield_outline():
    """The right half as points from the top middle down to the tip, then mirrored."""
    right = [(50, 5), (62, 11), (75, 15), (87, 16), (87, 45)]
    for step in range(1, 13):
        angle = math.radians(step * 90 / 12)
        right.append((50 + 37 * math.cos(angle), 45 + 50 * math.sin(angle)))
    return right + [(100 - x, y) for x, y in reversed(right)]


def pan(draw, x, y):
    """One pan of the scale hanging from (x, y)."""
    stroke(draw, [(x, y), (x - 9, y + 19)], 2.4, WHITE)
    stroke(draw, [(x, y), (x + 9, y + 19)], 2.4, WHITE)
    draw.pieslice(px(x - 12, y + 9, x + 12, y + 31), 0, 180, fill=AMBER)


def guard():
    """A shield with a scale in balance."""
    image, draw = canvas()
    draw.polygon([px(*point) for point in shield_outline()], fill=NAVY)
    stroke(draw, [(50, 24), (50, 76)], 4.5, WHITE)
    stroke(draw, [(40, 78), (60, 78)], 5, WHITE)
    stroke(draw, [(29, 31), (71, 31)], 4.5, WHITE)
    draw.ellipse(px(45, 19, 55, 29), fill=AMBER)
    pan(draw, 30, 32)
    pan(draw, 70, 32)
    return image


ICONS = {"sales_ledger_sync": ledger, "credit_control": gauge, "balance_guard": guard}


def main(addons):
    for addon, draw_icon in ICONS.items():
        target = addons / addon / "static" / "description" / "icon.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        small = draw_icon().resize((SIZE, SIZE), Image.LANCZOS)
        small.save(target, optimize=True)


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parent.parent
    main(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else here / "addons")
