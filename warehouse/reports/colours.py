"""The colours of the page and its charts, by light and by dark; a cause, a level or a mission has one everywhere."""

from __future__ import annotations

# name: (on the light page, on the dark page). The causes differ in lightness too, for eyes that confuse hues.
COLOURS = {
    "malicious": ("#8f2329", "#f0857e"),
    "accident": ("#b8770a", "#e9b44c"),
    "illness": ("#1f5c88", "#6aabdd"),
    "self": ("#a57cc7", "#e3cdf8"),
    "unknown": ("#75818b", "#8d9aa5"),
    "pending": ("#f1e9d8", "#3a3426"),
    "accent": ("#0b6158", "#5cc4b4"),
    "quiet": ("#7f909c", "#7c8d99"),
    "pale": ("#eef1f3", "#222a30"),
    "ink": ("#1a242e", "#e9eef2"),
    "soft": ("#525f6b", "#aab6c0"),
    "line": ("#dbe1e6", "#323b43"),
    "paper": ("#fdfdfb", "#12171b"),
}
LIGHT = {name: light for name, (light, _) in COLOURS.items()}
# The group of a bar: the colour of its body and that of its edge.
GROUPS = {"this": ("accent", "accent"), "active": ("quiet", "quiet"), "ended": ("pale", "quiet")}
