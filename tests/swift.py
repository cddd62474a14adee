"""Building of nets in less time, by Keras itself, with the same results.

Most tests build nets, and much of the time goes into what Python and Keras find out again for each layer.
"""

import functools
import inspect
import math
import types
import weakref

import keras
import tensorflow as tf
from keras.src.backend.tensorflow import core
from keras.src.initializers import constant_initializers, random_initializers
from keras.src.layers import layer
from keras.src.ops import operation
from tensorflow.python.framework import tensor_util
from tensorflow.python.trackable import data_structures

# What is tracked as an attribute of a layer, or may hold what is.
TRACKED = (
    *(keras.Variable, keras.Metric, keras.layers.Layer, keras.random.SeedGenerator),
    *(tf.__internal__.tracking.Trackable, data_structures.NoDependency),
    *(tuple, list, dict, set),
)
LARGE = 4_000  # numbers; tensors of as many are not kept


def make_swift(patch):
    """Replaces what takes long in Keras and TensorFlow by what does the same.

    Args:
        patch: A `pytest.MonkeyPatch`.
    """
    known = types.SimpleNamespace(**vars(inspect))
    known.signature, known.getfullargspec = remembered(inspect.signature), remembered(inspect.getfullargspec)
    patch.setattr(operation, "inspect", known)
    patch.setattr(layer, "inspect", known)
    patch.setattr(layer.Layer, "__setattr__", setter(layer.Layer.__setattr__))
    kinds = [TensorLike if kind is tensor_util.IsTensorLike else kind for kind in tensor_util.tf_type_classes]
    patch.setattr(tensor_util, "tf_type_classes", tuple(kinds))
    patch.setattr(core.Variable, "_initialize", outside(core.Variable._initialize))
    for module, name, names, keep in (
        (random_initializers, "random", ("uniform", "normal", "truncated_normal"), drawn_once),
        (constant_initializers, "ops", ("zeros", "ones"), made_once),
    ):
        all_of = vars(getattr(module, name))
        patch.setattr(module, name, types.SimpleNamespace(**all_of | {n: keep(all_of[n]) for n in names}))


def remembered(describe):
    """A function of a function, or of a method of any object, that is computed once for each of its code."""
    found = weakref.WeakKeyDictionary(), weakref.WeakKeyDictionary()  # of functions, and of methods

    def get(function, **options):
        plain = getattr(function, "__func__", function)
        if options or not isinstance(plain, types.FunctionType):
            return describe(function, **options)
        answers = found[plain is not function]
        if plain not in answers:
            answers[plain] = describe(function)
        return answers[plain]

    return get


def setter(slow):
    """Sets attributes of layers as `slow` does, but those at once in which there is nothing to track."""

    def set_attribute(self, name, value):
        kind = type(value)
        plain = is_untracked(kind) or (kind is tuple and all(is_untracked(type(x)) for x in value))
        if plain and "_tracker" in self.__dict__ and not hasattr(type(self), name):
            self.__dict__[name] = value
        else:
            slow(self, name, value)

    return set_attribute


@functools.cache
def is_untracked(kind):
    """Whether neither Keras nor TensorFlow tracks objects of a class, such as numbers and initializers."""
    return not issubclass(kind, TRACKED)


class OfKinds(type):
    """Class of classes that know their instances by what their class has, which is found out once a class."""

    def __instancecheck__(cls, x):
        return cls.has(type(x))


class TensorLike(metaclass=OfKinds):
    """As TensorFlow's protocol IsTensorLike, which looks for the name in each object."""

    @staticmethod
    @functools.cache
    def has(kind):
        return hasattr(kind, "is_tensor_like")


def outside(initialize):
    """Makes variables outside the graph that is being traced, so that it need not be traced again without.

    Keras makes those of optimizers and metrics while it traces the first step of a training.
    """

    def initialize_outside(self, value):
        graph = tf.compat.v1.get_default_graph()
        if self.name == "dynamic_scale":  # LossScaleOptimizer's, which is a constant in the first trace
            return initialize(self, value)
        if tf.executing_eagerly() or not graph.building_function or tf.distribute.has_strategy():
            return initialize(self, value)
        creators, graph._variable_creator_stack = graph._variable_creator_stack, []
        try:
            with tf.init_scope():
                initialize(self, value)
        finally:
            graph._variable_creator_stack = creators

    return initialize_outside


def drawn_once(draw):
    """A function of random numbers that draws once what layers of one seed and shape start from."""
    kept = functools.lru_cache(5_000)(draw)

    def get(shape, *args, dtype=None, seed=None, **options):
        small = isinstance(shape, tuple) and math.prod(shape) < LARGE
        if small and type(seed) is int and isinstance(dtype, str) and tf.executing_eagerly():
            return kept(shape, *args, dtype=dtype, seed=seed, **options)
        return draw(shape, *args, dtype=dtype, seed=seed, **options)

    return get


def made_once(make):
    """A function of constants that makes once what layers of one shape start from."""
    kept = functools.lru_cache(5_000)(make)

    def get(shape, dtype=None):
        small = isinstance(shape, tuple) and math.prod(shape) < LARGE
        if small and isinstance(dtype, str) and tf.executing_eagerly():
            return kept(shape, dtype=dtype)
        return make(shape, dtype=dtype)

    return get
