"""What the page shows of a photo at each step, without a network or a browser."""

from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from conftest import read
from PIL import Image

from demo import photo_shown, reading
from demo.editing import EditState, Search
from demo.manners import RefusalError
from demo.photo_steps import Steps
from demo.photo_view import PRINTS, start_view
from demo.session import Album, Session, Sessions
from demo.texts import say
from restoration.inference.prints import Print

SIZE = 200, 150


class Restored:
    """What comes back: three colorings, each of one tone, as large as asked for."""

    def __init__(self, size=SIZE, own=None, count=3):
        self.size, self.own, self.count = size, own, count
        self.gray, self.mask = Image.new("L", size, 7), Image.new("L", size)

    def smaller(self, size):
        return Restored(size, self.own, self.count)

    def variants(self):
        return [self.vivid(1, number) for number in range(self.count)]

    def vivid(self, strength, number):
        return Image.new("RGB", self.size, (round(100 * strength), number, 0))


@pytest.fixture
def visit(tmp_path):
    """A session with a photo of which nothing is marked, restored or undone."""

    def begun(mode: str = "L", **fields) -> Session:
        image, mask = Image.new(mode, SIZE, 90 if mode == "L" else (90, 80, 70)), np.zeros(SIZE[::-1], bool)
        scan = SimpleNamespace(image=image, notes=[], own_gray=lambda gray, mask: "deep")
        small, damage = image.resize((100, 75)), SimpleNamespace(is_worn=False)
        edit = EditState("a", scan, damage, mask, small, "photo.png", Search(mask))
        for name, value in fields.items():
            setattr(edit, name, value)
        return Session(tmp_path, album=Album("a", scan, [], [], {0: edit}))

    return begun


MARK = np.zeros(SIZE[::-1], bool)
MARK[20:40, 30:60] = True  # a fiftieth


def test_the_start_page_shows_a_real_print_before_and_after_and_offers_real_prints_first(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with gr.Blocks() as page:
        view = start_view()
    before, after = next(part.value for part in page.blocks.values() if part.elem_id == "sample")
    assert before["orig_name"] in {file.name for file in PRINTS}
    pairs = read(before["path"]), read(after["path"])
    assert pairs[0].shape == pairs[1].shape and 10 < np.abs(pairs[1] - pairs[0]).mean() < 80
    offered = [sample[0]["orig_name"] for sample in view["examples"].samples]
    assert offered[: len(PRINTS)] == [file.name for file in PRINTS] and len(PRINTS) > 1


def test_before_anything_is_marked_there_is_nothing_to_undo_and_a_gray_photo_to_color(visit):
    shown = photo_shown.opened(visit(), "en")
    assert not shown["start"].visible and shown["work"].visible and not shown["results"].visible
    assert not (shown["undo"].interactive or shown["unmark"].interactive) and shown["more"].interactive
    assert (shown["restore"].variant, shown["note"]) == ("primary", say("waiting", "en"))
    assert shown["editor"]["layer"] is None and not shown["editor"]["taps"] and shown["editor"]["size"] == (100, 75)
    assert not (shown["recolor"].visible or shown["recolor"].value) and shown["texture"] and not shown["prints"].visible
    assert shown["tabs"].selected == "color" and say("not_found", "en") in shown["found"]
    color = photo_shown.opened(visit("RGB", recolor=True), "en")["recolor"]
    assert color.visible and color.value
    assert photo_shown.marked(visit("RGB"), "en")["restore"].variant == "secondary", "it keeps its colors"


def test_marks_can_be_undone_and_are_to_be_repaired_until_they_are(visit):
    session = visit(mask=MARK, history=[None], search=Search(MARK, 3, MARK))
    shown = photo_shown.marked(session, "en")
    assert shown["undo"].interactive and shown["unmark"].interactive and not shown["more"].interactive
    assert shown["restore"].variant == "primary" and shown["editor"]["taps"] and shown["editor"]["layer"]
    session.edit.restored, session.edit.repaired = Restored(), MARK
    shown = photo_shown.marked(session, "en")
    assert (shown["restore"].variant, shown["note"]) == ("secondary", say("repaired", "en", share="2.0%"))
    session.edit.mask = ~MARK
    shown = photo_shown.marked(session, "en")
    assert (shown["restore"].variant, shown["note"]) == ("primary", say("marks_changed", "en"))
    session.edit.mask = session.edit.repaired = np.zeros_like(MARK)
    assert photo_shown.marked(session, "en")["note"] == say("only_colored", "en")


def test_a_result_has_three_colorings_and_a_photo_with_its_own_colors_one(visit):
    session = visit(restored=Restored(), vividness=1.5, variant=2)
    shown = photo_shown.opened(session, "en")
    assert shown["results"].visible and shown["vividness"].value == 1.5 and shown["vividness"].interactive
    assert shown["variants"].visible and shown["variants"].selected_index == 2 and len(shown["variants"].value) == 3
    assert shown["hints_how_to"] == say("hints_how_to", "en") and shown["freshen"] is False
    with Image.open(shown["color"][1]) as color, Image.open(shown["gray"][1]) as gray:
        assert color.size == (100, 75) and np.abs(np.subtract(color.getpixel((5, 5)), (150, 2, 0))).max() <= 3
        assert gray.getpixel((5, 5)) == 7
    own = photo_shown.results(visit("RGB", restored=Restored(own=Image.new("RGB", SIZE), count=1)), "en")
    assert not (own["vividness"].interactive or own["variants"].visible)
    assert own["hints_how_to"] == say("hints_in_color", "en")


@pytest.mark.parametrize("dabs, reference, can_undo", [([], None, False), ([], "photo", True), (["dab"], None, True)])
def test_dabs_and_a_reference_can_be_undone(visit, monkeypatch, dabs, reference, can_undo):
    monkeypatch.setattr(photo_shown.marks, "colored", lambda dabs, size: Image.new("RGBA", size) if dabs else None)
    shown = photo_shown.pictures(visit(restored=Restored(), dabs=dabs, reference=reference))
    assert shown["hints_undo"].interactive == can_undo and bool(shown["hints"]["layer"]) == bool(dabs)
    assert shown["hints"]["photo"]["path"] == shown["color"][1]


def test_what_is_downloaded(visit):
    edit = visit(restored=Restored(), vividness=0.5, variant=1).edit
    edit.restored.freshened = lambda: SimpleNamespace(gray="fresh", vivid=lambda *given: given)
    assert photo_shown.full_size(edit, "gray") == "deep", "with all levels that the file has"
    assert photo_shown.full_size(edit, "color").getpixel((0, 0)) == (50, 1, 0)
    edit.freshen = True
    assert photo_shown.full_size(edit, "gray") == "fresh" and photo_shown.full_size(edit, "color") == (0.5, 1)


def test_a_scan_and_its_prints_are_chosen_from_small_pictures(visit):
    session = visit()
    files = photo_shown.choices_of(session, Image.new("L", (300, 240)), [Print(50, 60, 100, 50), Print(9, 9, 6, 8)])
    sizes = []
    for file in files:
        with Image.open(file) as image:
            sizes.append(image.size)
    assert sizes == [(120, 96), (100, 50), (6, 8)]
    session.album.shown, session.album.open = files, 0
    prints = photo_shown.opened(session, "en")["prints"]
    assert prints.visible and prints.selected_index == 0
    assert [shown["caption"] for shown in prints.value] == [
        say("whole_scan", "en"),
        *(say("print", "en", number=n) for n in (1, 2)),
    ]


@pytest.mark.parametrize("pixels, is_read", [(64_000_000, True), (64_000_001, False)])
def test_a_photo_of_64_megapixels_is_read(monkeypatch, pixels, is_read):
    monkeypatch.setattr(reading.imaging, "claimed_pixels", lambda file: pixels)
    monkeypatch.setattr(reading.imaging, "read_scan", lambda file: file)
    if is_read:
        assert reading.read_scan(Path("a.png")) == Path("a.png")
        return
    with pytest.raises(RefusalError, match="64 megapixels"):
        reading.read_scan(Path("a.png"))


def test_a_page_that_is_loaded_again_shows_its_photo_again(visit, monkeypatch):
    request, session, sessions = SimpleNamespace(session_hash="b", headers={}), visit(), Sessions()
    steps = Steps(SimpleNamespace(), sessions)
    assert steps.come_back("", request) == {}, "the first time it has no key"
    with pytest.raises(RefusalError, match="no longer"):
        steps.come_back("another", request)
    sessions._open["a"] = session
    shown = steps.come_back(session.key, request)
    assert shown["key"] == session.key and shown["due"], "what was in work then is waited for in vain"
    session.edit.restored = Restored()
    assert "due" not in steps.come_back(session.key, request), "all is done again"
    session.album = None
    assert steps.come_back(session.key, request) == {}, "nothing was sent that could be gone"
    session.wanted = "photo.png"
    assert list(steps.come_back(session.key, request)) == ["due"], "what was still to be read is not"
    assert steps.start_again()["start"].visible and not steps.start_again()["work"].visible


def test_progress_goes_on(visit, monkeypatch):
    told, session, sessions = [], visit(), Sessions()
    sessions._open["a"] = session
    stages = SimpleNamespace(repair=lambda *given: given, colorize=lambda *given: Restored())
    request = SimpleNamespace(session_hash="a", headers={})
    Steps(stages, sessions).restore(False, True, request, lambda done, desc: told.append((done, desc)))
    assert [done for done, _ in told] == [0.1, 0.6, 0.9] and told[1][1] == say("coloring", "en")
    assert session.edit.repair[2:] == (0, "textured") and session.edit.is_repaired
