// WebSocket over HTTP/2 with Node's own `http2` (nghttp2): long field blocks, padding, tables.
//
//   node http2_blocks.cjs server PORT OPTIONS [CERTIFICATE KEY]
//   node http2_blocks.cjs client PORT OPTIONS STEP…   on one connection, one after the other
//   node http2_blocks.cjs secure-client PORT OPTIONS CERTIFICATE KEYLOG STEP…
//
// OPTIONS are JSON: `padding` (what Node calls a strategy), `table` (SETTINGS_HEADER_TABLE_SIZE),
// `deflate` (the largest table that this end makes use of), `notes` (whether a server takes them).
// A step is a path, for a WebSocket, `page` for a request of a page, or a number: from here on
// SETTINGS_HEADER_TABLE_SIZE is another. `/long…` has as many bytes of fields as its last number
// says, in its request and in its answer; `/many…` as many fields.
'use strict';

const { createHash } = require('node:crypto');
const http2 = require('node:http2');
const { converse, pemOf, secured, serve } = require('./http2_node.cjs');

/** Characters that no Huffman code makes much shorter, the same for the same name. */
function filling(name, size) {
  let found = '';
  for (let n = 0; found.length < size; n += 1) found += createHash('sha256').update(`${name} ${n}`).digest('hex');
  return found.slice(0, size);
}

/** The further fields that go with a path. */
function fieldsOf(path) {
  const number = Number(/\d*$/.exec(path)[0]);
  if (path.startsWith('/long')) return { 'x-long': filling(path, number) };
  if (!path.startsWith('/many')) return {};
  return Object.fromEntries(Array.from({ length: number }, (_, n) => [`x-field-${n}`, filling(`field ${n}`, 50)]));
}

function optionsOf(text) {
  const { padding = 'NONE', table, deflate, notes = false } = JSON.parse(text);
  const settings = table === undefined ? {} : { headerTableSize: table };
  return {
    notes,
    node: {
      settings,
      paddingStrategy: http2.constants[`PADDING_STRATEGY_${padding}`],
      maxDeflateDynamicTableSize: deflate,
    },
  };
}

function page(session, path) {
  return new Promise((resolve) => {
    session.request({ ':path': path, ...fieldsOf(path) }).on('close', resolve).resume();
  });
}

async function step(session, what) {
  if (what.startsWith('/')) await converse(session, what, fieldsOf(what), what.includes('long') ? 20000 : 1000);
  else if (what.startsWith('page')) await page(session, what.slice(4));
  else await new Promise((resolve) => session.settings({ headerTableSize: Number(what) }, resolve));
}

function client(session, steps) {
  session.on('remoteSettings', async () => {
    while (steps.length) await step(session, steps.shift());
    session.close();
    process.stdin.destroy();
  });
  console.log('ready');
}

const [role, port, options, ...rest] = process.argv.slice(2);
const { node, notes } = optionsOf(options);
if (role === 'client') client(http2.connect(`http://127.0.0.1:${port}`, node), rest);
else if (role === 'secure-client') client(secured(Number(port), rest.shift(), rest.shift(), node), rest);
else serve(Number(port), rest.length ? pemOf(rest) : null, null, node, fieldsOf, notes);
