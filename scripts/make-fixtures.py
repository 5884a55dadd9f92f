#!/usr/bin/env python3
"""Writes the tiny ONNX models that only the tests use.

    python3 scripts/make-fixtures.py [directory]

`directory` defaults to test/fixtures of the repository this script lives in. Each model of its folder `models` maps
INPUT0 to OUTPUT0 of the same datatype and shape; two have more tensors, all alike:

    identity_<datatype>.onnx   [n]           OUTPUT0 = INPUT0, one file per datatype
    scalar.onnx                []            OUTPUT0 = INPUT0, FP32 of rank 0
    matrix.onnx                [rows, cols]  OUTPUT0 = INPUT0 * 2, FP32
    plus_one.onnx              [n]           OUTPUT0 = INPUT0 + 1, FP32
    plus_two.onnx              [n]           OUTPUT0 = INPUT0 + 2, FP32
    rows.onnx                  [n, 4]        OUTPUT0 = INPUT0 * 2, OUTPUT1 = INPUT0 + 1, FP32
    image.onnx                 [n, 1, 2, 2]  OUTPUT0 = INPUT0 * 2, FP32
    ragged.onnx                [n], [rows]   OUTPUT0 = INPUT0 * 2; ENDS [rows] comes out as OUTPUT1, FP32
    accumulate.onnx            [n, 1]        STATE_OUT = INPUT0 + STATE_IN, OUTPUT0 = STATE_OUT + 100 * START, FP32
    corrupt.onnx               64 bytes that are no model

It also writes the models of test/fixtures/repository that are ONNX files, with the arithmetic that the example clients
of Triton check:

    simple, simple_int8          OUTPUT0 = INPUT0 + INPUT1, OUTPUT1 = INPUT0 - INPUT1, [n, 16]
    simple_string                the same on decimal numbers in strings
    simple_sequence              OUTPUT = READY * (INPUT + START), INT32 [n, 1]
    simple_dyna_sequence         OUTPUT = READY * (INPUT + START + END * CORRID)
    simple_string_dyna_sequence  SUM_OUT = READY * (INPUT + SUM_IN), OUTPUT = SUM_OUT + END * int(CORRID)

The same bytes come out of every run. Needs the Python package onnx: python3-onnx on Debian, or
`pip install onnx` in a virtual environment.
"""

import hashlib
import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper

OPSET_VERSION = 17
IR_VERSION = 8

DATATYPES = {
    "fp16": TensorProto.FLOAT16,
    "fp32": TensorProto.FLOAT,
    "fp64": TensorProto.DOUBLE,
    "int8": TensorProto.INT8,
    "int16": TensorProto.INT16,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}


def build_model(name, element_type, shape, operator, operand=None):
    """A model of one operator, whose optional second operand is a constant number."""
    operands = ["INPUT0"]
    constants = {}
    if operand is not None:
        operands.append("operand")
        constants["operand"] = operand
    return build_graph(name, element_type, shape, [(operator, operands, "OUTPUT0")], constants)


def build_graph(name, element_type, shape, steps, constants, inputs=("INPUT0",), outputs=("OUTPUT0",), shapes=None):
    """A model of several operators, each with the tensors that it reads and the one that it writes.

    `shapes` are those of the tensors that have not the common one."""
    shapes = shapes or {}
    graph = helper.make_graph(
        [helper.make_node(operator, operands, [result]) for operator, operands, result in steps],
        name,
        [helper.make_tensor_value_info(tensor, element_type, shapes.get(tensor, shape)) for tensor in inputs],
        [helper.make_tensor_value_info(tensor, element_type, shapes.get(tensor, shape)) for tensor in outputs],
        [helper.make_tensor(constant, element_type, [], [value]) for constant, value in constants.items()],
    )
    model = helper.make_model(
        graph,
        producer_name="make-fixtures",
        opset_imports=[helper.make_opsetid("", OPSET_VERSION)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def build_models():
    for datatype, element_type in DATATYPES.items():
        yield build_model(f"identity_{datatype}", element_type, ["n"], "Identity")
    yield build_model("scalar", TensorProto.FLOAT, [], "Identity")
    yield build_model("matrix", TensorProto.FLOAT, ["rows", "cols"], "Mul", 2.0)
    yield build_model("plus_one", TensorProto.FLOAT, ["n"], "Add", 1.0)
    yield build_model("plus_two", TensorProto.FLOAT, ["n"], "Add", 2.0)
    yield build_graph(
        "rows",
        TensorProto.FLOAT,
        ["n", 4],
        [("Mul", ["INPUT0", "two"], "OUTPUT0"), ("Add", ["INPUT0", "one"], "OUTPUT1")],
        {"one": 1.0, "two": 2.0},
        outputs=("OUTPUT0", "OUTPUT1"),
    )
    yield build_model("image", TensorProto.FLOAT, ["n", 1, 2, 2], "Mul", 2.0)
    yield build_graph(
        "ragged",
        TensorProto.FLOAT,
        ["n"],
        [("Mul", ["INPUT0", "two"], "OUTPUT0"), ("Identity", ["ENDS"], "OUTPUT1")],
        {"two": 2.0},
        inputs=("INPUT0", "ENDS"),
        outputs=("OUTPUT0", "OUTPUT1"),
        shapes={"ENDS": ["rows"], "OUTPUT1": ["rows"]},
    )
    yield build_graph(
        "accumulate",
        TensorProto.FLOAT,
        ["n", 1],
        [
            ("Add", ["INPUT0", "STATE_IN"], "STATE_OUT"),
            ("Mul", ["START", "hundred"], "mark"),
            ("Add", ["STATE_OUT", "mark"], "OUTPUT0"),
        ],
        {"hundred": 100.0},
        inputs=("INPUT0", "START", "STATE_IN"),
        outputs=("OUTPUT0", "STATE_OUT"),
    )


def build_sample(name, inputs, outputs, steps):
    """A model of a batch of rows, from the datatype and the width of each tensor."""

    def describe(tensors):
        return [helper.make_tensor_value_info(tensor, kind, ["n", width]) for tensor, kind, width in tensors]

    nodes = [
        helper.make_node(operator, operands, [result], **attributes)
        for operator, operands, result, attributes in [(*step, {})[:4] for step in steps]
    ]
    model = helper.make_model(
        helper.make_graph(nodes, name, describe(inputs), describe(outputs)),
        producer_name="make-fixtures",
        opset_imports=[helper.make_opsetid("", OPSET_VERSION)],
        ir_version=IR_VERSION,
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def build_sum_and_difference(name, kind):
    """Computes in INT32, whatever the datatype of the tensors is."""
    steps = [
        ("Cast", ["INPUT0"], "a", {"to": TensorProto.INT32}),
        ("Cast", ["INPUT1"], "b", {"to": TensorProto.INT32}),
        ("Add", ["a", "b"], "sum"),
        ("Sub", ["a", "b"], "difference"),
        ("Cast", ["sum"], "OUTPUT0", {"to": kind}),
        ("Cast", ["difference"], "OUTPUT1", {"to": kind}),
    ]
    inputs = [("INPUT0", kind, 16), ("INPUT1", kind, 16)]
    outputs = [("OUTPUT0", kind, 16), ("OUTPUT1", kind, 16)]
    return build_sample(name, inputs, outputs, steps)


def build_samples():
    yield build_sum_and_difference("simple", TensorProto.INT32)
    yield build_sum_and_difference("simple_int8", TensorProto.INT8)
    yield build_sum_and_difference("simple_string", TensorProto.STRING)

    def ints(*names):
        return [(tensor, TensorProto.INT32, 1) for tensor in names]

    yield build_sample(
        "simple_sequence",
        ints("INPUT", "START", "READY"),
        ints("OUTPUT"),
        [("Add", ["INPUT", "START"], "sum"), ("Mul", ["READY", "sum"], "OUTPUT")],
    )
    id_at_the_end = [
        ("Cast", ["CORRID"], "id", {"to": TensorProto.INT32}),
        ("Mul", ["END", "id"], "id_at_the_end"),
    ]
    yield build_sample(
        "simple_dyna_sequence",
        [*ints("INPUT", "START", "END", "READY"), ("CORRID", TensorProto.UINT64, 1)],
        ints("OUTPUT"),
        [
            *id_at_the_end,
            ("Add", ["INPUT", "START"], "marked"),
            ("Add", ["marked", "id_at_the_end"], "sum"),
            ("Mul", ["READY", "sum"], "OUTPUT"),
        ],
    )
    yield build_sample(
        "simple_string_dyna_sequence",
        [*ints("INPUT", "END", "READY", "SUM_IN"), ("CORRID", TensorProto.STRING, 1)],
        ints("OUTPUT", "SUM_OUT"),
        [
            *id_at_the_end,
            ("Add", ["INPUT", "SUM_IN"], "sum"),
            ("Mul", ["READY", "sum"], "SUM_OUT"),
            ("Add", ["SUM_OUT", "id_at_the_end"], "OUTPUT"),
        ],
    )


def write(model, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def main():
    default = Path(__file__).resolve().parent.parent / "test" / "fixtures"
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    for model in build_models():
        write(model, directory / "models" / f"{model.graph.name}.onnx")
    for model in build_samples():
        write(model, directory / "repository" / model.graph.name / "1" / "model.onnx")
    # A SHA-512 digest is 64 arbitrary but repeatable bytes.
    (directory / "models" / "corrupt.onnx").write_bytes(hashlib.sha512(b"corrupt").digest())


if __name__ == "__main__":
    main()
