"""One photo: what stands on the page, and where."""

from dataclasses import dataclass
from pathlib import Path

import gradio as gr

from demo.limits import MEGABYTES, MEGAPIXELS
from demo.reading import as_file
from demo.texts import label

EXAMPLES = Path(__file__).parents[1] / "examples"
PALETTE = ("#b3261e", "#e07b39", "#e8c24a", "#4c8c4a", "#3b82c4", "#274b8f", "#7a4a9e", "#c98b9b", "#c9996b", "#6b4a2f")


@dataclass
class Start:
    """Before there is a photo."""

    area: gr.Column
    drop: gr.Image
    examples: gr.Dataset | None


@dataclass
class Marking:
    """The photo, and its damage as an overlay."""

    area: gr.Column
    note: gr.Markdown
    editor: gr.ImageEditor
    recolor: gr.Checkbox
    more: gr.Button
    again: gr.Button
    unmark: gr.Button
    mask_file: gr.UploadButton
    restore: gr.Button
    another: gr.Button


@dataclass
class Results:
    """Before and after, and what can be done with it."""

    waiting: gr.Markdown
    area: gr.Column
    sliders: tuple[gr.ImageSlider, gr.ImageSlider]  # color, gray
    vividness: gr.Slider
    note: gr.Markdown
    saves: dict[tuple[str, str], gr.Button]  # by (color or gray, png or jpeg)
    saved: gr.DownloadButton
    hints_open: gr.Button
    hints_area: gr.Column
    hints: gr.ImageEditor
    hints_apply: gr.Button


def start_view() -> Start:
    """The drop zone, what it takes, and photos to try."""
    with gr.Column(elem_id="start") as area:
        drop = gr.Image(
            label=label("drop"),
            show_label=False,
            sources=("upload", "clipboard"),
            placeholder=label("drop"),
            height="min(420px, 80vw)",
            elem_id="drop",
            buttons=[],
        )
        as_file(drop)
        gr.Markdown(label("limits", megapixels=MEGAPIXELS, megabytes=MEGABYTES), elem_classes="quiet")
        examples = example_row(sorted(EXAMPLES.glob("*.png")), "examples")
        if examples:
            gr.Markdown(label("credits"), elem_classes="quiet")
    return Start(area, drop, examples)


def example_row(files: list[Path], name: str) -> gr.Dataset | None:
    """Thumbnails to choose from. Not `gr.Examples`, which leaves an earlier photo in the editor."""
    if files:
        samples = [[str(file)] for file in files]
        return gr.Dataset(components=["image"], samples=samples, label=label(name), elem_id=name)


def marking_view() -> Marking:
    """The editor with its tools, and the button that all is about."""
    with gr.Column(elem_id="marking", min_width=340) as area:
        note = gr.Markdown(elem_id="found", elem_classes="quiet")
        editor = painter("editor", gr.Brush(colors=[("#ff3366", 0.6)], color_mode="fixed"))
        recolor = gr.Checkbox(label=label("recolor"), container=False, visible=False, elem_id="recolor")
        with gr.Row(elem_classes="tools", equal_height=True):
            more = gr.Button(label("more"), size="sm", elem_id="more")
            again = gr.Button(label("again"), size="sm", elem_id="again")
            unmark = gr.Button(label("unmark"), size="sm", elem_id="unmark")
            mask_file = gr.UploadButton(label("mask_file"), size="sm", file_types=["image"], elem_id="mask-file")
        with gr.Row():
            another = gr.Button(label("another"), size="lg", elem_id="another", scale=1, min_width=120)
            restore = gr.Button(
                label("restore"), variant="primary", size="lg", elem_id="restore", scale=2, min_width=180
            )
    return Marking(area, note, editor, recolor, more, again, unmark, mask_file, restore, another)


def painter(name: str, brush: gr.Brush) -> gr.ImageEditor:
    """An editor that only paints: on a picture that the server sends, one layer above it."""
    return gr.ImageEditor(
        elem_id=name,
        elem_classes="painter",
        label=label(name),
        show_label=False,
        type="pil",
        format="png",
        height="min(520px, 110vw)",
        sources=(),
        layers=False,
        transforms=(),
        brush=brush,
        buttons=[],
    )


def results_view() -> Results:
    """Sliders in two tabs with their downloads; vividness; hints, opened when wanted."""
    with gr.Column(elem_id="results", min_width=340):
        waiting = gr.Markdown(label("waiting"), elem_id="waiting", elem_classes="quiet")
        with gr.Column(visible=False) as area:
            note = gr.Markdown(elem_id="note", elem_classes="quiet")
            sliders, saves = [], {}
            with gr.Tabs():
                for kind in ("color", "gray"):
                    with gr.Tab(label(kind), elem_id=f"tab-{kind}"):
                        sliders.append(before_after(f"compare-{kind}"))
                        saves |= save_row(kind)
                        if kind == "color":
                            vividness, *hints = color_controls()
        saved = gr.DownloadButton(visible="hidden", elem_id="saved")
    return Results(waiting, area, tuple(sliders), vividness, note, saves, saved, *hints)


def before_after(name: str) -> gr.ImageSlider:
    """A slider between two pictures of one size."""
    return gr.ImageSlider(label=label("slider"), show_label=False, elem_id=name, buttons=["fullscreen"], max_height=520)


def save_row(kind: str) -> dict[tuple[str, str], gr.Button]:
    """Two buttons, one a format."""
    with gr.Row():
        return {
            (kind, ending): gr.Button(
                label(f"save_{ending}"),
                variant="primary" if ending == "png" else "secondary",
                elem_id=f"save-{kind}-{ending}",
                min_width=140,
            )
            for ending in ("png", "jpeg")
        }


def color_controls() -> tuple:
    """How much color, and which."""
    vividness = gr.Slider(0, 2, value=1, step=0.05, label=label("vividness"), elem_id="vividness")
    hints_open = gr.Button(label("hints_open"), size="sm", elem_id="hints-open")
    with gr.Column(visible=False, elem_id="hints-area") as area:
        gr.Markdown(label("hints_how_to"), elem_classes="quiet")
        hints = painter("hints", gr.Brush(colors=list(PALETTE), color_mode="defaults"))
        apply = gr.Button(label("hints_apply"), variant="primary", elem_id="hints-apply")
    return vividness, hints_open, area, hints, apply
