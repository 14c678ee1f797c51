// WebSocket over HTTP/2 with Node's own `http2` (nghttp2), frames by the library `ws`.
//
//   node http2_node.cjs server PORT          echoes on every extended CONNECT
//   node http2_node.cjs client PORT PATH…    a WebSocket for each path, all at once
//
// Within TLS, where ALPN agrees on HTTP/2; secrets are appended to KEYLOG, and the server may
// have a page for a browser, of whose WebSockets it takes notes:
//
//   node http2_node.cjs secure-server PORT CERTIFICATE KEY [PAGE]
//   node http2_node.cjs secure-client PORT CERTIFICATE KEYLOG PATH…
'use strict';

const { appendFileSync, readFileSync } = require('node:fs');
const http2 = require('node:http2');
const tls = require('node:tls');
const { WebSocket } = require('ws');
const { Pen } = require('./journal.cjs');

/** A WebSocket of `ws` on a stream, which it takes for a socket. */
function socketOn(stream, isServer) {
  const socket = new WebSocket(null, undefined, { autoPong: true, closeTimeout: 5000 });
  socket._isServer = isServer;
  stream.setNoDelay ??= () => {};
  socket.setSocket(stream, Buffer.alloc(0), { allowSynchronousEvents: true, maxPayload: 1 << 20, skipUTF8Validation: false });
  return socket;
}

function noted(socket, pen) {
  pen.note('open');
  socket.on('message', (data, isBinary) => pen.message(pen.other, data, isBinary, null, false));
  socket.on('pong', (data) => pen.control(pen.other, 'pong', data));
  onClose(socket, (code, reason) => pen.close(pen.other, code, reason));
}

/** Call with a Close as it comes: that the stream is over as well, some proxies never say. */
function onClose(socket, call) {
  socket._receiver.on('conclude', (code, reason) => call(code, reason.toString()));
}

/**
 * The server: `pem` is its certificate and key within TLS, `page` what a browser gets; `more` are
 * options of Node's, `fields` makes those of an answer, of its path.
 */
function serve(port, pem = null, page = null, more = {}, fields = () => ({}), takesNotes = page !== null) {
  const settings = { enableConnectProtocol: true, ...more.settings };
  const options = { ...more, ...pem, settings };
  const server = pem ? http2.createSecureServer(options) : http2.createServer(options);
  server.on('stream', (stream, headers) => {
    if (headers[':path'] === '/end') process.exit(0);
    stream.respond({ ':status': 200, ...(page && { 'content-type': 'text/html' }), ...fields(headers[':path']) });
    if (headers[':protocol'] !== 'websocket') {
      stream.end(page ?? 'a page\n');
      return;
    }
    const socket = socketOn(stream, true);
    const pen = takesNotes && accepted(stream, headers, socket);
    socket.on('message', (data, isBinary) => {
      socket.send(data, { binary: isBinary });
      if (pen) pen.message('server', data, isBinary, 1, false);
    });
  });
  server.listen(port, '127.0.0.1', () => console.log('ready'));
  process.stdin.resume().on('end', () => process.exit(0));
}

/** Take notes of a WebSocket, whose client is a page and cannot. */
function accepted(stream, headers, socket) {
  const pen = new Pen(stream.session.socket);
  pen.request(headers[':path'], (name) => headers[name]);
  pen.response(200, () => null);
  noted(socket, pen);
  socket.on('ping', (data) => {
    pen.control('client', 'ping', data);
    pen.control('server', 'pong', data);
  });
  onClose(socket, (code, reason) => pen.close('server', code, reason));
  return pen;
}

/** One WebSocket, from its request, with further fields, to its end; its last message has a size. */
function converse(session, path, more = {}, size = 40000) {
  return new Promise((resolve) => {
    const pen = new Pen(session.socket);
    const fields = { 'sec-websocket-version': '13', ...more };
    const headers = { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': session.encrypted ? 'https' : 'http', ':path': path, ...fields };
    pen.request(path, (name) => fields[name]);
    const stream = session.request(headers, { endStream: false });
    stream.on('response', (answer) => {
      pen.response(answer[':status'], (name) => answer[name]);
      const socket = socketOn(stream, false);
      noted(socket, pen);
      const send = (data, isBinary) => {
        socket.send(data, { binary: isBinary });
        pen.message('client', Buffer.from(data), isBinary, 1, false);
      };
      const rest = [['and two', false], [Buffer.alloc(size, 7), true]];
      socket.on('message', () => {
        const next = rest.shift();
        if (next) send(...next);
        else if (rest.done) return;
        else {
          rest.done = true;
          pen.control('client', 'ping', Buffer.from('there?'));
          socket.ping('there?');
        }
      });
      socket.on('pong', () => {
        pen.close('client', 1000, 'done');
        socket.close(1000, 'done');
      });
      socket.on('close', resolve);
      send(`one of ${path}`, false);
    });
  });
}

/** A connection within TLS to a server whose certificate is this one; secrets are logged. */
function secured(port, certificate, keylog, more = {}) {
  const ca = readFileSync(certificate);
  const socket = tls.connect({ host: '127.0.0.1', port, ca, servername: 'chat.example', ALPNProtocols: ['h2'] });
  socket.on('keylog', (line) => appendFileSync(keylog, line));
  return http2.connect(`https://chat.example:${port}`, { ...more, createConnection: () => socket });
}

function connect(session, paths) {
  session.on('remoteSettings', async () => {
    const page = session.request({ ':path': '/' });
    page.resume();
    await Promise.all(paths.map((path) => converse(session, path)));
    session.close();
    process.stdin.destroy();
  });
  console.log('ready');
}

function pemOf([certificate, key]) {
  return { cert: readFileSync(certificate), key: readFileSync(key) };
}

function main(role, port, ...paths) {
  if (role === 'server') serve(Number(port));
  else if (role === 'client') connect(http2.connect(`http://127.0.0.1:${port}`), paths);
  else if (role === 'secure-client') connect(secured(Number(port), paths.shift(), paths.shift()), paths);
  else serve(Number(port), pemOf(paths), paths[2] ? readFileSync(paths[2]) : null);
}

if (require.main === module) main(...process.argv.slice(2));
module.exports = { converse, pemOf, secured, serve };
