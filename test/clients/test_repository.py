"""The index, loads and unloads, and loads that bring a configuration or files along."""

import json
import os

import numpy

from harness import case, contains, equal, refused
from models import brought, identity_config
from triton import GRPC, GRPCS, HTTP, ONES, ROW, WIRES, Refusal, pair

FIXTURES = os.path.join(os.path.dirname(__file__), "../fixtures/models")


def index(wire, client=None):
    answer = wire.read("get_model_repository_index") if client is None else client.get_model_repository_index()
    return answer["models"] if wire.is_grpc else answer


@case("repository", "the index lists every model, with version and state", *WIRES)
def _(wire):
    simple = [entry for entry in index(wire) if entry["name"] == "simple"]
    equal([(entry["version"], entry["state"]) for entry in simple], [("1", "READY")])
    contains([entry["name"] for entry in index(wire)], "repeat_int32")


@case("repository", "a model goes, and comes back", *WIRES)
def _(wire):
    client = wire.client
    client.unload_model("simple_int8")
    equal(client.is_model_ready("simple_int8"), False)
    entry = next(entry for entry in index(wire) if entry["name"] == "simple_int8")
    equal([entry["state"], entry["reason"]], ["UNAVAILABLE", "unloaded"])
    tensors = pair(wire, numpy.zeros((1, 16), numpy.int8), numpy.ones((1, 16), numpy.int8))
    refused("Request for unknown model", Refusal, wire.infer, "simple_int8", tensors)
    client.load_model("simple_int8")
    equal(client.is_model_ready("simple_int8"), True)
    equal(wire.infer("simple_int8", tensors).as_numpy("OUTPUT1"), -numpy.ones((1, 16), numpy.int8))


@case("repository", "a model is loaded anew while it serves", *WIRES)
def _(wire):
    wire.client.load_model("simple")
    equal(wire.infer("simple", pair(wire)).as_numpy("OUTPUT0"), ROW + ONES)


@case("repository", "loads that cannot be are refused, and the model serves on", *WIRES)
def _(wire):
    load = wire.client.load_model
    refused("failed to load", Refusal, load, "unknown_model")
    refused("failed to load", Refusal, load, "simple", config="{ this is no JSON")
    refused("failed to load", Refusal, load, "simple", config=json.dumps({"max_batch_sizes": 4}))
    equal(wire.infer("simple", pair(wire)).as_numpy("OUTPUT0"), ROW + ONES)


@case("repository", "a file's name that is too long is refused", *WIRES)
def _(wire):
    files = {"file:" + "a" * 256: b"x"}
    text = "failed to poll from model repository"
    refused(text, Refusal, wire.client.load_model, "simple", config="{}", files=files)
    equal(wire.client.is_server_live(), True)


@case("repository", "a configuration stands in for the one on disk until the next load", *WIRES)
def _(wire):
    client = wire.client
    client.load_model("simple", config=json.dumps({"max_batch_size": "16"}))
    sixteen = numpy.ones((16, 16), numpy.int32)
    equal(wire.infer("simple", pair(wire, sixteen, sixteen)).as_numpy("OUTPUT0"), sixteen * 2)
    client.load_model("simple")
    refused("batch-size must be <= 8", Refusal, wire.infer, "simple", pair(wire, sixteen, sixteen))


@case("repository", "files make a model that the repository has not", *WIRES)
def _(wire):
    with open(os.path.join(FIXTURES, "plus_two.onnx"), "rb") as file:
        model = file.read()
    config = json.dumps({"backend": "onnxruntime"})
    wire.client.load_model("brought_onnx", config=config, files={"file:1/model.onnx": model})
    values = numpy.array([1.5, -2], numpy.float32)
    equal(wire.infer("brought_onnx", [wire.tensor("INPUT0", values)]).as_numpy("OUTPUT0"), values + 2)
    wire.client.unload_model("brought_onnx")
    equal(wire.client.is_model_ready("brought_onnx"), False)
    refused("failed to load", Refusal, wire.client.load_model, "brought_onnx")


@case("repository", "files without a configuration are refused", *WIRES)
def _(wire):
    refused("config", Refusal, wire.client.load_model, "odd", files={"file:1/model.onnx": b"x"})


@case("repository", "an unload takes dependents along where it is told to", *WIRES)
def _(wire):
    with brought("alone", identity_config("alone")):
        wire.client.unload_model("alone", unload_dependents=True)
        equal(wire.client.is_model_ready("alone"), False)


@case("repository", "an unload of an unknown model is accepted", HTTP, *GRPCS)
def _(wire):
    wire.client.unload_model("unknown_model")


@case("repository", "the index counts what the server was started with")
def _():
    names = os.environ["COUNTED_MODELS"].split(",")
    for wire, url in ((HTTP, os.environ["COUNTED_HTTP_URL"]), (GRPC, os.environ["COUNTED_GRPC_URL"])):
        client = wire.connect(url)
        found = client.get_model_repository_index()
        entries = [entry.name for entry in found.models] if wire.is_grpc else [entry["name"] for entry in found]
        equal(sorted(entries), sorted(names))
        client.close()
