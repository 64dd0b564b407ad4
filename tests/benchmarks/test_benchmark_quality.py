"""The benchmark as it is run: photos in, tables, JSON and a contact sheet out."""

import csv
import hashlib
import json
import sys

import cv2
import numpy as np
import pytest
from conftest import gray_photo, is_one_sentence, photo, read, save
from PIL import Image

from benchmarks import contact_sheet, photo_sets, quality
from benchmarks.contact_sheet import CELL, EACH, GAP, LINE, Strip, draw_sheet, ranked
from restoration.color import luma
from restoration.evaluation import evaluate_pair
from restoration.masking import damage


@pytest.fixture
def bench(monkeypatch, capsys):
    """Run the command -> lines of stdout."""

    def bench(*arguments: object) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["quality.py", *map(str, arguments)])
        quality.main()
        return capsys.readouterr().out.splitlines()

    return bench


@pytest.fixture
def large(tmp_path, monkeypatch):
    """A folder of three large photos, and the list that names them."""
    names = "astronaut", "coffee", "chelsea"
    files = [save(tmp_path / "large" / f"{name}.png", photo(name, 1500, 1200 + i)) for i, name in enumerate(names)]
    lines = [f"{file.name}\t{hashlib.sha256(file.read_bytes()).hexdigest()}\n" for file in files]
    (tmp_path / "large.tsv").write_text("name\tsha256\n" + "".join(lines))
    monkeypatch.setattr(photo_sets, "LARGE", tmp_path / "large.tsv")
    return tmp_path / "large"


def test_the_classical_rows_are_what_opencv_and_the_metrics_say(bench, tmp_path):
    lines = bench("--mini", "--mask", "none", "--photos", 3, "--json", tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    expected = []
    for number, _, truth in photo_sets.mini_photos(3):
        damaged, mask = damage(luma(truth), np.random.default_rng((0, number)))
        expected.append(evaluate_pair(truth, cv2.inpaint(damaged, mask.astype(np.uint8), 3, cv2.INPAINT_TELEA), mask))
    means = {metric: np.mean([row[metric] for row in expected]) for metric in expected[0]}
    assert {metric: figures["rows"]["OpenCV Telea"][metric] for metric in means} == pytest.approx(means)
    assert f"| OpenCV Telea | {means['hole_psnr']:.2f} | {means['hole_ssim']:.4f} |" in "\n".join(lines)
    assert "| gray, perfect luma | inf | 1.0000 |" in "\n".join(lines)
    assert figures["rows"]["the truth"]["colorfulness"] > 0 and "MI-GAN" not in figures["rows"]
    assert [line.split(" is left out")[0] for line in lines[-2:]] == ["LPIPS", "MI-GAN"]


@pytest.mark.slow
def test_ours_stands_beside_them_and_on_the_sheet(bench, weights, tmp_path):
    sheet = tmp_path / "sheet.png"
    lines = bench("--mini", "--photos", 2, "--weights", weights, "--sheet", sheet, "--json", tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["known_luma_max_difference"] == 0
    found, given = figures["rows"]["ours, mask found"], figures["rows"]["ours, mask given"]
    difference = figures["differences"]["ours, mask found - ours, mask given"]["hole_psnr"]["mean"]
    assert difference == pytest.approx(found["hole_psnr"] - given["hole_psnr"])
    share = figures["ours, mask given: ab error / gray's"]
    assert share == pytest.approx(given["ab_mae"] / figures["rows"]["gray, perfect luma"]["ab_mae"])
    assert f"ours, mask given: ab error / gray's: {share:.4g}" in lines
    assert read(sheet).shape[1] == GAP + 5 * (CELL + GAP)  # damaged, Telea, ours twice, truth


def test_a_jpeg_input_is_the_damaged_photo_after_jpeg():
    truth = photo("coffee", 96, 64)
    damaged, mask = quality.Damaging(4)(truth, 9)
    compressed, same_mask = quality.Damaging(4, 75)(truth, 9)
    expected = cv2.imdecode(cv2.imencode(".jpg", damaged, [cv2.IMWRITE_JPEG_QUALITY, 75])[1], cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(mask, same_mask) and np.array_equal(compressed, expected)
    assert np.array_equal(damaged[~mask], luma(truth)[~mask]) and not np.array_equal(compressed[~mask], damaged[~mask])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--mini", "--jpeg", "0"), "1 to 100"),
        (("--mini", "--photos", "0"), "1 or more"),
        (("--mini", "--mask", "none", "--sheet", "a.png"), "leave --mask none out"),
        (("--mini", "--sheet", "a.txt"), "a.txt"),
        (("--mini", "--json", "nowhere/a.json"), "no folder nowhere"),
        (("--mini", "--lpips", "nowhere.safetensors"), "nowhere.safetensors"),
        (("--mini", "--migan", "nowhere.onnx"), "nowhere.onnx"),
        (("--mini", "--weights", "nowhere/at/all"), "nowhere/at/all"),
        (("--large", "nowhere"), "not in nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_work(bench, capsys, arguments, said):
    with pytest.raises(SystemExit) as exit:
        bench(*arguments)
    message = exit.value.code if isinstance(exit.value.code, str) else capsys.readouterr().err.splitlines()[-1]
    assert said in message


@pytest.mark.slow
def test_large_photos_are_reduced_by_area_and_keep_their_number(large):
    [first, last] = photo_sets.large_photos(large, 2)
    assert (first[0], first[1], last[0], last[1]) == (0, "astronaut.png", 2, "chelsea.png")
    assert first[2].shape == (819, 1024, 3) and last[2].shape == (821, 1024, 3)
    truth = read(large / "astronaut.png")
    assert np.abs(first[2].mean(axis=(0, 1)) - truth.mean(axis=(0, 1))).max() < 0.5  # no pixel is passed over


@pytest.mark.slow
def test_an_altered_large_photo_ends_the_run(large):
    save(large / "coffee.png", photo("rocket", 1500, 1200))
    with pytest.raises(SystemExit, match=r"1 of 3 photos are altered in .*among them coffee\.png") as exit:
        photo_sets.large_photos(large, 3)
    assert is_one_sentence(exit.value)


def test_the_list_of_large_photos_is_complete():
    with photo_sets.LARGE.open() as file:
        lines = list(csv.DictReader(file, delimiter="\t"))
    assert len(lines) >= 20 and len({line["name"] for line in lines}) == len({line["sha256"] for line in lines}) == len(
        lines
    )
    assert all(all(line.values()) and len(line["sha256"]) == 64 for line in lines)


def test_photos_are_ranked_by_their_number_alone():
    values = {f"photo{i:02}": float(value) for i, value in enumerate(np.random.default_rng(0).permutation(21))}
    places = ranked(values, higher_is_better=True)
    assert [[values[name] for name in places[place]] for place in contact_sheet.PLACES] == [
        [20, 19, 18], [11, 10, 9], [2, 1, 0],
    ]  # fmt: skip
    lower = ranked(values, higher_is_better=False)
    assert lower == {"best": places["worst"][::-1], "median": places["median"][::-1], "worst": places["best"][::-1]}
    assert all(len(names) == EACH for names in lower.values())


def test_the_sheet_holds_every_picture_where_its_title_says():
    pictures = [gray_photo("coffee", CELL, 200), photo("coffee", CELL, 200), photo("chelsea", 2 * CELL, 400)]
    sheet = np.asarray(draw_sheet(["gray", "color", "large"], {"one": [Strip("a", pictures), Strip("b", pictures)]}))
    tops = 4 * LINE, 4 * LINE + 200 + GAP + LINE  # titles, the section's two lines, the caption
    for top in tops:
        cells = [sheet[top : top + 200, GAP + i * (CELL + GAP) :][:, :CELL] for i in range(3)]
        assert np.array_equal(cells[0], np.stack([pictures[0]] * 3, axis=-1)) and np.array_equal(cells[1], pictures[1])
        halved = np.asarray(Image.fromarray(pictures[2]).resize((CELL, 200), Image.Resampling.LANCZOS))
        assert np.array_equal(cells[2], halved)
    assert sheet.shape == (tops[1] + 200 + GAP, GAP + 3 * (CELL + GAP), 3)
