"""Model configurations, classification, statistics, trace and log settings, shared memory."""

import uuid
from contextlib import contextmanager

import numpy
import tritonclient.utils.shared_memory as shared_memory
from tritonclient.utils import serialize_byte_tensor, serialized_byte_size

from harness import case, contains, equal, refused
from models import brought, identity_config
from triton import HTTPS, ONES, ROW, WIRES, Refusal, pair, strings


def config_of(wire, model, **named):
    answer = wire.read("get_model_config", model, **named)
    return answer["config"] if wire.is_grpc else answer


@case("model configuration", "is that of the file, completed", *WIRES)
def _(wire):
    config = config_of(wire, "simple", model_version="1")
    equal([config["name"], config["platform"], config["max_batch_size"]], ["simple", "onnxruntime_onnx", 8])
    inputs = [(each["name"], each["data_type"], [int(size) for size in each["dims"]]) for each in config["input"]]
    equal(inputs, [("INPUT0", "TYPE_INT32", [16]), ("INPUT1", "TYPE_INT32", [16])])
    equal(config["input"][0]["format"], "FORMAT_NONE")


@case("model configuration", "says what is decoupled, and how sequences are served", *WIRES)
def _(wire):
    equal(config_of(wire, "repeat_int32")["model_transaction_policy"]["decoupled"], True)
    sequence = config_of(wire, "simple_dyna_sequence")["sequence_batching"]
    equal([each["name"] for each in sequence["control_input"]], ["START", "END", "READY", "CORRID"])
    equal(int(sequence["oldest"]["max_candidate_sequences"]), 1024)


@case("model configuration", "is that of the load", *WIRES)
def _(wire):
    wire.client.load_model("simple", config='{"max_batch_size": "16"}')
    equal(config_of(wire, "simple")["max_batch_size"], 16)
    wire.client.load_model("simple")
    equal(config_of(wire, "simple")["max_batch_size"], 8)


@case("model configuration", "of an unknown model is refused", *WIRES)
def _(wire):
    refused("Request for unknown model: 'nope' is not found", Refusal, wire.client.get_model_config, "nope")


def texts(values):
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values.flatten()]


@case("classification", "the largest values come first, with their places", *WIRES)
def _(wire):
    scores = numpy.array([[0.5, 3.25, -1, 2]], numpy.float32)
    outputs = [wire.wanted("OUTPUT0", class_count=3)]
    found = wire.infer("identity_fp32", [wire.tensor("INPUT0", scores)], outputs=outputs).as_numpy("OUTPUT0")
    equal([found.shape, texts(found)], [(1, 3), ["3.250000:1", "2.000000:3", "0.500000:0"]])


@case("classification", "of integers, row by row, and of no more than there are", *WIRES)
def _(wire):
    rows = numpy.array([[*range(16)], [*range(16, 0, -1)]], numpy.int32)
    outputs = [wire.wanted("OUTPUT0", class_count=2)]
    inputs = pair(wire, rows, rows * 0)
    found = wire.infer("simple", inputs, outputs=outputs).as_numpy("OUTPUT0")
    equal([found.shape, texts(found)], [(2, 2), ["15:15", "14:14", "16:0", "15:1"]])
    many = wire.infer("simple", inputs, outputs=[wire.wanted("OUTPUT0", class_count=99)])
    equal(many.as_numpy("OUTPUT0").shape, (2, 16))


@case("classification", "of strings is refused", *WIRES)
def _(wire):
    outputs = [wire.wanted("OUTPUT0", class_count=1)]
    inputs = [wire.tensor("INPUT0", strings("a"))]
    refused("unsupported type 'BYTES'", Refusal, wire.infer, "simple_identity", inputs, outputs=outputs)


def statistics_of(wire, *model):
    return wire.read("get_inference_statistics", *model)["model_stats"]


@case("statistics", "count requests and rows", *WIRES)
def _(wire):
    name = f"counted_{uuid.uuid4().hex}"
    with brought(name, identity_config(name, max_batch_size=8)):
        for rows in (1, 3):
            wire.infer(name, [wire.tensor("INPUT0", numpy.ones((rows, 2), numpy.int32))])
        refused("batch-size", Refusal, wire.infer, name, [wire.tensor("INPUT0", numpy.ones((9, 2), numpy.int32))])
        (model,) = statistics_of(wire, name)
        equal([model["name"], model["version"], int(model["inference_count"])], [name, "1", 4])
        equal(int(model["execution_count"]), 2)
        equal(int(model["inference_stats"]["success"]["count"]), 2)
        equal(int(model["inference_stats"]["queue"]["count"]), 2)
        equal(int(model["inference_stats"]["compute_infer"]["count"]), 2)
        equal(int(model["last_inference"]) > 1_600_000_000_000, True)
        equal(sorted(int(each["batch_size"]) for each in model["batch_stats"]), [1, 3])


@case("statistics", "of one model, of a version, of all", *WIRES)
def _(wire):
    equal(len(statistics_of(wire, "simple")), 1)
    equal(len(statistics_of(wire, "simple", "1")), 1)
    contains([model["name"] for model in statistics_of(wire)], "repeat_int32")
    refused("requested model 'nope' is not available", Refusal, wire.client.get_inference_statistics, "nope")


def settings_of(wire, answer):
    """Trace settings as lists of texts, whatever the wire."""
    if not wire.is_grpc:
        return {key: [str(each) for each in (value if isinstance(value, list) else [value])] for key, value in answer.items()}
    return {key: list(value.value) for key, value in answer.settings.items()}


@case("trace", "settings are read, changed for all and for a model, and taken back", *WIRES)
def _(wire):
    client = wire.client
    before = settings_of(wire, client.get_trace_settings())
    equal(sorted(before), ["log_frequency", "trace_count", "trace_file", "trace_level", "trace_mode", "trace_rate"])
    changed = settings_of(wire, client.update_trace_settings(settings={"trace_rate": "7", "trace_level": ["TIMESTAMPS"]}))
    equal([changed["trace_rate"], changed["trace_level"]], [["7"], ["TIMESTAMPS"]])
    model = settings_of(wire, client.update_trace_settings("simple", {"trace_rate": "9"}))
    equal([model["trace_rate"], model["trace_level"]], [["9"], ["TIMESTAMPS"]])
    equal(settings_of(wire, client.get_trace_settings("simple"))["trace_rate"], ["9"])
    client.update_trace_settings("simple", {"trace_rate": None})
    equal(settings_of(wire, client.get_trace_settings("simple"))["trace_rate"], ["7"])
    after = settings_of(wire, client.update_trace_settings(settings={"trace_rate": None, "trace_level": None}))
    equal(after, before)


@case("trace", "settings that cannot be are refused", *WIRES)
def _(wire):
    refused("nope", Refusal, wire.client.update_trace_settings, settings={"nope": "1"})
    refused("trace_rate", Refusal, wire.client.update_trace_settings, settings={"trace_rate": "often"})
    refused("trace file location", Refusal, wire.client.update_trace_settings, settings={"trace_file": "/tmp/x"})
    refused("nope", Refusal, wire.client.update_trace_settings, "nope", {"trace_rate": "1"})


def log_settings_of(wire, answer):
    if not wire.is_grpc:
        return answer
    return {key: getattr(value, value.WhichOneof("parameter_choice")) for key, value in answer.settings.items()}


@case("log", "settings are read, changed, and taken back", *WIRES)
def _(wire):
    client = wire.client
    before = log_settings_of(wire, client.get_log_settings())
    names = ["log_error", "log_file", "log_format", "log_info", "log_verbose_level", "log_warning"]
    equal(sorted(before), names)
    wanted = {"log_info": False, "log_verbose_level": 1, "log_format": "ISO8601"}
    changed = log_settings_of(wire, client.update_log_settings(wanted))
    equal({key: changed[key] for key in wanted}, wanted)
    back = {key: before[key] for key in wanted}
    equal(log_settings_of(wire, client.update_log_settings(back)), before)


@case("log", "settings that cannot be are refused", *WIRES)
def _(wire):
    refused("nope", Refusal, wire.client.update_log_settings, {"nope": True})
    refused("rhyme", Refusal, wire.client.update_log_settings, {"log_format": "rhyme"})
    refused("log file location", Refusal, wire.client.update_log_settings, {"log_file": "/tmp/x"})


@contextmanager
def region(wire, name, byte_size):
    """Shared memory that the server knows, while the block runs."""
    handle = shared_memory.create_shared_memory_region(name, f"/{name}", byte_size)
    try:
        wire.client.register_system_shared_memory(name, f"/{name}", byte_size)
        yield handle
        wire.client.unregister_system_shared_memory(name)
    finally:
        shared_memory.destroy_shared_memory_region(handle)


def unique(name):
    return f"{name}_{uuid.uuid4().hex[:12]}"


def placed(wire, name, datatype, shape, where, byte_size, offset=0):
    tensor = wire.plain.InferInput(name, list(shape), datatype)
    tensor.set_shared_memory(where, byte_size, offset)
    return tensor


def regions_of(wire):
    status = wire.read("get_system_shared_memory_status")
    return status["regions"] if wire.is_grpc else {each["name"]: each for each in status}


@case("shared memory", "inputs and outputs stand in regions, two in one", *WIRES)
def _(wire):
    size = ROW.nbytes
    given, taken = unique("given"), unique("taken")
    with region(wire, given, 2 * size) as inputs, region(wire, taken, 2 * size) as outputs:
        equal(int(regions_of(wire)[given]["byte_size"]), 2 * size)
        shared_memory.set_shared_memory_region(inputs, [ROW, ONES])
        tensors = [placed(wire, f"INPUT{n}", "INT32", (1, 16), given, size, n * size) for n in range(2)]
        wanted = [wire.wanted(f"OUTPUT{n}") for n in range(2)]
        for n, output in enumerate(wanted):
            output.set_shared_memory(taken, size, n * size)
        wire.infer("simple", tensors, outputs=wanted)
        found = [shared_memory.get_contents_as_numpy(outputs, numpy.int32, [1, 16], n * size) for n in range(2)]
        equal(found[0], ROW + ONES)
        equal(found[1], ROW - ONES)
        # The same objects, now without shared memory.
        for tensor, values in zip(tensors, (ROW, ONES)):
            tensor.set_data_from_numpy(values)
        wanted[0].unset_shared_memory()
        equal(wire.infer("simple", tensors, outputs=wanted[:1]).as_numpy("OUTPUT0"), ROW + ONES)


@case("shared memory", "strings stand in regions", *WIRES)
def _(wire):
    values = strings(*range(16))
    size = serialized_byte_size(serialize_byte_tensor(values))
    name = unique("strings")
    with region(wire, name, size) as handle:
        shared_memory.set_shared_memory_region(handle, [serialize_byte_tensor(values)])
        tensors = [
            placed(wire, "INPUT0", "BYTES", (1, 16), name, size),
            wire.tensor("INPUT1", strings(*[1] * 16)),
        ]
        answer = wire.infer("simple_string", tensors)
        equal([int(value) for value in answer.as_numpy("OUTPUT0")[0]], [n + 1 for n in range(16)])


@case("shared memory", "what is not there is refused", *WIRES)
def _(wire):
    register = wire.client.register_system_shared_memory
    refused("Unable to open shared memory region", Refusal, register, unique("no"), f"/{unique('nowhere')}", 64)
    tensors = [placed(wire, f"INPUT{n}", "INT32", (1, 16), "never_registered", 64) for n in range(2)]
    refused("never_registered", Refusal, wire.infer, "simple", tensors)
    refused("never_registered", Refusal, wire.client.get_system_shared_memory_status, "never_registered")


@case("shared memory", "all regions are given up at once, those of CUDA too", *WIRES)
def _(wire):
    name = unique("gone")
    with region(wire, name, 64):
        wire.client.unregister_system_shared_memory()
        wire.client.unregister_cuda_shared_memory()
        equal(name in regions_of(wire), False)


@case("generate", "a model answers flat JSON with flat JSON")
def _():
    import json
    import urllib.request

    url = f"http://{HTTPS[0].url}/v2/models/custom_identity_int32/generate"
    request = urllib.request.Request(url, json.dumps({"INPUT0": 7}).encode())
    with urllib.request.urlopen(request) as reply:
        answer = json.loads(reply.read())
    equal([answer["model_name"], answer["OUTPUT0"]], ["custom_identity_int32", 7])
