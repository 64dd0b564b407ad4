"""The page is served on a busy machine too, and on a free port."""

from urllib.request import urlopen

import gradio as gr
import httpx
import pytest

from app import LAUNCH, build_demo, serve


def test_a_machine_too_busy_to_answer_at_once_serves_the_page_all_the_same(restorer, monkeypatch):
    def late(*_, **__):
        raise httpx.ReadTimeout("timed out")

    monkeypatch.setattr("httpx.head", late)  # how Gradio looks whether the page is there
    demo = build_demo(restorer)
    try:
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, **LAUNCH)
        assert urlopen(url).status == 200
    finally:
        demo.close()


@pytest.fixture
def empty() -> gr.Blocks:
    with gr.Blocks() as demo:
        return demo


def test_port_0_is_a_free_one(empty, monkeypatch):
    served = []
    monkeypatch.setattr(gr.Blocks, "launch", lambda self, **how: served.append(how["server_port"]))
    serve(empty, None, 0, share=False)
    assert served == [None]  # Gradio looks for one
