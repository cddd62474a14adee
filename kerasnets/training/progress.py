"""Progress of a training run on the terminal."""

import keras
import rich.progress


class Progress(keras.callbacks.Callback):
    """One line for a run: a bar over its epochs, time left, and the last logs.

    Where the output is no terminal, it is one plain line at the end.

    Args:
        title: What is being trained.
        logs: Names of the logs to show.
        console: A rich console, or None for standard output.
    """

    def __init__(self, title, logs=("loss",), console=None):
        super().__init__()
        self.title = title
        self.shown = logs
        self.console = console

    def on_train_begin(self, logs=None):
        self.bar = rich.progress.Progress(
            rich.progress.TextColumn("{task.description}"),
            rich.progress.BarColumn(),
            rich.progress.MofNCompleteColumn(),
            rich.progress.TimeElapsedColumn(),
            rich.progress.TimeRemainingColumn(),
            rich.progress.TextColumn("{task.fields[logs]}"),
            console=self.console,
        )
        first = getattr(self.model, "_initial_epoch", None) or 0
        self.task = self.bar.add_task(self.title, total=self.params["epochs"], completed=first, logs="")
        self.bar.start()

    def on_epoch_end(self, epoch, logs=None):
        words = (f"{name} {logs[name]:.4g}" for name in self.shown if name in (logs or {}))
        self.bar.update(self.task, completed=epoch + 1, logs="  ".join(words))

    def on_train_end(self, logs=None):
        self.bar.stop()
