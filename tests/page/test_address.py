"""The page is served on a busy machine too."""

from urllib.request import urlopen

import httpx

from app import LAUNCH, build_demo


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
