"""Draw how often each watermark's whole payload came back from photographs, by class of handling.

One panel for each class, one line for each watermark, a dot for the rate and a bar for its 95 % interval. Names stand
beside the dots and sizes differ in form, so that nothing hangs on colour alone.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.intervals import percent
from benchmarks.robustness_summary import CLASSES

# Legible on a white page and on a dark one; blue and vermilion by Okabe and Ito (2008), made a little lighter.
INK, FAINT, OURS, OTHERS = "#7d848c", "#8b929a40", "#2b8fd6", "#e07a3c"
TITLES = {
    "value": "values change\nJPEG, blur, noise, tone …",
    "geometry": "pixels move\ncrop, rotate, stretch, bend …",
    "chain": "chains\nscreenshot, social, print …",
    "regeneration": "regeneration-like\ndenoise, resample, re-grain …",
}
MARKERS = ("o", "D", "s")


def draw(results: dict[str, dict[str, object]], path: Path) -> Path:
    """Draw *results*, sizes to measurements, into a PNG file at *path* and return it."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    sizes = list(results)
    measured = [name for size in sizes for name in results[size]["peers"]]
    names = list(dict.fromkeys(measured))
    groups = [group for group in CLASSES if any(group in results[size]["attacks"].values() for size in sizes)]
    style = {"font.family": "sans-serif", "font.size": 10.5, "text.color": INK, "axes.labelcolor": INK}
    with pyplot.rc_context(style | {"xtick.color": INK, "ytick.color": INK, "axes.edgecolor": FAINT}):
        height = 1.6 + 0.5 * len(names)
        figure, panels = pyplot.subplots(1, len(groups), figsize=(10, height), sharey=True, squeeze=False)
        for panel, group in zip(panels[0], groups, strict=True):
            _panel(panel, group, names, results)
        panels[0][0].set_yticks(range(len(names)), [""] * len(names))
        for row, name in enumerate(names):
            _label(panels[0][0], row, name, results)
        handles = [
            pyplot.Line2D([], [], color=INK, marker=marker, markersize=6.5, linestyle="", label=f"{size} px pictures")
            for size, marker in zip(sizes, MARKERS, strict=False)
        ]
        figure.legend(handles=handles, loc="lower left", ncols=1, frameon=False, fontsize=9.5, handletextpad=0.2)
        figure.text(
            0.58,
            0.03,
            "whole payload recovered, % of attacked photographs; bars are 95 % intervals",
            ha="center",
            fontsize=9.5,
        )
        figure.subplots_adjust(left=0.16, right=0.985, top=1 - 0.62 / height, bottom=0.72 / height, wspace=0.16)
        figure.savefig(path, dpi=160, transparent=True, metadata={"Software": None})
        pyplot.close(figure)
    return path


def _panel(panel: object, group: str, names: list[str], results: dict[str, dict[str, object]]) -> None:
    headline, _, detail = TITLES.get(group, group).partition("\n")
    panel.set_title(headline, loc="left", fontsize=11, fontweight="bold", color=INK, pad=20)
    panel.text(0, 1.035, detail, transform=panel.transAxes, fontsize=8.8, color=INK)
    panel.set(xlim=(-3, 103), ylim=(len(names) - 0.5, -0.5))
    panel.set_xticks([0, 50, 100], ["0", "50", "100"])
    panel.grid(axis="x", color=FAINT, linewidth=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(length=0)
    for spine in panel.spines.values():
        spine.set_visible(False)
    for place, result in enumerate(results.values()):
        for row, name in enumerate(names):
            # Photographs alone, because not every peer saw as large a share of hard pictures.
            cell = result["peers"].get(name, {}).get("classes", {}).get(group, {}).get("photograph")
            if cell is None:
                continue
            height = row + 0.32 * (place - (len(results) - 1) / 2)
            colour = OURS if name == "disclose" else OTHERS
            middle, low, high = (100 * value for value in (cell["rate"], *cell["interval"]))
            panel.plot([low, high], [height, height], color=colour, linewidth=3, alpha=0.45, solid_capstyle="round")
            panel.plot(middle, height, MARKERS[place % 3], color=colour, markersize=7, clip_on=False)
            if name == "disclose":
                words = {"ha": "right", "va": "center", "color": OURS, "fontsize": 9.2, "fontweight": "bold"}
                panel.text(low - 4, height - 0.02, percent(cell["rate"]), **words)


def _label(panel: object, row: int, name: str, results: dict[str, dict[str, object]]) -> None:
    bits = next(result["peers"][name]["bits"] for result in results.values() if name in result["peers"])
    ours = name == "disclose"
    at = {"xy": (-0.04, row), "xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "right"}
    weight = "bold" if ours else "normal"
    panel.annotate(
        name, xytext=(0, 1), va="bottom", color=OURS if ours else INK, fontweight=weight, fontsize=11.5, **at
    )
    panel.annotate(f"{bits} bits", xytext=(0, -1), va="top", fontsize=8.8, **at)
