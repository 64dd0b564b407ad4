"""What may be sent as a batch, and what comes back; no browser."""

import io
import zipfile
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
from conftest import gray_photo, hole, photo, read, save
from PIL import Image

from demo import batch
from demo.manners import RefusalError
from demo.photo_steps import Steps
from demo.session import Batch, Session, Sessions
from demo.stages import Stages
from demo.texts import percent, say
from restoration.files import imaging

BOX = (20, 15, 60, 45)


@pytest.fixture
def archive(tmp_path):
    """Make a zip of (name, bytes)."""

    def make(**entries: bytes):
        with zipfile.ZipFile(tmp_path / "sent.zip", "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in entries.items():
                packed.writestr(name, content)
        return tmp_path / "sent.zip"

    return make


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def damaged(name: str) -> np.ndarray:
    gray = gray_photo(name, 120, 90).copy()
    gray[hole(120, 90, BOX)] = 200
    return gray


def restore(photos, tmp_path, restorer, keep_gray=False):
    """The batch, what its zip has by name, and what was told meanwhile."""
    told, session = [], Session(tmp_path / "visit", batch=Batch(photos, keep_gray))
    batch.restore_all(session, Stages(restorer), "en", lambda *progress: told.append(progress))
    batch.pack(session, "en")
    with zipfile.ZipFile(session.batch.archive) as results:
        return session.batch, {name: results.read(name) for name in results.namelist()}, told


def test_results_equal_the_command_lines_and_failures_are_named(tmp_path, restorer, archive):
    sent = archive(**{
        "album/cat.png": png(damaged("chelsea")), "album/broken.jpg": b"no photo", "notes.txt": b"hello",
        "__MACOSX/cat.png": b"x", ".hidden.png": b"x",
    })  # fmt: skip
    alone = save(tmp_path / "cat.png", damaged("astronaut"))
    photos = batch.gather([sent, alone], tmp_path / "room")
    assert [name for name, _ in photos] == ["album/cat.png", "album/broken.jpg", "cat.png"]
    outcome, results, told = restore(photos, tmp_path, restorer)
    assert set(results) == {"album/cat.png", "cat.png", batch.FAILURES}
    assert told == [(0, "album/cat.png"), (1, "album/broken.jpg"), (2, "cat.png")]
    share = percent(hole(120, 90, BOX).mean())
    said = say("batch_share", "en", name="cat.png", share=share)
    assert [result.said for result in outcome.results.values()] == [said] * 2
    assert {read(result.pair).shape for result in outcome.results.values()} == {(90, 240, 3)}
    for name, scene in (("album/cat.png", "chelsea"), ("cat.png", "astronaut")):
        expected = restorer.restore(Image.fromarray(damaged(scene))).image
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(results[name]))), np.asarray(expected))
    assert "broken.jpg is not a readable image" in results[batch.FAILURES].decode() and len(outcome.problems) == 1


def test_gray_results_keep_16_bits(tmp_path, restorer):
    deep = damaged("chelsea").astype(np.uint16) * 257 - 3
    Image.fromarray(deep).save(tmp_path / "deep.png")
    outcome, results, _ = restore([("deep.png", tmp_path / "deep.png")], tmp_path, restorer, keep_gray=True)
    before, after = np.hsplit(read(outcome.results[tmp_path / "deep.png", 0].pair)[:8], 2)
    assert np.abs(before - after).max() <= 4, "what is shown is neither white nor of other tones"
    assert np.array_equal(read(io.BytesIO(results["deep.png"]))[:10], deep[:10].astype(int))


@pytest.mark.parametrize(
    ("failure", "said"),
    [(MemoryError(), "too_much"), (RuntimeError("out of memory"), "too_much"), (KeyError("strange"), "fault")],
)
def test_a_photo_that_fails_in_any_way_stops_no_other(tmp_path, restorer, monkeypatch, capsys, failure, said):
    photos = [(name, save(tmp_path / name, damaged("coffee"))) for name in ("a.png", "b.png")]
    reads = iter([failure, None, None])

    def read_scan(file):
        if error := next(reads):
            raise error
        return imaging.read_scan(file)

    monkeypatch.setattr(batch, "read_scan", read_scan)
    outcome, results, _ = restore(photos, tmp_path, restorer)
    assert set(results) == {"b.png", batch.FAILURES}
    assert outcome.problems == ["a.png: " + say(said, "en")]
    assert ("strange" in capsys.readouterr().err) == (said == "fault"), "the server's log tells of faults alone"
    outcome.try_again()
    batch.restore_all(Session(tmp_path / "visit", batch=outcome), Stages(restorer), "en", told)
    assert not next(reads, None) and not outcome.problems, "what failed is not tried again, or the other one is too"
    assert [result.name for result in outcome.results.values()] == ["b.png", "a.png"]


def test_tinted_paper_is_colored_anew_and_a_color_photo_keeps_its_colors(tmp_path, restorer):
    sepia = (damaged("chelsea")[..., None] * [1, 0.8, 0.6]).astype(np.uint8)
    color = photo("chelsea", 120, 90)
    photos = [(name, save(tmp_path / name, pixels)) for name, pixels in (("a.png", sepia), ("b.png", color))]
    outcome, results, _ = restore(photos, tmp_path, restorer)
    assert [result.said.endswith("colors kept") for result in outcome.results.values()] == [False, True]
    sepias, colors = (np.asarray(Image.open(io.BytesIO(results[name]))) for name in ("a.png", "b.png"))
    anew = restorer.restore(Image.fromarray(sepia).convert("L")).image
    assert np.array_equal(sepias, np.asarray(anew)) and np.array_equal(colors, color)


def told(*_, **__) -> None:
    """Progress that nobody watches."""


def in_zip(session: Session, stages: Stages | None = None) -> dict[str, np.ndarray]:
    batch.keep_corrected(session, stages, "en")
    batch.pack(session, "en")
    with zipfile.ZipFile(session.batch.archive) as results:
        return {name: read(results.open(name)) for name in results.namelist()}


@pytest.fixture
def visit(tmp_path, restorer, monkeypatch):
    """A restored batch of the given photos, and a way to open the first of them in the editor."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "served"))
    steps, request = Steps(Stages(restorer), Sessions()), SimpleNamespace(session_hash="a", headers={})

    def visit(keep_gray=False, **photos: np.ndarray):
        session = steps.sessions.of(request)
        files = {name: session.keep(save(tmp_path / f"{name}.png", pixels)) for name, pixels in photos.items()}
        session.batch = Batch([(f"box/{name}.png", file) for name, file in files.items()], keep_gray)
        batch.restore_all(session, steps.stages, "en", told)
        steps.open_from_batch(SimpleNamespace(index=0), request, told)
        steps.restore_at_once(request, told)
        return steps, request, session

    return visit


def test_a_corrected_gray_photo_keeps_its_16_bits_in_the_zip(visit, tmp_path):
    deep = damaged("chelsea").astype(np.uint16) * 257 - 3
    steps, request, session = visit(True, deep=deep)
    before = in_zip(session)
    session.edit.mark(hole(120, 90, (80, 20, 100, 40)))
    steps.restore(False, True, request, told)
    after = in_zip(session)["box/deep.png"]
    whole = ~hole(120, 90, (80, 20, 100, 40))
    assert np.array_equal(after[whole], deep[whole]) and not np.array_equal(after, before["box/deep.png"])


def test_damage_erased_to_transparency_is_opaque_in_the_zip_also_where_it_was_marked_by_hand(visit):
    first, second = hole(120, 90, BOX), hole(120, 90, (80, 20, 84, 24))  # the second is too small to be found
    clear = np.dstack([photo("coffee", 120, 90), 255 * ~(first | second)]).astype(np.uint8)
    steps, _, session = visit(erased=clear)
    assert np.array_equal(in_zip(session)["box/erased.png"][..., 3] == 255, ~second)
    session.edit.mark(session.edit.mask | second)
    assert (in_zip(session, steps.stages)["box/erased.png"][..., 3] == 255).all()


def test_what_was_marked_and_not_restored_is_restored_for_the_zip(visit):
    steps, request, session = visit(cat=damaged("chelsea"))
    before = in_zip(session)["box/cat.png"]
    session.edit.mark(hole(120, 90, (80, 20, 100, 40)))
    session.edit.undo()
    assert not batch.is_due(session), "what was undone counts as corrected"
    session.edit.mark(hole(120, 90, (80, 20, 100, 40)))
    assert batch.is_due(session)
    after = in_zip(session, steps.stages)["box/cat.png"]
    assert not np.array_equal(after, before) and not batch.is_due(session)
    steps.restore(False, True, request, told)
    assert np.array_equal(in_zip(session)["box/cat.png"], after)


def test_prints_on_a_scan_come_back_one_by_one_beside_it_and_are_corrected_one_by_one(visit):
    scan = np.full((500, 900), 235, np.uint8)
    scan[60:360, 60:360] = gray_photo("astronaut", 300, 300)
    scan[100:400, 480:840] = gray_photo("coffee", 360, 300)
    steps, request, session = visit(album=scan)
    before = in_zip(session)
    first, second, whole = (before[f"box/album{number}.png"] for number in ("-1", "-2", ""))
    assert len(before) == 3 and whole.shape == (500, 900, 3)
    for cut, size in ((first, (300, 300)), (second, (300, 360))):
        assert np.abs(np.subtract(cut.shape[:2], size)).max() < 8
    assert session.edit.name == "album-1" and not batch.is_due(session), "a print that was only looked at"
    for index in (1, 0):
        steps.open_from_batch(SimpleNamespace(index=index), request, told)
        steps.restore_at_once(request, told)
    steps.make_vivid(0, request)
    after = in_zip(session)
    assert [name for name in after if not np.array_equal(after[name], before[name])] == ["box/album-1.png"]
    assert first.shape == after["box/album-1.png"].shape
    for in_work in (session.album, None):
        for index, name in ((1, "album-2"), (2, "album")):
            steps.want_print(SimpleNamespace(index=1), request)
            steps.open(request, told)
            session.album = in_work
            steps.open_from_batch(SimpleNamespace(index=index), request, told)
            assert session.edit.name == name


def test_what_was_corrected_is_gone_on_with_after_another_photo(visit):
    steps, request, session = visit(cat=damaged("chelsea"), cup=damaged("coffee"))
    mark, dab = hole(120, 90, (80, 20, 100, 40)), {"pen": "#b3261e", "width": 0.1, "points": [(0.2, 0.2)]}
    session.edit.mark(session.edit.mask & ~hole(120, 90, (0, 0, 30, 90)) | mark)
    steps.restore(False, False, request, told)
    steps.dab(SimpleNamespace(strokes=[dab]), request)
    steps.freshen(True, request)
    first, corrected = session.edit, in_zip(session)["box/cat.png"]
    for index in (1, 0):
        steps.open_from_batch(SimpleNamespace(index=index), request, told)
        steps.restore_at_once(request, told)
    again = session.edit
    assert again is not first and np.array_equal(again.mask, first.mask) and again.mask[mark].all()
    assert again.dabs == [dab] and again.freshen and not again.texture and not batch.is_due(session)
    steps.make_vivid(first.vividness, request)
    assert np.array_equal(in_zip(session)["box/cat.png"], corrected)


def test_a_batch_that_is_restored_again_has_nothing_of_what_was_corrected_in_the_last(visit):
    steps, request, session = visit(cat=damaged("chelsea"))
    before = in_zip(session)["box/cat.png"]
    steps.make_vivid(0, request)
    assert not np.array_equal(in_zip(session)["box/cat.png"], before)
    steps.make_vivid(2, request)
    again = visit(cat=damaged("chelsea"))[2]
    assert again is session and np.array_equal(in_zip(session)["box/cat.png"], before)


def test_a_batch_goes_on_though_its_page_is_closed_and_is_deleted_once_it_is_done(visit, tmp_path, monkeypatch):
    steps, request, session = visit(cat=damaged("chelsea"))
    timers = []
    monkeypatch.setattr("demo.session.Timer", lambda wait, do, given: timers.append(lambda: do(*given)) or Mock())
    photos = [(name, save(tmp_path / name, damaged("coffee"))) for name in ("a.png", "b.png")]
    session.batch = Batch(photos, False)
    steps.sessions.leave(request)
    batch.restore_all(session, steps.stages, "en", lambda *_: timers[-1]())  # each photo takes as long as they wait
    assert len(timers) == 3 and len(in_zip(session)) == 2
    timers[-1]()
    assert not session.folder.exists()


def test_a_name_from_a_zip_leads_nowhere_else(tmp_path, restorer, archive):
    sent = archive(**{"../../evil.png": png(damaged("coffee")), "/abs.png": png(damaged("coffee"))})
    photos = batch.gather([sent], tmp_path / "room")
    assert all(tmp_path / "room" in file.parents for _, file in photos)
    assert set(restore(photos, tmp_path, restorer)[1]) == {"evil.png", "abs.png"}


def test_two_photos_of_one_name_both_come_back(tmp_path, restorer, archive):
    sent = archive(**{"a.png": png(damaged("coffee")), "a.tif": png(damaged("rocket"))})
    assert set(restore(batch.gather([sent], tmp_path / "r"), tmp_path, restorer)[1]) == {"a.png", "a-2.png"}


def test_a_photo_keeps_its_name_beside_a_print_that_would_have_the_same(tmp_path, restorer):
    sheet = np.full((300, 400), 235, np.uint8)
    sheet[60:240, 60:300] = gray_photo("astronaut", 240, 180)
    names = {"scan.png": sheet, "scan-1.jpg": damaged("coffee")}
    photos = [(name, save(tmp_path / name, pixels)) for name, pixels in names.items()]
    results = restore(photos, tmp_path, restorer)[1]
    assert set(results) == {"scan.png", "scan-1.png", "scan-1-2.png"}
    assert read(io.BytesIO(results["scan-1.png"])).shape == (90, 120, 3), "it is the print on the other one"


def test_limits_hold(tmp_path, restorer, archive, monkeypatch):
    monkeypatch.setattr(batch, "BATCH_PHOTOS", 3)
    with pytest.raises(RefusalError, match="More than 3 photos"):
        batch.gather([archive(**{f"{i}.png": b"x" for i in range(4)})], tmp_path / "a")
    assert len(batch.gather([archive(**{f"{i}.png": b"x" for i in range(3)})], tmp_path / "c")) == 3
    monkeypatch.setattr(batch, "BATCH_MEGABYTES", 1)
    assert len(batch.gather([archive(**{"full.png": bytes(1 << 20)})], tmp_path / "d")) == 1
    with pytest.raises(RefusalError, match="unpacks to more than 1 MB"):  # and is itself a few kB
        batch.gather([archive(**{"bomb.png": bytes(3 << 20)})], tmp_path / "b")
    monkeypatch.setattr(batch, "BATCH_MEGAPIXELS", 0.02)
    photos = [(name, save(tmp_path / name, damaged("rocket"))) for name in ("a.png", "b.png")]
    outcome, results, _ = restore(photos, tmp_path, restorer)
    assert set(results) == {"a.png", batch.FAILURES} and outcome.problems[0].startswith("b.png: skipped")


def test_several_zips_and_names_as_long_as_can_be_are_taken(tmp_path, archive):
    first = archive(**{"a.png": b"1", "b.png": b"2"}).rename(tmp_path / "first.zip")
    photos = batch.gather([first, archive(**{f"{'n' * 300}.png": b"3"})], tmp_path / "room")
    assert [file.read_bytes() for _, file in photos] == [b"1", b"2", b"3"]


def test_a_zip_that_is_damaged_inside_is_refused_with_its_name(tmp_path, archive):
    sent = archive(**{"a.png": bytes(range(256)) * 40})
    content = bytearray(sent.read_bytes())
    content[60:80] = b"x" * 20  # of the compressed bytes
    sent.write_bytes(content)
    with pytest.raises(RefusalError, match=r"sent\.zip is not a readable zip"):
        batch.gather([sent], tmp_path / "room")


@pytest.mark.parametrize("content", [b"no zip at all", b"PK\x03\x04 and then nothing"])
def test_a_broken_zip_is_refused_with_its_name(tmp_path, content):
    (tmp_path / "sent.zip").write_bytes(content)
    with pytest.raises(RefusalError, match=r"sent\.zip is not a readable zip"):
        batch.gather([tmp_path / "sent.zip"], tmp_path / "room")


def test_nothing_to_restore_is_said(tmp_path, archive):
    with pytest.raises(RefusalError, match="No photos found"):
        batch.gather([archive(**{"notes.txt": b"hello"})], tmp_path / "room")
