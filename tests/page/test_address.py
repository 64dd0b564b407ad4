"""Where the page listens: a true sentence where it cannot, and any free port for 0."""

import argparse
import socket
from urllib.request import urlopen

import httpx
import pytest
from conftest import is_one_sentence

from app import LAUNCH, build_demo, free_port, port


@pytest.mark.parametrize("text", ["99999", "-1", "http", "7860.5", ""])
def test_a_port_that_is_none_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        port(text)


def test_zero_is_any_free_port():
    assert port("0") == 0 and port("65535") == 65535
    with socket.create_server(("127.0.0.1", found := free_port("127.0.0.1", 0))) as server:
        assert found == server.getsockname()[1] > 0


@pytest.mark.parametrize("host", ["300.1.1.1", "192.0.2.1", "127.0.0.1"])  # no address, none of ours, taken
def test_an_address_that_cannot_be_had_is_one_true_sentence(host):
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(SystemExit) as error:
        free_port(host, server.getsockname()[1])
    said = str(error.value)
    assert host in said and ("in use" in said) == (host == "127.0.0.1")
    assert is_one_sentence(said.replace(host, "it").replace("app.py", "It"))


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
