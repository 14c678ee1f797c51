// A WebSocket client and server made with the Node library `ws`, over ws and wss; see peers.py.
//
//   node peers.cjs ws serve HOST PORT CERTIFICATE KEY
//   node --tls-keylog=FILE peers.cjs ws talk HOST PORT CERTIFICATE
'use strict';

const { once } = require('node:events');
const { readFileSync } = require('node:fs');
const https = require('node:https');
const { WebSocket, WebSocketServer } = require('ws');

const SAID = [
  '',
  'é'.repeat(60),
  Buffer.alloc(125),
  Buffer.from([...Array(126).keys()]),
  'the same again '.repeat(30),
  'the same again '.repeat(30),
  Buffer.alloc(70000, Buffer.from([0, 255])),
];
const DEFLATE = { perMessageDeflate: { threshold: 0 } };

async function serve(host, port, certificate, key) {
  const below = https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
  const servers = [
    new WebSocketServer({ host, port, ...DEFLATE }),
    new WebSocketServer({ server: below, ...DEFLATE }),
  ];
  for (const server of servers) {
    server.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
  }
  below.listen(port + 1, host);
  await Promise.all(servers.map((server) => once(server, 'listening')));
  console.log('serving');
}

async function talk(url, trusted) {
  const socket = new WebSocket(url, { ...DEFLATE, ...trusted });
  await once(socket, 'open');
  for (const message of SAID) {
    const answered = once(socket, 'message');
    socket.send(message);
    const [data] = await answered;
    if (!data.equals(Buffer.from(message))) throw new Error('it is no echo');
  }
  const ponged = once(socket, 'pong');
  socket.ping('are you there');
  await ponged;
  const closed = once(socket, 'close');
  socket.close(4001, 'all is said');
  await closed;
}

async function main(library, what, host, port, ...files) {
  if (what === 'serve') return serve(host, port, ...files);
  await talk(`ws://${host}:${port}/${library}`, {});
  return talk(`wss://${host}:${port + 1}/${library}`, { ca: readFileSync(files[0]) });
}

const [library, what, host, port, ...files] = process.argv.slice(2);
main(library, what, host, Number(port), ...files);
