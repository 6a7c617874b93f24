/**
 * Measures `reclmis serve` under load at 1, 8, 64 and 256 connections, and the model's own speed before and
 * after each, since a shared machine's speed varies.
 *
 *     npm run bench:serve -- [--model DIR] [--seconds 60] [--connections 1,8,64,256] [--threads N] [--max-queue N] [--json]
 *
 * Makes a small model unless --model is given. Requests are forms with PNG files and notes; the model's own
 * speed includes decoding and resizing, at the server's batch size. Throughput counts masks, not refusals.
 * Clients that vanish and a slow one follow.
 *
 * Status 1 if a response was neither 200 nor 503, a connection broke, or the server still holds something.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import autocannon, { type Result } from 'autocannon';
import { quantile, Random } from '@reclmis/core';
import { encodePng } from '@reclmis/files';
import { loadModel } from '@reclmis/runtime';
import { DEFAULT_LIMITS } from '@reclmis/server';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    connections: { type: 'string', default: '1,8,64,256' },
    threads: { type: 'string', default: String(availableParallelism()) },
    'max-queue': { type: 'string', default: String(DEFAULT_LIMITS.maxQueue) },
    json: { type: 'boolean', default: false },
  },
});
const [seconds, threads] = [values.seconds, values.threads].map(Number) as [number, number];
const stages = values.connections.split(',').map(Number);
if (![seconds, threads, ...stages].every((value) => value > 0))
  throw new Error('--seconds, --threads, --connections: expected numbers above 0');

const RECLMIS = fileURLToPath(new URL('../../packages/cli/bin/reclmis.js', import.meta.url));
const NOTE = 'Unilateral pulmonary infection, one infected area, upper left lung.';
const PICTURE_SIZE = 512;
const BOUNDARY = 'reclmis-bench-boundary';
const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;
/** Milliseconds for a request to arrive. */
const BODY_TIMEOUT = 5_000;
const VANISHING = 50;
const MIB = 2 ** 20;

const remark = (text: string): void => void process.stderr.write(`${text}\n`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Smooth with some noise, so the PNG has a radiograph's size. */
async function picture(): Promise<Buffer> {
  const random = Random.from('bench serve');
  const at = (i: number): number => {
    const [x, y] = [i % PICTURE_SIZE, Math.floor(i / PICTURE_SIZE)];
    return 128 + 80 * Math.sin(x / 60) * Math.cos(y / 75) + random.int(8);
  };
  const data = Uint8Array.from({ length: PICTURE_SIZE ** 2 }, (_, i) => at(i));
  return Buffer.from(await encodePng({ width: PICTURE_SIZE, height: PICTURE_SIZE, data }, 1));
}

function formOf(png: Buffer): Buffer {
  const part = (head: string): string => `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(part('name="image"; filename="a.png"')),
    png,
    Buffer.from(`\r\n${part('name="note"')}${NOTE}\r\n--${BOUNDARY}--\r\n`),
  ]);
}

async function madeModel(root: string): Promise<string> {
  const { writePhantom } = await import('@reclmis/data');
  const { loadPreset, train } = await import('@reclmis/lab');
  const { exportModel } = await import('@reclmis/export');
  const [data, run, out] = ['data', 'run', 'model'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  remark('making a small model ...');
  await writePhantom(data, { count: 24, seed: 1, size: 96 });
  await train(
    loadPreset('phantom', { 'data.dir': data, 'data.workers': 0, 'train.epochs': 1, 'train.warmupSteps': 0 }),
    { out: run },
  );
  await exportModel(run, { out });
  return out;
}

/** Images per second from PNG files in memory to masks, measured for about `forSeconds`. */
async function batchSpeed(dir: string, png: Buffer, batch: number, forSeconds: number): Promise<number> {
  const model = await loadModel(dir, { threads, featureBytes: 0 }); // or the image would be seen only once
  try {
    const cases = Array.from({ length: batch }, () => ({ image: png, note: NOTE }));
    await model.segmentBatch(cases);
    await model.segmentBatch(cases);
    const times: number[] = [];
    const begun = performance.now();
    while (times.length < 5 || performance.now() - begun < 1000 * forSeconds) {
      const before = performance.now();
      await model.segmentBatch(cases);
      times.push((performance.now() - before) / 1000);
    }
    return (times.length * batch) / times.reduce((sum, time) => sum + time, 0);
  } finally {
    await model.dispose();
  }
}

async function startServer(dir: string): Promise<{ child: ChildProcess; url: string }> {
  const flags = {
    '--port': '0',
    '--threads': String(threads),
    '--feature-memory': '0',
    '--max-queue': values['max-queue'],
    '--body-timeout': String(BODY_TIMEOUT),
  };
  const child = spawn(process.execPath, [RECLMIS, 'serve', dir, '-q', ...Object.entries(flags).flat()], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const line of createInterface({ input: child.stderr })) {
    const url = / at (http:\S+) /.exec(line)?.[1];
    if (url !== undefined) return { child, url };
    remark(line);
  }
  throw new Error('the server did not start');
}

async function figures(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => /^\w+ /.test(line));
  return new Map(lines.map((line) => line.split(' ')).map(([name = '', value]) => [name, Number(value)]));
}

const resident = async (url: string): Promise<number> =>
  (await figures(url)).get('process_resident_memory_bytes') ?? Number.NaN;

interface Stage {
  readonly connections: number;
  readonly imagesPerSecond: number;
  /** Milliseconds; only responses with a mask. */
  readonly latency: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly statuses: Readonly<Record<string, number>>;
  readonly broken: number;
  readonly residentMiB: { readonly start: number; readonly end: number };
  /** The load generator's share of all cores, 0 to 1. */
  readonly generatorShare: number;
}

/** Adds the model's own speed, before and after. */
interface Measured extends Stage {
  readonly own: number;
  readonly share: number;
}

async function load(url: string, body: Buffer, connections: number): Promise<Stage> {
  const start = await resident(url);
  const statuses: Record<string, number> = {};
  const times: number[] = [];
  const begun = performance.now();
  const used = process.cpuUsage();
  let last = begun;
  const result = await new Promise<Result>((resolve, reject) => {
    const options = {
      url: `${url}/segment`,
      connections,
      duration: seconds,
      method: 'POST',
      headers: { 'content-type': FORM_TYPE },
      body,
      timeout: 120,
    } as const;
    const instance = autocannon(options, (error, done) => (error ? reject(error) : resolve(done)));
    instance.on('response', (_client: unknown, status: number, _bytes: number, milliseconds: number) => {
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status !== 200) return;
      times.push(milliseconds);
      last = performance.now();
    });
  });
  const { user, system } = process.cpuUsage(used);
  const generatorShare = (user + system) / (1000 * (performance.now() - begun) * availableParallelism());
  const imagesPerSecond = times.length / ((last - begun) / 1000);
  return {
    connections,
    imagesPerSecond,
    latency: { p50: quantile(times, 0.5), p95: quantile(times, 0.95), p99: quantile(times, 0.99) },
    statuses,
    broken: result.errors,
    residentMiB: { start: start / MIB, end: (await resident(url)) / MIB },
    generatorShare,
  };
}

const headOf = (body: Buffer): string =>
  `POST /segment HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${FORM_TYPE}\r\nContent-Length: ${body.length}\r\n\r\n`;

/** Clients that leave during or after a request. */
async function vanish(url: string, body: Buffer): Promise<void> {
  const random = Random.from('vanishing clients');
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => {
        socket.write(headOf(body));
        const part = random.bool(0.5) ? body : body.subarray(0, random.int(body.length));
        socket.write(part, () => setTimeout(() => socket.destroy(), random.int(50)));
      });
      socket.on('error', () => undefined).on('close', () => resolve());
    });
  await Promise.all(Array.from({ length: VANISHING }, one));
}

/** A client that sends single bytes; returns how the server ended it. */
function crawl(url: string, body: Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    let sent = 0;
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(headOf(body)));
    const timer = setInterval(() => socket.write(body.subarray(sent, ++sent)), 200);
    socket.on('data', (data) => (answer += data.toString('latin1')));
    socket
      .on('error', () => undefined)
      .on('close', () => {
        clearInterval(timer);
        resolve(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] ?? 'none');
      });
  });
}

/** Waits up to 30 s until the server holds nothing; returns the rest. */
async function held(url: string): Promise<Record<string, number>> {
  const names = ['reclmis_queue_length', 'reclmis_held_bytes', 'reclmis_held_pixels'];
  for (let i = 0; ; i++) {
    const now = await figures(url);
    const left = Object.fromEntries(names.map((name) => [name, now.get(name) ?? Number.NaN]));
    if (Object.values(left).every((value) => value === 0) || i === 300) return left;
    await pause(100);
  }
}

function table(batch: number, rows: readonly Measured[]): string {
  const cells = [
    [
      'connections',
      'images/s',
      `own, batch ${batch}`,
      'of own',
      'p50 ms',
      'p95 ms',
      'p99 ms',
      '200',
      '503',
      'other',
      'broken',
      'MiB start',
      'MiB end',
      'load took',
    ],
    ...rows.map(
      ({
        connections,
        imagesPerSecond,
        own,
        share,
        latency,
        statuses,
        broken,
        residentMiB,
        generatorShare,
      }) => {
        const { 200: good = 0, 503: busy = 0, ...rest } = statuses;
        const other = Object.values(rest).reduce((sum, n) => sum + n, 0);
        const figure = [latency.p50, latency.p95, latency.p99].map((value) => value.toFixed(0));
        const mib = [residentMiB.start, residentMiB.end].map((value) => value.toFixed(0));
        return [
          String(connections),
          imagesPerSecond.toFixed(2),
          own.toFixed(2),
          `${(100 * share).toFixed(0)} %`,
          ...figure,
          ...[good, busy, other, broken].map(String),
          ...mib,
          `${(100 * generatorShare).toFixed(1)} %`,
        ];
      },
    ),
  ];
  const widths = (cells[0] ?? []).map((_, i) => Math.max(...cells.map((row) => (row[i] ?? '').length)));
  const lines = cells.map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  '));
  return lines.join('\n');
}

const root = mkdtempSync(join(tmpdir(), 'reclmis-bench-serve-'));
let child: ChildProcess | null = null;
try {
  const dir = values.model ?? (await madeModel(root));
  const png = await picture();
  const body = formOf(png);
  const batch = DEFAULT_LIMITS.maxBatch;
  const ownSpeed = (): Promise<number> => {
    remark('measuring the model by itself ...');
    return batchSpeed(dir, png, batch, Math.min(seconds, 15));
  };
  const server = await startServer(dir);
  child = server.child;
  const { url } = server;
  await load(url, body, batch).then(() => remark('warmed up'));
  const rows: Measured[] = [];
  let earlier = await ownSpeed();
  for (const connections of stages) {
    remark(`${connections} connections for ${seconds} s ...`);
    const stage = await load(url, body, connections);
    const later = await ownSpeed();
    const own = (earlier + later) / 2;
    rows.push({ ...stage, own, share: stage.imagesPerSecond / own });
    earlier = later;
  }
  const before = await resident(url);
  await vanish(url, body);
  const slow = await crawl(url, body);
  const left = await held(url);
  const after = await resident(url);
  const well = (await fetch(`${url}/v2/health/ready`)).status === 200;
  const result = {
    model: values.model ?? 'made',
    threads,
    seconds,
    ownBatch: batch,
    stages: rows,
    vanished: VANISHING,
    slow,
    left,
    residentMiB: { beforeFaults: before / MIB, afterFaults: after / MIB },
    well,
  };
  const good = (stage: Stage): boolean =>
    stage.broken === 0 && Object.keys(stage.statuses).every((status) => ['200', '503'].includes(status));
  if (!rows.every(good) || slow !== '408' || !well || Object.values(left).some((value) => value !== 0))
    process.exitCode = 1;
  if (values.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  else
    process.stdout.write(
      `${table(batch, rows)}\n\n${VANISHING} clients vanished, a slow one got ${slow}; left of them: ${JSON.stringify(left)}; ` +
        `resident ${(before / MIB).toFixed(0)} -> ${(after / MIB).toFixed(0)} MiB; the server is ${well ? 'well' : 'not well'}\n`,
    );
} finally {
  child?.kill('SIGTERM');
  rmSync(root, { recursive: true, force: true });
}
