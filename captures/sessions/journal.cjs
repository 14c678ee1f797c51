// What a Node application notes about its connections: the same lines as recording/journal.py.
'use strict';

const { createHash } = require('node:crypto');
const { appendFileSync } = require('node:fs');

const exchanges = new Map();

/** The comma-separated elements of a header value, as sent. */
function elements(value) {
  return (value ?? '').split(',').map((element) => element.trim()).filter(Boolean);
}

/** Writes the events of one upgrade request and of the WebSocket connection that it opens. */
class Pen {
  /** `socket` is the TCP socket as this side has it; the side comes from the environment. */
  constructor(socket) {
    this.side = process.env.SIDE;
    this.other = this.side === 'client' ? 'server' : 'client';
    const local = [socket.localAddress, socket.localPort];
    const remote = [socket.remoteAddress, socket.remotePort];
    const [client, server] = this.side === 'client' ? [local, remote] : [remote, local];
    const peers = { client_ip: client[0], client_port: client[1], server_ip: server[0], server_port: server[1] };
    const name = JSON.stringify(peers);
    const exchange = exchanges.get(name) ?? 0;
    exchanges.set(name, exchange + 1);
    this.address = { ...peers, exchange };
  }

  note(event, facts = {}) {
    const time = Number(process.hrtime.bigint());
    const line = { time, side: this.side, sees_control: true, ...this.address, event, ...facts };
    appendFileSync(process.env.JOURNAL, JSON.stringify(line) + '\n');
  }

  /** The upgrade request; `header` is a function from a lower-case name to its value. */
  request(target, header) {
    this.note('request', {
      target,
      version: String(header('sec-websocket-version')),
      subprotocols_offered: elements(header('sec-websocket-protocol')),
      extensions_offered: elements(header('sec-websocket-extensions')),
    });
  }

  response(status, header) {
    this.note('response', {
      status,
      subprotocol: header('sec-websocket-protocol') ?? null,
      extensions: elements(header('sec-websocket-extensions')),
    });
  }

  message(sender, data, isBinary, frames = null, compressed = null) {
    const sha256 = createHash('sha256').update(data).digest('hex');
    const type = isBinary ? 'binary' : 'text';
    this.note('message', { sender, type, length: data.length, sha256, frames, compressed });
  }

  /** A ping or pong. */
  control(sender, type, data) {
    this.note('control', { sender, type, length: data.length, code: null, reason: null });
  }

  /** A Close; code 1005 stands for a Close without a body, as in the API of `ws`. */
  close(sender, code, reason) {
    const bare = code === 1005;
    const length = bare ? 0 : 2 + Buffer.byteLength(reason);
    this.note('control', {
      sender, type: 'close', length, code: bare ? null : code, reason: bare ? null : reason,
    });
  }
}

module.exports = { Pen };
