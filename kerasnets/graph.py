"""What of Keras is not public, under names of our own: no other file of the package uses it."""


def tensorflow_functions():
    """Keras's functions of TensorFlow's tensors, named as numpy's, which tf.data needs under any backend."""
    from keras.src.backend.tensorflow import numpy

    return numpy
