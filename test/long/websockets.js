// SPDX-License-Identifier: Apache-2.0
// WebSockets by Node's `ws`, for the scripts in this directory. Ends when its stdin does.
//
// node websockets.js server              echoes; prints {"port": N}
// node websockets.js clients URL COUNT   opens COUNT, sends a numbered message on each whenever the
//   last one is back, at most every 100 ms; prints {"open": COUNT}, and at the end what came of them
'use strict';

const WebSocket = require('ws');

const print = (what) => process.stdout.write(JSON.stringify(what) + '\n');

function serve() {
  const server = new WebSocket.Server({host: '127.0.0.1', port: 0});
  server.on('listening', () => print({port: server.address().port}));
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (data, binary) => socket.send(data, {binary}));
  });
  process.stdin.on('end', () => process.exit(0)).resume();
}

function ask(url, count) {
  const result = {opened: 0, messages: 0, wrong: 0, closed: 0, errors: []};
  const sockets = [];
  let ending = false;
  for (let i = 0; i < count; ++i) {
    const socket = new WebSocket(url);
    let expected = '';
    const send = () => {
      expected = `${i} ${++result.messages}`;
      if (socket.readyState === WebSocket.OPEN) {
        socket.send(expected);
      }
    };
    socket.on('open', () => {
      if (++result.opened === count) {
        print({open: count});
      }
      send();
    });
    socket.on('message', (data) => {
      result.wrong += data.toString() === expected ? 0 : 1;
      setTimeout(send, 100);
    });
    socket.on('close', () => { result.closed += ending ? 0 : 1; });
    socket.on('error', (error) => result.errors.push(String(error)));
    sockets.push(socket);
  }
  process.stdin.on('end', () => {
    ending = true;
    print(result);
    sockets.forEach((socket) => socket.terminate());
    process.exit(0);
  }).resume();
}

if (process.argv[2] === 'server') {
  serve();
} else {
  ask(process.argv[3], Number(process.argv[4]));
}
