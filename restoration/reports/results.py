"""What comes out of a finished run: the best models, the contest's answers, the report."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from restoration.atomic import replacing
from restoration.checkpoint import CONFIG, WEIGHTS
from restoration.color import luma
from restoration.config import STAGES, Stage, TrainConfig
from restoration.data import folds
from restoration.data.sources import unseen_inputs
from restoration.files.imaging import PhotoError, read_photo, write_photo
from restoration.masking import damage
from restoration.pipeline import Restorer
from restoration.reports import report
from restoration.reports.report import REPORT
from restoration.training.loop import load_photos
from restoration.training.runs import COMMAND, Run, locked
from restoration.training.validation import validation_crop

GRID_PHOTOS = 6


def gather(run: Run, asked: tuple[Stage, ...] = STAGES) -> bool:
    """Gather the stages whose folds are all trained; False, and a line that names the missing pieces, where one of
    the stages `asked` for is not among them."""
    config = run.config()
    if report.stages_of(run.folder) == list(STAGES):  # it is written last, and what is finished does not change
        print(f"Finished before: {run.folder / REPORT}")
        return True
    missing = run.missing(config)
    if awaited := [(fold, stage) for fold, stage in missing if stage in asked]:
        print("still to be trained: " + ", ".join(f"fold {fold} {stage}" for fold, stage in awaited))
        return False
    with locked(run.folder):
        stages = [stage for stage in STAGES if stage not in {stage for _, stage in missing}]
        if report.stages_of(run.folder) != stages:  # else another job of an array was faster
            _gather(run, config, stages)
    print(f"Finished: {run.folder / REPORT}")
    return True


def _gather(run: Run, config: TrainConfig, stages: list[Stage]) -> None:
    for stage, fold in report.best_folds(run.folder, stages).items():
        _copy_model(run.piece(fold, stage), run.folder / stage)
    command, grid = (run.folder / COMMAND).read_text().strip(), None
    if stages == list(STAGES):
        for problem in _answer_contest(run, config):
            print(f"problem: {problem}")
        grid = _grid(run, config)
    else:
        command += f" --stage {stages[0]}"
    report.write_report(run.folder, grid, command, stages)


def _copy_model(piece: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name in (CONFIG, WEIGHTS):
        with replacing(folder / name) as part:
            shutil.copyfile(piece / name, part)


def _grid(run: Run, config: TrainConfig) -> list[list[Image.Image]]:
    """Rows of damaged, gray, color, truth: photos that fold 0 was not trained on, restored by fold 0's models."""
    checked = load_photos(config)
    _, held_out = folds.split(folds.group(checked, config.group_by, config.group_pattern), config.folds, 0, config.seed)
    restorer, rows = Restorer.from_pretrained(run.folder, folds=0), []
    for index in np.random.default_rng(config.seed).permutation(held_out)[:GRID_PHOTOS]:
        truth = validation_crop(checked.photos[index], config.validation_size)
        damaged, mask = damage(luma(truth), np.random.default_rng([config.seed, index]))
        result = restorer.restore(damaged, mask)
        rows.append([Image.fromarray(damaged), result.gray, result.image, Image.fromarray(truth)])
    return rows


def _answer_contest(run: Run, config: TrainConfig) -> list[str]:
    """Restore the contest's unseen photos with the ensemble of folds: PNGs of the same names, and a zip of them.

    Returns:
        A sentence for each photo that could not be restored.
    """
    unseen, problems = unseen_inputs(config.data), []
    restorer = Restorer.from_pretrained(run.folder, folds="all") if unseen else None
    for name, files in unseen.items():
        answers = {}
        for file in sorted(files, key=lambda file: file.suffix.lower() != ".png"):  # those keep their names
            inner = file.relative_to(Path(config.data) / name)
            answer = inner.with_suffix(".png")
            answers[inner.with_name(f"{inner.name}.png") if answer in answers else answer] = file
        with replacing(run.folder / f"{name}.zip") as part, zipfile.ZipFile(part, "w") as archive:
            for answer, file in answers.items():
                try:
                    result = restorer.restore(read_photo(file)).image
                except PhotoError as error:
                    problems.append(f"{name}: {error}")
                    continue
                target = run.folder / name / answer
                target.parent.mkdir(parents=True, exist_ok=True)
                write_photo(result, target)
                archive.write(target, answer)
    return problems
