"""A training run of several nets that learn from one another."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import Any

import keras

import kerasnets
from kerasnets import distillation, training
from kerasnets.assembly.outputs import main_output
from kerasnets.checks import refuse
from kerasnets.runs.data import Data
from kerasnets.runs.metrics import metrics, score
from kerasnets.runs.start import random_net
from kerasnets.runs.train import Predicted, Supervised
from kerasnets.training import Recipe


@dataclasses.dataclass(frozen=True, kw_only=True)
class MutualLearning(Supervised):
    """Trains the net of a recipe together with others, as `kerasnets.distillation.Mutual` does.

    The folder gets the other nets as net2.keras, net3.keras and so on, each from its best epoch on the
    validation data, or from the last epoch if there are none. results.json has their accuracies under
    "peers", and the accuracy of the ensemble of all nets under "ensemble".

    Args:
        peers: For each of the other nets its name, as `kerasnets.list_models` gives it, and its options. All
            else is as in the recipe.
    """

    peers: tuple[tuple[str, Mapping[str, Any]], ...]

    def settings(self) -> dict[str, Any]:
        """The other nets, as JSON data."""
        return {"peers": [{"model": model, "options": dict(options)} for model, options in self.peers]}

    def check(self, data: Data) -> None:
        """Refuses a net that starts from trained weights, and unknown peers."""
        if data.start is not None:
            refuse("weights", "None for nets that learn from one another", data.recipe.weights)
        self.recipes(data)

    def recipes(self, data: Data) -> list[Recipe]:
        """The recipe of each of the other nets."""
        recipe = data.recipe
        images = dict(size=recipe.image_size, channels=recipe.shape[-1], classes=data.classes)
        return [
            dataclasses.replace(
                recipe,
                model=model,
                options=options,
                scaling=recipe.scale.mode,
                init=recipe.init_for(model),
                **images,
            )
            for model, options in self.peers
        ]

    def compiled(self, net: keras.Model, data: Data) -> keras.Model:
        """The compiled Mutual that `fit` trains."""
        recipe, nets = data.recipe, [net]
        for i, own in enumerate(self.recipes(data), start=1):
            nets.append(random_net(own, data.classes, data.options.seed + 1000 * i))
            recipe.regularize(nets[-1])
            named = {"model": own.model, "options": own.as_json()["options"]}
            data.describe(nets[-1], seed=data.options.seed, **self.settings(), **named)
        model = distillation.Mutual(nets, aux_weight=recipe.aux_weight, binary=data.training.several)
        model.compile(
            recipe.make_optimizer(data.training.steps_per_epoch, net, model),
            metrics={name: metrics(data) for name in model.names},
            jit_compile=training.distribution.jit_compile(),
        )
        return model

    def fit(self, model: keras.Model, net: keras.Model, data: Data, out: pathlib.Path) -> None:
        """Trains all nets, and saves the others."""
        super().fit(model, net, data, out)
        if data.recipe.validation is None:
            for name, peer in self.others(model):
                training.write_weights(peer, out / f"{name}.keras")

    def keepers(self, model, net, data, out, swap):
        """The callbacks that save each net after its best epoch on the validation data."""
        others = [
            training.Best(peer, out / f"{name}.keras", f"val_{name}_{score(data)}", swap)
            for name, peer in self.others(model)
        ]
        return [*super().keepers(model, net, data, out, swap), *others]

    def test(
        self, net: keras.Model, data: Data, out: pathlib.Path | None = None
    ) -> tuple[dict[str, Any], Predicted]:
        """The accuracies of the net, of the others and of all together, and the predictions of the net."""
        found, predictions = super().test(net, data)
        names = [f"net{i}" for i in range(2, len(self.peers) + 2)]
        peers = [main_output(kerasnets.load_model(out / f"{name}.keras", compile=False)) for name in names]
        found["peers"] = [super(MutualLearning, self).test(peer, data)[0] for peer in peers]
        together = distillation.Ensemble([main_output(net), *peers])
        found["ensemble"], _ = super().test(together, data)
        return found, predictions

    @staticmethod
    def others(model: keras.Model) -> list[tuple[str, keras.Model]]:
        """The name and the net of each but the first."""
        return list(zip(model.names, model.nets, strict=True))[1:]
