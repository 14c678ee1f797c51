// An echo server made with a Node library that keeps no journal: node echo_servers.cjs LIBRARY PORT
'use strict';

const http = require('node:http');

const LIBRARIES = {
  faye(server) {
    const Faye = require('faye-websocket');
    server.on('upgrade', (request, socket, head) => {
      const peer = new Faye(request, socket, head);
      peer.on('message', ({ data }) => peer.send(data));
    });
  },
  websocket(server) {
    const { server: Server } = require('websocket');
    new Server({ httpServer: server, maxReceivedFrameSize: 1 << 20 }).on('request', (request) => {
      const peer = request.accept(null, request.origin);
      peer.on('message', (message) => {
        if (message.type === 'utf8') peer.sendUTF(message.utf8Data);
        else peer.sendBytes(message.binaryData);
      });
    });
  },
  ws(server) {
    const { WebSocketServer } = require('ws');
    new WebSocketServer({ server, perMessageDeflate: true }).on('connection', (peer) => {
      peer.on('message', (data, binary) => peer.send(data, { binary }));
      peer.on('error', () => {}); // it has sent its Close by then
    });
  },
};

const [library, port] = process.argv.slice(2);
const server = http.createServer();
LIBRARIES[library](server);
server.listen(Number(port), '127.0.0.1');
