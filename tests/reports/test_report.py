"""A run's report: its numbers against NumPy's, its pictures by their pixels."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from small_run import config

from restoration.config import CRITERION, save_config
from restoration.errors import RestorationError
from restoration.reports.figures import COLORS, _draw_panel, _legend, draw_curves
from restoration.reports.report import best_epoch, page, stages_of, summarize, write_report
from restoration.training.runs import CONFIG, METRICS, Run
from restoration.training.tracking import MetricsLog

DATA = {"source": "photos", "photos": 2000, "fingerprint": "3f9a2c71", "groups": 1890, "largest_group": 5}
LOSSES = [f"{part}_loss" for part in ("train", "validation")]
NAMES = [*LOSSES, "train_hole", "ssim", "masked_ssim", "hsv_similarity", "contest_score", "hole_psnr"]
GAN = [f"{loss}_{side}" for loss in LOSSES for side in "dg"]
CELL = 256  # px
PANELS = {letter: (row, column) for letter, (row, column) in zip("abcdef", np.ndindex(2, 3), strict=True)}


def make_records(stage: str, fold: int, epochs: int = 5, gan: bool = True) -> list[dict]:
    """An epoch's record as training writes it, with random values."""
    random = np.random.default_rng([fold, len(stage)])
    return [
        {"epoch": epoch, "step": 10 * epoch, "learning_rate": 1e-3 / epoch, "photos_per_second": random.uniform(50, 90)}
        | {name: random.uniform(0.1, 0.9) for name in [*NAMES, *GAN * gan]}
        for epoch in range(1, epochs + 1)
    ]


def make_run(folder: Path, pieces: dict[tuple[str, int], list[dict]], **settings) -> Run:
    """A run's folder that holds these records of (stage, fold)."""
    run, chosen = Run(folder), config("photos", folds=1 + max(k for _, k in pieces), epochs=5, **settings).resolved()
    run.join(chosen, chosen, "python train.py --folds 3 --data photos")
    problems = [f"bad_{number}.png: it cannot be read." for number in range(23)]
    run.describe_data(DATA | {"problems": problems})
    for (stage, fold), records in pieces.items():
        run.piece(fold, stage).mkdir(parents=True)
        journal = MetricsLog(run.piece(fold, stage) / METRICS)
        for record in records:
            journal.write(**record)
    return run


def report(run: Run, grid=None) -> Run:
    write_report(run, summarize(run, [stage for stage in CRITERION if run.piece(0, stage).exists()]), grid)
    return run


@pytest.fixture(scope="module")
def pieces() -> dict[tuple[str, int], list[dict]]:
    return {(stage, fold): make_records(stage, fold) for stage in CRITERION for fold in range(3)}


@pytest.fixture(scope="module")
def run(pieces, tmp_path_factory) -> Run:
    """The report of three folds of both stages."""
    photos = [[Image.new("RGB", (side, side), c) for c in ("red", "lime", "blue", "magenta")] for side in (64, 300)]
    return report(make_run(tmp_path_factory.mktemp("runs") / "first", pieces, size=96, wear=0.9), photos)


@pytest.fixture
def no_curves(monkeypatch):
    """For tests of numbers: a picture takes half a second."""
    monkeypatch.setattr("restoration.reports.report.draw_curves", lambda *_: None)


def read_summary(run: Run) -> dict:
    return json.loads((run.folder / "summary.json").read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("count, said", [(20, None), (21, "and 1 more, in summary.json"), (0, None)])
def test_a_page_names_twenty_problems(run, count, said):
    summary = read_summary(run)
    summary["data"]["problems"] = [f"bad_{number}.png" for number in range(count)]
    text = page(summary, "first")
    assert ("more, in summary.json" in text) == bool(said) and (said or "") in text
    assert text.count("bad_") == min(count, 20) and ("Problems of the data" in text) == bool(count)


def test_a_report_tells_its_stages_and_its_numbers_are_numbers(run, tmp_path, no_curves):
    assert stages_of(run.folder) == ["inpaint", "color"] and stages_of(tmp_path) == []
    assert (run.folder / "summary.json").read_text().startswith('{\n  "command": "python train.py')
    other = report(make_run(tmp_path / "other", {("color", 0): make_records("color", 0)}))
    assert stages_of(other.folder) == ["color"]
    summary = summarize(other, ["color"])
    summary["stages"]["color"]["mean"]["ssim"] = float("nan")
    with pytest.raises(ValueError, match="JSON"):
        write_report(other, summary, None)
    assert stages_of(other.folder) == [], "no half of one, and none of what was before"


def read_page(run: Run) -> str:
    return (run.folder / "report.md").read_text(encoding="utf-8")


def table_cells(run: Run, heading: str, row: str) -> list[str]:
    """The cells of a row in the first table below a heading of report.md."""
    section = read_page(run).split(f"## {heading}\n")[1]
    line = next(line for line in section.splitlines() if line.startswith(f"| {row} "))
    return [cell.strip() for cell in line.split("|")[2:-1]]


def panel_pixels(run: Run, stage: str, letter: str) -> np.ndarray:
    """RGB of one panel's share of the picture, int (H, W, 3)."""
    with Image.open(run.folder / f"curves-{stage}.png") as image:
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
    assert {"epoch", "step", "learning_rate", "photos_per_second"}.isdisjoint(found["mean"].keys())


def test_the_page_shows_the_summarys_numbers(run):
    for stage, found in read_summary(run)["stages"].items():
        rows, mean, std = found["folds"].values(), found["mean"]["ssim"], found["std"]["ssim"]
        numbers = [f"{row['ssim']:.4f}" for row in rows]
        assert table_cells(run, f"Stage {stage}", "SSIM ↑") == [f"{mean:.4f} ± {std:.4f}", *numbers]
        psnr = found["folds"]["0"]["hole_psnr"]
        assert table_cells(run, f"Stage {stage}", "PSNR in the hole (dB) ↑")[1] == f"{psnr:.2f}"
        assert f"fold 2, epoch {found['folds']['2']['epoch']} |" in read_page(run)


def test_the_colors_page_says_that_their_luma_is_perfect(run):
    inpaint, color = read_page(run).split("## Stage ")[1:]
    assert "the luma is perfect" in color and "the luma is perfect" not in inpaint


def test_the_page_names_all_that_a_repeat_needs(pieces, run):
    page, summary = read_page(run), read_summary(run)
    assert "    python train.py --folds 3 --data photos\n" in page
    assert "fingerprint `3f9a2c71`" in page
    assert f"torch {summary['versions']['torch']}," in page and f"numpy {np.__version__}," in page
    assert "| `size` | `96` | by device |" in page and "| `wear` | `0.9` | `0.2` |" in page
    assert "| `hole_weight` |" not in page, "a default"
    speeds = [record["photos_per_second"] for fold in range(3) for record in pieces["color", fold]]
    assert f"color {np.median(speeds):.1f} photos/s" in page
    assert "bad_19.png" in page and "bad_20.png" not in page and "and 3 more" in page
    assert len(summary["data"]["problems"]) == 23


@pytest.mark.parametrize("stage", CRITERION)
def test_every_panel_shows_every_fold(stage, run):
    for letter in PANELS:
        picture = panel_pixels(run, stage, letter)
        assert count_of(picture, "#222222") > 300, letter  # the mean
        if letter != "f":  # the learning rates of all folds are one line
            assert min(count_of(picture, color) for color in COLORS[:3]) > 40, letter


def panel(curves: dict[str, str], *folds: list[dict]) -> Axes:
    """One panel that is drawn, not yet a picture."""
    axis = Figure().subplots()
    _draw_panel(axis, curves, dict(enumerate(folds)))
    return axis


def test_a_panel_has_a_line_per_curve_and_fold_and_the_mean_of_epochs_that_all_folds_have():
    folds = [[{"epoch": n, "a": n + fold, "b": -n} for n in range(1, 4 + fold)] for fold in range(2)]
    folds[0].append({"epoch": 4, "a": None})
    lines = [line.get_xydata().T.tolist() for line in panel({"A": "a", "B": "b"}, *folds).lines]
    one, other = [[1, 2, 3], [1, 2, 3]], [[1, 2, 3, 4], [2, 3, 4, 5]]
    assert lines[:3] == [one, other, [[1, 2, 3], [1.5, 2.5, 3.5]]] and len(lines) == 6
    assert len(panel({"": "a"}, folds[0]).lines) == 1, "one fold has no mean"
    both = panel({"A": "a", "B": "b"}, *folds)
    assert [text.get_text() for text in both.get_legend().get_texts()] == ["A", "B"]
    assert not panel({"": "a"}, *folds).get_legend() and not both.texts
    off = panel({"A": "c"}, *folds)
    assert [text.get_text() for text in off.texts] == ["GAN off"] and not off.lines
    assert [len(_legend(dict.fromkeys(range(count)))) for count in (1, 2, 3)] == [1, 3, 4], "folds, and their mean"


def test_six_panels_share_their_epochs_and_a_legend(monkeypatch):
    kept = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, file: kept.append(figure))
    draw_curves("color", {fold: make_records("color", fold) for fold in (0, 9)}, Path("curves.png"))
    [figure] = kept
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[0] == "(a)  Loss" and titles[4:] == ["(e)  Validation color similarity (HSV)", "(f)  Learning rate"]
    assert [axis.get_xlabel() for axis in figure.axes] == [""] * 3 + ["epoch"] * 3 and len(titles) == 6
    assert not any(label.get_visible() for axis in figure.axes[:3] for label in axis.get_xticklabels())
    assert all(float(tick).is_integer() for axis in figure.axes[3:] for tick in axis.get_xticks())
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["fold 0", "fold 9", "mean of folds"]
    lines = figure.axes[4].lines
    assert [line.get_color() for line in lines] == [COLORS[0], COLORS[1], "#222222"]
    assert lines[2].get_linewidth() == 2 * lines[0].get_linewidth() and lines[0].get_marker() == "o"
    assert figure.axes[0].get_xgridlines()[0].get_color() == "#E6E6E6" and figure.get_layout_engine() is not None
    assert figure.legends[0].get_window_extent().height < 50, "one line"
    [off] = panel({"A": "c"}, make_records("color", 0)).texts
    assert off.get_position() == (0.5, 0.5) and off.get_transform() == off.axes.transAxes
    assert (off.get_ha(), off.get_va(), off.get_color()) == (
        "center",
        "center",
        "#8A8A8A",
    ) and not off.axes.get_yticks().any()


@pytest.mark.slow
def test_a_gan_that_one_fold_has_is_drawn_and_one_that_none_has_is_said_to_be_off(tmp_path):
    one = {("inpaint", fold): make_records("inpaint", fold, gan=fold == 1) for fold in range(2)}
    one = report(make_run(tmp_path / "one", one))
    for letter in "cd":
        picture = panel_pixels(one, "inpaint", letter)
        assert count_of(picture, COLORS[1]) > 100 and count_of(picture, COLORS[0]) == 0
    none = report(make_run(tmp_path / "none", {("inpaint", 0): make_records("inpaint", 0, epochs=1, gan=False)}))
    off, on = (panel_pixels(run, "inpaint", "c") for run in (none, one))
    assert count_of(off, COLORS[0]) == 0
    assert count_of(off[120:200, 120:320], "#8A8A8A") > 100  # the words, in the panel's middle
    assert count_of(on[120:200, 120:320], "#8A8A8A") < 100
    assert count_of(panel_pixels(none, "inpaint", "e"), COLORS[0]) > 10, "an epoch alone is a point"
    assert "train_loss_d" not in read_summary(none)["stages"]["inpaint"]["mean"]


def test_the_grid_holds_the_photos_in_their_columns(run):
    with Image.open(run.folder / "grid.png") as image:
        grid = np.asarray(image).astype(int)
    assert grid.shape == (36 + 2 * (CELL + 10), 4 * CELL + 50, 3)
    for column, color in enumerate([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 255)]):
        center = 10 + column * (CELL + 10) + CELL // 2
        for top in (36, 36 + CELL + 10):
            cell = grid[top - 1 : top + CELL + 1, center - CELL // 2 - 1 : center + CELL // 2 + 1]
            assert (cell[1:-1, 1:-1] == color).all() and (cell[:, [0, -1]] == 255).all() and (cell[-1] == 255).all()
        title = np.argwhere(grid[:36, center - CELL // 2 : center + CELL // 2].max(axis=-1) < 120)
        assert len(title) > 50 and np.abs((title.min(axis=0) + title.max(axis=0)) / 2 - (18, CELL // 2)).max() < 6


def test_a_report_of_one_stage_and_fold_has_no_deviation_and_no_grid(tmp_path, no_curves):
    records = make_records("color", 0, epochs=1)
    run = report(make_run(tmp_path / "one", {("color", 0): records}))
    summary = read_summary(run)
    assert list(summary["stages"]) == ["color"] and summary["stages"]["color"]["best_fold"] == 0
    assert summary["stages"]["color"]["std"]["ssim"] is None
    assert table_cells(run, "Stage color", "SSIM ↑") == [f"{records[0]['ssim']:.4f}"]
    page = read_page(run)
    assert "grid.png" not in page and "Answers to" not in page and "Colorizer.from_pretrained" in page


def test_values_that_are_none_or_not_finite_are_left_out(tmp_path, no_curves):
    folds = {("inpaint", fold): make_records("inpaint", fold) for fold in range(3)}
    for records in folds.values():
        records[0]["hole_psnr"] = float("nan")
        records[1] |= {"hole_psnr": None, "ssim": None}
        records[2]["hole_psnr"] = float("inf")
        records[3]["hole_psnr"] = 50.0
    folds["inpaint", 1][3]["ssim"] = float("nan")
    run = report(make_run(tmp_path / "run", folds))
    found = read_summary(run)["stages"]["inpaint"]
    kept = [folds["inpaint", fold][3]["ssim"] for fold in (0, 2)]
    assert [row["epoch"] for row in found["folds"].values()] == [4, 4, 4]
    assert found["mean"]["ssim"] == pytest.approx(np.mean(kept))
    assert found["std"]["ssim"] == pytest.approx(np.std(kept, ddof=1))
    assert table_cells(run, "Stage inpaint", "SSIM ↑")[2] == "–"


def test_a_place_that_is_no_utf8_is_reported_and_lost_records_are_a_sentence(tmp_path, no_curves):
    run = make_run(tmp_path / "run", {("color", 0): make_records("color", 0, epochs=1)})
    save_config(dataclasses.replace(run.config(), data="\udcff"), run.folder / CONFIG)
    assert r"`\udcff`" in read_page(report(run))
    (run.piece(0, "color") / METRICS).unlink()
    with pytest.raises(RestorationError, match="to train this piece again"):
        report(run)


def test_of_equal_epochs_the_first_is_the_best():
    records = [{"epoch": epoch, "ssim": value} for epoch, value in enumerate([0.1, 0.7, None, 0.7], start=1)]
    assert best_epoch(records, "ssim")["epoch"] == 2
