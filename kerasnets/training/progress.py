"""Progress of a training run on the terminal."""

import time
from collections.abc import Sequence

import keras
import rich.console
import rich.progress

PAUSE = 30.0  # seconds between lines if the output is not a terminal


class Progress(keras.callbacks.Callback):
    """Shows a run in one line: a progress bar over its epochs, the time left, examples per second and logs.

    If the output is not a terminal, it prints a plain line every half minute and after the last epoch.

    Args:
        title: Text at the start of the line, such as the name of the net.
        logs: Names of the logged values to show.
        console: A rich console, or None for standard output.
        batch_size: Examples in a batch, to show examples per second; None does not show them.
        epochs: Epochs of a run that takes several calls of `fit`; None if it takes one.
    """

    def __init__(
        self,
        title: str,
        logs: Sequence[str] = ("loss",),
        console: rich.console.Console | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
    ):
        super().__init__()
        self.title = title
        self.shown = logs
        self.console = console or rich.console.Console()
        self.batch_size = batch_size
        self.total_epochs = epochs
        self.printed = time.monotonic()

    def on_train_begin(self, logs=None):
        self.bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.TextColumn("{task.fields[at]}"),
            rich.progress.TimeElapsedColumn(),
            rich.progress.TimeRemainingColumn(elapsed_when_finished=False),
            rich.progress.TextColumn("{task.fields[logs]}"),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = None
        self.bar.start()

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs, self.steps = self.total_epochs or self.params["epochs"], self.params["steps"] or 1
        if self.task is None:
            total = (self.epochs - epoch) * self.steps
            self.task = self.bar.add_task(self.title, total=total, at=f"{epoch}/{self.epochs}", logs="")
        self.done = self.bar.tasks[self.task].completed
        self.began, self.seconds, self.words = time.monotonic(), 0.0, getattr(self, "words", "")

    def on_train_batch_end(self, batch, logs=None):
        self.seconds = time.monotonic() - self.began
        done = self.done + min(batch + 1, self.steps)  # a call may end several steps
        self.bar.update(self.task, completed=done, logs=f"{self.speed(batch + 1)}{self.words}")

    def on_epoch_end(self, epoch, logs=None):
        logs = logs or {}
        self.words = "  ".join(f"{name} {logs[name]:.4g}" for name in self.shown if name in logs)
        at, words = f"{epoch + 1}/{self.epochs}", f"{self.speed(self.steps)}{self.words}"
        self.bar.update(self.task, at=at, logs=words)
        last = epoch + 1 == self.epochs
        if not self.console.is_terminal and (last or time.monotonic() - self.printed >= PAUSE):
            left = "" if last else f"  {self.left(epoch)} left"
            self.console.print(f"{self.title}  epoch {at}  {words}{left}", soft_wrap=True, highlight=False)
            self.printed = time.monotonic()

    def speed(self, steps):
        """Examples per second in this epoch, as text."""
        if not self.batch_size or not self.seconds:
            return ""
        rate = steps * self.batch_size / self.seconds
        return f"{rate:,.0f}/s  " if rate >= 10 else f"{rate:.2g}/s  "

    def left(self, epoch):
        """The time left, as text, if the other epochs take as long as this one."""
        minutes, seconds = divmod(int((self.epochs - epoch - 1) * (time.monotonic() - self.began)), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}"

    def on_train_end(self, logs=None):
        self.bar.stop()
