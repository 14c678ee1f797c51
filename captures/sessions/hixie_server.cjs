// An echo server made with the Node library `websocket-driver`, which speaks Hixie-75 and -76.
//
//   node hixie_server.cjs HOST PORT
//
// A message "goodbye" is echoed, and the server closes.
'use strict';

const net = require('node:net');
const websocket = require('websocket-driver');
const { Pen } = require('./journal.cjs');

const text = (data) => Buffer.from(data, 'utf8');

function serve(socket) {
  const driver = websocket.server({ allowDrafts: true });
  let pen;
  let switched = false;
  driver.on('connect', () => {
    const headers = driver.headers;
    const subprotocol = headers['sec-websocket-protocol'] ?? headers['websocket-protocol'];
    pen = new Pen(socket);
    pen.note('request', {
      target: driver.url, version: driver.version, extensions_offered: [],
      subprotocols_offered: subprotocol === undefined ? [] : [subprotocol],
    });
    if (subprotocol !== undefined) driver.setHeader('Sec-WebSocket-Protocol', subprotocol);
    switched = driver.start();
    const status = switched ? 101 : 400;
    pen.note('response', { status, subprotocol: status === 101 ? subprotocol ?? null : null, extensions: [] });
  });
  let told = false; // of the closing handshake, or there is none to tell of
  let open = false;
  driver.on('open', () => {
    open = true;
    pen.note('open');
  });
  driver.on('message', (event) => {
    pen.message(pen.other, text(event.data), false, 1, false);
    pen.message(pen.side, text(event.data), false, 1, false);
    driver.text(event.data);
    if (event.data !== 'goodbye') return;
    told = true;
    pen.close(pen.side, 1005, '');
    driver.close();
  });
  driver.on('close', () => {
    if (open && !told && driver.version === 'hixie-76') {
      pen.close(pen.other, 1005, '');
      pen.close(pen.side, 1005, ''); // the driver answers 0xFF 0x00 with the same
    }
    socket.end();
  });
  socket.on('end', () => {
    told = true;
    if (!socket.writableEnded) pen?.note('eof', { by: pen.other }); // else this end was first
    if (switched && !open) pen.note('unanswered');
  });
  socket.on('error', (error) => process.stderr.write(`server: ${error.message}\n`));
  socket.pipe(driver.io).pipe(socket, { end: false });
}

const [host, port] = process.argv.slice(2);
const server = net.createServer({ allowHalfOpen: false }, serve);
server.listen(Number(port), host, () => console.log('ready'));
process.stdin.resume().on('end', () => server.close());
