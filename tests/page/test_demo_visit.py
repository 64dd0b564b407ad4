"""How long a visitor's files are kept; no browser."""

import os
import time
from types import SimpleNamespace

import pytest

from demo import visit
from demo.manners import RefusalError
from demo.visit import Visits


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
    visits = Visits()
    copy = visits.of(request("a")).keep(send(cache))
    assert copy.read_bytes() == b"a photo" and files(cache) == ["photo.png", "photo.png"]
    visits.close()
    assert files(cache) == []


def test_a_file_that_another_visit_sent_too_stays_for_that_one(cache, monkeypatch):
    monkeypatch.setattr(visit, "GRACE", 0)
    visits, upload = Visits(), send(cache)
    for session in ("a", "b"):
        visits.of(request(session)).keep(upload)
    visits.leave(request("a"))
    wait_until(lambda: len(files(cache)) == 2)
    assert upload.exists()
    visits.leave(request("b"))
    wait_until(lambda: not files(cache))


def test_a_page_that_comes_back_in_time_keeps_its_visit(cache, monkeypatch):
    monkeypatch.setattr(visit, "GRACE", 0.2)
    visits = Visits()
    first = visits.of(request("a"))
    first.keep(send(cache))
    visits.leave(request("a"))
    assert visits.of(request("a")) is first  # a phone woke up
    time.sleep(0.4)
    assert visits.of(request("a")) is first and len(files(cache)) == 2


def test_the_longest_idle_go_when_there_are_too_many_and_after_an_hour(cache, monkeypatch):
    visits = Visits()
    monkeypatch.setattr(visit, "MOST", 2)
    for session in "abc":
        visits.of(request(session)).keep(send(cache, f"{session}.png"))
    assert files(cache) == ["b.png", "b.png", "c.png", "c.png"]
    monkeypatch.setattr(visit, "IDLE", -1)
    visits.of(request("c"))
    assert files(cache) == ["c.png", "c.png"]


def test_no_two_files_share_a_place_and_no_name_can_be_guessed(cache):
    visits = Visits()
    one, other = visits.of(request("a")), visits.of(request("b"))
    places = {one.file("x.png"), one.file("x.png"), other.file("x.png")}
    assert len(places) == 3 and all(len(place.parts[-2]) >= 16 for place in places)
    assert len(one.folder.name) >= 32


def test_our_own_examples_are_not_deleted(cache, tmp_path_factory):
    example = tmp_path_factory.mktemp("examples") / "example.png"
    example.write_bytes(b"ours")
    visits = Visits()
    visits.of(request("a")).keep(example)
    visits.close()
    assert example.exists()


def test_a_forgotten_photo_is_said_to_be_so():
    with pytest.raises(RefusalError, match="no longer on the server"):
        Visits().desk(request("a"))


def wait_until(done) -> None:
    deadline = time.monotonic() + 20
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert done()
