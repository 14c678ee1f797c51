"""Conversations of protocols that have no command line, for `record_strangers.py`.

    python losses/speakers.py grpc|zeromq|bittorrent|amqp|objects

They need the packages grpcio, pyzmq, libtorrent, pika, msgpack and cbor2; material is in $MATERIAL.
"""

from __future__ import annotations

import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from itertools import islice
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"


def material(name: str) -> bytes:
    """Return a file of the material."""
    return (Path(os.environ["MATERIAL"]) / name).read_bytes()


def pieces(source: random.Random, data: bytes, count: int, most: int) -> Iterator[bytes]:
    """Yield parts of some data, of many sizes."""
    for _ in range(count):
        at = source.randrange(len(data) - most)
        yield data[at : at + int(most ** source.random())]


def records(source: random.Random, count: int) -> Iterator[dict[str, Any]]:
    """Yield small records as applications have them."""
    words = material("log").decode("latin-1").split()
    for number in range(count):
        yield {
            "id": number,
            "ok": source.random() < 0.5,
            "time": source.random() * 1e9,
            "name": source.choice(words),
            "tags": source.choices(words, k=source.randrange(4)),
            "point": [source.randrange(-200, 200) for _ in range(3)],
            "blob": source.randbytes(source.choice([0, 4, 20, 200])),
        }


def grpc(source: random.Random) -> None:
    """Calls and streams, of small and large messages."""
    import grpc as library

    def echo(request: bytes, _context: Any) -> bytes:
        return request

    def stream(requests: Iterator[bytes], _context: Any) -> Iterator[bytes]:
        for request in requests:
            yield request[::-1]

    handlers = library.method_handlers_generic_handler(
        "a",
        {
            "echo": library.unary_unary_rpc_method_handler(echo),
            "stream": library.stream_stream_rpc_method_handler(stream),
        },
    )
    server = library.server(futures.ThreadPoolExecutor(4), handlers=(handlers,))
    port = server.add_insecure_port(f"{HOST}:0")
    server.start()
    with library.insecure_channel(f"{HOST}:{port}") as channel:
        for name, most in (("random", 60_000), ("log", 3_000)):
            for data in pieces(source, material(name), 400, most):
                channel.unary_unary("/a/echo")(data)
            for _ in channel.stream_stream("/a/stream")(pieces(source, material(name), 1500, most)):
                pass
    server.stop(None)


def zeromq(source: random.Random) -> None:
    """Frames of ZMTP, which are flags and a length, in one direction and in both."""
    import zmq

    context = zmq.Context()
    push, pull = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    ask, answer = context.socket(zmq.REQ), context.socket(zmq.REP)
    publish, subscribe = context.socket(zmq.PUB), context.socket(zmq.SUB)
    for sender, receiver in ((push, pull), (ask, answer), (publish, subscribe)):
        receiver.connect(f"tcp://{HOST}:{sender.bind_to_random_port(f'tcp://{HOST}')}")
    for number in range(2000):
        subscribe.subscribe(b"topic %d" % number)
    time.sleep(0.5)
    for name, most in (("random", 3_000), ("log", 400), ("binary", 200)):
        for data in pieces(source, material(name), 3000, most):
            push.send(data)
            pull.recv()
            publish.send_multipart([b"topic %d" % source.randrange(2000), data])
            subscribe.recv_multipart()
        for data in pieces(source, material(name), 2000, most):
            ask.send_multipart([data, data[:9]])
            answer.send_multipart(answer.recv_multipart())
            ask.recv_multipart()
    context.destroy(linger=0)


def bittorrent(_source: random.Random) -> None:
    """One peer has a file, another one fetches it."""
    import libtorrent

    here = Path.cwd()
    (here / "seed").mkdir()
    (here / "fetch").mkdir()
    (here / "seed" / "file").write_bytes(material("random") + material("binary"))
    storage = libtorrent.file_storage()
    libtorrent.add_files(storage, str(here / "seed" / "file"))
    made = libtorrent.create_torrent(storage, 16384)
    libtorrent.set_piece_hashes(made, str(here / "seed"))
    info = libtorrent.torrent_info(made.generate())
    settings = {
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_outgoing_utp": False,
        "enable_incoming_utp": False,
        "allow_multiple_connections_per_ip": True,
        "out_enc_policy": 2,
        "in_enc_policy": 2,
        "allowed_enc_level": 1,
    }
    seeding = libtorrent.session(settings | {"listen_interfaces": f"{HOST}:6881"})
    fetching = libtorrent.session(settings | {"listen_interfaces": f"{HOST}:6882"})
    seeding.add_torrent({"ti": info, "save_path": str(here / "seed")})
    handle = fetching.add_torrent({"ti": info, "save_path": str(here / "fetch")})
    time.sleep(1)
    handle.connect_peer((HOST, 6881))
    for _ in range(150):
        if handle.status().is_seeding:
            break
        time.sleep(0.1)


def amqp(source: random.Random) -> None:
    """Publish, and consume with acknowledgments."""
    import pika

    connection = pika.BlockingConnection(pika.ConnectionParameters(HOST))
    channel = connection.channel()
    channel.queue_declare("q")
    for name, most in (("random", 20_000), ("log", 500)):
        for data in pieces(source, material(name), 1500, most):
            channel.basic_publish("", "q", data)
    for method, _, _ in channel.consume("q", inactivity_timeout=1):
        if method is None:
            break
        channel.basic_ack(method.delivery_tag)
    connection.close()


def objects(source: random.Random) -> None:
    """Records as MessagePack, CBOR, pickles and JSON, a segment each or many in one."""
    import json
    import pickle

    import cbor2
    import msgpack

    def as_json(record: dict[str, Any]) -> bytes:
        return json.dumps(record, default=repr).encode() + b"\n"

    encoders: list[Callable[[Any], bytes]] = [msgpack.packb, cbor2.dumps, pickle.dumps, as_json]
    for encode in encoders:
        for together in (1, 20):
            with socket.create_server((HOST, 0)) as server:
                client = socket.create_connection(server.getsockname())
                peer, _ = server.accept()
                for each in (client, peer):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                echoing = threading.Thread(target=echo_back, args=(peer,))
                echoing.start()
                made = records(source, 3000)
                while some := list(islice(made, together)):
                    client.sendall(b"".join(encode(each) for each in some))
                    client.recv(65536)
                client.close()
                echoing.join()


def echo_back(peer: socket.socket) -> None:
    """Send back what comes."""
    with peer:
        while data := peer.recv(65536):
            peer.sendall(data)


SPEAKERS = {each.__name__: each for each in (grpc, zeromq, bittorrent, amqp, objects)}

if __name__ == "__main__":
    SPEAKERS[sys.argv[1]](random.Random(sys.argv[1]))  # noqa: S311
