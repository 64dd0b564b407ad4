"""Deliberate mistakes, one at a time: which of them does no test notice?

    python tests/helpers/mutations.py restoration/masking.py restoration/inference [--count 30] [--seed 0]

Each mutation changes one spot (a comparison, a number, a condition, a call left out) in a copy of the repository and
runs the fast tests that call the mutated function, quick ones first, until one fails: of the files of its file's name,
of those that name its module, and of its room; of all where there are none.
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
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("restoration", "demo")
SECONDS = 1200  # of a processor, for all tests without mutation
COMPARISONS = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==", ast.In: "not in",
               ast.NotIn: "in", ast.Is: "is not", ast.IsNot: "is"}  # fmt: skip
OPERATORS = {ast.Add: "-", ast.Sub: "+", ast.Mult: "/", ast.Div: "*", ast.FloorDiv: "/", ast.Pow: "*", ast.Mod: "+",
             ast.BitAnd: "|", ast.BitOr: "&"}  # fmt: skip
UNSEEN = {  # arguments that guard or hurry, and change no result
    "strict", "flush", "fused", "frozen", "maxsize", "non_blocking", "memory_format", "pin_memory", "refresh",
    "permc_spec",
}  # fmt: skip
USUAL = {"connectivity=8", "interpolation=cv2.INTER_LINEAR"}  # what is so without being said, too
LEVELS = {255, 256}  # numbers that one more spoils
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
    """What is left as it is: annotations, which would be noticed as the module is loaded, and UNSEEN arguments."""
    if isinstance(node, ast.keyword):
        return [node.value] * (node.arg in UNSEEN)
    return [hint for name in ("annotation", "returns") if (hint := getattr(node, name, None))]


def _is_turned(test: ast.AST) -> bool:
    """Whether a condition's own mutation is its negation already."""
    if isinstance(test, ast.Compare):
        return isinstance(test.ops[0], (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot))
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def _of(node, raw, span, between, whole) -> Iterator[Mutation]:
    text = lambda part: raw[slice(*span(part))].decode()  # noqa: E731
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in COMPARISONS:
            if ".random()" not in text(node):  # which is hardly ever equal to anything
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
            yield whole(node, str(value + 1 if value < 32 or value in LEVELS else value * 3 // 2))
        case ast.Constant(value=float(value)):
            yield whole(node, repr(value * 1.5 or 0.5))
        case ast.Attribute(attr=name) | ast.Name(id=name) if name in NAMES:
            yield whole(node, text(node)[: -len(name)] + NAMES[name])
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            if not _is_turned(test):
                yield whole(test, f"not ({text(test)})")
        case ast.Expr(value=ast.Call()):
            yield whole(node, "None")
        case ast.Call(keywords=[*_, keyword], func=func) if keyword.arg and keyword.arg not in UNSEEN:
            if not text(func).endswith(("Error", "field")) and text(keyword) not in USUAL:
                yield whole(keyword, "")


@cache
def tests_of(file: Path, root: Path) -> tuple[str, ...]:
    """The test files that should notice: of the file's name, of its module's, of its room; else any may."""
    module = ".".join(file.relative_to(root).with_suffix("").parts)
    room, _, name = module.rpartition(".")
    naming = re.compile(rf"\b{re.escape(module)}\b|from {re.escape(room)} import .*\b{name}\b")
    every = sorted(root.glob("tests/**/test_*.py"))
    own = sorted(root.glob(f"tests/**/test_{file.stem}*.py"))
    beside = [f for f in every if f.parent.name == file.parent.name]
    found = [*own, *(f for f in every if naming.search(f.read_text())), *beside]
    return tuple(dict.fromkeys(map(str, found or every)))


class Seen(NamedTuple):
    """What a test does without mutation."""

    calls: set[tuple[str, int]]  # the product's functions: file and first line
    starts: list[bool]  # True: it starts a process, which may call anything
    seconds: float  # of a processor


class Watch:
    """A pytest plugin that notes what each passing test does, and what was done for its fixtures earlier."""

    def __init__(self, root: Path):
        self.product = tuple(f"{root}/{name}/" for name in PRODUCT)
        self.seen, self.own, self.made = {}, None, {}
        sys.addaudithook(self._started)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        self.own, began = Seen(set(), [], 0.0), time.process_time()
        self.seen[item.nodeid] = self.own
        sys.settrace(self._called)
        threading.settrace(self._called)
        yield
        sys.settrace(None)
        threading.settrace(None)
        for fixture in (one for name in item.fixturenames for one in item._fixtureinfo.name2fixturedefs.get(name, ())):
            self._add(self.made.get(fixture))
        if item.nodeid in self.seen:
            self.seen[item.nodeid] = self.own._replace(seconds=time.process_time() - began)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        test, self.own = self.own, Seen(set(), [], 0.0)
        yield
        self.made[fixturedef], self.own = self.own, test
        self._add(self.made[fixturedef])

    def _add(self, other: Seen | None) -> None:
        if self.own and other:
            self.own.calls.update(other.calls)
            self.own.starts.extend(other.starts)

    def pytest_runtest_logreport(self, report) -> None:
        if report.outcome != "passed":
            self.seen.pop(report.nodeid, None)

    def _called(self, frame, event, _) -> None:
        if frame.f_code.co_filename.startswith(self.product):
            self.own.calls.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    def _started(self, event: str, _) -> None:
        if self.own and event in ("subprocess.Popen", "os.fork", "os.posix_spawn"):
            self.own.starts.append(True)


class Only:
    """A pytest plugin that runs some tests alone, the quick ones first."""

    def __init__(self, seconds: dict[str, float]):
        self.seconds = seconds

    def pytest_collection_modifyitems(self, items: list) -> None:
        items[:] = sorted((i for i in items if i.nodeid in self.seconds), key=lambda i: self.seconds[i.nodeid])


def run(files: Iterable[str], root: Path, plugin: Watch | Only, seconds: float) -> tuple[bool, dict[str, Seen]]:
    """Run test files in a fork of this process, which has the heavy libraries loaded already.

    Returns:
        Whether they pass, and what was seen of each test.
    """
    with tempfile.TemporaryFile() as notes:
        child = os.fork()
        if child == 0:
            os.setsid()
            signal.setitimer(signal.ITIMER_PROF, seconds)
            signal.alarm(int(6 * seconds))  # for one that waits
            sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115
            os.chdir(root)
            unused = (f"-pno:{name}" for name in ("cacheprovider", "xdist", "anyio"))
            options = ["-q", "-m", "not browser and not slow", "--assert=plain", *unused]
            code = pytest.main([*options, *(["-x"] if isinstance(plugin, Only) else []), *files], [plugin])
            pickle.dump(getattr(plugin, "seen", {}), notes)
            notes.flush()
            os._exit(0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code)
        passed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        notes.seek(0)
        return passed, pickle.loads(notes.read() or pickle.dumps({}))


def drawn(files: list[Path], count: int, seed: int) -> Iterator[tuple[Path, Mutation]]:
    """So many mutations of all files together, in the order of their files and lines."""
    every = [(file, mutation) for file in files for mutation in mutations(file.read_text())]
    return iter(sorted(random.Random(seed).sample(every, min(count, len(every)))))


def around(source: str, line: int) -> range | None:
    """The lines of the innermost function that holds a line; None outside of all."""
    defs = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    lines = [range(min([d.lineno, *(x.lineno for x in d.decorator_list)]), d.end_lineno + 1) for d in defs]
    return min((each for each in lines if line in each), key=len, default=None)


def survives(file: Path, mutation: Mutation, root: Path, known: dict[str, dict[str, Seen]]) -> bool:
    """Whether all tests that call a mutated function pass; tests that fail without a mutation are left out.

    Args:
        known: for each test file what was seen of its tests without mutation, kept from one call to the next.
    """
    raw, tests = file.read_bytes(), tests_of(file, root)
    lines = around(raw.decode(), mutation.line)
    if new := [test for test in tests if test not in known]:
        seen = run(new, root, Watch(root), SECONDS)[1]
        names = {test: str(Path(test).relative_to(root)) for test in new}
        known.update({test: {i: one for i, one in seen.items() if i.split("::")[0] == names[test]} for test in new})

    def calls(test: Seen) -> bool:
        called = (line for name, line in test.calls if name == str(file))
        return lines is None or any(test.starts) or any(line in lines for line in called)  # a constant may just be read

    chosen = {test: {i: one.seconds for i, one in known[test].items() if calls(one)} for test in tests}
    seconds = {i: spent for each in chosen.values() for i, spent in each.items()}
    try:
        file.write_bytes(raw[: mutation.start] + mutation.text.encode() + raw[mutation.end :])
        return run([t for t in tests if chosen[t]], root, Only(seconds), 20 + 4 * sum(seconds.values()))[0]
    finally:
        file.write_bytes(raw)


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
