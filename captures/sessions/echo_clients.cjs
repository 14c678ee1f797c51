// A client made with a Node library: node echo_clients.cjs LIBRARY URL
// It sends messages, each after the echo of the one before, and closes; the server keeps the journal.
'use strict';

const MESSAGES = ['from Node', 'Grüße, 世界, 🦉', '', Buffer.from([0, 1, 254, 255]), Buffer.alloc(0),
  'again and '.repeat(500)];

/** Calls `send` with the next message at each call, then `close`. */
function conversation(send, close) {
  const left = [...MESSAGES];
  return () => (left.length ? send(left.shift()) : close());
}

/** The API of browsers, which the libraries but one have. */
function talk(socket, close) {
  const next = conversation((data) => socket.send(data), close);
  socket.onopen = next;
  socket.onmessage = next;
}

const LIBRARIES = {
  ws(url) {
    const { WebSocket } = require('ws');
    const socket = new WebSocket(url);
    talk(socket, () => socket.close(1000, 'done'));
  },
  undici(url) {
    const { WebSocket } = require('undici');
    const socket = new WebSocket(url);
    talk(socket, () => socket.close(3000, 'that was all'));
  },
  faye(url) {
    const { Client } = require('faye-websocket');
    const socket = new Client(url);
    talk(socket, () => socket.close(1000, 'done'));
  },
  websocket(url) {
    const { client: Client } = require('websocket');
    const client = new Client();
    client.on('connect', (peer) => {
      const next = conversation(
        (data) => (typeof data === 'string' ? peer.sendUTF(data) : peer.sendBytes(data)),
        () => peer.close(),
      );
      peer.on('message', next);
      next();
    });
    client.connect(url);
  },
};

const [library, url] = process.argv.slice(2);
LIBRARIES[library](url);
