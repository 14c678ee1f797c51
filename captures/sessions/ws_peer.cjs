// A client or an echo server made with the Node library `ws`, driven by a list of actions.
//
//   node ws_peer.cjs server HOST PORT OPTIONS ACTIONS
//   node ws_peer.cjs client URL - OPTIONS ACTIONS
//
// OPTIONS goes to `ws` (and `subprotocol`: what the server chooses; `pem`: the server's files of its
// certificate and key, the client's of what it trusts and of its key log; the client asks 127.0.0.1
// then, whatever the URL says). ACTIONS, in JSON, are performed on
// the open connection; a server then echoes what comes. An action is a list:
//   ["text", TEXT, {ws options}]   ["binary", BASE64, {…}]   a message, or with fin: false a fragment
//   ["ping", TEXT]  ["pong", TEXT]  ["receive"] (wait for a message)  ["answered"] (wait for a pong)
//   ["close", CODE, REASON]
'use strict';

const { appendFileSync, readFileSync } = require('node:fs');
const https = require('node:https');
const { WebSocket, WebSocketServer } = require('ws');
const { Pen } = require('./journal.cjs');

/** Notes what `socket` receives, sends what it is told to, and notes that too. */
class Peer {
  constructor(socket, pen) {
    Object.assign(this, { socket, pen, fragments: [], queue: [], waiting: null, closing: false });
    socket.on('message', (data, isBinary) => {
      pen.message(pen.other, data, isBinary, null, socket.extensions ? null : false);
      this.arrived('message', data, isBinary);
    });
    socket.on('ping', (data) => {
      pen.control(pen.other, 'ping', data);
      pen.control(pen.side, 'pong', data);
      socket.pong(data);
    });
    socket.on('pong', (data) => {
      pen.control(pen.other, 'pong', data);
      this.arrived('pong');
    });
    socket.on('close', (code, reason) => {
      if (code === 1006) return; // no Close came
      pen.close(pen.other, code, reason.toString());
      if (!this.closing) pen.close(pen.side, code, reason.toString()); // ws echoes the Close
    });
    socket.on('error', (error) => process.stderr.write(`${pen.side}: ${error.message}\n`));
  }

  arrived(...event) {
    this.queue.push(event);
    this.waiting?.();
  }

  /** Resolves with the next event of this kind. */
  async next(kind) {
    for (;;) {
      const index = this.queue.findIndex((event) => event[0] === kind);
      if (index >= 0) return this.queue.splice(index, 1)[0];
      await new Promise((resolve) => { this.waiting = resolve; });
    }
  }

  /** Whether a message sent now is compressed; null where it depends on the threshold of `ws`. */
  compressed(options) {
    const agreed = this.socket.extensions.includes('permessage-deflate');
    if (!agreed || options.compress === false) return false;
    const without = this.pen.side === 'client' ? 'client_no_context_takeover' : 'server_no_context_takeover';
    return this.pen.agreedExtensions.includes(without) ? null : true;
  }

  send(data, isBinary, options = {}) {
    this.fragments.push(data);
    if (this.fragments.length === 1) this.startedCompressed = this.compressed(options);
    this.socket.send(data, { binary: isBinary, ...options });
    if (options.fin === false) return;
    const whole = Buffer.concat(this.fragments);
    this.pen.message(this.pen.side, whole, isBinary, this.fragments.length, this.startedCompressed);
    this.fragments = [];
  }

  async perform(actions) {
    for (const [action, value, detail] of actions) {
      if (action === 'text') this.send(Buffer.from(value), false, detail);
      else if (action === 'binary') this.send(Buffer.from(value, 'base64'), true, detail);
      else if (action === 'receive') await this.next('message');
      else if (action === 'answered') await this.next('pong');
      else if (action === 'close') this.close(value, detail);
      else this.control(action, Buffer.from(value));
    }
  }

  control(type, data) {
    this.pen.control(this.pen.side, type, data);
    this.socket[type](data);
  }

  close(code = 1005, reason = '') {
    this.closing = true;
    this.pen.close(this.pen.side, code, reason);
    if (code === 1005) this.socket.close();
    else this.socket.close(code, reason);
  }
}

/** Serves until standard input closes and the last connection has ended. */
function serve(host, port, { subprotocol, pem, tls, ...options }, actions) {
  const handleProtocols = subprotocol === undefined ? undefined : () => subprotocol;
  const below = pem && https.createServer({ cert: readFileSync(pem[0]), key: readFileSync(pem[1]), ...tls });
  const where = pem ? { server: below } : { host, port };
  const server = new WebSocketServer({ ...where, autoPong: false, handleProtocols, ...options });
  const pens = new WeakMap();
  server.on('headers', (lines, request) => {
    const pen = new Pen(request.socket);
    const fields = new Map(lines.slice(1).map((line) => line.split(': ', 2)).map(([n, v]) => [n.toLowerCase(), v]));
    pen.request(request.url, (name) => request.headers[name]);
    pen.response(101, (name) => fields.get(name));
    pen.agreedExtensions = fields.get('sec-websocket-extensions') ?? '';
    pens.set(request, pen);
  });
  server.on('connection', async (socket, request) => {
    const pen = pens.get(request);
    pen.note('open');
    const peer = new Peer(socket, pen);
    await peer.perform(actions);
    for (;;) {
      const [, data, isBinary] = await peer.next('message');
      if (socket.readyState !== WebSocket.OPEN) return;
      peer.send(data, isBinary);
    }
  });
  server.on('listening', () => console.log('ready'));
  below?.listen(port, host);
  process.stdin.resume().on('end', () => {
    server.close();
    below?.close();
  });
}

/** What is asked for an address, where it is on this machine whatever its name. */
function lookup(name, options, done) {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }]);
  else done(null, '127.0.0.1', 4);
}

/** Connects, performs the actions, and ends with the connection. */
function connect(url, { protocols, pem, ...options }, actions) {
  let request;
  const finishRequest = (sent) => {
    request = sent;
    if (pem) sent.on('socket', (below) => below.on('keylog', (line) => appendFileSync(pem[1], line)));
    sent.end();
  };
  const trusted = pem && { ca: readFileSync(pem[0]), ALPNProtocols: ['http/1.1'], lookup };
  const socket = new WebSocket(url, protocols, { autoPong: false, finishRequest, ...trusted, ...options });
  let peer;
  socket.on('upgrade', (response) => {
    const pen = new Pen(response.socket);
    pen.request(request.path, (name) => request.getHeader(name));
    pen.response(response.statusCode, (name) => response.headers[name]);
    pen.agreedExtensions = response.headers['sec-websocket-extensions'] ?? '';
    peer = new Peer(socket, pen);
  });
  socket.on('unexpected-response', (sent, response) => {
    const pen = new Pen(response.socket);
    pen.request(sent.path, (name) => sent.getHeader(name));
    pen.response(response.statusCode, (name) => response.headers[name]);
    sent.destroy();
    process.stdin.destroy();
  });
  socket.on('open', async () => {
    peer.pen.note('open');
    await peer.perform(actions);
  });
  socket.on('close', () => process.stdin.destroy());
  console.log('ready');
}

const [role, where, port, options, actions] = process.argv.slice(2);
if (role === 'server') serve(where, Number(port), JSON.parse(options), JSON.parse(actions));
else connect(where, JSON.parse(options), JSON.parse(actions));
