"""Draws the results as one SVG picture that needs no library to be made or shown."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.compare.cases import CASES

# Told apart also by people who see few colours (Okabe and Ito's palette).
_COLOURS = ("#0072b2", "#56b4e9", "#999999", "#e69f00", "#f0c674", "#009e73")

_WIDTH = 900
_NAMES = 270
_VALUES = 110
_BAR = 16
_GAP = 26
_PANEL_WIDTH = 340
_PANEL_HEIGHT = 220


def draw(results: Mapping[str, Any]) -> str:
    """Draw requests per CPU second by case, and how the cost grows with the data."""
    colours = dict(zip(results["contenders"], _COLOURS, strict=False))
    parts: list[str] = []
    height = 34.0
    for case in CASES:
        by_server = results.get("cases", {}).get(case.name)
        if by_server:
            parts += _bars(case.title, by_server, results["contenders"], colours, height)
            height += _GAP + _BAR * len(by_server) + 14
    growth = results.get("growth", {})
    titles = {"point": "share(id), by the number of shares", "list": "lists, by the number of rows"}
    panels = [(titles[kind], by_server) for kind, by_server in growth.items() if by_server]
    for number, (title, by_server) in enumerate(panels):
        parts += _lines(title, by_server, colours, x=70 + number * (_PANEL_WIDTH + 80), y=height + 30)
    if panels:
        height += _PANEL_HEIGHT + 80
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" '
            'font-family="system-ui, sans-serif" font-size="12" role="img">',
            "<title>Requests per second of server CPU, and how the cost grows</title>",
            f'<rect width="{_WIDTH}" height="{height:.0f}" fill="#ffffff"/>',
            _text(
                20, 22, "Requests per second of server CPU: more is better; scales are logarithmic", weight="bold"
            ),
            *parts,
            "</svg>\n",
        ]
    )


def _bars(
    title: str,
    by_server: Mapping[str, Mapping[str, float]],
    titles: Mapping[str, str],
    colours: Mapping[str, str],
    top: float,
) -> Iterator[str]:
    yield _text(20, top + 16, title, weight="bold")
    speeds = {server: found["per_cpu_second"] for server, found in by_server.items()}
    # A bar has no beginning on a logarithmic scale: half of the slowest shows the slowest as well.
    least, most = min(speeds.values()) / 2, max(speeds.values())
    for number, (server, speed) in enumerate(speeds.items()):
        y = top + _GAP + number * _BAR
        width = _place(speed, least, most * 1.0001) * (_WIDTH - _NAMES - _VALUES)
        yield _text(_NAMES - 8, y + 11, titles[server], anchor="end")
        yield f'<rect x="{_NAMES}" y="{y:.1f}" width="{width:.1f}" height="{_BAR - 4}" fill="{colours[server]}"/>'
        yield _text(_NAMES + width + 6, y + 11, f"{speed:,.0f}")


def _lines(
    title: str, by_server: Mapping[str, Mapping[str, float]], colours: Mapping[str, str], *, x: float, y: float
) -> Iterator[str]:
    sizes = sorted({int(size) for by_size in by_server.values() for size in by_size})
    costs = [cost for by_size in by_server.values() for cost in by_size.values()]
    low, high = 10 ** math.floor(math.log10(min(costs))), 10 ** math.ceil(math.log10(max(costs)))

    def point(size: int, cost: float) -> tuple[float, float]:
        across = _place(size, sizes[0], sizes[-1]) if len(sizes) > 1 else 0.5
        return x + across * _PANEL_WIDTH, y + (1 - _place(cost, low, high)) * _PANEL_HEIGHT

    yield _text(x, y - 12, f"µs of CPU: {title}", weight="bold")
    for power in range(round(math.log10(low)), round(math.log10(high)) + 1):
        _, level = point(sizes[0], 10**power)
        yield f'<path d="M{x:.1f} {level:.1f}h{_PANEL_WIDTH}" stroke="#dddddd"/>'
        yield _text(x - 6, level + 4, f"{10**power:,}", anchor="end")
    for size in sizes:
        across, _ = point(size, low)
        yield _text(across, y + _PANEL_HEIGHT + 18, _short(size), anchor="middle")
    for server, by_size in by_server.items():
        points = [point(int(size), cost) for size, cost in by_size.items()]
        yield _path(points, colours[server])
        yield from (
            f'<circle cx="{across:.1f}" cy="{level:.1f}" r="3" fill="{colours[server]}"/>'
            for across, level in points
        )


def _path(points: Sequence[tuple[float, float]], colour: str) -> str:
    steps = " ".join(f"{across:.1f},{level:.1f}" for across, level in points)
    return f'<polyline points="{steps}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _place(value: float, least: float, most: float) -> float:
    """Say where between two values another lies, from 0 to 1, on a logarithmic scale."""
    return math.log(value / least) / math.log(most / least)


def _short(count: int) -> str:
    if count >= 1_000_000:
        return f"{count // 1_000_000} M"
    return f"{count // 1_000} k" if count >= 1_000 and count % 1_000 == 0 else f"{count:,}"


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}" fill="#222222">'
        f"{escape(text)}</text>"
    )
