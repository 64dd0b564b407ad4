"""Files of a run: public models in hub layout, and the private state that a run resumes from.

Both are written to a temporary name and renamed, so that a reader never sees half a file.
"""

import textwrap
from pathlib import Path
from pickle import UnpicklingError

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HFValidationError, HTTPError, OfflineModeIsEnabled
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from restoration.atomic import replacing
from restoration.config import MODEL_CONFIG, MODEL_WEIGHTS, ModelConfig, load_config, save_config
from restoration.errors import RestorationError


def save_model(config: ModelConfig, tensors: dict[str, Tensor], folder: Path) -> None:
    """Write `config.json` and `model.safetensors` (floating point tensors as float16) into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    half = {name: (t.half() if t.is_floating_point() else t).cpu().contiguous() for name, t in tensors.items()}
    save_config(config, folder / MODEL_CONFIG)
    with replacing(folder / MODEL_WEIGHTS) as part:
        part.write_bytes(save(half))  # save_file would let nobody else read it


def load_model(folder: Path) -> tuple[ModelConfig, dict[str, Tensor]]:
    """The architecture and the tensors of the model in `folder`."""
    return load_config(ModelConfig, folder / MODEL_CONFIG), load_tensors(folder / MODEL_WEIGHTS)


def find_model(source: str | Path, subfolder: str = "") -> Path:
    """The local folder of a model: `source` is a folder or a hub repository, downloaded when needed."""
    folder = _local(source, subfolder) / subfolder
    for name in (MODEL_CONFIG, MODEL_WEIGHTS):
        if not (folder / name).is_file():
            where = f"{source}/{subfolder}".rstrip("/")
            raise RestorationError(f"{where} holds no {name}; give a folder or hub repository with a trained model.")
    return folder


def has_model(source: str | Path, subfolder: str) -> bool:
    """Whether a folder or hub repository has a model there; without the hub, whether an earlier download has."""
    return (_local(source, subfolder) / subfolder / MODEL_CONFIG).is_file()


def find_folds(source: str | Path) -> list[Path]:
    """The local folders `folds/0`, `folds/1`, ... of a run; one on the hub is downloaded, all folds from one commit."""
    folds = [folder for folder in (_local(source, "folds/*/*") / "folds").glob("*") if folder.name.isdecimal()]
    if not folds:
        raise RestorationError(f"{source} holds no folds; give a run of train.py, or omit folds.")
    return sorted(folds, key=lambda folder: int(folder.name))


def _local(source: str | Path, subfolder: str) -> Path:
    """A folder as it is; of a hub repository a local copy, with the models in `subfolder`."""
    if Path(source).is_dir():
        return Path(source)
    wanted = [f"{subfolder}/{name}".lstrip("/") for name in (MODEL_CONFIG, MODEL_WEIGHTS)]
    try:
        return Path(snapshot_download(str(source), allow_patterns=wanted))
    except (HFValidationError, HTTPError, OfflineModeIsEnabled, OSError) as error:
        raise RestorationError(
            f"{source} is no folder here, and no hub repository of that name can be reached "
            f"({type(error).__name__}): name a folder with inpaint/ and color/, or a repository as user/name."
        ) from error


def load_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file, floating point ones as float32."""
    try:
        with safe_open(file, "pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118, it is no dict
    except (SafetensorError, OSError) as error:
        raise RestorationError(f"{file} cannot be read as safetensors; get or train it again ({error}).") from error
    return {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}


def load_strictly(module: nn.Module, tensors: dict[str, Tensor], source: Path | str, assign: bool = False) -> None:
    """Load all tensors into a module; a missing, unknown or misshaped one is a RestorationError.

    With `assign` they replace the module's own tensors, which saves memory for a module on the meta device.
    """
    try:
        module.load_state_dict(tensors, strict=True, assign=assign)
    except RuntimeError as error:
        reason = textwrap.shorten(str(error).splitlines()[-1], 200, placeholder=" ...")  # it may name every tensor
        raise RestorationError(f"{source} do not fit the architecture: {reason}") from error


def save_state(state: dict, file: Path) -> None:
    """Write a training state: tensors, numbers, strings and containers of them.

    Raises:
        OSError: it cannot be written, as on a full disk.
    """
    try:
        with replacing(file) as part:
            torch.save(state, part)
    except RuntimeError as error:  # torch's name for what the system refuses to write
        raise OSError(f"{file} cannot be written: the disk may be full or a quota exceeded.") from error


def load_state(file: Path, device: torch.device | str = "cpu") -> dict:
    """Read a training state onto a device, without executing anything in it."""
    try:
        return dict(torch.load(file, map_location=device, weights_only=True))
    except (RuntimeError, EOFError, UnpicklingError, LookupError, ValueError, TypeError, AttributeError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise RestorationError(f"{file} is corrupt; delete it to train this piece again.") from error
