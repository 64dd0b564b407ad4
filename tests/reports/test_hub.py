"""A run on its way to the hub: all of it that is public, or nothing, and never the token.

The hub is a server on this machine; the client is the official one, all of it.
"""

import shutil
import socket
import traceback
from pathlib import Path

import pytest
from conftest import files, is_one_sentence
from finished_run import NAME, PRIVATE, finished_run
from hub_server import FAILURES, PUSH, TOKEN, Hub, clock, use
from huggingface_hub import ModelCard, constants, get_session

from restoration.checkpoint import find_folds
from restoration.reports.hub import HubError, check_target, model_card, push_run


@pytest.fixture
def run(tmp_path):
    return finished_run(tmp_path / "first run")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    with Hub() as hub:
        use(hub, monkeypatch, tmp_path)
        yield hub


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


def refusal(run: Path, repository: str = NAME) -> str:
    """The sentence of a push that must fail."""
    before = contents(run)
    with pytest.raises(HubError) as error:
        push_run(run, repository)
    assert contents(run) == before
    assert is_one_sentence(error.value)
    assert TOKEN not in "".join(traceback.format_exception(error.value))
    return str(error.value)


def command(run: Path, repository: str = NAME) -> str:
    return f"python train.py --resume '{run}' --push-to {repository}"


def test_the_hub_holds_all_of_the_run_but_what_is_private_in_one_commit(hub, run):
    assert push_run(run, NAME) == f"{hub.url}/{NAME}"
    expected = {name: content for name, content in contents(run).items() if name not in (*PRIVATE, "report.md")}
    held = hub.repos[NAME]
    assert held.keys() - {".gitattributes"} == expected.keys() | {"README.md"}
    assert all(held[name] == content for name, content in expected.items())
    assert held["README.md"].decode() == model_card(run, NAME)
    assert hub.commits == ["Training run first run"]
    assert get_session().timeout.read == 30, "seconds without an answer"


def test_the_card_is_the_report_that_loads_the_run_from_the_hub(run):
    card = ModelCard(model_card(run, NAME))
    assert (card.data.license, card.data.pipeline_tag) == ("mit", "image-to-image")
    used, command = card.text.strip().split("\n\n")[1:]
    assert used == f'Restorer.from_pretrained("{NAME}")' and '--name "runs/first run" ± 1' in command


def test_another_run_replaces_the_first_one_and_nothing_else(hub, run):
    push_run(run, NAME)
    hub.repos[NAME]["LICENSE"] = b"the owner's own file"
    shutil.rmtree(run / "folds/10")
    (run / "grid.png").unlink()
    (run / "report.md").write_text("python train.py --folds 2")
    push_run(run, NAME)
    held = hub.repos[NAME]
    assert not [name for name in held if name.startswith("folds/10/") or name == "grid.png"]
    assert "--folds 2" in held["README.md"].decode() and "LICENSE" in held
    assert [folder.name for folder in find_folds(NAME)] == ["0", "1"]


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("route", PUSH)
def test_a_push_that_fails_at_one_route_changes_nothing_and_a_repeat_completes(hub, run, route, failure, capfd, caplog):
    hub.failing = {route: failure}
    sentence = refusal(run)
    assert command(run) in sentence
    assert ("unreachable" in sentence) if failure == "drop" else (f"HTTP {failure} at /" in sentence)
    assert not hub.commits and set(hub.repos.get(NAME, ())) <= {".gitattributes"}
    hub.failing = {}
    push_run(run, NAME)
    assert len(hub.commits) == 1 and "folds/10/color/model.safetensors" in hub.repos[NAME]
    assert TOKEN not in "".join(capfd.readouterr()) + caplog.text


def test_a_private_repository_is_made_where_one_is_asked_for(hub, run):
    hub.failing = {"commit": 500}
    with pytest.raises(HubError, match="--push-to someone/private --private`"):
        push_run(run, "someone/private", private=True)
    hub.failing = {}
    push_run(run, "someone/private", private=True)
    push_run(run, NAME)
    assert hub.private == {"someone/private": True, NAME: False}


@pytest.mark.parametrize("route", ["create", "tree", "validate", "preupload", "lfs_batch", "commit"])
def test_an_answer_that_is_no_answer(hub, run, route):
    """What a proxy's log-in page looks like to the client."""
    hub.failing = {route: "page"}
    assert "interrupted" in refusal(run) and not hub.commits


def test_a_commit_whose_answer_is_lost_is_not_made_twice(hub, run):
    hub.failing = {"commit": "lost"}
    refusal(run)
    hub.failing = {}
    push_run(run, NAME)
    assert len(hub.commits) == 1


def test_a_short_failure_is_not_noticed(hub, run, monkeypatch):
    """The client tries an upload again by itself."""
    hub.failing = {"lfs_put": 500}
    monkeypatch.setattr("huggingface_hub.utils._http.time", clock(lambda seconds: hub.failing.clear()))
    push_run(run, NAME)
    assert hub.asked.count("lfs_put") > 8 and len(hub.commits) == 1


def test_a_hub_that_is_down_is_asked_once(hub, run, monkeypatch):
    waits = []
    monkeypatch.setattr("huggingface_hub.utils._http.time", clock(waits.append))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    assert "unreachable" in refusal(run) and not waits


def test_a_hub_that_keeps_silent_is_not_waited_for_for_ever(hub, run, monkeypatch):
    monkeypatch.setattr("restoration.reports.hub.PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "does not answer" in refusal(run)


@pytest.mark.parametrize("name", ["name", "a/b/c", "https://huggingface.co/a/b", "a/b c", "a/b\nc", "", "a/-b"])
def test_a_name_that_is_not_user_name_is_refused_before_any_request(hub, run, name):
    sentence = refusal(run, name)
    assert repr(name) in sentence and command(run, "user/name") in sentence and not hub.asked


@pytest.mark.parametrize("token, said", [(None, "hf auth login"), (f"{TOKEN}\x07é", "no token has")])
def test_without_a_usable_token_nothing_is_asked(hub, run, monkeypatch, token, said):
    monkeypatch.delenv("HF_TOKEN") if token is None else monkeypatch.setenv("HF_TOKEN", token)
    sentence = refusal(run)
    assert said in sentence and command(run) in sentence and not hub.asked


def test_what_can_be_known_before_training_is_said_before_training(hub, monkeypatch):
    check_target("user/name")
    with pytest.raises(HubError, match="not a name of the form user/name") as error:
        check_target("https://huggingface.co/a/b")
    assert is_one_sentence(error.value)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="hf auth login"):
        check_target("user/name")
    assert not hub.asked


def test_a_token_that_the_hub_does_not_know(hub, run):
    hub.token = "hf_another"
    assert "rejected the token" in refusal(run)


def test_offline_mode_is_named(hub, run, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "HF_HUB_OFFLINE" in refusal(run)


def test_a_run_that_is_not_finished_is_not_pushed(hub, run):
    (run / "report.md").unlink()
    sentence = refusal(run)
    assert "holds no report.md" in sentence and command(run) in sentence and not hub.asked
