"""What comes out of a finished run: the best models, the contest's answers, the report."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from restoration import folds, report
from restoration.checkpoint import CONFIG, WEIGHTS, replacing
from restoration.color import luma
from restoration.config import TrainConfig
from restoration.imaging import read_photo, write_photo
from restoration.masking import damage
from restoration.pipeline import Restorer
from restoration.runs import COMMAND, Run, locked
from restoration.sources import unseen_inputs
from restoration.training import load_photos
from restoration.validation import validation_crop

GRID_PHOTOS = 6
REPORT = "report.md"


def gather(run: Run) -> bool:
    """Gather the pieces of a run that has them all; False, and a line that names the missing ones, otherwise."""
    config = run.config()
    if missing := [] if (run.folder / REPORT).exists() else run.missing(config):
        print("still to be trained: " + ", ".join(f"fold {fold} {stage}" for fold, stage in missing))
        return False
    with locked(run.folder):
        if (run.folder / REPORT).exists():  # it is written last, and what is finished does not change
            return True
        for stage, fold in report.best_folds(run.folder).items():
            _copy_model(run.piece(fold, stage), run.folder / stage)
        _answer_contest(run, config)
        command = (run.folder / COMMAND).read_text().strip()
        report.write_report(run.folder, _grid(run, config), command)
    print(f"Finished: {run.folder / REPORT}")
    return True


def _copy_model(piece: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in (CONFIG, WEIGHTS):
        with replacing(folder / name) as part:
            shutil.copyfile(piece / name, part)


def _grid(run: Run, config: TrainConfig) -> list[list[Image.Image]]:
    """Rows of damaged, gray, colour, truth: photos that fold 0 was not trained on, restored by fold 0's models."""
    checked = load_photos(config)
    _, held_out = folds.split(folds.group(checked, config.group_by, config.group_pattern), config.folds, 0, config.seed)
    restorer, rows = Restorer.from_pretrained(run.folder, folds=0), []
    for index in np.random.default_rng(config.seed).permutation(held_out)[:GRID_PHOTOS]:
        truth = validation_crop(checked.photos[index], config.validation_size)
        damaged, mask = damage(luma(truth), np.random.default_rng([config.seed, index]))
        result = restorer.restore(damaged, mask)
        rows.append([Image.fromarray(damaged), result.gray, result.image, Image.fromarray(truth)])
    return rows


def _answer_contest(run: Run, config: TrainConfig) -> None:
    """Restore the contest's unseen photos with the ensemble of folds: PNGs of the same names, and a zip of them."""
    unseen = unseen_inputs(config.data)
    restorer = Restorer.from_pretrained(run.folder, folds="all") if unseen else None
    for name, files in unseen.items():
        answers = [run.folder / name / f"{file.stem}.png" for file in files]
        for file, answer in zip(files, answers, strict=True):
            write_photo(restorer.restore(read_photo(file)).image, answer)
        with replacing(run.folder / f"{name}.zip") as part, zipfile.ZipFile(part, "w") as archive:
            for answer in answers:
                archive.write(answer, answer.name)
