"""Deep mutual learning: nets that learn together from random weights, each from the labels and the others.

Zhang, Xiang, Hospedales, Lu, "Deep Mutual Learning", CVPR 2018, arXiv:1706.00384.

The paper gives each net an optimizer of its own and updates one net after the other, on predictions that are
computed anew. Here, as in the authors' code, all nets take a step at once. One optimizer has the variables of
all nets. For nets that share no variables this is the same as an optimizer for each, except that
`global_clipnorm` limits the norm of the gradients of all nets together.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from kerasnets.assembly.outputs import AUX_WEIGHT, main_of
from kerasnets.checks import is_number, refuse
from kerasnets.distillation.distiller import Distiller, WeightedMean, of_one_logit
from kerasnets.distillation.losses import hard_loss, soft_loss
from kerasnets.distillation.models import auxiliary, check_logits, count_logits
from kerasnets.graph import summed_penalty
from kerasnets.weights.card import card_of, common
from kerasnets.weights.state import RandomStatesSaved


@keras.saving.register_keras_serializable("kerasnets")
class Mutual(RandomStatesSaved, keras.Model):
    """Trains several nets at once, each on the labels and on the predictions of the others.

    The loss of an example is the sum over the K nets of

        CE(y, p_k) + 1 / (K - 1) * sum over the other nets l of KL(p_l || p_k)

    in which no gradient flows into p_l. The probabilities are those at temperature 1.

    Compile it with an optimizer and metrics, but without a loss. `fit` and `evaluate` take (x, y) or
    (x, y, sample_weight), y as for `Distiller`. `predict` gives a dict with the outputs of each net: "net1",
    "net2" and so on. The logs contain `loss`; `hard_loss` and `peer_loss`, the means over the nets of the two
    terms above; and the metrics of each net, such as `net1_accuracy`. Single logits, independent labels and
    auxiliary heads are as for `Distiller`.

    Source: equations 1 to 7.

    Args:
        nets: At least two models of the same classes that give logits, (batch, classes), or several outputs.
            They are trained in place, and may differ in their architecture.
        name: Name of the model.
        aux_weight: Weight of the loss of each auxiliary head of a net, not negative.
        binary: Whether each logit is an independent label. None means yes if the card of the first net has a
            `threshold`.

    Raises:
        ValueError: A model does not give logits or is there twice, the numbers of classes differ, the cards
            of two models name different scalings or class names, or another argument is not allowed.

    Example:
        mutual = Mutual([small, large])
        mutual.compile("adam", metrics=["accuracy"])
        mutual.fit(train, validation_data=test, epochs=20)
        kerasnets.save(small, "small.keras")
    """

    def __init__(
        self,
        nets: Sequence[keras.Model],
        name: str = "mutual",
        *,
        aux_weight: float = AUX_WEIGHT,
        binary: bool | None = None,
    ) -> None:
        check_nets(nets)
        if not is_number(aux_weight) or aux_weight < 0:
            refuse("aux_weight", "a number, at least 0", aux_weight)
        if binary is not None and not isinstance(binary, bool):
            refuse("binary", "None, True or False", binary)
        super().__init__(name=name, dtype=nets[0].dtype_policy)
        self.nets = list(nets)
        self.names = [f"net{i}" for i, _ in enumerate(nets, start=1)]
        self.aux_weight = float(aux_weight)
        common(nets, "nets")  # refuses nets of other images or other classes
        self.binary = card_of(nets[0]).threshold is not None if binary is None else binary
        self.hard_tracker = keras.metrics.Mean("hard_loss")
        self.peer_tracker = keras.metrics.Mean("peer_loss")
        self.mean = WeightedMean()
        self.built = all(net.built for net in nets)

    compile_from_config = Distiller.compile_from_config

    def call(self, x: Any, training: bool | None = None) -> dict[str, Any]:
        return {name: net(x, training=training) for name, net in zip(self.names, self.nets, strict=True)}

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: None = None,
        metrics: Sequence[str] | dict[str, list] | None = None,
        **kwargs: Any,
    ) -> None:
        """Configures the nets for training.

        Args:
            optimizer: As for `keras.Model.compile`.
            loss: None, because the nets have their own loss.
            metrics: Names of metrics, which each net gets; or for each net ("net1", "net2" and so on) a list
                of names or objects.
            **kwargs: As for `keras.Model.compile`.

        Raises:
            ValueError: A loss is given, or objects that all nets would share.
        """
        if loss is not None:
            refuse("loss", "None, because the nets have their own", loss)
        if metrics is not None and not isinstance(metrics, dict):
            named = isinstance(metrics, (tuple, list)) and all(isinstance(m, str) for m in metrics)
            if not named:
                refuse(
                    "metrics", "names, or a dict with a list for each of " + ", ".join(self.names), metrics
                )
            metrics = {name: list(metrics) for name in self.names}
        if count_logits(self.nets[0]) == 1 or self.binary:
            metrics = of_one_logit(metrics)
        super().compile(optimizer=optimizer, metrics=metrics, **kwargs)
        if self.built:
            self.optimizer.build(self.trainable_variables)  # otherwise a resumed run would lose its state

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        labels, _, _, sample_weight = Distiller.split(y, sample_weight)
        outputs = [y_pred[name] for name in self.names]
        logits = [main_of(one) for one in outputs]
        dtype = keras.backend.result_type("float32", *(z.dtype for z in logits))
        logits = [ops.cast(z, dtype) for z in logits]
        count = len(logits)
        hard = sum(hard_loss(labels, z, self.binary) for z in logits)
        peer = sum(
            soft_loss(other, z, 1.0, self.binary) for z in logits for other in logits if other is not z
        ) / (count - 1)
        self.hard_tracker.update_state(hard / count, sample_weight)
        self.peer_tracker.update_state(peer / count, sample_weight)
        losses = hard + peer
        if training:
            heads = [head for one in outputs for head in auxiliary(one)]
            losses = losses + self.aux_weight * sum(
                hard_loss(labels, ops.cast(head, dtype), self.binary) for head in heads
            )
        total = self.mean(losses, losses, sample_weight)
        for penalty in self.losses:
            total = total + summed_penalty(self, penalty)
        return total

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        labels, _, _, sample_weight = Distiller.split(y, sample_weight)
        weights = None if sample_weight is None else dict.fromkeys(self.names, sample_weight)
        logits = {name: main_of(y_pred[name]) for name in self.names}
        return super().compute_metrics(x, dict.fromkeys(self.names, labels), logits, weights)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, serialized."""
        return {
            "nets": [keras.saving.serialize_keras_object(net) for net in self.nets],
            "aux_weight": self.aux_weight,
            "binary": self.binary,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> "Mutual":
        """Creates the model from the result of `get_config`."""
        nets = [keras.saving.deserialize_keras_object(net, custom_objects) for net in config["nets"]]
        return cls(**{**config, "nets": nets})


def check_nets(nets: Any) -> None:
    """Refuses nets that cannot learn from one another."""
    if not isinstance(nets, (tuple, list)) or len(nets) < 2 or len({id(net) for net in nets}) < len(nets):
        refuse("nets", "a list of two different models or more", nets)
    for net in nets:
        check_logits("nets", net)
    counts = {count for net in nets if (count := count_logits(net)) is not None}
    if len(counts) > 1:
        refuse("nets", "models of the same number of classes", sorted(counts))
