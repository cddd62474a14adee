"""Writing of ONNX files, to which large weights are added after the conversion.

TensorFlow's optimizer and tf2onnx copy a graph with its constants dozens of times: a ResNet50 of 98 MB took
8 GB of memory, and a VGG16 of 528 MB more than 15 GB. So large weights are inputs of the function that is
converted. They become constants of the file, with the axes that ONNX's operations expect. They are written
one by one, since an ONNX model in memory and its bytes would take the size of the file twice.

A file is a message of protocol buffers, whose fields have a number, a length and a content, in any order.
"""

import collections
import contextlib
import dataclasses
import math
import operator
import warnings

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from kerasnets import files

LARGE = 1_000  # least number of values of a kernel that is added afterwards; biases are not
MOST = 2**31 - 2**24  # bytes of weights; protocol buffers end at 2**31 bytes, of which the graph takes some
# Numbers of fields in onnx.proto: the graph of a model, a constant tensor of a graph, the bytes of a tensor.
GRAPH, TENSOR, CONTENT = 7, 5, 9


@dataclasses.dataclass(frozen=True)
class Constant:
    """A large constant of a file.

    Attributes:
        name: Its name in the graph.
        weight: Keras's variable.
        shape: Its shape in the file.
        steps: Functions that transpose and reshape the array of the variable, in their order.
    """

    name: str
    weight: keras.Variable
    shape: tuple[int, ...]
    steps: tuple = ()

    def array(self):
        """Its values."""
        array = np.asarray(self.weight)
        for step in self.steps:
            array = step(array)
        return np.ascontiguousarray(array)

    def head(self):
        """The field of a graph that has the constant, up to its values; and the length of both in bytes."""
        from onnx import TensorProto, helper

        dtype = np.dtype(self.weight.dtype)
        kind, size = helper.np_dtype_to_tensor_dtype(dtype), math.prod(self.shape) * dtype.itemsize
        tensor = TensorProto(name=self.name, data_type=kind, dims=self.shape).SerializeToString()
        tensor += start(CONTENT, size)
        field = start(TENSOR, len(tensor) + size) + tensor
        return field, len(field) + size


def write(net, path):
    """Writes a net as an ONNX file.

    Args:
        net: A `Net`.
        path: Path of the file.

    Raises:
        OSError: The file cannot be written.
    """
    model, weights = converted(net)
    constants = constants_of(model.graph, weights)
    heads, sizes = zip(*(x.head() for x in constants), strict=True) if constants else ((), ())
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    with files.replacing(path) as part, part.open("wb") as file:
        file.write(model.SerializeToString())
        file.write(start(GRAPH, len(graph) + sum(sizes)))
        file.write(graph)
        for head, constant in zip(heads, constants, strict=True):
            file.write(head)
            file.write(constant.array().data)


def start(number, size):
    """The start of a field of this number with a content of so many bytes."""
    return varint(number << 3 | 2) + varint(size)  # 2 is the kind of fields that tell their length


def varint(value):
    """A whole number in bytes of 7 bits, the lowest first; all but the last have their highest bit set."""
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def converted(net):
    """Converts a net without its large weights.

    Args:
        net: A `Net`.

    Returns:
        A tuple: the ONNX model, which has large weights as inputs; and these, as Keras's variables by name.
    """
    import tf2onnx

    body = net.model
    kinds = body.trainable_variables, body.non_trainable_variables
    every = [w for kind in kinds for w in kind]
    large = [w for w in every if len(w.shape) > 1 and math.prod(w.shape) >= LARGE]
    weights = {f"weight_{i}": w for i, w in enumerate(large)}
    names = {id(w): name for name, w in weights.items()}
    small = {id(w): ops.convert_to_numpy(w) for w in every if id(w) not in names}

    def run(images, given):
        values = [[given[names[id(w)]] if id(w) in names else small[id(w)] for w in kind] for kind in kinds]
        return net.outputs(body.stateless_call(*values, net.scaled(images), training=False)[0])

    images = tf.TensorSpec((None, *net.shape), tf.float32, name="images")
    specs = {name: tf.TensorSpec(w.shape, w.dtype, name=name) for name, w in weights.items()}
    with inlined(), warnings.catch_warnings(action="ignore", category=FutureWarning):  # about numpy
        model, _ = tf2onnx.convert.from_function(tf.function(run, autograph=False), [images, specs])
    return model, weights


@contextlib.contextmanager
def inlined():
    """Within it, tf.functions called while another is traced become part of that one.

    Keras compiles a grouped convolution with XLA, into a function call that tf2onnx cannot convert.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def constants_of(graph, weights):
    """Takes from a graph its inputs that become constants, and the nodes that only transpose or reshape them.

    Args:
        graph: An ONNX graph, which is changed.
        weights: Keras's variables by name of the input.

    Returns:
        A list of `Constant`, which the nodes that are left read.
    """
    tensors = {x.name: x for x in graph.initializer}
    readers = collections.defaultdict(list)
    for node in graph.node:
        for name in read(node):
            readers[name].append(node)
    given = [x.name for x in graph.input if x.name in weights]
    pending = [Constant(name, weights[name], tuple(weights[name].shape)) for name in given]
    constants, done = [], set()
    for constant in pending:
        after = [moved(constant, node, tensors) for node in readers[constant.name]]
        if None in after:
            constants.append(constant)
        pending += filter(None, after)
        done.update(x.name for x in after if x)
    keep(graph.input, lambda x: x.name not in weights)
    keep(graph.node, lambda node: node.output[0] not in done)
    used = set().union(*map(read, graph.node))
    keep(graph.initializer, lambda x: x.name in used)
    return constants


def moved(constant, node, tensors):
    """The constant that a node makes of another, or None if it does not only transpose or reshape it.

    Args:
        constant: A `Constant`, which the node reads.
        node: An ONNX node.
        tensors: The other constants of the graph by name.
    """
    from onnx import helper, numpy_helper

    shape, step = constant.shape, None
    if node.op_type == "Transpose":
        axes = helper.get_node_attr_value(node, "perm")
        shape, step = [shape[axis] for axis in axes], operator.methodcaller("transpose", axes)
    elif node.op_type == "Reshape" and node.input[1] in tensors:
        shape = numpy_helper.to_array(tensors[node.input[1]]).tolist()
        step = operator.methodcaller("reshape", shape)
    if step is None or min(shape) < 1:  # -1 stands for the size that follows from the others
        return None
    return Constant(node.output[0], constant.weight, tuple(shape), (*constant.steps, step))


def read(node):
    """Names of the tensors that a node reads, also in the graphs of its branches and loops."""
    names = set(node.input)
    for attribute in node.attribute:
        names.update(*map(read, attribute.g.node))
    return names


def keep(items, wanted):
    """Removes from a list of an ONNX graph all items that are not wanted."""
    for i in reversed(range(len(items))):
        if not wanted(items[i]):
            del items[i]
