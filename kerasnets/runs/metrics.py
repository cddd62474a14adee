"""The metrics of a run, and which of them chooses the best epoch."""

import keras

from kerasnets.runs.data import Data
from kerasnets.training import label_metrics


def metrics(data: Data, one_hot: bool | None = None) -> list[keras.metrics.Metric]:
    """The metrics of a run: the loss without weight decay, and accuracies.

    Args:
        data: The data of the run.
        one_hot: Whether labels are one-hot; None for those of the streams.
    """
    m, recipe = keras.metrics, data.recipe
    loss = m.MeanMetricWrapper(recipe.make_loss(data.binary).call, name=recipe.loss[0])
    if data.binary:
        return [loss, *label_metrics(data.classes)]
    if data.one_hot if one_hot is None else one_hot:
        return [loss, m.CategoricalAccuracy("accuracy"), m.TopKCategoricalAccuracy(5, "top5")]
    return [loss, m.SparseCategoricalAccuracy("accuracy"), m.SparseTopKCategoricalAccuracy(5, "top5")]


def score(data: Data) -> str:
    """The name of the metric that chooses the best epoch.

    Where most examples lack a label, its accuracy is high even if the net never gives it. Precision averaged
    over all thresholds is not.
    """
    if not data.binary:
        return "accuracy"
    return "average_precision" if data.classes == 1 else "mean_average_precision"
