"""Reading the pickles of PyTorch's checkpoints without executing them.

A pickle is a program: it names functions of Python and calls them. Here a small machine follows the program,
and makes lists, dicts, numbers, strings and descriptions of tensors. It knows a few functions by their names,
imports none, and refuses a pickle that names another.
"""

import pickletools
from collections.abc import Callable
from typing import Any, NamedTuple

STEPS = 1_000_000  # most steps of a program; a ResNet152 with the state of its optimizer has 50,000
# Types of storages, and of their numbers. Only floats become weights.
STORAGES = {
    "torch.FloatStorage": "float32",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.DoubleStorage": "float64",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "float64": 8}
BYTES |= {"int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1, "bool": 1}
# Classes and functions of what is saved beside the weights: arguments of the training, schedules, scores.
# What they would make is not made, and what they are given is dropped.
SKIPPED = {
    "_codecs.encode",
    "argparse.Namespace",
    "collections.Counter",
    "collections.defaultdict",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "numpy.ndarray",
    "torch.Size",
    "torch.device",
}


class Storage(NamedTuple):
    """Numbers in a row, which are in the file."""

    kind: str  # such as "float32"
    key: str
    count: int  # of numbers


class Tensor(NamedTuple):
    """A tensor, which is a view of a storage. Offset and strides are in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class Function(NamedTuple):
    """A function or class that a pickle names."""

    name: str


class Skipped:
    """What one of `SKIPPED` would make."""


class Mark:
    """The start of the items of a list, tuple or dict."""


MARK = Mark()


def is_count(value: Any) -> bool:
    """Whether a value is a whole number that a size or place may be."""
    return type(value) is int and 0 <= value < 2**63


def rebuilt(storage: Any, offset: Any, shape: Any, strides: Any, *rest: Any) -> Tensor:
    """The tensor that PyTorch's functions make from a storage."""
    if not isinstance(storage, Storage) or not all(
        isinstance(value, tuple) and all(map(is_count, value)) for value in ((offset,), shape, strides)
    ):
        raise ValueError("It has a tensor whose storage, offset, shape or strides are none.")
    return Tensor(storage, offset, shape, strides)


def parameter(tensor: Any, *rest: Any) -> Any:
    """The tensor of a parameter."""
    return tensor


def ordered(items: Any = ()) -> dict:
    """A dict that keeps its order, made of pairs."""
    if not isinstance(items, (list, tuple)) or any(
        not isinstance(pair, (list, tuple)) or len(pair) != 2 for pair in items
    ):
        raise ValueError("It has an OrderedDict that is not made of pairs.")
    made: dict = {}
    set_items(made, [value for pair in items for value in pair])
    return made


FUNCTIONS: dict[str, Callable] = {
    "collections.OrderedDict": ordered,
    "torch._utils._rebuild_parameter": parameter,
    "torch._utils._rebuild_tensor": rebuilt,
    "torch._utils._rebuild_tensor_v2": rebuilt,
}


def run(file: Any, storages: dict[str, Storage] | None = None) -> Any:
    """What a pickle has.

    Args:
        file: A file of bytes, or what reads like one, at the start of the pickle. It is left behind its end.
        storages: A dict to which the storages of its tensors are added by their keys.

    Returns:
        Dicts, lists, tuples, numbers, strings, bytes, True, False, None, `Tensor`, `Storage` and `Skipped`.

    Raises:
        ValueError: It names a function that is not known here, or is damaged.
    """
    machine = Machine({} if storages is None else storages)
    for step, (operation, argument, _) in enumerate(pickletools.genops(file)):
        if step == STEPS:
            raise ValueError(f"Its pickle has more than {STEPS} steps.")
        try:
            machine.do(operation.name, argument)
        except (IndexError, KeyError) as error:
            raise ValueError(f"Its pickle is damaged at {operation.name}.") from error
    return machine.stack[-1] if machine.stack else None


class Machine:
    """The stack of a pickle's program, and the values that it has stored."""

    def __init__(self, storages: dict[str, Storage]):
        self.storages = storages
        self.stack: list = []
        self.memo: dict[int, Any] = {}

    def do(self, name: str, argument: Any) -> None:
        """Follows an operation of the program, given its name in pickletools and its argument."""
        if name in PUSHED:
            self.stack.append(argument)
        elif name in CONSTANTS:
            self.stack.append(CONSTANTS[name])
        elif name in EMPTY:
            self.stack.append(EMPTY[name]())
        elif name in OPERATIONS:
            OPERATIONS[name](self)
        elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif name == "GLOBAL":
            self.push_function(*argument.split(" ", 1))
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise ValueError(f"Its pickle has the operation {name}, which no state dict needs.")

    def items(self) -> list:
        """Pops what is above the last mark, and the mark."""
        for place in reversed(range(len(self.stack))):
            if self.stack[place] is MARK:
                found = self.stack[place + 1 :]
                del self.stack[place:]
                return found
        raise ValueError("Its pickle lacks a mark.")

    def take(self, count: int) -> list:
        """Pops the last `count` values."""
        if len(self.stack) < count:
            raise ValueError("Its pickle lacks a value.")
        found = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return found

    def push_function(self, module: Any, name: Any) -> None:
        """Pushes a function or class by its name, if it is a known one."""
        full = f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else ""
        if full not in FUNCTIONS and full not in SKIPPED and full not in STORAGES:
            raise ValueError(f"Its pickle names {full[:120]!r}, which is not data. Nothing was executed.")
        self.stack.append(Function(full))

    def call(self) -> None:
        """Calls a function with a tuple of arguments."""
        function, arguments = self.take(2)
        if not isinstance(function, Function) or not isinstance(arguments, tuple):
            raise ValueError("Its pickle calls what is no function.")
        if function.name in SKIPPED:
            self.stack.append(Skipped())
            return
        if function.name not in FUNCTIONS:
            raise ValueError(f"Its pickle calls {function.name}.")
        try:
            made = FUNCTIONS[function.name](*arguments)
        except TypeError as error:
            raise ValueError(f"Its pickle calls {function.name} with wrong arguments.") from error
        self.stack.append(made)

    def append(self, items: list) -> None:
        """Adds items to the list that is the last value."""
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(items)
        elif not isinstance(self.stack[-1], Skipped):
            raise ValueError("Its pickle adds to what is no list.")

    def set(self, items: list) -> None:
        """Sets keys and values in turns in the dict that is the last value."""
        if isinstance(self.stack[-1], dict):
            set_items(self.stack[-1], items)
        elif not isinstance(self.stack[-1], Skipped):
            raise ValueError("Its pickle sets items of what is no dict.")

    def build(self) -> None:
        """Drops the attributes of the value before: those of a state dict are numbers of versions."""
        self.take(1)
        if not isinstance(self.stack[-1], (dict, Skipped)):
            raise ValueError("Its pickle sets attributes of what has none.")

    def load_storage(self) -> None:
        """Pushes the storage that a tuple ("storage", type, key, device, count, ...) describes."""
        (found,) = self.take(1)
        if not isinstance(found, tuple) or len(found) not in (5, 6) or found[0] != "storage":
            raise ValueError("Its pickle refers to what is no storage.")
        _, kind, key, _, count, *rest = found
        if not isinstance(kind, Function) or kind.name not in STORAGES or rest not in ([], [None]):
            raise ValueError("Its pickle refers to a storage of an unknown type.")
        if not isinstance(key, str) or not is_count(count):
            raise ValueError("Its pickle refers to a storage without a key or count.")
        storage = Storage(STORAGES[kind.name], key, count)
        if self.storages.setdefault(key, storage) != storage:
            raise ValueError("Its pickle describes a storage in two ways.")
        self.stack.append(storage)

    def push_dict(self) -> None:
        """Pushes a dict of what is above the last mark."""
        found = self.items()
        made: dict = {}
        set_items(made, found)
        self.stack.append(made)


def set_items(target: dict, items: list) -> None:
    """Sets keys and values, which come in turns."""
    keys = items[::2]
    if len(items) % 2 or any(type(key) not in (str, int, float, bytes) for key in keys):
        raise ValueError("It has a dict whose keys are neither strings nor numbers.")
    target.update(zip(keys, items[1::2], strict=True))


# Operations whose argument is a value.
PUSHED = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
PUSHED |= {"STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"}
PUSHED |= {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": MARK, "EMPTY_TUPLE": ()}
EMPTY: dict[str, Callable] = {"EMPTY_DICT": dict, "EMPTY_LIST": list}
OPERATIONS: dict[str, Callable[[Machine], None]] = {
    "APPEND": lambda m: m.append(m.take(1)),
    "APPENDS": lambda m: m.append(m.items()),
    "BINPERSID": Machine.load_storage,
    "BUILD": Machine.build,
    "DICT": Machine.push_dict,
    "DUP": lambda m: m.stack.append(m.stack[-1]),
    "LIST": lambda m: m.stack.append(m.items()),
    "NEWOBJ": Machine.call,
    "POP": lambda m: m.take(1),
    "POP_MARK": Machine.items,
    "REDUCE": Machine.call,
    "SETITEM": lambda m: m.set(m.take(2)),
    "SETITEMS": lambda m: m.set(m.items()),
    "STACK_GLOBAL": lambda m: m.push_function(*m.take(2)),
    "TUPLE": lambda m: m.stack.append(tuple(m.items())),
    "TUPLE1": lambda m: m.stack.append(tuple(m.take(1))),
    "TUPLE2": lambda m: m.stack.append(tuple(m.take(2))),
    "TUPLE3": lambda m: m.stack.append(tuple(m.take(3))),
}
