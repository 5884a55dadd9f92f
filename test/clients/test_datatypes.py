"""Every datatype, there and back; half floats above all."""

import ml_dtypes
import numpy

from harness import case, equal, refused
from models import brought, identity_config
from triton import HTTPS, WIRES, Refusal, strings

VALUES = {
    "BOOL": numpy.array([True, False]),
    "UINT8": numpy.array([0, 255], numpy.uint8),
    "UINT16": numpy.array([0, 65_535], numpy.uint16),
    "UINT32": numpy.array([0, 2**32 - 1], numpy.uint32),
    "UINT64": numpy.array([0, 2**64 - 1], numpy.uint64),
    "INT8": numpy.array([-128, 127], numpy.int8),
    "INT16": numpy.array([-(2**15), 2**15 - 1], numpy.int16),
    "INT32": numpy.array([-(2**31), 2**31 - 1], numpy.int32),
    "INT64": numpy.array([-(2**63), 2**63 - 1], numpy.int64),
    "FP16": numpy.array([-0.5, 65_504, 2**-24], numpy.float16),
    "BF16": numpy.array([-0.5, 2.0**120, 1.5], ml_dtypes.bfloat16),
    "FP32": numpy.array([0.1, -3.4e38], numpy.float32),
    "FP64": numpy.array([0.1, -1.7e308], numpy.float64),
    "BYTES": strings("a", b"\x00", "ü")[0],
}

for datatype, values in VALUES.items():
    name = f"identity_{datatype.lower()}_brought"
    with brought(name, identity_config(name, datatype)):

        @case("datatypes", f"{datatype} comes back, raw and binary", *WIRES)
        def _(wire):
            equal(wire.infer(name, [wire.tensor("INPUT0", values, datatype)]).as_numpy("OUTPUT0"), values)

        @case("datatypes", f"{datatype} of no elements comes back", *WIRES)
        def _(wire):
            none = values[:0]
            equal(wire.infer(name, [wire.tensor("INPUT0", none, datatype)]).as_numpy("OUTPUT0").shape, (0,))

        if datatype in ("FP16", "BF16"):

            @case("datatypes", f"{datatype} is refused in JSON", *HTTPS)
            def _(wire):
                outputs = [wire.wanted("OUTPUT0", binary_data=False)]
                inputs = [wire.tensor("INPUT0", values, datatype)]
                refused(datatype, Refusal, wire.infer, name, inputs, outputs=outputs)

        else:

            @case("datatypes", f"{datatype} comes back as JSON", *HTTPS)
            def _(wire):
                tensor = wire.plain.InferInput("INPUT0", list(values.shape), datatype)
                tensor.set_data_from_numpy(values if datatype != "BYTES" else strings("a", "b", "ü")[0], binary_data=False)
                answer = wire.infer(name, [tensor], outputs=[wire.wanted("OUTPUT0", binary_data=False)])
                found = answer.as_numpy("OUTPUT0")
                equal(*(([str(v) for v in found], ["a", "b", "ü"]) if datatype == "BYTES" else (found, values)))
