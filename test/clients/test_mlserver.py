"""What MLServer gives its callers: its types and codecs, its stubs, its command line."""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request

import grpc
import numpy
from mlserver.codecs import NumpyCodec, NumpyRequestCodec, StringCodec
from mlserver.grpc import dataplane_pb2 as dataplane
from mlserver.grpc import model_repository_pb2 as repository
from mlserver.grpc.converters import ModelInferRequestConverter, ModelInferResponseConverter
from mlserver.grpc.dataplane_pb2_grpc import GRPCInferenceServiceStub
from mlserver.grpc.model_repository_pb2_grpc import ModelRepositoryServiceStub
from mlserver.types import (
    InferenceRequest,
    InferenceResponse,
    MetadataModelResponse,
    MetadataServerResponse,
    RepositoryIndexResponse,
    RequestInput,
)

from harness import GRPC_URL, HTTP_URL, case, contains, equal, refused

CHANNEL = grpc.insecure_channel(GRPC_URL)
STUB = GRPCInferenceServiceStub(CHANNEL)
ROW = numpy.arange(16, dtype=numpy.int32).reshape(1, 16)


def fetch(path, body=None):
    request = urllib.request.Request(f"http://{HTTP_URL}{path}", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        return reply.read()


def over_rest(model, request):
    body = request.model_dump_json(exclude_none=True, by_alias=True).encode()
    return InferenceResponse.model_validate_json(fetch(f"/v2/models/{model}/infer", body))


def over_grpc(use_raw):
    def infer(model, request):
        message = ModelInferRequestConverter.from_types(request, model_name=model, use_raw=use_raw)
        return ModelInferResponseConverter.to_types(STUB.ModelInfer(message))

    return infer


class Way:
    def __init__(self, name, infer):
        self.name, self.infer = name, infer

    def __str__(self):
        return self.name


WAYS = (Way("rest", over_rest), Way("grpc, typed", over_grpc(False)), Way("grpc, raw", over_grpc(True)))


@case("mlserver", "numbers through its codecs", *WAYS)
def _(way):
    inputs = [NumpyCodec.encode_input(name, ROW) for name in ("INPUT0", "INPUT1")]
    answer = way.infer("simple", InferenceRequest(id="7", inputs=inputs))
    equal([answer.id, answer.model_name, answer.model_version], ["7", "simple", "1"])
    equal({each.name: NumpyCodec.decode_output(each).tolist() for each in answer.outputs},
          {"OUTPUT0": (ROW * 2).tolist(), "OUTPUT1": (ROW * 0).tolist()})


@case("mlserver", "strings through its codecs", *WAYS)
def _(way):
    payload = StringCodec.encode_input("INPUT0", ["a", "grüße", ""])
    answer = way.infer("simple_identity", InferenceRequest(inputs=[payload]))
    equal(StringCodec.decode_output(answer.outputs[0]), ["a", "grüße", ""])


@case("mlserver", "a whole request of one array", *WAYS)
def _(way):
    request = NumpyRequestCodec.encode_request(numpy.array([[1, -2]], numpy.float32))
    request.inputs[0].name = "INPUT0"
    answer = way.infer("identity_fp32", request)
    equal(NumpyCodec.decode_output(answer.outputs[0]).tolist(), [[1, -2]])


@case("mlserver", "metadata fits its types")
def _():
    equal(MetadataServerResponse.model_validate_json(fetch("/v2")).name, "triton")
    model = MetadataModelResponse.model_validate_json(fetch("/v2/models/simple"))
    equal([model.name, [(each.name, each.datatype, each.shape) for each in model.inputs]],
          ["simple", [("INPUT0", "INT32", [-1, 16]), ("INPUT1", "INT32", [-1, 16])]])
    equal(STUB.ModelMetadata(dataplane.ModelMetadataRequest(name="simple")).platform, "onnxruntime_onnx")
    equal(STUB.ServerMetadata(dataplane.ServerMetadataRequest()).name, "triton")


@case("mlserver", "health by its stub")
def _():
    equal(STUB.ServerLive(dataplane.ServerLiveRequest()).live, True)
    equal(STUB.ServerReady(dataplane.ServerReadyRequest()).ready, True)
    equal(STUB.ModelReady(dataplane.ModelReadyRequest(name="simple")).ready, True)


@case("mlserver", "the repository by REST")
def _():
    index = RepositoryIndexResponse.model_validate_json(fetch("/v2/repository/index", b"{}"))
    contains([(each.name, str(getattr(each.state, "value", each.state))) for each in index.root], ("simple", "READY"))
    fetch("/v2/repository/models/simple_string/unload", b"")
    fetch("/v2/repository/models/simple_string/load", b"")


def by_dataplane():
    kinds = dataplane.RepositoryIndexRequest, dataplane.RepositoryModelLoadRequest, dataplane.RepositoryModelUnloadRequest
    return STUB, *kinds


def by_old_service():
    kinds = repository.RepositoryIndexRequest, repository.RepositoryModelLoadRequest, repository.RepositoryModelUnloadRequest
    return ModelRepositoryServiceStub(CHANNEL), *kinds


class Service:
    def __init__(self, name, parts):
        self.name, self.parts = name, parts

    def __str__(self):
        return self.name


@case("mlserver", "the repository by its stubs", Service("dataplane", by_dataplane), Service("service of its own", by_old_service))
def _(service):
    stub, Index, Load, Unload = service.parts()
    index = stub.RepositoryIndex(Index(ready=True))
    contains([(each.name, each.state) for each in index.models], ("simple", "READY"))
    stub.RepositoryModelUnload(Unload(model_name="simple_string"))
    equal(STUB.ModelReady(dataplane.ModelReadyRequest(name="simple_string")).ready, False)
    stub.RepositoryModelLoad(Load(model_name="simple_string"))
    equal(STUB.ModelReady(dataplane.ModelReadyRequest(name="simple_string")).ready, True)


def stream(way, *requests):
    """The answers to the requests of one stream, until it ends or fails."""
    messages = (ModelInferRequestConverter.from_types(request, model_name="identity_fp32") for request in requests)
    for message in way.infer(messages):
        yield ModelInferResponseConverter.to_types(message)


def one(value, datatype="FP32"):
    return InferenceRequest(inputs=[RequestInput(name="INPUT0", datatype=datatype, shape=[1, 1], data=[value])])


with open(os.environ["TLS_CA"], "rb") as authority:
    CONFIGURED = grpc.secure_channel(
        os.environ["TLS_GRPC_URL"].replace("127.0.0.1", "localhost"), grpc.ssl_channel_credentials(authority.read())
    )
STREAMS = (
    Way("asked for by metadata", lambda messages: STUB.ModelStreamInfer(messages, metadata=(("x-oip-stream-dialect", "mlserver"),))),
    Way("as the server is configured", GRPCInferenceServiceStub(CONFIGURED).ModelStreamInfer),
)


@case("mlserver", "a stream by its stub", *STREAMS)
def _(way):
    answers = list(stream(way, *map(one, (0.5, -1.25, 3.0))))
    equal([NumpyCodec.decode_output(answer.outputs[0]).tolist() for answer in answers], [[[0.5]], [[-1.25]], [[3.0]]])
    equal([answer.model_name for answer in answers], ["identity_fp32"] * 3)


@case("mlserver", "a stream ends with the status of the first error", *STREAMS)
def _(way):
    answers = stream(way, one(0.5), one(7, "INT32"), one(1.5))
    equal(NumpyCodec.decode_output(next(answers).outputs[0]).tolist(), [[0.5]])
    equal(refused("INT32", grpc.RpcError, next, answers).code(), grpc.StatusCode.INVALID_ARGUMENT)


def command_line():
    """`mlserver infer`: one request to a line of a file, one answer to a line of another."""
    with tempfile.TemporaryDirectory() as folder:
        requests, answers = os.path.join(folder, "requests"), os.path.join(folder, "answers")
        with open(requests, "w") as file:
            for n in range(5):
                tensor = {"name": "INPUT0", "datatype": "FP32", "shape": [1, 2], "data": [n, 0.5]}
                file.write(json.dumps({"inputs": [tensor], "id": str(n)}) + "\n")
        command = [os.path.join(os.path.dirname(sys.executable), "mlserver"), "infer"]
        command += ["-u", HTTP_URL, "-m", "identity_fp32", "-i", requests, "-o", answers, "--workers", "2"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=25)
        if done.returncode != 0:
            raise AssertionError(done.stderr[-300:] or done.stdout[-300:])
        with open(answers) as file:
            return sorted(json.loads(line)["outputs"][0]["data"] for line in file)


@case("mlserver", "its batch command")
def _():
    equal(command_line(), [[n, 0.5] for n in range(5)])
