import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { freePort } from '../../launch/local.js';
import type { Overrides } from '../../config/config.js';
import type { Job } from './rank.js';

const RANK = fileURLToPath(new URL('./rank.js', import.meta.url));

/** Several processes, each with its own loopback address; returns their answers in order. */
export async function ranks<R>(size: number, job: Job, variables: Record<string, string> = {}): Promise<R[]> {
  const port = await freePort();
  const ended = await Promise.all(
    Array.from({ length: size }, (_, rank) => {
      const env = {
        ...process.env,
        RANK: `${rank}`,
        WORLD_SIZE: `${size}`,
        MASTER_ADDR: '127.0.0.1',
        MASTER_PORT: `${port}`,
        ADDRESS: `127.0.0.${rank + 1}`,
        ...variables,
      };
      const child = spawn(process.execPath, [RANK, JSON.stringify(job)], { env });
      let [out, err] = ['', ''];
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
      return new Promise<{ code: number | null; out: string; err: string }>((resolve) =>
        child.on('close', (code) => resolve({ code, out, err })),
      );
    }),
  );
  return ended.map(({ code, out, err }) => {
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return JSON.parse(out) as R;
  });
}

export const smallRun = (data: string, size: number): Overrides => ({
  'model.baseWidth': 4,
  'model.imageSize': size,
  'model.layers': 1,
  'text.encoder': 'words',
  'text.contextLength': 12,
  'data.dir': data,
  'data.workers': 0,
  'train.epochs': 3,
  'train.batchSize': 4,
  'train.lr': 2e-3,
  'train.threads': 1,
});
