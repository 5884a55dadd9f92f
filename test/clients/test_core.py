"""Health, metadata, and inference in every encoding."""

import numpy
import tritonclient.grpc
import tritonclient.http
from tritonclient.grpc import service_pb2, service_pb2_grpc
import grpc

from harness import GRPC_URL, case, contains, equal, refused
from triton import GRPC, GRPCS, HTTP, HTTP_AIO, HTTPS, ONES, ROW, WIRES, Refusal, pair, strings


@case("health", "the server is live and ready", *WIRES)
def _(wire):
    equal([wire.client.is_server_live(), wire.client.is_server_ready()], [True, True])


@case("health", "user headers and query parameters do no harm", *WIRES)
def _(wire):
    more = {} if wire.is_grpc else {"query_params": {"test_1": 1, "test_2": 2}}
    equal(wire.client.is_server_live(headers={"test": "1", "dummy": "2"}, **more), True)


@case("health", "a model is ready, by version too; an unknown one is not", *WIRES)
def _(wire):
    ready = wire.client.is_model_ready
    equal([ready("simple"), ready("simple", "1"), ready("nope")], [True, True, False])


@case("metadata", "the server is triton", *WIRES)
def _(wire):
    metadata = wire.read("get_server_metadata")
    equal(metadata["name"], "triton")
    contains(metadata["extensions"], "binary_tensor_data")
    contains(metadata["extensions"], "model_repository")
    contains(metadata["extensions"], "sequence")


@case("metadata", "a model's tensors have their batch dimension", *WIRES)
def _(wire):
    metadata = wire.read("get_model_metadata", "simple")
    equal([metadata["name"], metadata["platform"], metadata["versions"]], ["simple", "onnxruntime_onnx", ["1"]])
    tensors = [(t["name"], t["datatype"], [int(d) for d in t["shape"]]) for t in metadata["inputs"] + metadata["outputs"]]
    equal(tensors, [(name, "INT32", [-1, 16]) for name in ("INPUT0", "INPUT1", "OUTPUT0", "OUTPUT1")])


@case("metadata", "an unknown model is told by name", *WIRES)
def _(wire):
    refused("Request for unknown model: 'wrong_model_name'", Refusal, wire.client.get_model_metadata, "wrong_model_name")


@case("infer", "all outputs, and those that are asked for", *WIRES)
def _(wire):
    both = wire.infer("simple", pair(wire), request_id="one two")
    equal(both.as_numpy("OUTPUT0"), ROW + ONES)
    equal(both.as_numpy("OUTPUT1"), ROW - ONES)
    one = wire.infer("simple", pair(wire), model_version="1", outputs=[wire.wanted("OUTPUT1")])
    equal(one.as_numpy("OUTPUT1"), ROW - ONES)
    equal(one.as_numpy("OUTPUT0"), None)


@case("infer", "the id comes back", *WIRES)
def _(wire):
    answer = wire.infer("simple", pair(wire), request_id="a b")
    found = answer.get_response().id if wire.is_grpc else answer.get_response()["id"]
    equal(found, "a b")


@case("infer", "a request's own parameters do no harm", *WIRES)
def _(wire):
    answer = wire.infer("simple", pair(wire), parameters={"custom": "x", "n": 7, "b": True})
    equal(answer.as_numpy("OUTPUT0"), ROW + ONES)


@case("infer", "an unknown model, version, input and shape are refused", *WIRES)
def _(wire):
    refused("Request for unknown model", Refusal, wire.infer, "nope", pair(wire))
    refused("version 9 is not found", Refusal, wire.infer, "simple", pair(wire), model_version="9")
    wrong = [wire.tensor("INPUT0", ROW), wire.tensor("OTHER", ROW)]
    refused("OTHER", Refusal, wire.infer, "simple", wrong)
    short = numpy.zeros((1, 8), dtype=numpy.int32)
    refused("INPUT1", Refusal, wire.infer, "simple", pair(wire, ROW, short))
    refused("batch-size must be <= 8", Refusal, wire.infer, "simple", pair(wire, *[numpy.zeros((9, 16), numpy.int32)] * 2))


@case("infer", "several at a time, without blocking", HTTP)
def _(wire):
    client = wire.connect(concurrency=4)
    running = [client.async_infer("simple", pair(wire, ROW * n)) for n in range(8)]
    for n, request in enumerate(running):
        equal(request.get_result().as_numpy("OUTPUT0"), ROW * n + ONES)
    client.close()


@case("infer", "several at a time, without blocking", GRPC)
def _(wire):
    import queue

    answers = queue.Queue()
    for n in range(8):
        wire.client.async_infer(
            "simple", pair(wire, ROW * n), lambda result, error: answers.put((error, result)), request_id=str(n)
        )
    for _ in range(8):
        error, result = answers.get(timeout=10)
        equal(error, None)
        equal(result.as_numpy("OUTPUT0"), ROW * int(result.get_response().id) + ONES)


@case("infer", "JSON and binary in every mix", *HTTPS)
def _(wire):
    for first in (True, False):
        for second in (True, False):
            inputs = [
                tritonclient.http.InferInput("INPUT0", [1, 16], "INT32"),
                tritonclient.http.InferInput("INPUT1", [1, 16], "INT32"),
            ]
            inputs[0].set_data_from_numpy(ROW, binary_data=first)
            inputs[1].set_data_from_numpy(ONES, binary_data=second)
            outputs = [wire.wanted("OUTPUT0", binary_data=second), wire.wanted("OUTPUT1", binary_data=first)]
            answer = wire.infer("simple", inputs, outputs=outputs)
            equal(answer.as_numpy("OUTPUT0"), ROW + ONES)
            equal(answer.as_numpy("OUTPUT1"), ROW - ONES)


@case("infer", "a body that the client made, and an answer that it reads", HTTP)
def _(wire):
    import urllib.request

    body, length = tritonclient.http.InferenceServerClient.generate_request_body(pair(wire))
    headers = {"Inference-Header-Content-Length": str(length)}
    request = urllib.request.Request(f"http://{wire.url}/v2/models/simple/infer", body, headers)
    with urllib.request.urlopen(request) as reply:
        read = tritonclient.http.InferenceServerClient.parse_response_body
        answer = read(reply.read(), header_length=int(reply.headers["Inference-Header-Content-Length"]))
    equal(answer.as_numpy("OUTPUT0"), ROW + ONES)


STUB = service_pb2_grpc.GRPCInferenceServiceStub(grpc.insecure_channel(GRPC_URL))


def typed(model, datatype, field, values, version="1"):
    request = service_pb2.ModelInferRequest(model_name=model, model_version=version)
    for name in ("INPUT0", "INPUT1"):
        tensor = request.inputs.add(name=name, datatype=datatype, shape=[1, 16])
        getattr(tensor.contents, field).extend(values)
    return request


@case("infer", "typed contents are answered raw", "INT32", "INT8", "BYTES")
def _(datatype):
    model = {"INT32": "simple", "INT8": "simple_int8", "BYTES": "simple_string"}[datatype]
    field = "bytes_contents" if datatype == "BYTES" else "int_contents"
    values = [str(n).encode() if datatype == "BYTES" else n for n in range(16)]
    reply = STUB.ModelInfer(typed(model, datatype, field, values))
    equal([len(reply.raw_output_contents), reply.outputs[0].HasField("contents")], [2, False])
    answer = tritonclient.grpc.InferResult(reply).as_numpy("OUTPUT0")[0]
    equal([int(value) for value in answer], [2 * n for n in range(16)])


@case("infer", "raw and typed contents together are refused")
def _():
    request = typed("simple", "INT32", "int_contents", range(16))
    request.raw_input_contents.extend([ROW.tobytes()] * 2)
    expected = "contents field must not be specified when using raw_input_contents for 'INPUT0' for model 'simple'"
    refused(expected, grpc.RpcError, STUB.ModelInfer, request)


@case("infer", "a version that is no number is refused")
def _():
    request = typed("simple_int8", "INT8", "int_contents", range(16), version="wrong_specification")
    expected = "failed to get model version from specified version string 'wrong_specification'"
    refused(expected, grpc.RpcError, STUB.ModelInfer, request)


@case("infer", "an explicit C++ client's parameter is accepted on a single inference")
def _():
    request = typed("simple", "INT32", "int_contents", range(16))
    request.parameters["triton_enable_empty_final_response"].bool_param = True
    equal(len(STUB.ModelInfer(request).raw_output_contents), 2)


@case("strings", "sum and difference of decimal strings", *WIRES)
def _(wire):
    answer = wire.infer("simple_string", pair(wire, strings(*range(16)), strings(*[1] * 16)))
    equal([int(value) for value in answer.as_numpy("OUTPUT0")[0]], [n + 1 for n in range(16)])
    equal([int(value) for value in answer.as_numpy("OUTPUT1")[0]], [n - 1 for n in range(16)])


ODD = (b"", b"a\x00b", bytes([0, 1, 2, 3]), "grüße".encode(), b"x" * 70_000)


@case("strings", "come back byte by byte", *WIRES)
def _(wire):
    answer = wire.infer("simple_identity", [wire.tensor("INPUT0", strings(*ODD, b"\xff\xfe"))])
    equal(list(answer.as_numpy("OUTPUT0")[0]), [*ODD, b"\xff\xfe"])


@case("strings", "come back as JSON, NUL included", *HTTPS)
def _(wire):
    tensor = tritonclient.http.InferInput("INPUT0", [1, len(ODD)], "BYTES")
    tensor.set_data_from_numpy(strings(*ODD), binary_data=False)
    answer = wire.infer("simple_identity", [tensor], outputs=[wire.wanted("OUTPUT0", binary_data=False)])
    found = [value.encode() if isinstance(value, str) else value for value in answer.as_numpy("OUTPUT0")[0]]
    equal(found, list(ODD))


@case("compression", "gzip and deflate, both ways", *WIRES)
def _(wire):
    large = numpy.arange(8 * 16, dtype=numpy.int32).reshape(8, 16)
    for algorithm in ("gzip", "deflate"):
        options = (
            {"compression_algorithm": algorithm}
            if wire.is_grpc
            else {"request_compression_algorithm": algorithm, "response_compression_algorithm": algorithm}
        )
        answer = wire.infer("simple", pair(wire, large, large), **options)
        equal(answer.as_numpy("OUTPUT0"), large * 2)


@case("compression", "errors are never compressed", *HTTPS)
def _(wire):
    options = {"response_compression_algorithm": "gzip"}
    refused("Request for unknown model", Refusal, wire.infer, "nope" * 100, pair(wire), **options)


@case("compression", "a large answer comes compressed")
def _():
    import json
    import urllib.request

    wide = {"name": "INPUT0", "datatype": "FP32", "shape": [1, 5_000], "data": [0.5] * 5_000}
    body = json.dumps({"inputs": [wide]}).encode()
    request = urllib.request.Request(
        f"http://{HTTP.url}/v2/models/identity_fp32/infer", body, {"Accept-Encoding": "gzip"}
    )
    with urllib.request.urlopen(request) as reply:
        equal([reply.headers["Content-Encoding"], len(reply.read()) < 1_000], ["gzip", True])
