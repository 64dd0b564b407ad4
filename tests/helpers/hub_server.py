"""A hub on this machine: the routes that the official client uses, any one of which can be made to fail."""

import base64
import hashlib
import json
import re
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import close_session, constants

REPO = r"(?P<repo>[^/]+/[^/]+)"
KIND = "(models|spaces)"
ROUTES = {  # name -> method and path; the name is also the handler's method
    "create": ("POST", "/api/repos/create"),
    "validate": ("POST", "/api/validate-yaml"),
    "preupload": ("POST", f"/api/{KIND}/{REPO}/preupload/[^/]+"),
    "lfs_batch": ("POST", rf"(/spaces)?/{REPO}\.git/info/lfs/objects/batch"),
    "lfs_put": ("PUT", "/lfs/(?P<oid>[0-9a-f]{64})"),
    "lfs_verify": ("POST", "/lfs/verify"),
    "commit": ("POST", f"/api/{KIND}/{REPO}/commit/[^/]+"),
    "info": ("GET", f"/api/{KIND}/{REPO}(/revision/[^/]+)?"),
    "tree": ("GET", f"/api/{KIND}/{REPO}/tree/[^/]+"),
    "head": ("HEAD", f"(/spaces)?/{REPO}/resolve/[^/]+/(?P<path>.+)"),
    "get": ("GET", f"(/spaces)?/{REPO}/resolve/[^/]+/(?P<path>.+)"),
}
PUSH = ("create", "tree", "validate", "preupload", "lfs_batch", "lfs_put", "lfs_verify", "commit")
PULL = ("info", "tree", "head", "get")
FAILURES = (500, 401, 403, "drop")
TOKEN = "hf_SeCrEtSeCrEtSeCrEtSeCrEtSeCrEt"


class Hub:
    """`with Hub() as hub`: repositories in memory at `hub.url`.

    `hub.failing = {"commit": 500}` makes a route answer that status; "page" a web page, "drop" cuts its
    connection, "lost" does the work and then cuts it.
    """

    def __init__(self):
        self.token = TOKEN
        self.repos: dict[str, dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.commits: list[str] = []  # the summary line of each
        self.blobs: dict[str, bytes] = {}  # LFS uploads, by SHA-256
        self.failing: dict[str, int | str] = {}
        self.asked: list[str] = []  # names of the routes, in order

    def __enter__(self) -> "Hub":
        handler = type("Handler", (_Handler,), {"hub": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.server.shutdown()
        self.server.server_close()


def use(hub: Hub, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Turn the client of this process to the hub, with an empty cache, and with no wait before it tries again."""
    close_session()  # what it keeps between requests is not another hub's
    own = {
        "ENDPOINT": hub.url,
        "HUGGINGFACE_CO_URL_TEMPLATE": hub.url + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(folder / "cache"),
        "HF_TOKEN_PATH": str(folder / "token"),
        "HF_HUB_OFFLINE": False,
        "HF_HUB_DISABLE_XET": True,  # its storage has no routes to stand in for
        "HF_HUB_DISABLE_TELEMETRY": True,
    }
    for name, value in own.items():
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setattr("huggingface_hub.utils._http.time", clock(lambda seconds: None))
    monkeypatch.setattr("huggingface_hub.file_download.time", clock(lambda seconds: None))
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def clock(sleep: Callable[[float], None]) -> SimpleNamespace:
    """A `time` whose `sleep` is another."""
    return SimpleNamespace(sleep=sleep, time=time.time)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer's body would wait 40 ms for its headers to be acknowledged
    hub: Hub

    def log_message(self, *_) -> None:
        pass

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        for name, (method, pattern) in ROUTES.items():
            if method == self.command and (match := re.fullmatch(pattern, path)):
                self.hub.asked.append(name)
                return self._answer_route(name, match.groupdict(), body)
        self._send(404, {"error": f"no route {self.command} {path}"})

    do_GET = do_HEAD = do_POST = do_PUT = _serve  # noqa: N815

    def _answer_route(self, name: str, groups: dict[str, str], body: bytes) -> None:
        failure = self.hub.failing.get(name)
        if isinstance(failure, int):
            # Some hubs echo what they refuse: the token must not get from there into a message.
            return self._send(failure, {"error": f"refused {self.headers.get('Authorization')}"})
        if failure == "drop":
            return self._cut()
        if failure == "page":
            return self._send(200, b"<html>Log in</html>")
        if name in PUSH and name not in PULL and not name.startswith("lfs_") and not self._knows_token():
            return self._send(401, {"error": "Invalid credentials"})
        status, answer, headers = getattr(self, f"_{name}")(body, **groups)
        if failure == "lost":
            return self._cut()
        self._send(status, answer, headers)

    def _knows_token(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, status: int, answer: bytes | dict | list, headers: dict[str, str] | None = None) -> None:
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for key, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _create(self, body):
        asked = json.loads(body)
        repo = f"{asked['organization']}/{asked['name']}"
        status = 409 if repo in self.hub.repos else 200
        if repo not in self.hub.repos:
            self.hub.repos[repo] = {".gitattributes": b"*.safetensors filter=lfs\n"}
            # Older clients say "private": true.
            self.hub.private[repo] = asked.get("visibility") == "private" or asked.get("private") is True
        return status, {"url": f"{self.hub.url}/{repo}"}, {}

    def _validate(self, body):
        front = json.loads(body)["content"].startswith("---\n")
        return 200 if front else 400, {"errors": [] if front else [{"message": "no metadata"}], "warnings": []}, {}

    def _preupload(self, body, repo):
        files = self.hub.repos[repo]
        return 200, {"files": [_upload_mode(file["path"], files) for file in json.loads(body)["files"]]}, {}

    def _lfs_batch(self, body, repo):
        return 200, {"transfer": "basic", "objects": [self._lfs_object(o) for o in json.loads(body)["objects"]]}, {}

    def _lfs_object(self, asked: dict) -> dict:
        links = {"upload": f"{self.hub.url}/lfs/{asked['oid']}", "verify": f"{self.hub.url}/lfs/verify"}
        actions = {"actions": {name: {"href": link} for name, link in links.items()}}
        return {**asked, **({} if asked["oid"] in self.hub.blobs else actions)}

    def _lfs_put(self, body, oid):
        whole = hashlib.sha256(body).hexdigest() == oid
        self.hub.blobs |= {oid: body} if whole else {}
        return 200 if whole else 400, b"", {}

    def _lfs_verify(self, body):
        return 200 if json.loads(body)["oid"] in self.hub.blobs else 404, {}, {}

    def _commit(self, body, repo):
        """All of it or nothing."""
        files = dict(self.hub.repos[repo])
        for line in map(json.loads, body.splitlines()):
            key, value = line["key"], line["value"]
            if key == "header":
                summary = value["summary"]
            elif key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                files[value["path"]] = self.hub.blobs[value["oid"]]
            elif key == "deletedFile":
                del files[value["path"]]
        self.hub.repos[repo] = files
        self.hub.commits.append(summary)
        return (
            200,
            {"success": True, "commitOid": _sha(files), "commitUrl": f"{self.hub.url}/{repo}/commit/{_sha(files)}"},
            {},
        )

    def _info(self, body, repo):
        return (200, {"id": repo, "sha": _sha(self.hub.repos[repo])}, {}) if repo in self.hub.repos else self._nothing()

    def _tree(self, body, repo):
        return 200, [_entry(path, content) for path, content in self.hub.repos[repo].items()], {}

    def _head(self, body, repo, path):
        files = self.hub.repos.get(repo, {})
        if path not in files:
            return self._nothing("EntryNotFound" if repo in self.hub.repos else "RepoNotFound")
        return 200, files[path], {"ETag": f'"{_oid(path, files[path])}"', "X-Repo-Commit": _sha(files)}

    _get = _head

    def _nothing(self, code="RepoNotFound"):
        return 404, {"error": "not found"}, {"X-Error-Code": code}


def _sha(files: dict[str, bytes]) -> str:
    return hashlib.sha1(b"".join(name.encode() + content for name, content in sorted(files.items()))).hexdigest()


def _is_lfs(path: str) -> bool:
    return path.endswith(".safetensors")


def _oid(path: str, content: bytes) -> str:
    """SHA-256 of a large file, git's own hash of others."""
    return (
        hashlib.sha256(content).hexdigest()
        if _is_lfs(path)
        else hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    )


def _upload_mode(path: str, files: dict[str, bytes]) -> dict:
    mode = "lfs" if _is_lfs(path) else "regular"
    oid = _oid(path, files[path]) if path in files else None
    return {"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid}


def _entry(path: str, content: bytes) -> dict:
    entry = {"type": "file", "path": path, "size": len(content), "oid": _oid(path, content)}
    lfs = {"oid": entry["oid"], "size": len(content), "pointerSize": 134}
    return {**entry, **({"lfs": lfs} if _is_lfs(path) else {})}
