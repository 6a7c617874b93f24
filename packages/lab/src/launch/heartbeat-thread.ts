/**
 * The thread of `heartbeat.ts`: lines over TCP between rank 0 and each other rank.
 *
 *     hello TOKEN RANK    a rank connects                    beat COUNT WORKING   it lives; its progress
 *     bye                 it leaves                          lost RANK WHY        rank 0's verdict, for all
 */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { parentPort, workerData } from 'node:worker_threads';
import { ReclmisError } from '@reclmis/core';
import { exitNow } from '@reclmis/torch';
import type { HeartbeatData, HeartbeatEvent } from './heartbeat.js';
import { Judge, type Verdict } from './verdict.js';

const { rank, size, host, beatMs, silentMs, stallMs, shared, words } = workerData as HeartbeatData;
const cells = new Int32Array(shared);
const judge = new Judge({ silentMs, stallMs });
/** In ranks other than 0 just one, to rank 0. */
const sockets = new Map<number, Socket>();
let leaving = false;

const say = (event: HeartbeatEvent): void => parentPort?.postMessage(event);
const beatLine = (): string => `beat ${Atomics.load(cells, 0)} ${Atomics.load(cells, 1)}\n`;

function pronounce({ rank: lost, why }: Verdict): void {
  for (const socket of sockets.values()) socket.write(`lost ${lost} ${why}\n`);
  const error = new ReclmisError('RANK_LOST', `rank ${lost} is lost: ${why}; rank ${rank} stops`);
  const status = error.exitCode;
  // Gives the lines one turn of the loop to leave, without the main thread.
  setTimeout(() => {
    try {
      writeSync(2, `error ${error.code}: ${error.message}\nremedy: ${error.remedy}\n`);
    } finally {
      leave(status);
    }
  }, 50);
}

function leave(status: number): void {
  try {
    exitNow(status);
  } catch {
    process.kill(process.pid, 'SIGKILL'); // without the addon, only the system can end a process whose main thread is blocked
  }
}

function follow(other: number, socket: Socket): void {
  sockets.set(other, socket);
  judge.watch(other, performance.now());
}

function released(other: number): void {
  judge.release(other);
  sockets.get(other)?.end();
  sockets.delete(other);
  if (leaving && allLeft()) say({ kind: 'left' });
}

/** Rank 0 still watches itself at the end. */
function allLeft(): boolean {
  return judge.watching === (rank === 0 ? 1 : 0);
}

function hear(other: number, line: string): void {
  const [word, first = '', second = '', ...rest] = line.split(' ');
  if (word === 'beat')
    judge.hear(other, { count: Number(first), working: second === '1' }, performance.now());
  else if (word === 'bye') {
    if (rank === 0) sockets.get(other)?.write('bye\n');
    released(other);
  } else if (word === 'lost' && rank !== 0)
    pronounce({ rank: Number(first), why: [second, ...rest].join(' ') });
}

function closed(other: number): void {
  if (!judge.watches(other)) return;
  judge.release(other);
  sockets.delete(other);
  pronounce({ rank: other, why: 'its process ended or its connection broke' });
}

function listen(socket: Socket, onLine: (line: string) => void, onClose: () => void): void {
  socket.setNoDelay(true);
  socket.on('error', () => undefined); // `close` follows
  createInterface({ input: socket })
    .on('error', () => undefined) // repeats the socket's
    .on('line', (line) => {
      if (line.length < 500) onLine(line);
    });
  socket.on('close', onClose);
}

function serve(): void {
  const token = randomBytes(16).toString('hex');
  judge.watch(0, performance.now()); // itself too: its main thread may hang
  // A rank that never connects is lost too.
  for (let other = 1; other < size; other++) judge.watch(other, performance.now() + silentMs);
  const server = createServer((socket) => {
    let other = -1;
    const greet = (line: string): void => {
      const [word, given, number] = line.split(' ');
      const named = Number(number);
      if (word !== 'hello' || given !== token || !judge.watches(named) || sockets.has(named))
        socket.destroy();
      else follow((other = named), socket);
    };
    listen(
      socket,
      (line) => (other < 0 ? greet(line) : hear(other, line)),
      () => (other < 0 ? undefined : closed(other)),
    );
  });
  server.on('error', (error) => say({ kind: 'failed', message: error.message }));
  server.listen(0, () => {
    const address = server.address();
    if (address === null || typeof address === 'string') say({ kind: 'failed', message: 'no port' });
    else say({ kind: 'ready', words: `${address.port}/${token}` });
  });
}

function join(): void {
  const [port = '', token = ''] = (words ?? '').split('/');
  const socket = connect({ host, port: Number(port) });
  const late = setTimeout(() => socket.destroy(new Error('no answer')), silentMs);
  socket.once('error', (error) => say({ kind: 'failed', message: error.message }));
  socket.once('connect', () => {
    clearTimeout(late);
    listen(
      socket,
      (line) => hear(0, line),
      () => closed(0),
    );
    follow(0, socket);
    socket.write(`hello ${token} ${rank}\n`);
    say({ kind: 'ready', words: words ?? '' });
  });
}

if (rank === 0) serve();
else join();

setInterval(() => {
  for (const socket of sockets.values()) socket.write(beatLine());
  if (rank === 0) hear(0, beatLine().trimEnd());
  const verdict = judge.judge(performance.now());
  if (verdict) pronounce(verdict);
}, beatMs);

parentPort?.on('message', () => {
  leaving = true;
  if (rank !== 0) sockets.get(0)?.write('bye\n');
  if (allLeft()) say({ kind: 'left' });
});
