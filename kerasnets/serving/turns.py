"""Contenders that take turns, each in a process of its own, to compare their seconds.

Runtimes in one process take each other's cores, because their threads wait for work in a loop. So each
contender has a process, which loads it once and then runs a turn for each line of its standard input. The
contenders take turns round after round, so that a machine that is busy for a while slows all of them. Between
two turns is a pause, in which the threads of the last one fall asleep.

A turn is one call that does not count, since the caches are cold and the threads asleep, and then calls until
`LEAST` seconds have passed. Its seconds are the median of these calls, which an interrupt does not change.

A contender that refuses to load, raises an error, is killed by a signal, or takes too long has the reason in
its outcome, and the others go on. All processes are ended when the measuring ends, however it ends.

    def load(path):                       # in the module "mine"; runs in the contender's process
        net = serving.load(path)
        return lambda batch: net(images[:batch])

    contenders = [turns.Contender(path, "mine:load", {"path": path}) for path in paths]
    for outcome in turns.measure(contenders, rounds=7, questions={"8": {"batch": 8}}):
        print(outcome.name, outcome.error or outcome.median("8"))
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

LEAST = 0.05  # seconds that the counted calls of a turn take together, at least
PAUSE = 0.05  # seconds between two turns
TIMEOUT = 120.0  # seconds after which a turn has failed
LOAD_TIMEOUT = 300.0  # the same for loading
INFORMATION = r"[IW]\d{4} "  # begins such lines of Google's libraries
# What a process runs: it finds modules where its parent does.
PROGRAM = """\
import json, sys
settings = json.loads(sys.argv[1])
sys.path[:] = settings.pop("path")
from kerasnets.serving import turns
turns.answer(**settings)
"""


@dataclasses.dataclass(frozen=True)
class Contender:
    """What takes turns.

    Attributes:
        name: Its name.
        target: "module:function". The function, called once with `arguments`, loads what is measured, and
            returns a function for the turns. That one is called with the arguments of a question. It may
            return a dict of figures that JSON can represent, which come with the seconds.
        arguments: Arguments of the function, which JSON can represent.
        environment: Environment variables that its process has besides those of this one.
    """

    name: str
    target: str
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    environment: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Outcome:
    """What was measured of a contender.

    Attributes:
        name: Its name.
        load: Seconds of importing and loading it; None if it could not be loaded.
        memory: Megabytes of its process at the peak; None where the system does not tell.
        seconds: For each question, the seconds of its turns, one for each round.
        figures: For each question, what the last turn returned besides its seconds.
        error: Why it dropped out, or None.
    """

    name: str
    load: float | None = None
    memory: float | None = None
    seconds: dict[str, list[float]] = dataclasses.field(default_factory=dict)
    figures: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    error: str | None = None

    def median(self, question: str = "") -> float | None:
        """The median of the seconds of a question's turns; None after an error."""
        return statistics.median(self.seconds[question]) if self.error is None else None

    def ratio(self, other: Outcome, question: str = "") -> float | None:
        """How many times as fast as another contender it is: the median of the rounds' ratios.

        None if either has dropped out.
        """
        if self.error is not None or other.error is not None:
            return None
        pairs = zip(other.seconds[question], self.seconds[question], strict=True)
        return statistics.median(theirs / ours for theirs, ours in pairs)


class Process:
    """The process of a contender, as a context manager that ends it.

    Args:
        contender: The contender. It is loaded at once, and `outcome` says how that went.
        load_timeout: Seconds after which loading has failed.
    """

    def __init__(self, contender: Contender, load_timeout: float = LOAD_TIMEOUT):
        self.outcome = Outcome(contender.name)
        self.messages = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        settings = {"target": contender.target, "arguments": contender.arguments, "path": sys.path}
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.messages,
            env=os.environ | contender.environment,
            text=True,
            encoding="utf-8",
        )
        try:
            self.outcome.load = self.received(load_timeout, "loading").get("load")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *error: Any) -> None:
        self.close()

    def turn(
        self,
        name: str = "",
        arguments: dict[str, Any] | None = None,
        *,
        least: float = LEAST,
        timeout: float = TIMEOUT,
        counts: bool = True,
    ) -> None:
        """Has a turn, unless it has dropped out; what comes out is in `outcome`.

        Args:
            name: Name of the question.
            arguments: The question: arguments of the contender's function for turns.
            least: Seconds that the counted calls take together, at least. 0 is for one call without another
                before it.
            timeout: Seconds after which the turn has failed.
            counts: Whether its seconds are kept.
        """
        if self.outcome.error is not None:
            return
        question = json.dumps({"least": least, "arguments": arguments or {}})
        with contextlib.suppress(OSError):  # it has ended meanwhile, and `received` says why
            print(question, file=self.process.stdin, flush=True)
        answer = self.received(timeout, "a turn")
        if counts and "seconds" in answer:
            self.outcome.seconds.setdefault(name, []).append(answer["seconds"])
            self.outcome.figures[name] = answer["figures"]

    def received(self, timeout: float, what: str) -> dict[str, Any]:
        """The next answer; {} if there is none, and the outcome then has the reason."""
        late = threading.Event()

        def stop():
            late.set()
            self.process.kill()

        timer = threading.Timer(timeout, stop)
        timer.start()
        try:
            line = self.process.stdout.readline()
        finally:
            timer.cancel()
        answer = json.loads(line) if line.endswith("\n") else {}
        if answer:
            self.outcome.error, self.outcome.memory = answer.get("error"), answer.get("memory")
        elif late.is_set():
            self.outcome.error = f"{what} took more than {timeout:g} seconds"
        else:
            self.outcome.error = ended(self.process.wait(), self.last_message())
        return answer

    def last_message(self) -> str:
        """The last line that the process has written to its standard error, not counting loggers'."""
        self.messages.seek(0)
        lines = self.messages.read().decode("utf-8", "replace").splitlines()
        lines = [line.strip() for line in lines if line.strip() and not re.match(INFORMATION, line)]
        return lines[-1] if lines else ""

    def close(self) -> None:
        """Ends the process."""
        self.process.kill()
        for stream in (self.process.stdin, self.process.stdout, self.messages):
            with contextlib.suppress(OSError):  # what was to be written to a process that has ended
                stream.close()
        self.process.wait()


def measure(
    contenders: Sequence[Contender],
    rounds: int,
    questions: dict[str, dict[str, Any]] | None = None,
    *,
    least: float = LEAST,
    pause: float = PAUSE,
    timeout: float = TIMEOUT,
    load_timeout: float = LOAD_TIMEOUT,
    step: Callable[[], Any] = lambda: None,
) -> list[Outcome]:
    """Measures contenders that take turns.

    Args:
        contenders: The contenders.
        rounds: Number of turns of each for each question, after a round that does not count.
        questions: For the name of each question its arguments, as for `Process.turn`; None is the one
            question "" without arguments.
        least: Seconds that the counted calls of a turn take together, at least.
        pause: Seconds between two turns.
        timeout: Seconds after which a turn has failed.
        load_timeout: Seconds after which loading has failed.
        step: Called after each loading and each turn: `steps` in all.

    Returns:
        The outcome of each contender, in their order.
    """
    with loaded(contenders, load_timeout, step) as processes:
        take_turns(processes, rounds, questions, least=least, pause=pause, timeout=timeout, step=step)
        return [process.outcome for process in processes]


def steps(contenders: int, rounds: int, questions: int = 1) -> int:
    """How many times `measure` calls its `step`, for the number of contenders, rounds and questions."""
    return contenders * (1 + (rounds + 1) * questions)


@contextlib.contextmanager
def loaded(
    contenders: Sequence[Contender],
    load_timeout: float = LOAD_TIMEOUT,
    step: Callable[[], Any] = lambda: None,
) -> Iterator[list[Process]]:
    """A context in which each contender has a process, loaded one after the other.

    Args:
        contenders: The contenders.
        load_timeout: Seconds after which loading has failed.
        step: Called after each loading.

    Yields:
        The processes, those of contenders that have dropped out too.
    """
    with contextlib.ExitStack() as stack:
        processes = []
        for contender in contenders:
            processes.append(stack.enter_context(Process(contender, load_timeout)))
            step()
        yield processes


def take_turns(
    processes: Sequence[Process],
    rounds: int,
    questions: dict[str, dict[str, Any]] | None = None,
    *,
    least: float = LEAST,
    pause: float = PAUSE,
    timeout: float = TIMEOUT,
    step: Callable[[], Any] = lambda: None,
) -> None:
    """Has the turns of processes that are loaded, with the arguments of `measure`.

    Each round begins with another process, so that none always follows the same one with hot cores.
    """
    questions = {"": {}} if questions is None else questions
    for number in range(rounds + 1):
        first = number % max(1, len(processes))
        for name, arguments in questions.items():
            for process in (*processes[first:], *processes[:first]):
                if process.outcome.error is None:
                    process.turn(name, arguments, least=least, timeout=timeout, counts=number > 0)
                    time.sleep(pause)
                step()


def ended(status: int, message: str) -> str:
    """Why a process has ended that should not have, given its exit status and its last message."""
    if status < 0:
        try:
            how = f"killed by {signal.Signals(-status).name}"
        except ValueError:  # a real-time signal
            how = f"killed by signal {-status}"
    else:
        how = f"ended with status {status}"
    return f"{how}: {message}" if message else how


def answer(target: str, arguments: dict[str, Any]) -> None:
    """Runs in the process of a contender: loads it, and has a turn for each line of the standard input.

    Each answer is a line of JSON. What libraries print goes to the standard error.
    """
    answers = os.dup(1)
    os.dup2(2, 1)

    def say(**data):
        os.write(answers, f"{json.dumps(data | {'memory': peak()})}\n".encode())

    try:
        started = time.perf_counter()
        module, name = target.split(":")
        turn = getattr(importlib.import_module(module), name)(**arguments)
        say(load=time.perf_counter() - started)
        for line in sys.stdin:
            say(**timed(turn, **json.loads(line)))
    except Exception as error:  # each library raises errors of its own
        say(error=" ".join(f"{type(error).__name__}: {error}".split()))


def timed(turn: Callable[..., Any], least: float, arguments: dict[str, Any]) -> dict[str, Any]:
    """Has a turn, as `Process.turn` describes it: its seconds and what it returned."""
    calls: list[float] = []
    if least:
        turn(**arguments)
    end = time.perf_counter() + least
    while not calls or time.perf_counter() < end:
        started = time.perf_counter()
        figures = turn(**arguments)
        calls.append(time.perf_counter() - started)
    return {"seconds": statistics.median(calls), "figures": figures if isinstance(figures, dict) else {}}


def peak() -> float | None:
    """Megabytes of this process at the peak; None where the system does not tell."""
    return memory().get("VmHWM")


def memory() -> dict[str, float]:
    """Megabytes of this process as Linux tells them: VmRSS now, VmHWM at the peak; elsewhere {}."""
    try:
        status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return {}
    return {word: int(kb) / 1024 for word, kb in re.findall(r"^(Vm\w+):\s+(\d+) kB", status, re.MULTILINE)}
