// Tunnels on streams of HTTP/2 (RFC 9113 §8.5), by Node's own `http2`; WebSockets inside by `ws`.
//
//   node http2_connect.cjs proxy PORT CERTIFICATE KEY
//   node http2_connect.cjs client PORT CERTIFICATE KEYLOG URL…   one after the other, on one connection
'use strict';

const { appendFileSync, readFileSync } = require('node:fs');
const http2 = require('node:http2');
const net = require('node:net');
const tls = require('node:tls');
const { WebSocket } = require('ws');
const { Pen } = require('./journal.cjs');

const NAME = 'chat.example';

function proxy(port, certificate, key) {
  const server = http2.createSecureServer({ cert: readFileSync(certificate), key: readFileSync(key) });
  server.on('stream', (stream, headers) => {
    if (headers[':method'] !== 'CONNECT') return stream.close();
    const { hostname, port: to } = new URL(`tcp://${headers[':authority']}`);
    if (to === '1') {
      stream.respond({ ':status': 403 });
      return stream.end();
    }
    const socket = net.connect(to, hostname, () => {
      stream.respond({ ':status': 200 });
      socket.pipe(stream);
      stream.pipe(socket);
    });
    socket.on('error', () => stream.close(http2.constants.NGHTTP2_CONNECT_ERROR));
    stream.on('error', () => socket.destroy());
  });
  server.listen(port, '127.0.0.1', () => console.log('ready'));
  process.stdin.resume().on('end', () => process.exit(0));
}

/** A tunnel to where a URL leads; null where the proxy refuses it. */
function tunnel(session, url) {
  return new Promise((resolve) => {
    const stream = session.request({ ':method': 'CONNECT', ':authority': new URL(url).host });
    stream.on('response', (answer) => {
      stream.setNoDelay ??= () => {};
      stream.setKeepAlive ??= () => {};
      resolve(answer[':status'] === 200 ? stream : null);
    });
  });
}

async function converse(session, url, certificate, keylog) {
  const stream = await tunnel(session, url);
  if (!stream) return;
  let carrier = stream;
  if (url.startsWith('wss:')) {
    carrier = tls.connect({ socket: stream, ca: readFileSync(certificate), servername: NAME, ALPNProtocols: ['http/1.1'] });
    carrier.on('keylog', (line) => appendFileSync(keylog, line));
  }
  const pen = new Pen(session.socket);
  pen.note('tunnel', { way: `CONNECT ${new URL(url).host}` });
  const socket = new WebSocket(url, { createConnection: () => carrier, perMessageDeflate: false });
  pen.request(new URL(url).pathname, (name) => ({ 'sec-websocket-version': '13' })[name]);
  await new Promise((resolve) => {
    const rest = ['through a stream', Buffer.alloc(20000, 7)];
    const next = () => {
      const data = rest.shift();
      if (data === undefined) {
        pen.close('client', 1000, 'done');
        return socket.close(1000, 'done');
      }
      pen.message('client', Buffer.from(data), typeof data !== 'string', 1, false);
      socket.send(data);
    };
    socket.on('upgrade', (answer) => pen.response(answer.statusCode, (name) => answer.headers[name]));
    socket.on('open', () => { pen.note('open'); next(); });
    socket.on('message', (data, isBinary) => { pen.message('server', data, isBinary, null, false); next(); });
    socket.on('close', (code, reason) => { pen.close('server', code, reason.toString()); resolve(); });
  });
}

function client(port, certificate, keylog, urls) {
  const ca = readFileSync(certificate);
  const socket = tls.connect({ host: '127.0.0.1', port, ca, servername: NAME, ALPNProtocols: ['h2'] });
  socket.on('keylog', (line) => appendFileSync(keylog, line));
  const session = http2.connect(`https://${NAME}:${port}`, { createConnection: () => socket });
  session.on('connect', async () => {
    for (const url of urls) await converse(session, url, certificate, keylog);
    session.close();
    process.stdin.destroy();
  });
  console.log('ready');
}

const [role, port, ...rest] = process.argv.slice(2);
if (role === 'proxy') proxy(Number(port), ...rest);
else client(Number(port), rest[0], rest[1], rest.slice(2));
