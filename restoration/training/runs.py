"""A run's folder: the place of each piece, locks, and which pieces are finished."""

import argparse
import dataclasses
import fcntl
import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from restoration import checkpoint
from restoration.atomic import replacing
from restoration.config import CHOSEN, STAGES, Stage, TrainConfig, load_config, save_config
from restoration.errors import RestorationError

CONFIG, COMMAND, DATA, STATE, METRICS = "train.json", "command.txt", "data.json", "state.pt", "metrics.jsonl"


@dataclass(frozen=True)
class Run:
    """`runs/NAME`; `moved` are the settings that name files which lie elsewhere since it began."""

    folder: Path
    moved: dict[str, str] = dataclasses.field(default_factory=dict, compare=False)

    @property
    def exists(self) -> bool:
        """Whether the folder holds a run that can be resumed."""
        return (self.folder / CONFIG).is_file()

    def piece(self, fold: int, stage: Stage) -> Path:
        """The folder of one stage of one fold."""
        return self.folder / "folds" / str(fold) / stage

    def config(self) -> TrainConfig:
        """The run's settings."""
        if not self.exists:
            raise RestorationError(f"{self.folder} holds no run; give a folder that train.py made.")
        return dataclasses.replace(load_config(TrainConfig, self.folder / CONFIG), **self.moved)

    def agreed(self, config: TrainConfig, chosen: TrainConfig) -> TrainConfig:
        """The run's settings, or `chosen` if there is no run yet; settings other than `config`, where None matches any,
        are refused."""
        if not self.exists:
            return chosen
        own = self.config()
        left_open = {name: getattr(own, name) for name in CHOSEN if getattr(config, name) is None}
        if dataclasses.replace(config, **left_open) != own:
            raise RestorationError(f"{self.folder} holds a run with other settings; choose another --name.")
        return own

    def join(self, config: TrainConfig, chosen: TrainConfig, command: str) -> TrainConfig:
        """Start the run, or join it if it was started with the same settings, as the jobs of an array do; returns the
        settings that count for all who join, see `agreed`."""
        with locked(self.folder):
            if not self.exists:
                (self.folder / COMMAND).write_text(f"{command}\n", errors="backslashreplace")  # a path may be no UTF-8
                save_config(chosen, self.folder / CONFIG)
            return self.agreed(config, chosen)

    def stages(self) -> tuple[Stage, ...]:
        """The stages whose pieces were begun or asked for; all, if there are none yet."""
        begun = {folder.name for folder in self.folder.glob("folds/*/*")}
        return tuple(stage for stage in STAGES if stage in begun) or STAGES

    def describe_data(self, description: dict) -> None:
        """Record what the data was, and where it was moved; a run resumed with other data is refused."""
        file = self.folder / DATA
        with locked(self.folder):
            if file.exists():
                if json.loads(file.read_text())["fingerprint"] != description["fingerprint"]:
                    raise RestorationError(f"the photos are not those {self.folder} began with; start another run.")
                if self.moved:
                    save_config(self.config(), self.folder / CONFIG)
                return
            with replacing(file) as part:
                part.write_text(json.dumps(description, indent=2) + "\n")

    def is_finished(self, fold: int, stage: Stage) -> bool:
        """Whether a piece has completed all its epochs."""
        state = self.piece(fold, stage) / STATE
        return state.exists() and checkpoint.load_state(state, "cpu").get("finished", False)

    def missing(self, config: TrainConfig) -> list[tuple[int, Stage]]:
        """The pieces that are not finished yet."""
        pieces = [(fold, stage) for fold in range(config.folds) for stage in STAGES]
        return [piece for piece in pieces if not self.is_finished(*piece)]


def command_of(words: list[str]) -> str:
    """The command for the whole run, from the call of one of its programs: without --fold and --stage."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for own in ("--fold", "--stage"):
        parser.add_argument(own)
    return shlex.join(["python", *parser.parse_known_args(words)[1]])


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Lock a folder for this process alone; the system releases it however the process ends. One that another process
    holds is waited for or, without `wait`, refused."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as file:
        try:  # not flock: a data worker that outlives its killed parent would keep the parent's lock
            fcntl.lockf(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except (BlockingIOError, PermissionError) as error:  # POSIX allows either for a lock that is taken
            raise RestorationError(f"another process writes to {folder}; wait, or choose another --name.") from error
        yield
