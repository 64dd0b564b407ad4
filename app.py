"""The web page: a damaged gray photo goes in, a whole colour photo comes out.

    python app.py [--host 127.0.0.1] [--port 7860] [--share] [--weights weights]

Without --host and --port Gradio's own environment decides (GRADIO_SERVER_NAME, GRADIO_SERVER_PORT), as on Spaces.
"""

import argparse
import os
from io import BytesIO
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # else Gradio asks other hosts as soon as it is imported

import gradio as gr
from gradio.processing_utils import save_pil_to_cache
from PIL import Image

from restoration import imaging
from restoration.pipeline import SHIPPED_WEIGHTS, Restoration, Restorer

EXAMPLES = Path(__file__).parent / "examples"
LIFETIME = (600, 3600)  # seconds: every ten minutes, files older than an hour are deleted

INTRO = """
# Photo restoration
A gray photo with missing parts goes in; a whole photo in colour comes out.
"""
HOW_TO = "Paint over the damage, or leave it: holes of one flat tone are found by themselves."
UNREADABLE = "This file could not be read as a photo. Please choose a PNG, JPEG or WebP file."
NOTHING_FOUND = "No damage was found. Paint over what should be repaired."

FONT = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")
THEME = gr.themes.Soft(
    primary_hue="orange", neutral_hue="stone", font=FONT, font_mono=("ui-monospace", "monospace")
).set(
    background_fill_primary="*neutral_50",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    checkbox_border_color="*neutral_400",
)
CSS = """
.gradio-container { width: 100% !important; max-width: 1240px !important; margin: 0 auto !important; }
#intro h1 { margin-bottom: 0; }
#intro p, #how-to p, #note p, #compare .empty { color: var(--body-text-color); opacity: 0.75; }
#compare .empty { min-height: min(440px, 60vw); }
#compare .empty::after { content: "The result appears here"; margin-left: 0.6em; }
#results .tab-container button { padding: 0 0.8em; }
#results .image-frame, #results .image-frame img { width: 100%; max-height: 500px; object-fit: contain; }
footer .divider { display: none; }
"""
# A file that the browser cannot decode never reaches the server, and the editor says nothing: we do.
TELL_UNREADABLE = """() => addEventListener("unhandledrejection", (event) => {
    if (/decod/i.test(String(event.reason))) document.querySelector("#unreadable").click();
})"""
# On a phone the result lies below the screen; on a desktop nothing moves. The pause lets the slider take its height.
SHOW_RESULT = """() => {
    const results = document.querySelector("#results");
    if (results.getBoundingClientRect().top > innerHeight / 2) setTimeout(() => results.scrollIntoView(), 200);
}"""
# Rendered in the browser only (no ssr_mode): what the tests see is what Spaces serves.
LAUNCH = {"theme": THEME, "css": CSS, "footer_links": ["api"], "max_file_size": "256mb", "ssr_mode": False}


def build_demo(restorer: Restorer) -> gr.Blocks:
    """The page around one restorer; `build_demo(restorer).launch(**LAUNCH)` serves it."""
    with gr.Blocks(title="Photo restoration", fill_width=True, delete_cache=LIFETIME) as demo:
        gr.Markdown(INTRO, elem_id="intro")
        with gr.Row():
            with gr.Column():
                editor = photo_editor()
                gr.Markdown(HOW_TO, elem_id="how-to")
                keep_colours = gr.Checkbox(label="Keep the colours that the photo has", container=False)
                button = gr.Button("Restore", variant="primary", size="lg", elem_id="restore")
                examples = example_row()
            with gr.Column(elem_id="results"):
                images, extras = result_view()
        files = gr.State()
        unreadable = gr.Button(visible="hidden", elem_id="unreadable")

        def restore(photo: dict | None, keep_colours: bool = False) -> tuple:
            """Repair and colour a photo -> colour, gray, and the damage that was repaired (white).

            `photo` is {"background": photo, "layers": [mask], "composite": None}; the mask is white (or opaque)
            where the photo is damaged. Without layers the damage is found.
            """
            source, restored = run(restorer, photo, keep_colours)
            paths = save(source, restored, editor.GRADIO_CACHE)
            return *paths[1:], (paths, describe(restored))

        click = button.click(
            restore, [editor, keep_colours], [*images, files], api_name="restore", show_progress_on=extras[0]
        )
        click.success(show_extras, files, extras, show_progress="hidden", api_visibility="private").success(
            js=SHOW_RESULT
        )
        for new_photo in [editor.upload, editor.clear, *([examples.click] if examples else [])]:
            new_photo(forget, None, [*images, *extras], show_progress="hidden", api_visibility="private")
        if examples:
            examples.click(load_example, examples, editor, show_progress="hidden", api_visibility="private")
        unreadable.click(refuse_unreadable, api_visibility="private")
        demo.load(js=TELL_UNREADABLE)
    return demo.queue(max_size=16)


def photo_editor() -> gr.ImageEditor:
    """Where a photo is dropped and its damage painted over."""
    editor = gr.ImageEditor(
        elem_id="editor",
        show_label=False,
        type="pil",
        format="png",
        height="min(520px, 100vw)",
        sources=("upload", "clipboard"),
        layers=False,
        transforms=(),
        brush=gr.Brush(colors=["#ff3366"], color_mode="fixed"),
        placeholder="Drop a gray photo here\nor click to choose one",
    )
    # Decoded by Gradio, a 16-bit photo would be clipped, a turned one stay turned, and a broken file
    # answer with a bare "Error": the files come as they are, and restoration.imaging reads them.
    editor.convert_and_format_image = undecoded
    return editor


def undecoded(file: "gr.FileData | bytes | None", flatten_on_white: bool = False) -> str | BytesIO | None:
    """Stands in for the editor's own decoder: a path, or what the browser sent."""
    return BytesIO(file) if isinstance(file, bytes) else file and file.path


def example_row() -> gr.Dataset | None:
    """Thumbnails of the example photos. Not `gr.Examples`, which leaves an earlier upload in the editor."""
    samples = [[str(path)] for path in sorted(EXAMPLES.glob("*.png"))]
    if samples:
        return gr.Dataset(components=["image"], samples=samples, label="Or try one of these", elem_id="examples")


def result_view() -> tuple[list[gr.Image], list[gr.Blocks]]:
    """The images that `restore` returns, and what only the page shows: slider, downloads, a note."""
    with gr.Tabs():
        with gr.Tab("Compare"):
            compare = gr.ImageSlider(format="png", show_label=False, elem_id="compare", buttons=["fullscreen"])
        images = []
        for name in ("Colour", "Gray", "Damage"):
            with gr.Tab(name):
                images.append(gr.Image(label=name, format="png", interactive=False, show_label=False, buttons=[]))
    note = gr.Markdown(elem_id="note")
    with gr.Row():
        colour = gr.DownloadButton("Download colour", interactive=False, elem_id="save-colour")
        gray = gr.DownloadButton("Download gray", interactive=False, elem_id="save-gray")
    return images, [compare, colour, gray, note]


def run(restorer: Restorer, upload: dict | None, keep_colours: bool) -> tuple[Image.Image, Restoration]:
    """The photo as read, and restored; whatever is wrong with it becomes one sentence on the page.

    Unless its colours are to be kept, a tinted scan (sepia, yellowed) counts as the gray photo that it was.
    """
    if not upload or not upload["background"]:
        raise gr.Error("Please choose a photo first.", print_exception=False)
    try:
        photo = imaging.read_photo(upload["background"])
        source = photo if keep_colours else photo.convert("L")
        return photo, restorer.restore(source, read_mask(upload["layers"], photo.size))
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error


def read_mask(layers: list, size: tuple[int, int]):
    """The painted or sent mask, bool (H, W), or None for "find the damage"."""
    try:
        return imaging.editor_mask([Image.open(layer) for layer in layers], size)
    except (OSError, Image.DecompressionBombError) as error:
        raise imaging.PhotoError("The mask could not be read as an image.") from error


def save(photo: Image.Image, restored: Restoration, folder: str) -> list[str]:
    """Photo, colour, gray and damage as lossless PNGs, each in a folder named by its content's hash."""
    images = {
        "photo": photo,
        "restored-colour": restored.image,
        "restored-gray": restored.gray,
        "damage": restored.mask,
    }
    return [save_pil_to_cache(image, folder, name, "png") for name, image in images.items()]


def describe(restored: Restoration) -> str:
    """One sentence for the page about what was done."""
    histogram = restored.mask.histogram()
    share = 1 - histogram[0] / sum(histogram)
    return f"{share:.1%} of the photo was repaired." if share else NOTHING_FOUND


def show_extras(files: tuple[list[str], str]) -> tuple:
    """Fill the slider, the downloads and the note from the files that are already there."""
    (photo, colour, gray, _), note = files
    saves = gr.DownloadButton(value=colour, interactive=True), gr.DownloadButton(value=gray, interactive=True)
    return (photo, colour), *saves, note


def forget() -> tuple:
    """A new photo must not stand beside the last one's result."""
    saves = gr.DownloadButton(value=None, interactive=False), gr.DownloadButton(value=None, interactive=False)
    return None, None, None, None, *saves, ""


def refuse_unreadable() -> None:
    """Called by the page itself, see TELL_UNREADABLE."""
    raise gr.Error(UNREADABLE, print_exception=False)


def load_example(sample: list[str]) -> dict:
    """An example as the editor's new value."""
    return {"background": sample[0], "layers": [], "composite": None}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve the photo restoration page.")
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 for everyone (default: this machine only)")
    parser.add_argument("--port", type=int, help="default: 7860, or the next free one")
    parser.add_argument("--share", action="store_true", help="open a public link through Gradio's tunnel")
    parser.add_argument("--weights", default=SHIPPED_WEIGHTS, help="folder or hub repository of the trained models")
    return parser.parse_args()


if __name__ == "__main__":
    args = parse_args()
    try:
        restorer = Restorer.from_pretrained(args.weights)
    except ValueError as error:  # one sentence about the weights
        raise SystemExit(f"app.py: {error}") from None
    demo = build_demo(restorer)
    try:
        demo.launch(server_name=args.host, server_port=args.port, share=args.share, **LAUNCH)
    except OSError:  # Gradio's sentence names a method of its own
        port = f"port {args.port}" if args.port else "every port from 7860 on"
        raise SystemExit(f"app.py: {port} is taken or not to be had: name another with --port.") from None
