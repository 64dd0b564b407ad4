"""How long a visitor's files are kept; no browser."""

import os
import time
from types import SimpleNamespace

import pytest

from demo import session
from demo.manners import RefusalError
from demo.session import Sessions


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


def request(session: str) -> SimpleNamespace:
    return SimpleNamespace(session_hash=session)


def send(cache, name: str = "photo.png"):
    """What Gradio does with a sent file: it lies below a hash of its content."""
    (cache / "hash").mkdir(exist_ok=True)
    (cache / "hash" / name).write_bytes(b"a photo")
    return cache / "hash" / name


def files(cache) -> list[str]:
    """All files below; unlike rglob, os.walk does not mind folders that are being deleted meanwhile."""
    return sorted(name for _, _, names in os.walk(cache) for name in names)


def test_what_was_sent_is_copied_and_both_go_with_the_visit(cache):
    sessions = Sessions()
    copy = sessions.of(request("a")).keep(send(cache))
    assert copy.read_bytes() == b"a photo" and files(cache) == ["photo.png", "photo.png"]
    sessions.close()
    assert files(cache) == []


def test_a_file_that_another_visit_sent_too_stays_for_that_one(cache, monkeypatch):
    monkeypatch.setattr(session, "GRACE", 0)
    sessions, upload = Sessions(), send(cache)
    for name in ("a", "b"):
        sessions.of(request(name)).keep(upload)
    sessions.leave(request("a"))
    wait_until(lambda: len(files(cache)) == 2)
    assert upload.exists()
    sessions.leave(request("b"))
    wait_until(lambda: not files(cache))


def test_a_page_that_comes_back_in_time_keeps_its_visit(cache, monkeypatch):
    monkeypatch.setattr(session, "GRACE", 0.2)
    sessions = Sessions()
    first = sessions.of(request("a"))
    first.keep(send(cache))
    sessions.leave(request("a"))
    assert sessions.of(request("a")) is first  # a phone woke up
    time.sleep(0.4)
    assert sessions.of(request("a")) is first and len(files(cache)) == 2


def test_the_longest_idle_go_when_there_are_too_many_and_after_an_hour(cache, monkeypatch):
    sessions = Sessions()
    monkeypatch.setattr(session, "MOST", 2)
    for name in "abc":
        sessions.of(request(name)).keep(send(cache, f"{name}.png"))
    assert files(cache) == ["b.png", "b.png", "c.png", "c.png"]
    monkeypatch.setattr(session, "IDLE", -1)
    sessions.of(request("c"))
    assert files(cache) == ["c.png", "c.png"]


def test_no_two_files_share_a_place_and_no_name_can_be_guessed(cache):
    sessions = Sessions()
    one, other = sessions.of(request("a")), sessions.of(request("b"))
    places = {one.file("x.png"), one.file("x.png"), other.file("x.png")}
    assert len(places) == 3 and all(len(place.parts[-2]) >= 16 for place in places)
    assert len(one.folder.name) >= 32


def test_our_own_examples_are_not_deleted(cache, tmp_path_factory):
    example = tmp_path_factory.mktemp("examples") / "example.png"
    example.write_bytes(b"ours")
    sessions = Sessions()
    sessions.of(request("a")).keep(example)
    sessions.close()
    assert example.exists()


def test_a_forgotten_photo_is_said_to_be_so():
    with pytest.raises(RefusalError, match="no longer on the server"):
        _ = Sessions().of(request("a")).edit


def wait_until(done) -> None:
    deadline = time.monotonic() + 20
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert done()


def test_a_loaded_page_finds_its_session_again_and_the_closed_one_takes_nothing_away(cache, monkeypatch):
    monkeypatch.setattr(session, "GRACE", 0)
    sessions = Sessions()
    first = sessions.of(request("a"))
    first.keep(send(cache))
    assert sessions.return_to(first.key, request("b")) is first is sessions.of(request("b"))
    sessions.leave(request("a"))
    time.sleep(0.2)
    assert len(files(cache)) == 2 and sessions.of(request("a")) is not first
    with pytest.raises(RefusalError, match="no longer on the server"):
        sessions.return_to("no such key", request("c"))
