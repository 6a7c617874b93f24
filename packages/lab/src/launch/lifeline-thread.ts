/** The thread of `lifeline.ts`: ends the process when the pipe closes. */
import { Socket } from 'node:net';
import { workerData } from 'node:worker_threads';
import type { LifelineData } from './lifeline.js';

const { fd, graceMs } = workerData as LifelineData;
const pipe = new Socket({ fd, readable: true, writable: false });
pipe.on('error', () => undefined); // `close` follows
pipe.on('close', () => {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs);
});
pipe.resume();
