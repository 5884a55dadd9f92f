#!/usr/bin/env python3
"""Writes the tiny ONNX models that only the tests use.

    python3 scripts/make-fixtures.py [directory]

`directory` defaults to test/fixtures/models of the repository this script lives in. Each model maps
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


def main():
    repository = Path(__file__).resolve().parent.parent
    default = repository / "test" / "fixtures" / "models"
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    directory.mkdir(parents=True, exist_ok=True)

    for model in build_models():
        path = directory / f"{model.graph.name}.onnx"
        path.write_bytes(model.SerializeToString(deterministic=True))
    # A SHA-512 digest is 64 arbitrary but repeatable bytes.
    (directory / "corrupt.onnx").write_bytes(hashlib.sha512(b"corrupt").digest())


if __name__ == "__main__":
    main()
