// WebSocket over HTTP/2 with Node's own `http2` (nghttp2), frames by the library `ws`.
//
//   node http2_node.cjs server PORT          echoes on every extended CONNECT
//   node http2_node.cjs client PORT PATH…    a WebSocket for each path, all at once
'use strict';

const http2 = require('node:http2');
const { WebSocket } = require('ws');
const { Pen } = require('./journal.cjs');

/** A WebSocket of `ws` on a stream, which it takes for a socket. */
function socketOn(stream, isServer) {
  const socket = new WebSocket(null, undefined, { autoPong: true });
  socket._isServer = isServer;
  stream.setNoDelay ??= () => {};
  socket.setSocket(stream, Buffer.alloc(0), { allowSynchronousEvents: true, maxPayload: 1 << 20, skipUTF8Validation: false });
  return socket;
}

function noted(socket, pen) {
  pen.note('open');
  socket.on('message', (data, isBinary) => pen.message(pen.other, data, isBinary, null, false));
  socket.on('pong', (data) => pen.control(pen.other, 'pong', data));
  socket.on('close', (code, reason) => {
    if (code !== 1006) pen.close(pen.other, code, reason.toString());
  });
}

function serve(port) {
  const server = http2.createServer({ settings: { enableConnectProtocol: true } });
  server.on('stream', (stream, headers) => {
    if (headers[':protocol'] !== 'websocket') {
      stream.respond({ ':status': 200 });
      stream.end('a page\n');
      return;
    }
    stream.respond({ ':status': 200 });
    const socket = socketOn(stream, true);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  server.listen(port, '127.0.0.1', () => console.log('ready'));
  process.stdin.resume().on('end', () => process.exit(0));
}

function converse(session, path) {
  return new Promise((resolve) => {
    const pen = new Pen(session.socket);
    const fields = { 'sec-websocket-version': '13' };
    const headers = { ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': path, ...fields };
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
      const rest = [['and two', false], [Buffer.alloc(40000, 7), true]];
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

function connect(port, paths) {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('remoteSettings', async () => {
    const page = session.request({ ':path': '/' });
    page.resume();
    await Promise.all(paths.map((path) => converse(session, path)));
    session.close();
    process.stdin.destroy();
  });
  console.log('ready');
}

const [role, port, ...paths] = process.argv.slice(2);
if (role === 'server') serve(Number(port));
else connect(Number(port), paths);
