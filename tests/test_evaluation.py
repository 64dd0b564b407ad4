"""Pairs and folders of photos -> metrics: what is measured, what is left out, and that it is said."""

import json
import math
import time

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from restoration import metrics
from restoration.color import luma
from restoration.evaluation import METRICS, Evaluation, evaluate_folders, evaluate_pair

HOLE_KEYS = ("masked_ssim", "contest_m", "contest_score", "hole_psnr", "hole_ssim")


@pytest.fixture(scope="module")
def photos() -> dict[str, np.ndarray]:
    sources = {"astronaut": data.astronaut, "coffee": data.coffee, "chelsea": data.chelsea}
    return {name: cv2.resize(load(), (64, 48), interpolation=cv2.INTER_AREA) for name, load in sources.items()}


@pytest.fixture(scope="module")
def hole() -> np.ndarray:
    drawn = np.zeros((48, 64), bool)
    drawn[10:30, 20:40] = True
    return drawn


def damaged(photo: np.ndarray, hole: np.ndarray) -> np.ndarray:
    return np.where(hole[..., None], 90, photo).astype(np.uint8)


@pytest.fixture
def folders(tmp_path, photos, hole):
    """Predictions as lossless WebP, truths and masks as PNG, of the same names."""
    for folder in ("pred", "truth", "mask"):
        (tmp_path / folder).mkdir()
    for name, photo in photos.items():
        Image.fromarray(photo).save(tmp_path / "truth" / f"{name}.png")
        Image.fromarray(damaged(photo, hole)).save(tmp_path / "pred" / f"{name}.webp", lossless=True)
        Image.fromarray(hole).save(tmp_path / "mask" / f"{name}.png")
    return tmp_path / "pred", tmp_path / "truth", tmp_path / "mask"


# One pair --------------------------------------------------------------------------------------


def test_each_key_is_the_metric_of_its_name(photos, hole):
    truth, prediction = photos["coffee"], damaged(photos["coffee"], hole)
    row = evaluate_pair(truth, prediction, hole)
    assert tuple(row) == METRICS
    full, (s, m, c) = metrics.ssim_map(truth, prediction), (row[f"contest_{part}"] for part in "smc")
    parts = {
        "ssim": metrics.interior_mean(full), "masked_ssim": metrics.hole_mean(full, hole),
        "contest_score": metrics.contest_score(s, m, c),
    }  # fmt: skip
    assert {key: row[key] for key in parts} == pytest.approx(parts, abs=1e-12)
    for key in set(METRICS) - set(parts):
        arguments = (truth, prediction, hole) if key in HOLE_KEYS else (truth, prediction)
        expected = getattr(metrics, key)(*(arguments[1:] if key == "colorfulness" else arguments))
        assert row[key] == pytest.approx(expected, abs=1e-12), key


@pytest.mark.parametrize("mask", [None, np.zeros((48, 64), bool)], ids=["none", "empty"])
def test_without_a_hole_its_metrics_are_none(photos, mask):
    row = evaluate_pair(photos["coffee"], photos["coffee"], mask)
    assert tuple(row) == METRICS
    assert [key for key in METRICS if row[key] is None] == list(HOLE_KEYS)


def test_a_tiny_hole_leaves_out_only_what_needs_seven_pixels(photos):
    hole = np.zeros((48, 64), bool)
    hole[20, 20:26] = True
    row = evaluate_pair(photos["coffee"], damaged(photos["coffee"], hole), hole)
    assert [key for key in METRICS if row[key] is None] == ["contest_m", "contest_score"]


def test_a_gray_prediction_is_measured_as_rgb(photos, hole):
    gray = luma(photos["chelsea"])
    as_rgb = np.stack([gray] * 3, axis=-1)
    assert evaluate_pair(photos["chelsea"], gray, hole) == evaluate_pair(photos["chelsea"], as_rgb, hole)


def test_a_pair_is_fast():
    """About 0.05 s on one idle core; the limit is for a busy machine, and still finds a slow metric."""
    photo = data.astronaut()[:256, :256]
    hole = np.zeros((256, 256), bool)
    hole[50:120, 60:150] = True
    start = time.process_time()
    evaluate_pair(photo, photo[:, ::-1], hole)
    assert time.process_time() - start < 0.5


# Folders ---------------------------------------------------------------------------------------


def test_rows_and_means_of_folders(folders, photos, hole):
    evaluation = evaluate_folders(*folders)
    expected = {name: evaluate_pair(photo, damaged(photo, hole), hole) for name, photo in photos.items()}
    assert evaluation.problems == ()
    assert evaluation.rows == expected
    for key in METRICS:
        mean = sum(row[key] for row in expected.values()) / 3
        assert evaluation.means[key] == pytest.approx(mean, abs=1e-12)


def test_json_is_flat_and_in_order(folders):
    written = json.loads(json.dumps(evaluate_folders(*folders).as_json(), allow_nan=False))
    assert list(written) == [*METRICS, "photos"]
    assert written["photos"] == 3


def test_without_masks_the_holes_metrics_are_none(folders):
    evaluation = evaluate_folders(*folders[:2])
    assert evaluation.problems == ()
    assert [key for key, mean in evaluation.means.items() if mean is None] == list(HOLE_KEYS)


def test_a_gray_file_becomes_rgb(folders, photos, hole):
    gray = luma(photos["coffee"])
    Image.fromarray(gray).save(folders[0] / "coffee.webp", lossless=True)
    expected = evaluate_pair(photos["coffee"], gray, hole)
    assert evaluate_folders(*folders).rows["coffee"] == expected


def test_every_file_that_is_left_out_is_named(folders, photos):
    pred, truth, mask = folders
    (pred / "astronaut.webp").unlink()
    Image.fromarray(photos["coffee"]).save(pred / "stranger.png")
    Image.fromarray(photos["coffee"][:-1]).save(pred / "coffee.webp", lossless=True)
    (mask / "chelsea.png").unlink()
    evaluation = evaluate_folders(pred, truth, mask)
    assert list(evaluation.rows) == ["chelsea"]
    about = {problem.split(":")[0]: problem for problem in evaluation.problems}
    assert set(about) == {"astronaut", "stranger", "coffee", "chelsea"}
    assert "no prediction" in about["astronaut"]
    assert "no truth" in about["stranger"]
    assert "must match" in about["coffee"]
    assert "no mask" in about["chelsea"]
    assert all(problem in evaluation.as_table() for problem in evaluation.problems)


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("content", [b"", b"no photo at all", None], ids=["empty", "text", "cut"])
def test_an_unreadable_file_is_named(folders, which, content):
    path = next(folders[which].glob("coffee.*"))
    path.write_bytes(path.read_bytes()[:60] if content is None else content)
    evaluation = evaluate_folders(*folders)
    assert sorted(evaluation.rows) == ["astronaut", "chelsea"]
    (problem,) = evaluation.problems
    reason = "is empty" if content == b"" else "is not a readable image"
    assert problem.startswith(f"coffee: in {path.parent}, {path.name} {reason}")


def test_sixteen_bits_are_scaled_rather_than_clipped(folders, photos, hole):
    gray = luma(photos["coffee"])
    Image.fromarray(gray.astype(np.uint16) * 257).save(folders[0] / "coffee.png")
    (folders[0] / "coffee.webp").unlink()
    evaluation = evaluate_folders(*folders)
    assert evaluation.problems == () and evaluation.rows["coffee"] == evaluate_pair(photos["coffee"], gray, hole)


def test_subfolders_are_paired_by_their_paths(folders, photos, hole):
    """In two subfolders lie photos of one name, each with another hole: a mix-up would show."""
    other, expected = hole[::-1, ::-1], {}
    for name, photo, mask in [("sub/coffee", photos["chelsea"], hole), ("sub/deep/x", photos["coffee"], other)]:
        results = damaged(photo, mask), photo, mask
        for folder, image in zip(folders, results, strict=True):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{name}.png")
        expected[name] = evaluate_pair(photo, damaged(photo, mask), mask)
    evaluation = evaluate_folders(*folders)
    assert evaluation.problems == () and len(evaluation.rows) == 5
    assert {name: evaluation.rows[name] for name in expected} == expected
    (folders[0] / "sub" / "coffee.png").unlink()
    (folders[2] / "sub" / "deep" / "x.png").unlink()
    assert evaluate_folders(*folders).problems == (
        "sub/coffee: no prediction.",
        "sub/deep/x: no mask, or a hole of under 7 pixels; it is left out of the hole metrics.",
    )


def test_a_mask_of_zeros_and_ones_is_a_mask(folders, hole):
    expected = evaluate_folders(*folders).rows
    for file in folders[2].iterdir():
        Image.fromarray(hole.astype(np.uint8)).save(file)
    assert evaluate_folders(*folders).rows == expected


def test_a_mask_of_another_size_or_without_a_hole_is_named(folders):
    Image.new("L", (10, 10), 255).save(folders[2] / "coffee.png")
    Image.new("L", (64, 48), 127).save(folders[2] / "chelsea.png")
    evaluation = evaluate_folders(*folders)
    assert sorted(evaluation.rows) == ["astronaut", "chelsea"]
    assert "coffee.png is 10 x 10 px, but the photo is 64 x 48" in evaluation.problems[1]
    assert evaluation.rows["chelsea"]["hole_psnr"] is None and evaluation.rows["chelsea"]["ssim"] is not None
    assert [problem.split(":")[0] for problem in evaluation.problems] == ["chelsea", "coffee"]


def test_two_files_of_one_name_are_left_out_and_other_files_ignored(folders, photos):
    Image.fromarray(photos["coffee"]).save(folders[0] / "coffee.bmp")
    (folders[0] / "metrics.json").write_text("{}")
    evaluation = evaluate_folders(*folders)
    (problem,) = evaluation.problems
    assert "coffee.bmp and coffee.webp" in problem and "coffee" not in evaluation.rows


def test_no_pairs_is_an_error_in_one_sentence(folders, tmp_path):
    with pytest.raises(ValueError, match="No file in"):
        evaluate_folders(folders[0], make_empty(tmp_path))
    with pytest.raises(ValueError, match="no folder"):
        evaluate_folders(folders[0], tmp_path / "nowhere")
    for path in folders[0].iterdir():
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="No pair could be evaluated"):
        evaluate_folders(*folders)


def make_empty(tmp_path):
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


# Means -----------------------------------------------------------------------------------------


def row_of(psnr: float | None) -> dict[str, float | None]:
    return dict.fromkeys(METRICS, 0.5) | {"hole_psnr": psnr}


def test_means_are_over_photos_that_have_the_value():
    evaluation = Evaluation({"a": row_of(20.0), "b": row_of(None), "c": row_of(30.0), "d": row_of(math.inf)})
    assert evaluation.means["hole_psnr"] == 25
    assert evaluation.as_json()["photos"] == 4
    lines = [line.split() for line in evaluation.as_table().splitlines()]
    assert ["hole_psnr", "25.0000", "2"] in lines
    assert ["ssim", "0.5000", "4"] in lines


def test_an_infinite_mean_stays_so_for_people_and_is_null_in_json():
    evaluation = Evaluation({"a": row_of(math.inf)})
    assert evaluation.means["hole_psnr"] == math.inf
    assert "inf" in evaluation.as_table()
    assert evaluation.as_json()["hole_psnr"] is None
    json.dumps(evaluation.as_json(), allow_nan=False)
