"""TLS on both wires, with the authority of the tests."""

import os
import ssl

from harness import case, equal, refused
from triton import GRPC, GRPC_AIO, HTTP, HTTP_AIO, ONES, ROW, WIRES, pair

AUTHORITY = os.environ["TLS_CA"]


def options_of(wire):
    if wire.is_grpc:
        return {"ssl": True, "root_certificates": AUTHORITY}
    if wire.aio:
        return {"ssl": True, "ssl_context": ssl.create_default_context(cafile=AUTHORITY)}
    return {"ssl": True, "ssl_context_factory": lambda: ssl.create_default_context(cafile=AUTHORITY)}


def url_of(wire):
    return os.environ["TLS_GRPC_URL" if wire.is_grpc else "TLS_HTTP_URL"].replace("127.0.0.1", "localhost")


def unverified():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@case("tls", "the server is trusted by its authority, and serves", *WIRES)
def _(wire):
    client = wire.connect(url_of(wire), **options_of(wire))
    equal(client.is_server_live(), True)
    equal(client.infer("simple", pair(wire)).as_numpy("OUTPUT0"), ROW + ONES)
    client.close()


@case("tls", "a client that does not know the authority does not talk", GRPC, GRPC_AIO)
def _(wire):
    client = wire.connect(url_of(wire), ssl=True)
    refused("UNAVAILABLE", Exception, client.is_server_live)
    client.close()


@case("tls", "a client that does not know the authority does not talk", HTTP, HTTP_AIO)
def _(wire):
    client = wire.connect(url_of(wire), ssl=True)
    refused("certificate verify failed", Exception, client.is_server_live)
    client.close()


@case("tls", "a client that trusts anyone gets through", HTTP)
def _(wire):
    client = wire.connect(url_of(wire), ssl=True, insecure=True, ssl_context_factory=unverified)
    equal(client.is_server_live(), True)
    client.close()
