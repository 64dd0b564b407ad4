"""A run's report: its numbers against NumPy's, its pictures by their pixels, and what it says of what is missing."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import is_one_sentence
from PIL import Image

from restoration.config import CRITERION, TrainConfig
from restoration.reports import report
from restoration.reports.figures import CELL, COLORS, curve, mean_curve
from restoration.reports.report import best_epoch, write_report
from restoration.training.tracking import MetricsLog

EPOCHS = 5
DATA = {"source": "photos", "photos": 2000, "fingerprint": "3f9a2c71", "groups": 1890, "largest_group": 5}
PANELS = {letter: (row, column) for letter, (row, column) in zip("abcdef", np.ndindex(2, 3), strict=True)}


def make_records(stage: str, fold: int, epochs: int = EPOCHS, gan: bool = True) -> list[dict]:
    """An epoch's record as training writes it, with random values."""
    random = np.random.default_rng([fold, len(stage)])
    names = [
        "train_loss",
        "validation_loss",
        "train_hole",
        "ssim",
        "masked_ssim",
        "hsv_similarity",
        "contest_score",
        "hole_psnr",
    ]
    names += [f"{part}_loss_{side}" for part in ("train", "validation") for side in "dg"] if gan else []
    return [
        {
            "epoch": epoch,
            "step": 10 * epoch,
            "learning_rate": 1e-3 / epoch,
            "photos_per_second": float(random.uniform(50, 90)),
        }
        | {name: float(random.uniform(0.1, 0.9)) for name in names}
        for epoch in range(1, epochs + 1)
    ]


def make_run(run: Path, pieces: dict[tuple[str, int], list[dict]], settings: dict | None = None) -> Path:
    """A run's folder that holds these records of (stage, fold)."""
    for (stage, fold), records in pieces.items():
        folder = run / "folds" / str(fold) / stage
        folder.mkdir(parents=True)
        lines = "".join(json.dumps(record) + "\n" for record in records)
        (folder / "metrics.jsonl").write_text(lines)
    (run / "train.json").write_text(json.dumps({"folds": 3, "size": TrainConfig.size} | (settings or {})))
    problems = [f"bad_{number}.png: it cannot be read." for number in range(23)]
    (run / "data.json").write_text(json.dumps(DATA | {"problems": problems}))
    return run


@pytest.fixture(scope="module")
def pieces() -> dict[tuple[str, int], list[dict]]:
    return {(stage, fold): make_records(stage, fold) for stage in CRITERION for fold in range(3)}


@pytest.fixture(scope="module")
def photos() -> list[list[Image.Image]]:
    colors = ["#FF0000", "#00FF00", "#0000FF", "#FF00FF"]
    return [[Image.new("RGB", size, color) for color in colors] for size in ((64, 48), (30, 60))]


@pytest.fixture(scope="module")
def run(pieces, photos, tmp_path_factory) -> Path:
    """The report of three folds of both stages."""
    run = make_run(tmp_path_factory.mktemp("runs") / "first", pieces, {"size": 999, "wear": 0.9, "made_up": "a|b"})
    write_report(run, photos, "python train.py --folds 3 --data photos")
    return run


@pytest.fixture
def no_curves(monkeypatch):
    """For tests of numbers: a picture takes half a second."""
    monkeypatch.setattr(report, "draw_curves", lambda *_: None)


def read_summary(run: Path) -> dict:
    return json.loads((run / "summary.json").read_text(), parse_constant=pytest.fail)


def table_cells(run: Path, heading: str, row: str) -> list[str]:
    """The cells of a row in the first table below a heading of report.md."""
    section = (run / "report.md").read_text(encoding="utf-8").split(f"## {heading}\n")[1]
    line = next(line for line in section.splitlines() if line.startswith(f"| {row} "))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def panel_pixels(file: Path, letter: str) -> np.ndarray:
    """RGB of one panel's share of the picture, int (H, W, 3)."""
    with Image.open(file) as image:
        assert image.size == (1500, 800)
        picture = np.asarray(image.convert("RGB")).astype(int)[80:745]
    row, column = PANELS[letter]
    return picture[332 * row : 332 * (row + 1), 500 * column + 70 : 500 * (column + 1) - 5]


def count_of(picture: np.ndarray, color: str) -> int:
    """Pixels that are about of a color."""
    wanted = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)])
    return int((np.abs(picture - wanted).max(axis=-1) < 60).sum())


@pytest.mark.parametrize("stage", CRITERION)
def test_mean_and_deviation_are_numpys_over_the_best_epochs(stage, pieces, run):
    found = read_summary(run)["stages"][stage]
    criterion = CRITERION[stage]
    scores = np.array([[record[criterion] for record in pieces[stage, fold]] for fold in range(3)])
    best = scores.argmax(axis=1)
    assert found["criterion"] == criterion
    assert found["best_fold"] == scores.max(axis=1).argmax()
    assert [found["folds"][str(fold)]["epoch"] for fold in range(3)] == (best + 1).tolist()
    for key in ("ssim", "validation_loss", "train_loss_d", criterion):
        values = np.array([pieces[stage, fold][best[fold]][key] for fold in range(3)])
        assert [found["folds"][str(fold)][key] for fold in range(3)] == values.tolist()
        assert found["mean"][key] == pytest.approx(values.sum() / 3, rel=1e-12)
        assert found["std"][key] == pytest.approx(np.sqrt(((values - values.mean()) ** 2).sum() / 2), rel=1e-12)


def test_conditions_of_an_epoch_are_no_metrics(run):
    found = read_summary(run)["stages"]["color"]
    assert {"epoch", "step", "learning_rate", "photos_per_second"}.isdisjoint(
        found["mean"].keys() | found["std"].keys()
    )


def test_the_page_shows_the_summarys_numbers(run):
    stages = read_summary(run)["stages"]
    mean, std = (stages["inpaint"][part]["ssim"] for part in ("mean", "std"))
    assert table_cells(run, "Results", "SSIM ↑")[0] == f"{mean:.4f} ± {std:.4f}"
    for stage, found in stages.items():
        rows = [found["folds"][str(fold)] for fold in range(3)]
        assert table_cells(run, f"Stage {stage}", "epoch") == [str(row["epoch"]) for row in rows]
        assert table_cells(run, f"Stage {stage}", "PSNR in the hole (dB) ↑") == [
            f"{row['hole_psnr']:.2f}" for row in rows
        ]


def test_speed_is_the_median_epochs(pieces, run):
    speeds = [record["photos_per_second"] for fold in range(3) for record in pieces["color", fold]]
    assert read_summary(run)["photos_per_second"]["color"] == pytest.approx(np.median(speeds))
    assert f"color {np.median(speeds):.1f} photos/s" in (run / "report.md").read_text(encoding="utf-8")


def test_the_page_names_all_that_a_repeat_needs(run):
    page, summary = (run / "report.md").read_text(encoding="utf-8"), read_summary(run)
    assert "    python train.py --folds 3 --data photos\n" in page
    assert "fingerprint `3f9a2c71`" in page
    assert f"torch {summary['versions']['torch']}," in page
    assert f"numpy {np.__version__}," in page
    assert set(summary["versions"]) == {
        "python", "torch", "torchvision", "timm", "segmentation-models-pytorch", "numpy", "opencv",
    }  # fmt: skip
    assert "Not complete" not in page


def test_only_settings_that_differ_are_listed(run, no_curves):
    page = (run / "report.md").read_text(encoding="utf-8")
    assert "| `size` | `999` | by device |" in page and "| `wear` | `0.9` | `0.2` |" in page
    assert "| `made_up` | `a\\|b` |" in page and "`None`" not in page
    same = make_run(run.parent / "same", {("color", 0): make_records("color", 0)})
    write_report(same, None, "x")
    assert "`size`" not in (same / "report.md").read_text()


def test_the_first_problems_are_named_and_all_are_kept(run):
    page, summary = (run / "report.md").read_text(encoding="utf-8"), read_summary(run)
    assert "bad_19.png" in page
    assert "bad_20.png" not in page
    assert "and 3 more" in page
    assert len(summary["data"]["problems"]) == 23


@pytest.mark.parametrize("stage", CRITERION)
def test_every_panel_shows_every_fold(stage, run):
    for letter in PANELS:
        picture = panel_pixels(run / f"curves-{stage}.png", letter)
        assert count_of(picture, "#222222") > 300, letter  # the mean
        if letter != "f":  # the learning rates of all folds are one line
            assert min(count_of(picture, color) for color in COLORS[:3]) > 40, letter


@pytest.mark.slow
def test_a_gan_that_one_fold_has_is_drawn_and_one_that_none_has_is_said_to_be_off(tmp_path):
    one = {("inpaint", fold): make_records("inpaint", fold, gan=fold == 1) for fold in range(2)}
    write_report(make_run(tmp_path / "one", one), None, "x")
    for letter in "cd":
        picture = panel_pixels(tmp_path / "one/curves-inpaint.png", letter)
        assert count_of(picture, COLORS[1]) > 100
        assert count_of(picture, COLORS[0]) == 0
    none = {("inpaint", 1): make_records("inpaint", 1, gan=False)}
    write_report(make_run(tmp_path / "none", none), None, "x")
    off, on = (panel_pixels(tmp_path / f"{name}/curves-inpaint.png", "c") for name in ("none", "one"))
    assert count_of(off, COLORS[1]) == 0
    assert count_of(off[120:200, 120:320], "#8A8A8A") > 100  # the words, in the panel's middle
    assert count_of(on[120:200, 120:320], "#8A8A8A") < 100
    assert "train_loss_d" not in read_summary(tmp_path / "none")["stages"]["inpaint"]["mean"]


def test_the_grid_holds_the_photos_in_their_columns(run, photos):
    with Image.open(run / "grid.png") as image:
        grid = np.asarray(image).astype(int)
    assert grid.shape == (36 + 192 + 10 + CELL + 10, 4 * CELL + 50, 3)  # titles, then rows as high as their photos
    for column, photo in enumerate(photos[0]):
        center = 10 + column * (CELL + 10) + CELL // 2
        assert (grid[36 + 96, center] == photo.getpixel((0, 0))).all()
        assert (grid[36 + 192 + 10 + 128, center] == photo.getpixel((0, 0))).all()
        assert count_of(grid[:36, center - 100 : center + 100], "#222222") > 50


def test_without_photos_the_page_has_no_grid(tmp_path, run, no_curves):
    write_report(make_run(tmp_path, {("color", 0): make_records("color", 0)}), None, "x")
    assert not (tmp_path / "grid.png").exists()
    assert "grid.png" not in (tmp_path / "report.md").read_text()
    assert "](grid.png)" in (run / "report.md").read_text(encoding="utf-8")


def test_one_piece_is_reported_and_the_missing_are_named(tmp_path):
    records = make_records("color", 2, epochs=1)
    write_report(make_run(tmp_path, {("color", 2): records}), None, "python train.py --fold 2 --stage color")
    summary, page = read_summary(tmp_path), (tmp_path / "report.md").read_text()
    assert summary["stages"].keys() == {"color"}
    assert summary["stages"]["color"]["best_fold"] == 2
    assert summary["stages"]["color"]["mean"]["ssim"] == records[0]["ssim"]
    assert summary["stages"]["color"]["std"]["ssim"] is None
    assert "- inpaint: no epoch of fold 0, 1, 2." in page
    assert "- color: no epoch of fold 0, 1." in page
    assert table_cells(tmp_path, "Results", "SSIM ↑") == [f"{records[0]['ssim']:.4f}"]
    assert not (tmp_path / "curves-inpaint.png").exists()
    point = panel_pixels(tmp_path / "curves-color.png", "e")
    assert count_of(point, COLORS[2]) > 10  # an epoch alone is a point, not a line of no length


def test_values_that_are_none_or_not_finite_are_left_out(tmp_path, no_curves):
    folds = {("inpaint", fold): make_records("inpaint", fold) for fold in range(3)}
    for records in folds.values():
        records[0]["hole_psnr"] = float("nan")
        records[1] |= {"hole_psnr": None, "ssim": None}
        records[2] |= {"hole_psnr": float("inf")}
        records[3]["hole_psnr"] = 50.0
    folds["inpaint", 1][3]["ssim"] = float("nan")
    write_report(make_run(tmp_path, folds), None, "x")
    found = read_summary(tmp_path)["stages"]["inpaint"]
    kept = [folds["inpaint", fold][3]["ssim"] for fold in (0, 2)]
    assert [row["epoch"] for row in found["folds"].values()] == [4, 4, 4]
    assert found["mean"]["ssim"] == pytest.approx(np.mean(kept))
    assert found["std"]["ssim"] == pytest.approx(np.std(kept, ddof=1))
    assert table_cells(tmp_path, "Results", "SSIM ↑") == [f"{np.mean(kept):.4f} ± {np.std(kept, ddof=1):.4f} (2 of 3)"]
    assert table_cells(tmp_path, "Stage inpaint", "SSIM ↑")[1] == "–"


def test_a_fold_without_its_criterion_has_curves_and_no_best_epoch(tmp_path):
    records = make_records("color", 0)
    for record in records:
        record["hsv_similarity"] = None
    write_report(make_run(tmp_path, {("color", 0): records}), None, "x")
    found = read_summary(tmp_path)["stages"]["color"]
    assert (found["best_fold"], found["folds"], found["mean"]) == (None, {}, {})
    assert "color similarity (HSV) was not measured in fold 0." in (tmp_path / "report.md").read_text()
    assert count_of(panel_pixels(tmp_path / "curves-color.png", "a"), COLORS[0]) > 100


def test_a_run_without_its_settings_and_data_says_so(tmp_path, no_curves):
    make_run(tmp_path, {("color", 0): make_records("color", 0)})
    (tmp_path / "train.json").unlink()
    (tmp_path / "data.json").unlink()
    write_report(tmp_path, None, "x")
    page = (tmp_path / "report.md").read_text()
    assert "- train.json is missing.\n- data.json is missing.\n" in page
    assert "- inpaint: no epoch of fold 0." in page


def test_a_run_without_any_epoch_is_one_sentence(tmp_path):
    make_run(tmp_path, {("color", 0): []})
    with pytest.raises(ValueError, match="no trained fold") as error:
        write_report(tmp_path, None, "x")
    assert is_one_sentence(error.value)


def test_a_resumed_run_is_reported_as_one_that_was_never_stopped(tmp_path, no_curves):
    whole, resumed = (
        make_run(tmp_path / name, {("color", 0): make_records("color", 0)}) for name in ("a/run", "b/run")
    )
    file = resumed / "folds/0/color/metrics.jsonl"
    later = MetricsLog.read(file)[3:]
    journal = MetricsLog(file, resumed_at=30)
    for record in later:
        journal.write(**record)
    for run in (whole, resumed):
        write_report(run, None, "x")
    assert (resumed / "report.md").read_text() == (whole / "report.md").read_text()
    assert read_summary(resumed) == read_summary(whole)


def test_of_equal_epochs_the_first_is_the_best():
    records = [{"epoch": epoch, "ssim": value} for epoch, value in enumerate([0.1, 0.7, None, 0.7], start=1)]
    assert best_epoch(records, "ssim")["epoch"] == 2
    assert best_epoch(records, "lpips") is None


def test_the_mean_curve_stops_where_a_fold_does():
    long = curve([{"epoch": e, "ssim": float(e)} for e in (1, 2, 3)], "ssim")
    short = curve([{"epoch": 1, "ssim": 3.0}, {"epoch": 2, "ssim": None}], "ssim")
    epochs, values = mean_curve([long, short])
    assert epochs.tolist() == [1, 2]
    np.testing.assert_array_equal(values, [2.0, np.nan])
