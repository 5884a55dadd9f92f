#!/usr/bin/env python3
"""Writes the tiny ONNX models that only the tests use.

    python3 scripts/make-fixtures.py [directory]

`directory` defaults to test/fixtures/models of the repository this script lives in. Each model maps
INPUT0 to OUTPUT0 of the same datatype and shape:

    identity_<datatype>.onnx   [n]           OUTPUT0 = INPUT0, one file per datatype
    scalar.onnx                []            OUTPUT0 = INPUT0, FP32 of rank 0
    matrix.onnx                [rows, cols]  OUTPUT0 = INPUT0 * 2, FP32
    plus_one.onnx              [n]           OUTPUT0 = INPUT0 + 1, FP32
    plus_two.onnx              [n]           OUTPUT0 = INPUT0 + 2, FP32
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
    constants = []
    if operand is not None:
        operands.append("operand")
        constants.append(helper.make_tensor("operand", element_type, [], [operand]))

    graph = helper.make_graph(
        [helper.make_node(operator, operands, ["OUTPUT0"])],
        name,
        [helper.make_tensor_value_info("INPUT0", element_type, shape)],
        [helper.make_tensor_value_info("OUTPUT0", element_type, shape)],
        constants,
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
