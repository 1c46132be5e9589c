"""A picture of an evaluation: how far the confidence can be trusted, and which kinds of question are hard."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from index.evaluate import Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["PlotError", "plot_report"]

_BLUE, _ORANGE = "#0072b2", "#d55e00"  # told apart with any colour vision (Okabe and Ito)
_GREY, _LIGHT = "#6b6b6b", "#e6e6e6"
_PERCENT = "{x:.0%}"


class PlotError(RuntimeError):
    """Raised when the picture cannot be drawn or written; says what to do."""


def plot_report(report: Report, path: Path) -> None:
    """Write a PNG to ``path``: left the risk-coverage curve, right hit@1 by kind of question.

    What a report has no figures for is said in its place. Raises PlotError when matplotlib is not installed or
    ``path`` cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise PlotError("drawing needs matplotlib; run: pip install 'acknet[plot]'") from error
    # Not through pyplot: it would keep the figure for ever and ask for the display's backend.
    figure = Figure(figsize=(12, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _draw_curve(report, left)
    _draw_kinds(report, right)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(path, format="png", dpi=120)
    except OSError as error:
        raise PlotError(f"{path}: cannot be written: {error.strerror}") from error


def _draw_curve(report: Report, axes: Axes) -> None:
    axes.set_title("How risk grows with coverage", loc="left")
    if report.aurc is None:
        _say_nothing_to_show(axes)
        return
    risks = [point.risk for point in report.curve]
    edges = [0.0, *(point.coverage for point in report.curve)]
    axes.stairs(
        risks, edges, baseline=None, color=_BLUE, linewidth=1.8, label=f"area under the curve {report.aurc:.3f}"
    )
    for marker, (precision, coverage) in zip("o^s", report.coverage_at_precision.items(), strict=True):
        reached = [point for point in report.curve if point.coverage == coverage]  # none at a coverage of 0
        axes.plot(
            [point.coverage for point in reached],
            [point.risk for point in reached],
            marker,
            color=_ORANGE,
            label=f"at least {float(precision):.0%} right: {coverage:.0%} answered",
        )
    axes.set(xlim=(0, 1.01), ylim=(0, max(0.1, *risks) * 1.05))
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.yaxis.set_major_formatter(_PERCENT)
    axes.set_xlabel("coverage: questions answered, most confident first")
    axes.set_ylabel("risk: answers that are wrong")
    axes.grid(color=_LIGHT)
    axes.set_axisbelow(True)
    axes.legend(frameon=False)


def _draw_kinds(report: Report, axes: Axes) -> None:
    axes.set_title("How often the first entry is right (hit@1)", loc="left")
    groups = {kind: group for kind, group in report.by_kind.items() if group.hit_at_1 is not None}
    if not groups:
        _say_nothing_to_show(axes)
        return
    axes.barh(list(groups), [group.hit_at_1 or 0.0 for group in groups.values()], color=_BLUE, height=0.62)
    for row, group in enumerate(groups.values()):
        axes.text(1.02, row, f"{group.hit_at_1:.0%} of {group.answerable}", va="center")
    axes.axvline(report.overall.hit_at_1 or 0.0, color=_ORANGE, linestyle="--", linewidth=1.4)
    axes.set(xlim=(0, 1), ylim=(len(groups) - 0.5, -0.5))
    axes.xaxis.set_major_formatter(_PERCENT)
    axes.set_xlabel(f"answerable questions; dashed: {report.overall.hit_at_1:.0%} of all {report.overall.answerable}")
    axes.grid(axis="x", color=_LIGHT)
    axes.set_axisbelow(True)


def _say_nothing_to_show(axes: Axes) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, "no questions to show", ha="center", va="center", color=_GREY, transform=axes.transAxes)
