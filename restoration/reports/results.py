"""Results of a finished run: the best models, the contest's answers, the score of the whole pipeline, the report."""

import shutil
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from restoration.atomic import replacing
from restoration.config import MODEL_CONFIG, MODEL_WEIGHTS, STAGES, Stage, TrainConfig
from restoration.data import splits
from restoration.data.photos import decode
from restoration.data.sources import CONTEST_UNSEEN, Entry, unseen_inputs
from restoration.data.splits import Usable
from restoration.evaluation import Evaluation, Row, evaluate_pair
from restoration.files.imaging import PhotoError, read_photo, write_photo
from restoration.pipeline import Restorer
from restoration.reports import report
from restoration.reports.report import REPORT
from restoration.training.runs import DATA, Run, locked
from restoration.training.validation import damaged_crop

GRID_PHOTOS = 6


def gather(run: Run, asked: tuple[Stage, ...] = STAGES) -> bool:
    """Gather the stages whose folds are all trained; if a stage `asked` for is not among them, print the missing pieces
    and return False."""
    config = run.config()
    if report.stages_of(run.folder) == list(STAGES):  # it is written last, and a finished run does not change
        print(f"Already finished: {_results(run)}")
        return True
    missing = run.missing(config)
    if awaited := [(fold, stage) for fold, stage in missing if stage in asked]:
        print("still to be trained: " + ", ".join(f"fold {fold} {stage}" for fold, stage in awaited))
        return False
    with locked(run.folder):
        stages = [stage for stage in STAGES if stage not in {stage for _, stage in missing}]
        if report.stages_of(run.folder) != stages:  # else another job of an array was faster
            _gather(run, config, stages)
    print(f"Finished: {_results(run)}")
    return True


def _results(run: Run) -> str:
    """The report, and the archives to submit to the contest."""
    archives = [run.folder / f"{name}.zip" for name in CONTEST_UNSEEN]
    return ", ".join(map(str, [run.folder / REPORT, *filter(Path.exists, archives)]))


def _gather(run: Run, config: TrainConfig, stages: list[Stage]) -> None:
    summary, grid = report.summarize(run, stages), None
    for stage, found in summary["stages"].items():
        (run.folder / stage).mkdir(exist_ok=True)
        for name in (MODEL_CONFIG, MODEL_WEIGHTS):
            with replacing(run.folder / stage / name) as part:
                shutil.copyfile(run.piece(found["best_fold"], stage) / name, part)
    if stages == list(STAGES):
        summary["answers"] = _answer_contest(run, config)
        usable = splits.find(config, run.folder / DATA, decoded=False)
        grid, summary["whole"] = _grid(run, config, usable), _whole_scores(run, config, usable)
    else:
        summary["command"] += f" --stage {stages[0]}"
    report.write_report(run, summary, grid)


def _grid(run: Run, config: TrainConfig, usable: Usable) -> list[list[Image.Image]]:
    """Rows of damaged, gray, color, truth: photos that fold 0 was not trained on, restored by fold 0's models."""
    held_out = usable.split(config, 0).validation
    restorer, rows = Restorer.from_pretrained(run.folder, folds=0), []
    for index in range(min(GRID_PHOTOS, len(held_out))):
        rng = np.random.default_rng([config.seed, index])
        photo = damaged_crop(held_out.picture(index), config.validation_size, rng)
        result = restorer.restore(photo.gray, photo.mask)
        rows.append([Image.fromarray(photo.gray), result.gray, result.image, Image.fromarray(photo.truth)])
    return rows


def _whole_scores(run: Run, config: TrainConfig, usable: Usable) -> dict | None:
    """The scores of both stages together on contest pairs that a fold was not trained on, at full size and without
    masks: mean metrics and number of `photos` of each fold, and over folds."""
    scores = {}
    for fold in range(config.folds):
        pairs = [entry for entry in usable.split(config, fold).validation.entries if entry.damaged]
        restorer = Restorer.from_pretrained(run.folder, folds=fold) if pairs else None
        rows = {entry.name: row for entry in pairs if (row := _score_pair(restorer, entry))}
        if rows:
            scores[fold] = Evaluation(rows).as_json()
    return report.over_folds(scores) if scores else None


def _score_pair(restorer: Restorer, entry: Entry) -> Row | None:
    """The metrics of one pair; None if the two files are not a pair."""
    picture = decode(entry, None)
    if picture.hole is None:
        return None
    result = restorer.restore(read_photo(entry.damaged).convert("L"))
    return evaluate_pair(picture.rgb, np.asarray(result.image), picture.hole.mask)


def _answer_contest(run: Run, config: TrainConfig) -> dict[str, int]:
    """Restore the contest's unseen photos with the ensemble of folds: PNGs of the same names, and a zip of them.

    Returns:
        The number of photos in each zip; unreadable photos are named and left out.
    """
    unseen, counts = unseen_inputs(config.data), {}
    restorer = Restorer.from_pretrained(run.folder, folds="all") if unseen else None
    for name, files in unseen.items():
        archive = run.folder / f"{name}.zip"
        with replacing(archive) as part, zipfile.ZipFile(part, "w") as packed:
            for file in files:
                answer = file.relative_to(Path(config.data) / name).with_suffix(".png")
                try:
                    result = restorer.restore(read_photo(file)).image
                except PhotoError as error:
                    print(f"problem: {name}: {error}")
                    continue
                target = run.folder / name / answer
                target.parent.mkdir(parents=True, exist_ok=True)
                write_photo(result, target)
                packed.write(target, answer)
            counts[archive.name] = len(packed.namelist())
    return counts
