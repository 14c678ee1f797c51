"""An echo server and a client made with QtWebSockets: qt_peer.py server PORT | client URL.

The other end keeps the journal: Qt tells an application neither Pings nor what is in HTTP. It runs
with Debian's Python, which has PyQt5.
"""

import sys

from PyQt5.QtCore import QCoreApplication, QUrl
from PyQt5.QtNetwork import QHostAddress
from PyQt5.QtWebSockets import QWebSocket, QWebSocketProtocol, QWebSocketServer

MESSAGES = ("from Qt", "Grüße, 世界, 🦉", "", b"\x00\x01\xfe\xff", "again and " * 70)
TOLD_TO = QWebSocketProtocol.CloseCode(4001)


def send(socket, message):
    """Send a text or bytes."""
    if isinstance(message, str):
        socket.sendTextMessage(message)
    else:
        socket.sendBinaryMessage(message)


def serve(port):
    """Listen, and echo whatever comes."""
    server = QWebSocketServer("echo", QWebSocketServer.SslMode.NonSecureMode)
    sockets = []

    def welcome():
        socket = server.nextPendingConnection()
        sockets.append(socket)  # who lets go of it closes it

        def answer(message):
            if message == "close, please":
                socket.close(TOLD_TO, "told to")
            else:
                send(socket, message)

        socket.textMessageReceived.connect(answer)
        socket.binaryMessageReceived.connect(lambda message: answer(bytes(message)))

    server.newConnection.connect(welcome)
    if not server.listen(QHostAddress("127.0.0.1"), port):
        raise RuntimeError(server.errorString())
    return server


def converse(url, application):
    """Send each message after the echo of the one before; ping; close."""
    socket = QWebSocket()
    left = list(MESSAGES)

    def go_on(_=None):
        if left:
            send(socket, left.pop(0))
        else:
            socket.ping(b"are you there?")

    socket.connected.connect(go_on)
    socket.textMessageReceived.connect(go_on)
    socket.binaryMessageReceived.connect(go_on)
    socket.pong.connect(
        lambda *_: socket.close(QWebSocketProtocol.CloseCode.CloseCodeNormal, "done")
    )
    socket.disconnected.connect(application.quit)
    socket.open(QUrl(url))
    return socket


application = QCoreApplication([])
role, where = sys.argv[1:3]
kept = serve(int(where)) if role == "server" else converse(where, application)
application.exec()
