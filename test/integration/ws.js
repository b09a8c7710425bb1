// SPDX-License-Identifier: Apache-2.0
// A WebSocket server and client by Node's `ws`, for ws_test.py. Each line on stdout is JSON.
//
// node ws.js server         echoes; prints {"port": N}, then {"closed": CODE} for each connection
// node ws.js client URL     sends texts and binaries of all sizes, prints {"echoed": COUNT}, stays,
//                           and prints {"closed": CODE} in the end
'use strict';

const WebSocket = require('ws');

const print = (what) => process.stdout.write(JSON.stringify(what) + '\n');

function serve() {
  const server = new WebSocket.Server({host: '127.0.0.1', port: 0, perMessageDeflate: true});
  server.on('listening', () => print({port: server.address().port}));
  server.on('connection', (socket) => {
    socket.on('message', (data, binary) => socket.send(data, {binary, compress: true}));
    socket.on('close', (code) => print({closed: code}));
  });
}

function ask(url) {
  const socket = new WebSocket(url, {perMessageDeflate: true});
  const sizes = [0, 1, 125, 126, 65535, 65536, 1000000];
  let at = 0;
  const payload = (size) => Buffer.alloc(size, 'abcdefghij');
  const next = () => {
    if (at < sizes.length) {
      socket.send(payload(sizes[at]), {compress: at % 2 === 0});
    } else {
      print({echoed: at});
    }
  };
  socket.on('open', next);
  socket.on('message', (data) => {
    if (Buffer.compare(Buffer.from(data), payload(sizes[at])) !== 0) {
      print({wrong: sizes[at]});
    }
    at += 1;
    next();
  });
  socket.on('error', (error) => print({error: String(error)}));
  socket.on('close', (code) => {
    print({closed: code});
    process.exit(0);
  });
}

if (process.argv[2] === 'server') {
  serve();
} else {
  ask(process.argv[3]);
}
