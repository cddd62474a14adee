import keras
import numpy as np
import pytest
from keras import ops

import kerasnets
from kerasnets.analysis import profile
from kerasnets.applications import capsnet
from kerasnets.graph import no_values
from kerasnets.surgery import drop_aux_heads
from kerasnets.training import MarginLoss, ReconstructionLoss

TINY = dict(kerasnets.applications.CapsNet.spec.tiny)
RNG = np.random.default_rng(0)
X = RNG.random((6, 28, 28, 1)).astype("float32")
Y = np.array([0, 1, 2, 3, 4, 5])


def values(outputs):
    return keras.tree.map_structure(ops.convert_to_numpy, outputs)


@pytest.fixture
def net():
    keras.utils.set_random_seed(0)
    return kerasnets.build("CapsNet", decoder=True, **TINY)


# Sabour 2017, figure 1: 256 maps of 20x20; 32 capsules of 8 values at each of 6x6; 10 of 16 values. Figure 2.
SHAPES = {
    "conv1": (20, 20, 256),
    "primary_squash": (6, 6, 32 * 8),
    "primary_capsules": (1152, 8),
    "class_capsules": (10, 16),
    "mask": (160,),
}
DECODER = {"decoder_fc1": (512,), "decoder_fc2": (1024,), "decoder_pixels": (784,)}
# Multiply-adds by hand: positions x kernel x maps read x maps made; then a matrix for each pair of capsules.
MULT_ADDS = {
    "conv1": 20 * 20 * 81 * 256,
    "primary": 6 * 6 * 81 * 256 * 256,
    "class_capsules": 1152 * 10 * 8 * 16,
    "reconstruction/decoder_fc1": 160 * 512,
    "reconstruction/decoder_fc2": 512 * 1024,
    "reconstruction/decoder_logits": 1024 * 784,
}


@no_values()
def test_the_papers_net():
    net = kerasnets.build("CapsNet", decoder=True)
    for name, shape in SHAPES.items():
        assert net.get_layer(name).output.shape[1:] == shape
    for name, shape in DECODER.items():
        assert net.get_layer("reconstruction").get_layer(name).output.shape[1:] == shape
    assert net.get_layer("class_capsules").iterations == 3
    counts = profile(net)
    assert counts.unknown == ()
    named = {row.name: row.mult_adds for row in counts.layers if row.mult_adds}
    assert {n.removesuffix("_conv"): m for n, m in named.items()} == MULT_ADDS


def test_scores_are_the_lengths_of_the_class_capsules(net):
    capsules = keras.Model(net.inputs[0], net.get_layer("class_capsules").output)(X)
    expected = np.linalg.norm(ops.convert_to_numpy(capsules).astype("float64"), axis=-1)
    np.testing.assert_allclose(values(net(X))["predictions"], expected, rtol=1e-5)


def test_decoder_draws_images_of_the_inputs_shape():
    net = kerasnets.build("CapsNet", decoder=True, input_shape=(19, 22, 3), classes=4, **TINY)
    outputs = values(net(RNG.random((2, 19, 22, 3))))
    assert {n: x.shape for n, x in outputs.items()} == {
        "predictions": (2, 4),
        "reconstruction": (2, 19, 22, 3),
    }
    assert 0 < outputs["reconstruction"].min() <= outputs["reconstruction"].max() < 1


def drawn_of(net, chosen):
    """What the decoder draws of one capsule of each image, the others set to zero."""
    capsules = ops.convert_to_numpy(keras.Model(net.inputs[0], net.get_layer("class_capsules").output)(X))
    masked = capsules * np.eye(capsules.shape[1])[chosen][..., None]
    return ops.convert_to_numpy(net.get_layer("reconstruction")(masked.reshape(len(X), -1)))


def test_decoder_sees_the_label_in_training_and_the_longest_capsule_else(net):
    net.get_layer("class_capsules").kernel.assign(
        RNG.normal(size=net.get_layer("class_capsules").kernel.shape)
    )
    train = capsnet.labeled(net)
    longest = values(net(X))["predictions"].argmax(1)
    labels = (longest + 1) % 10
    fed = {"images": X, "labels": labels}
    seen = {
        "training": values(train(fed, training=True)),
        "inference": values(train(fed, training=False)),
        "plain": values(net(X, training=True)),
    }
    for name, outputs in seen.items():
        expected = drawn_of(net, labels if name == "training" else longest)
        np.testing.assert_allclose(outputs["reconstruction"], expected, atol=1e-6, err_msg=name)
        np.testing.assert_allclose(outputs["predictions"], seen["plain"]["predictions"], rtol=1e-5)
    assert np.abs(seen["training"]["reconstruction"] - seen["inference"]["reconstruction"]).max() > 1e-4


def test_training_lowers_both_losses_and_reaches_every_weight(net):
    train = capsnet.labeled(net)
    train.compile(
        keras.optimizers.Adam(0.01),
        {"predictions": MarginLoss(), "reconstruction": ReconstructionLoss()},
        metrics={"predictions": ["accuracy"]},
        jit_compile=False,
    )
    before = net.get_weights()
    targets = {"predictions": Y, "reconstruction": X}
    logs = train.fit({"images": X, "labels": Y}, targets, epochs=30, batch_size=6, verbose=0).history
    for loss in ("predictions_loss", "reconstruction_loss"):
        assert logs[loss][-1] < 0.95 * logs[loss][0]
    assert all((a != b).any() for a, b in zip(before, net.get_weights(), strict=True))
    # The trained net itself: images alone are enough.
    assert net.predict(X, verbose=0)["predictions"].shape == (6, 10)


def test_save_and_load(net, tmp_path):
    expected = values(net(X))
    net.save(tmp_path / "net.keras")
    loaded = keras.saving.load_model(tmp_path / "net.keras")
    train = capsnet.labeled(loaded)
    train.save(tmp_path / "train.keras")
    again = keras.saving.load_model(tmp_path / "train.keras")
    outputs = loaded(X), train({"images": X, "labels": Y}), again({"images": X, "labels": Y})
    for output in outputs:
        for name, array in values(output).items():
            np.testing.assert_allclose(array, expected[name], atol=1e-6)


def test_the_net_without_its_decoder(net):
    encoder = drop_aux_heads(net)
    assert encoder.output_shape == (None, 10)
    np.testing.assert_allclose(values(encoder(X)), values(net(X))["predictions"], rtol=1e-6)


@pytest.mark.parametrize("policy", ["float16", "mixed_float16", "mixed_bfloat16"])
def test_precision(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        outputs = kerasnets.build("CapsNet", decoder=True, **TINY)(X)
    finally:
        keras.config.set_dtype_policy(before)
    for output in outputs.values():
        assert keras.backend.standardize_dtype(output.dtype) == (
            "float16" if policy == "float16" else "float32"
        )
        assert np.isfinite(ops.convert_to_numpy(output)).all()


@pytest.mark.parametrize("decoder", [False, None])
def test_labels_need_a_decoder(decoder):
    model = None if decoder is None else kerasnets.build("CapsNet", **TINY)
    with pytest.raises(ValueError, match="`model` is a CapsNet with decoder=True. Received: model="):
        capsnet.labeled(model)
