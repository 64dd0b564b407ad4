"""Deliberate mistakes, one at a time: which of them does no test notice?

    python tests/helpers/mutations.py restoration/masking.py restoration/inference [--count 30] [--seed 0]

Each mutation changes one spot (a comparison, a number, a condition, a call left out) in a copy of the repository and
runs the fast tests of its file's name, then those that name its module, then the rest of its room, until one fails;
test files that never call the mutated function are left out.
Survivors are printed; the last line counts. A survivor is a missing test, code that nothing needs, or a change that
makes no difference.
"""

import argparse
import ast
import os
import pickle
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 600  # of a processor, for one test file without mutation
COMPARISONS = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.In: "not in",
               ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is"}  # fmt: skip
OPERATORS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "/", ast.Pow: "*", ast.Mod: "+",
             ast.BitAnd: "|", ast.BitOr: "&"}  # fmt: skip
UNSEEN = {"strict", "flush", "fused"}  # arguments that guard or hurry, and change no result
NAMES = {
    "min": "max", "max": "min", "any": "all", "all": "any", "floor": "ceil", "rint": "floor", "erode": "dilate",
    "dilate": "erode", "INTER_AREA": "INTER_NEAREST", "INTER_LINEAR": "INTER_NEAREST", "sorted": "list",
}  # fmt: skip


class Mutation(NamedTuple):
    """Bytes `start` to `end` of a source replaced by `text`."""

    line: int
    start: int
    end: int
    text: str


def mutations(source: str) -> list[Mutation]:
    """Every mutation of a module's source, in the order of its lines."""
    raw, tree = source.encode(), ast.parse(source)
    starts = [0]
    for line in raw.split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)

    def span(node: ast.AST) -> tuple[int, int]:
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    def between(left: ast.AST, right: ast.AST, text: str, node: ast.AST) -> Mutation:
        (_, start), (end, _) = span(left), span(right)
        before, after = (raw[start:end].decode(),) * 2
        head, tail = re.match(r"[\s)]*", before).group(), re.search(r"[\s(]*$", after).group()
        return Mutation(node.lineno, start + len(head), end - len(tail), text)

    def whole(node: ast.AST, text: str) -> Mutation:
        return Mutation(node.lineno, *span(node), text)

    types = {id(part) for node in ast.walk(tree) for hint in _hints(node) for part in ast.walk(hint)}
    found = [m for node in ast.walk(tree) if id(node) not in types for m in _of(node, raw, span, between, whole)]
    return sorted({m for m in found if raw[m.start : m.end].decode() != m.text})


def _hints(node: ast.AST) -> list[ast.AST]:
    """A node's annotations: to spoil one would be noticed as the module is loaded, and says nothing."""
    return [hint for name in ("annotation", "returns") if (hint := getattr(node, name, None))]


def _of(node, raw, span, between, whole) -> Iterator[Mutation]:
    text = lambda part: raw[slice(*span(part))].decode()  # noqa: E731
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
            yield between(left, right, COMPARISONS[type(op)], node)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            yield between(left, right, OPERATORS[type(op)], node)
        case ast.BoolOp(op=op, values=[left, right, *_]):
            yield between(left, right, "or" if isinstance(op, ast.And) else "and", node)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield whole(node, f"bool({text(operand)})")
        case ast.Constant(value=bool(value)):
            yield whole(node, str(not value))
        case ast.Constant(value=int(value)):
            yield whole(node, str(value + 1))
        case ast.Constant(value=float(value)):
            yield whole(node, repr(value * 1.5 or 0.5))
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in NAMES:
            yield whole(node, text(node)[: -len(name)] + NAMES[name])
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            yield whole(test, f"not ({text(test)})")
        case ast.Expr(value=ast.Call()):
            yield whole(node, "None")
        case ast.Call(keywords=[*_, keyword], func=func) if keyword.arg and keyword.arg not in UNSEEN:
            if not text(func).endswith(("Error", "field")):
                yield whole(keyword, "")


@cache
def tests_of(file: Path, root: Path) -> tuple[str, ...]:
    """The test files that should notice, the likeliest first: of the file's name, of its module's, of its room."""
    module = ".".join(file.relative_to(root).with_suffix("").parts)
    room, _, name = module.rpartition(".")
    naming = re.compile(rf"\b{re.escape(module)}\b|from {re.escape(room)} import .*\b{name}\b")
    every = sorted(root.glob("tests/**/test_*.py"))
    own = sorted(root.glob(f"tests/**/test_{file.stem}*.py"))
    beside = [f for f in every if f.parent.name == file.parent.name]
    return tuple(dict.fromkeys(map(str, [*own, *(f for f in every if naming.search(f.read_text())), *beside])))


class Watch:
    """A pytest plugin for one file: which of the product's functions each test calls, how long it takes, if it passes.

    Given what it saw once, it runs the tests that call a function first, quick ones before slow ones.
    """

    def __init__(self, root: Path, known: dict[str, dict] | None = None, calling: Callable[[dict], bool] = bool):
        self.root, self.seen, self.known, self.calling = f"{root}/restoration/", {}, known, calling
        self.own: dict | None = None
        if known is None:
            sys.addaudithook(self._started)

    def pytest_collection_modifyitems(self, items: list) -> None:
        if self.known is not None:
            items[:] = [item for item in items if self.known.get(item.nodeid, {}).get("passed")]
            items.sort(key=lambda i: (not self.calling(self.known[i.nodeid]), self.known[i.nodeid]["seconds"]))

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        if self.known is not None:
            yield
            return
        self.own = self.seen[item.nodeid] = {
            "calls": set(),
            "forks": False,
            "passed": True,
            "seconds": time.process_time(),
        }
        sys.settrace(self._called)
        threading.settrace(self._called)
        yield
        sys.settrace(None)
        threading.settrace(None)
        self.own["seconds"] = time.process_time() - self.own["seconds"]

    def pytest_runtest_logreport(self, report) -> None:
        if self.own and report.outcome != "passed":
            self.own["passed"] = False

    def _called(self, frame, event, _) -> None:
        code = frame.f_code
        if self.own and code.co_filename.startswith(self.root):
            self.own["calls"].add((code.co_filename, code.co_firstlineno))

    def _started(self, event: str, _) -> None:
        """A process that a test starts may call anything."""
        if self.own and event in ("subprocess.Popen", "os.fork", "os.posix_spawn"):
            self.own["forks"] = True


def run(test: str, root: Path, watch: Watch, seconds: float) -> tuple[bool, dict]:
    """Run a test file in a fork of this process, which has the heavy libraries loaded already: if it passes, and what
    was seen."""
    with tempfile.TemporaryFile() as seen:
        child = os.fork()
        if child == 0:
            os.setsid()
            signal.setitimer(signal.ITIMER_PROF, seconds)
            signal.alarm(int(20 * seconds))  # for one that waits
            sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
            os.chdir(root)
            stop = ["-x"] if watch.known is not None else []
            options = [*stop, "-q", "-m", "not browser and not slow", "-p", "no:cacheprovider"]
            code = pytest.main([*options, test], [watch])
            pickle.dump(watch.seen, seen)
            seen.flush()
            os._exit(0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code)
        passed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        seen.seek(0)
        return passed, pickle.loads(seen.read() or pickle.dumps({}))


def drawn(files: list[Path], count: int, seed: int) -> Iterator[tuple[Path, Mutation]]:
    """So many mutations of all files together, in the order of their files and lines."""
    every = [(file, mutation) for file in files for mutation in mutations(file.read_text())]
    return iter(sorted(random.Random(seed).sample(every, min(count, len(every)))))


def around(source: str, line: int) -> range | None:
    """The lines of the innermost function that holds a line; None outside of all."""
    defs = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    lines = [range(min([d.lineno, *(x.lineno for x in d.decorator_list)]), d.end_lineno + 1) for d in defs]
    return min((each for each in lines if line in each), key=len, default=None)


def survives(file: Path, mutation: Mutation, root: Path, known: dict[str, dict]) -> bool:
    """Whether all tests that call a mutated function pass; `known` keeps what was seen of each test without mutation.

    Tests that fail without one are left out, and those that start processes count as calling anything.
    """
    raw = file.read_bytes()
    mutated = raw[: mutation.start] + mutation.text.encode() + raw[mutation.end :]
    lines = around(raw.decode(), mutation.line)

    def calling(test: dict) -> bool:
        called = (line for name, line in test["calls"] if name == str(file))
        return test["forks"] or any(lines is None or line in lines for line in called)

    for test in tests_of(file, root):
        if test not in known:
            known[test] = run(test, root, Watch(root), SECONDS)[1]
        if any(map(calling, known[test].values())):
            file.write_bytes(mutated)
            spent = sum(each["seconds"] for each in known[test].values())
            passed, _ = run(test, root, Watch(root, known[test], calling), 10 + 4 * spent)
            file.write_bytes(raw)
            if not passed:
                return False
    return True


def main() -> int:
    """Apply and count; exits with 1 where a mutation survives."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("places", nargs="+", type=Path, help="files, or folders of them")
    parser.add_argument("--count", type=int, default=30, help="mutations in all, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    import cv2  # noqa: F401
    import scipy.stats  # noqa: F401
    import segmentation_models_pytorch  # noqa: F401
    import skimage.metrics  # noqa: F401

    found = [f.resolve() for place in args.places for f in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    tried, survived, known = 0, 0, {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "copy"
        shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(".git", ".venv*", "runs", "__pycache__"))
        for file, mutation in drawn([root / f.relative_to(ROOT) for f in found], args.count, args.seed):
            old = file.read_bytes()[mutation.start : mutation.end].decode()
            alive = survives(file, mutation, root, known)
            tried, survived = tried + 1, survived + alive
            said = "SURVIVES" if alive else "noticed"
            print(f"{file.relative_to(root)}:{mutation.line}: {old!r} -> {mutation.text!r} {said}", flush=True)
    print(f"{tried} tried, {survived} survived")
    return survived > 0


if __name__ == "__main__":
    sys.exit(main())
