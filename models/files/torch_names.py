"""The names in pickles of torch files: those that torch's safe reader takes for safe, and those of types of numbers."""

from __future__ import annotations

import re

# torch's name of a type of numbers -> the safetensors format's; the rest in capitals.
DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "float64": "F64", "int64": "I64"}
_OF_STORAGE = {
    "Double": "float64",
    "Float": "float32",
    "Half": "float16",
    "BFloat16": "bfloat16",
    "Long": "int64",
    "Int": "int32",
    "Short": "int16",
    "Char": "int8",
    "Byte": "uint8",
    "Bool": "bool",
    "ComplexFloat": "complex64",
    "ComplexDouble": "complex128",
    "QInt8": "qint8",
    "QUInt8": "quint8",
    "QInt32": "qint32",
    "QUInt4x2": "quint4x2",
    "QUInt2x4": "quint2x4",
    "Untyped": "uint8",
    "Typed": "uint8",
}
_WIDTHS = {"uint8": 1, "int8": 1, "bool": 1, "float16": 2, "bfloat16": 2, "int16": 2, "float32": 4, "int32": 4}
_WIDTHS |= {"float64": 8, "int64": 8, "complex64": 8, "complex128": 16, "qint8": 1, "quint8": 1, "qint32": 4}
_WIDTHS |= {"quint4x2": 1, "quint2x4": 1}


def dtype_of(name: str) -> str:
    """'float32' for torch.FloatStorage and for torch.float32."""
    last = name.rpartition(".")[2]
    return _OF_STORAGE.get(last.removesuffix("Storage"), last)


def width_of(dtype: str) -> int:
    """How many bytes a number of this type takes in a storage."""
    return _WIDTHS.get(dtype, 1)


_SAFE = frozenset(
    {
        "collections.OrderedDict",
        "collections.Counter",
        "torch.nn.parameter.Parameter",
        "torch.serialization._get_layout",
        "torch.Size",
        "torch.Tensor",
        "torch.device",
        "_codecs.encode",
        "builtins.bytearray",
        "builtins.set",
        "builtins.complex",
        "torch._tensor._rebuild_from_type_v2",
        *(
            f"torch._utils._rebuild_{what}"
            for what in (
                *("parameter", "parameter_with_state", "qtensor", "tensor", "tensor_v2", "tensor_v3", "sparse_tensor"),
                *("meta_tensor_no_storage", "nested_tensor", "wrapper_subclass", "device_tensor_from_numpy"),
                "device_tensor_from_cpu_tensor",
            )
        ),
        *(
            f"torch.per_{what}"
            for what in (
                *("tensor_affine", "tensor_symmetric", "channel_affine", "channel_symmetric"),
                "channel_affine_float_qparams",
            )
        ),
    }
)
_TYPES = re.compile(
    r"torch\.(?:(?:cuda|sparse|cuda\.sparse|storage)\.)?[A-Z]\w*(?:Storage|Tensor)"
    r"|torch\.(?:bool|u?int(?:[1-8]|16|32|64)|qu?int(?:8|32|4x2|2x4)|b?float(?:16|32|64)|float\d_\w+|complex(?:32|64|128)"
    r"|bits\d\w*)"
)


def is_safe(name: str) -> bool:
    """Whether torch's safe reader takes a class or function; the host adds some to those that it knows by itself."""
    return name in _SAFE or _TYPES.fullmatch(name) is not None or name in _added()


def _added() -> set[str]:
    import comfy.utils  # noqa: F401  it registers what the host takes for safe, so that a verdict never depends on the order
    import torch

    known = torch.serialization.get_safe_globals()
    return {one[1] if isinstance(one, tuple) else f"{one.__module__}.{one.__qualname__}" for one in known}
