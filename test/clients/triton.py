"""Triton's Python clients, all four behind one face."""

import asyncio

import numpy
import tritonclient.grpc
import tritonclient.grpc.aio
import tritonclient.http
import tritonclient.http.aio
from google.protobuf import json_format
from tritonclient.utils import InferenceServerException

from harness import GRPC_URL, HTTP_URL


class Blocking:
    """An asyncio client that is called as the others are."""

    def __init__(self, make):
        self.loop = asyncio.new_event_loop()

        async def made():
            return make()

        self.client = self.loop.run_until_complete(made())

    def __getattr__(self, name):
        method = getattr(self.client, name)
        return lambda *arguments, **named: self.loop.run_until_complete(method(*arguments, **named))


class Wire:
    def __init__(self, name, library, aio, url, plain):
        self.name, self.library, self.aio, self.url, self.plain = name, library, aio, url, plain
        self.is_grpc = "grpc" in name
        self.client = self.connect()

    def __str__(self):
        return self.name

    def connect(self, url=None, **options):
        def make():
            return self.library.InferenceServerClient(url=url or self.url, **options)

        return Blocking(make) if self.aio else make()

    def tensor(self, name, values, datatype=None):
        """Sent raw over gRPC, and as binary data over REST."""
        tensor = self.plain.InferInput(name, list(values.shape), datatype or datatype_of(values))
        tensor.set_data_from_numpy(values)
        return tensor

    def wanted(self, name, **options):
        return self.plain.InferRequestedOutput(name, **options)

    def read(self, method, *arguments, **named):
        """What a method answers, as plain data, whatever the wire; field names as in the proto."""
        answer = getattr(self.client, method)(*arguments, **named)
        return to_plain(answer) if self.is_grpc else answer

    def infer(self, model, tensors, **named):
        return self.client.infer(model, tensors, **named)


def to_plain(message):
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


def datatype_of(values):
    from tritonclient.utils import np_to_triton_dtype

    return np_to_triton_dtype(values.dtype)


HTTP = Wire("http", tritonclient.http, False, HTTP_URL, tritonclient.http)
GRPC = Wire("grpc", tritonclient.grpc, False, GRPC_URL, tritonclient.grpc)
HTTP_AIO = Wire("http.aio", tritonclient.http.aio, True, HTTP_URL, tritonclient.http)
GRPC_AIO = Wire("grpc.aio", tritonclient.grpc.aio, True, GRPC_URL, tritonclient.grpc)
WIRES = (HTTP, GRPC, HTTP_AIO, GRPC_AIO)
HTTPS = (HTTP, HTTP_AIO)
GRPCS = (GRPC, GRPC_AIO)

Refusal = InferenceServerException

ROW = numpy.arange(16, dtype=numpy.int32).reshape(1, 16)
ONES = numpy.ones((1, 16), dtype=numpy.int32)


def pair(wire, first=ROW, second=ONES):
    return [wire.tensor("INPUT0", first), wire.tensor("INPUT1", second)]


def strings(*values):
    return numpy.array([[value if isinstance(value, bytes) else str(value).encode() for value in values]], dtype=object)
