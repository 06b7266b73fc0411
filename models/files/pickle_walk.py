"""Going through the pickle of a torch file without making what it asks for: tensors are their shapes, calls are not made.

It takes the operations and the names that torch's safe reader takes (torch/_weights_only_unpickler.py), and knows of their
results what a header tells: dictionaries, lists, tuples, texts, whole numbers, tensors. All else is one thing, `MADE`. So
what is held, and the time it takes, grow with the pickle's bytes and operations alone. Standard library only.
"""

from __future__ import annotations

import struct
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .header import TensorInfo, TooMuch
from .header_table import MOST_AXES
from .torch_names import DTYPES, dtype_of, is_safe

MOST_OPERATIONS = 600_000  # 18 a tensor, 10,000 of which the largest models have; three times as many
_SHORT = 16  # bytes of a whole number that is looked at
_FEW = 64  # arguments of a call, and what is in them, that cost no more than the call
_LONG = 4000  # bytes of a text that is no name any more
_STOP = ord(".")


class AsksForCode(Exception):
    """The pickle holds more than weights; the text says what it asks for."""


@dataclass(frozen=True, eq=False, slots=True)
class Named:
    """A class or function by its whole name."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False, slots=True)
class Storage:
    """Where a tensor's numbers lie: torch's name of their type, and how many there are."""

    dtype: str
    count: int


MADE = Named("something")  # what nothing is known of


class PickleWalk:
    """One pickle after the other in `data`, from `at`; storages by their keys.

    `run` raises AsksForCode, TooMuch, EOFError where the data end before the pickle, and ValueError, TypeError, LookupError or
    AttributeError for what is no pickle of weights.
    """

    def __init__(self, data: bytes, at: int = 0):
        self.data = data
        self.at = at
        self.begins = at
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}
        self.names: dict[str, Named] = {}
        self.storages: dict[Any, Storage] = {}
        self.left = MOST_OPERATIONS

    def run(self) -> Any:
        """The object that the next pickle describes."""
        self.stack, self.marks, self.memo, self.begins = [], [], {}, self.at
        while True:
            self.spend(1)
            code = self.take(1)[0]
            if code == _STOP:
                return self.stack.pop()
            operation = _OPERATIONS.get(code)
            if operation is None:
                raise self._no_operation()
            operation(self)

    def spend(self, operations: int) -> None:
        """Count what is done. Raises TooMuch."""
        self.left -= operations
        if self.left < 0:
            raise TooMuch(f"takes more than {MOST_OPERATIONS:,} operations to read")

    def _no_operation(self) -> Exception:
        begins_as_pickle = self.data[self.begins] == 0x80
        return AsksForCode("objects of Python") if begins_as_pickle else ValueError("it begins as no such file does")

    def take(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self.data):
            raise EOFError("it ends too early")
        taken = self.data[self.at : end]
        self.at = end
        return taken

    def number(self, form: str, length: int) -> Any:
        return struct.unpack(form, self.take(length))[0]

    def line(self) -> str:
        end = self.data.find(b"\n", self.at, self.at + 1000)
        if end < 0:
            raise ValueError("it begins as no such file does")
        return self.take(end + 1 - self.at)[:-1].decode("utf-8")

    def storage(self, key: Any) -> Storage:
        """The storage of a key. Raises LookupError."""
        return self.storages[_key(key)]

    def pop_mark(self) -> list[Any]:
        """What was put on the stack since the last mark."""
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not dict:
            raise AsksForCode("objects of Python")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_key(key)] = value

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise AsksForCode("objects of Python")
        target.extend(items)


def _key(value: Any) -> Any:
    """A value as a dictionary's key: anything but texts and the like counts as different from everything.

    Numbers become texts: whoever chooses numbers can make a dictionary slow, as each is found where it says.
    """
    if type(value) in (int, float):
        return str(value)
    return value if type(value) in (str, bool, type(None)) else Named(str(value) if type(value) is Named else "")


def _named(walk: PickleWalk) -> None:
    module, name = walk.line(), walk.line()
    if (module, name) in NAME_MAPPING:
        module, name = NAME_MAPPING[module, name]
    module = IMPORT_MAPPING.get(module, module)
    whole = f"{module}.{name}"
    if whole not in walk.names:
        if not all(part.isidentifier() for part in whole.split(".")):
            raise ValueError("it begins as no such file does")
        if not is_safe(whole):
            raise AsksForCode(whole.removeprefix("builtins."))
        walk.names[whole] = Named(whole)
    walk.stack.append(walk.names[whole])


def _call(walk: PickleWalk) -> None:
    arguments = walk.stack.pop()
    function = walk.stack.pop()
    if type(function) is not Named or type(arguments) is not tuple:
        raise AsksForCode("objects of Python")
    walk.stack.append(_called(walk, function.name, arguments))


def _build(walk: PickleWalk) -> None:
    walk.stack.pop()  # the attributes of an object


def _persistent(walk: PickleWalk) -> None:
    told = walk.stack.pop()
    if type(told) is not tuple or told[0] != "storage":
        raise AsksForCode("objects of Python")
    _, kind, key, _place, count = told[:5]
    storage = Storage(dtype_of(kind.name), count)
    walk.storages.setdefault(_key(key), storage)
    walk.stack.append(storage)


def _tuple_of(length: int) -> Callable[[PickleWalk], None]:
    def make(walk: PickleWalk) -> None:
        if length > len(walk.stack):
            raise ValueError("its table is damaged")
        walk.stack[-length:] = [tuple(walk.stack[-length:])]

    return make


def _push(value: Any) -> Callable[[PickleWalk], None]:
    return lambda walk: walk.stack.append(value)


def _push_number(form: str, length: int) -> Callable[[PickleWalk], None]:
    return lambda walk: walk.stack.append(walk.number(form, length))


def _get(form: str, length: int) -> Callable[[PickleWalk], None]:
    return lambda walk: walk.stack.append(walk.memo[walk.number(form, length)])


def _put(form: str, length: int) -> Callable[[PickleWalk], None]:
    def put(walk: PickleWalk) -> None:
        walk.memo[walk.number(form, length)] = walk.stack[-1]

    return put


def _long(walk: PickleWalk) -> None:
    data = walk.take(walk.take(1)[0])
    walk.stack.append(int.from_bytes(data, "little", signed=True) if len(data) <= _SHORT else MADE)


def _text(form: str, length: int) -> Callable[[PickleWalk], None]:
    def text(walk: PickleWalk) -> None:
        data = walk.take(walk.number(form, length))
        walk.stack.append(data.decode("utf-8", "surrogatepass") if len(data) <= _LONG else MADE)

    return text


def _set_item(walk: PickleWalk) -> None:
    value = walk.stack.pop()
    walk.set_items([walk.stack.pop(), value])


_OPERATIONS: dict[int, Callable[[PickleWalk], None]] = {
    ord(code): operation
    for code, operation in {
        "\x80": lambda walk: walk.take(1),  # the protocol's number
        "c": _named,
        "R": _call,
        "\x81": _call,  # a new object of a class
        "b": _build,
        "Q": _persistent,
        "(": lambda walk: walk.marks.append(len(walk.stack)),
        "t": lambda walk: walk.stack.append(tuple(walk.pop_mark())),
        ")": _push(()),
        "\x85": _tuple_of(1),
        "\x86": _tuple_of(2),
        "\x87": _tuple_of(3),
        "]": lambda walk: walk.stack.append([]),
        "a": lambda walk: walk.extend([walk.stack.pop()]),
        "e": lambda walk: walk.extend(walk.pop_mark()),
        "}": lambda walk: walk.stack.append({}),
        "s": _set_item,
        "u": lambda walk: walk.set_items(walk.pop_mark()),
        "\x8f": _push(MADE),  # a set
        "N": _push(None),
        "\x88": _push(True),
        "\x89": _push(False),
        "J": _push_number("<i", 4),
        "K": _push_number("<B", 1),
        "M": _push_number("<H", 2),
        "G": _push_number(">d", 8),
        "\x8a": _long,
        "X": _text("<I", 4),
        "U": _text("<B", 1),
        "h": _get("<B", 1),
        "j": _get("<I", 4),
        "q": _put("<B", 1),
        "r": _put("<I", 4),
    }.items()
}


# The calls that make a tensor, or a dictionary.


def _called(walk: PickleWalk, name: str, arguments: tuple[Any, ...]) -> Any:
    """What a call gives. Long arguments cost as much as is in them: remembered ones can be asked for again and again."""
    length = len(arguments) + sum(len(one) for one in arguments if isinstance(one, (tuple, list, dict)))
    if length > _FEW:
        walk.spend(length)
    if name == _FROM_TYPE:
        function, _class, inner, *_more = arguments
        return _called(walk, function.name, inner)
    make = _CALLS.get(name)
    return MADE if make is None else make(*arguments)


def _view(storage: Any, _offset: Any, size: Any, *_more: Any) -> TensorInfo:
    return _without_numbers(storage, size)


def _typed_view(
    _storage: Any, _offset: Any, size: Any, _stride: Any, _grad: Any, _hooks: Any, dtype: Any, *_: Any
) -> Any:
    return _without_numbers(dtype, size)


def _without_numbers(dtype: Any, size: Any, *_more: Any) -> TensorInfo:
    """dtype: a Storage, or one of torch's types by its name."""
    name = dtype.dtype if type(dtype) is Storage else dtype_of(dtype.name)
    return TensorInfo(DTYPES.get(name, name.upper()), _shape(size), 0, 0)


def _sparse(_layout: Any, data: Any, *_more: Any) -> TensorInfo:
    values, size = data[1:3] if type(data[1]) is not type(data[2]) else data[2:4]
    return TensorInfo(values.dtype, _shape(size), 0, 0)


def _shape(size: Any) -> tuple[int, ...]:
    if len(size) > MOST_AXES or any(type(length) is not int for length in size):
        raise TypeError
    return tuple(size)


def _ordered(pairs: Any = ()) -> dict[Any, Any]:
    return {_key(key): value for key, value in pairs}


def _first(value: Any, *_more: Any) -> Any:
    return value


_FROM_TYPE = "torch._tensor._rebuild_from_type_v2"
_REBUILD = "torch._utils._rebuild_"
_CALLS: dict[str, Callable[..., Any]] = {
    f"{_REBUILD}tensor": _view,
    f"{_REBUILD}tensor_v2": _view,
    f"{_REBUILD}tensor_v3": _typed_view,
    f"{_REBUILD}qtensor": _view,
    f"{_REBUILD}sparse_tensor": _sparse,
    f"{_REBUILD}meta_tensor_no_storage": _without_numbers,
    f"{_REBUILD}wrapper_subclass": lambda _class, *more: _without_numbers(*more),
    f"{_REBUILD}parameter": _first,
    f"{_REBUILD}parameter_with_state": _first,
    f"{_REBUILD}device_tensor_from_cpu_tensor": _first,
    "torch.nn.parameter.Parameter": lambda *arguments: arguments[0] if arguments else MADE,
    "torch.Size": lambda sizes=(): sizes,
    "collections.OrderedDict": _ordered,
    "collections.Counter": lambda *counts: counts[0] if counts and type(counts[0]) is dict else {},
}
