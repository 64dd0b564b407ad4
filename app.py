"""The web page: a damaged gray photo goes in, a whole color photo comes out.

    python app.py [--host 127.0.0.1] [--port 7860] [--share] [--weights weights]

Without --host and --port Gradio's own environment decides (GRADIO_SERVER_NAME, GRADIO_SERVER_PORT), as on Spaces.
"""

import argparse
import atexit
import os
import warnings

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # otherwise importing Gradio contacts other hosts

import gradio as gr

from demo.api import LIFETIME, api
from demo.batch_tab import batch_tab
from demo.limits import MEGABYTES, WAITING
from demo.photo_steps import Steps
from demo.photo_tab import PhotoTab
from demo.photo_view import EXAMPLES
from demo.session import Sessions
from demo.stages import Stages
from demo.style import LAUNCH, PAGE
from demo.texts import label
from restoration.errors import RestorationError
from restoration.pipeline import SHIPPED_WEIGHTS, Restorer


def build_demo(restorer: Restorer) -> gr.Blocks:
    """The page around one restorer; `build_demo(restorer).launch(**LAUNCH)` serves it."""
    gr.set_static_paths([EXAMPLES])  # served in place: a copy among visitors' files would be deleted with them
    stages, sessions = Stages(restorer), Sessions()
    with gr.Blocks(title="Photo restoration", fill_width=True, delete_cache=LIFETIME) as demo:
        api(stages)  # first, so that its endpoints get plain names
        loaded = demo.load(js=PAGE, api_visibility="private").then
        gr.Button(label("to_result"), size="sm", elem_id="to-result")
        gr.Markdown(label("broken", megabytes=MEGABYTES), elem_id="broken", elem_classes="refusal")
        for notice, way in (("busy", "again"), ("instead", "open_it")):
            with gr.Row(elem_id=notice):
                gr.Markdown(label(notice), elem_classes="refusal")
                gr.Button(label(way), size="sm")
        gr.Markdown(label("title"), elem_id="title")
        gr.Markdown(label("lead"), elem_id="lead")
        with gr.Tabs() as tabs:
            with gr.Tab(label("tab_photo"), id="photo"):
                steps = Steps(stages, sessions)
                photo = PhotoTab(loaded, steps)
            with gr.Tab(label("tab_batch"), elem_id="batch") as tab:
                batch = batch_tab(stages, sessions, loaded, tab.select)
        shown = {"js": "() => { scrollTo(0, 0); }", "queue": False, "api_visibility": "private"}
        batch["pairs"].select(  # first: one listener waits for the other. What the zip will lack is not known yet.
            lambda: [gr.Tabs(selected="photo"), gr.DownloadButton(visible=False)], None, [tabs, batch["save"]], **shown
        )
        photo.open_on(batch["pairs"].select, steps.open_from_batch, [photo.view["drop"], photo.view["found"]])
        demo.unload(sessions.leave)
    atexit.register(sessions.close)
    demo.sessions = sessions
    demo.queue(max_size=WAITING)
    return demo


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serve the photo restoration page.")
    parser.add_argument("--host", help="address to listen on; 0.0.0.0: all networks (default: this machine only)")
    parser.add_argument("--port", type=int, help="default: 7860, or the next free one, as with 0")
    parser.add_argument("--share", action="store_true", help="open a public link through Gradio's tunnel")
    parser.add_argument("--weights", default=SHIPPED_WEIGHTS, help="folder or hub repository (default: those shipped)")
    return parser.parse_args()


def serve(demo: gr.Blocks, host: str | None, port: int | None, share: bool) -> None:
    """Serve the page until it is stopped; exits with a sentence if that address cannot be listened on."""
    if host:
        port = port or 7860  # else Gradio tries a hundred ports of a wrong host
    try:
        demo.launch(server_name=host, server_port=port or None, share=share, **LAUNCH)
    except (OSError, OverflowError):  # Gradio's message mentions its own method
        raise SystemExit("app.py: cannot listen there; choose another --host or --port.") from None


if __name__ == "__main__":
    warnings.filterwarnings("ignore", module="PIL")  # of large photos and broken EXIF: our own limits decide
    args = parse_args()
    try:
        restorer = Restorer.from_pretrained(args.weights)
    except RestorationError as error:  # about the weights
        raise SystemExit(f"app.py: {error}") from None
    serve(build_demo(restorer), args.host, args.port, args.share)
