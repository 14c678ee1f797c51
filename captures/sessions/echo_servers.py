"""An echo server, or a feed, made with a Python framework: `python echo_servers.py FRAMEWORK PORT`.

It keeps no journal: what it says is noted by the client that it is recorded with.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Echo, as an application of ASGI."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    while (event := await receive())["type"] == "websocket.receive":
        text, data = event.get("text"), event.get("bytes")
        part = {"bytes": data} if text is None else {"text": text}
        await send({"type": "websocket.send"} | part)


def serve_hypercorn(port: int) -> None:
    """Serve with Hypercorn, which uses wsproto."""
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    config = Config()
    config.bind, config.loglevel = [f"127.0.0.1:{port}"], "ERROR"
    asyncio.run(serve(application, config))


def serve_uvicorn(port: int, library: Any) -> None:
    """Serve with Uvicorn and one of the libraries that it can use."""
    import uvicorn

    uvicorn.run(application, port=port, ws=library, lifespan="off", log_level="error")


def serve_tornado(port: int) -> None:
    """Serve with Tornado, which compresses where it is told to."""
    from tornado.web import Application
    from tornado.websocket import WebSocketHandler

    class Echo(WebSocketHandler):
        def get_compression_options(self) -> dict[str, Any]:
            return {}

        def on_message(self, message: str | bytes) -> None:
            self.write_message(message, binary=isinstance(message, bytes))

    async def main() -> None:
        Application([("/.*", Echo)]).listen(port, "127.0.0.1")
        await asyncio.Event().wait()

    asyncio.run(main())


def serve_gevent(port: int) -> None:
    """Serve with gevent-websocket, an application of WSGI."""
    from gevent.pywsgi import WSGIServer
    from geventwebsocket.handler import WebSocketHandler

    def echo(environment: dict[str, Any], _: Any) -> list[bytes]:
        socket = environment["wsgi.websocket"]
        while (message := socket.receive()) is not None:
            socket.send(message)
        return []

    server = WSGIServer(("127.0.0.1", port), echo, handler_class=WebSocketHandler, log=None)
    server.serve_forever()


def serve_feed(port: int) -> None:
    """Serve with gevent-websocket: news for two seconds, whether or not somebody listens."""
    from gevent import sleep
    from gevent.pywsgi import WSGIServer
    from geventwebsocket.handler import WebSocketHandler

    def feed(environment: dict[str, Any], _: Any) -> list[bytes]:
        socket = environment["wsgi.websocket"]
        socket.receive()
        for number in range(8):
            socket.send(f"news {number}")
            sleep(0.3)
        return []

    server = WSGIServer(("127.0.0.1", port), feed, handler_class=WebSocketHandler, log=None)
    server.serve_forever()


FRAMEWORKS = {
    "hypercorn": serve_hypercorn,
    "uvicorn-websockets": lambda port: serve_uvicorn(port, "websockets"),
    "uvicorn-wsproto": lambda port: serve_uvicorn(port, "wsproto"),
    "tornado": serve_tornado,
    "gevent": serve_gevent,
    "feed": serve_feed,
}

if __name__ == "__main__":
    FRAMEWORKS[sys.argv[1]](int(sys.argv[2]))
