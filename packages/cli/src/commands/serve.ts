/** `reclmis serve`: an exported model over HTTP, by the Open Inference Protocol and POST /segment; with `--pacs`, series of a PACS. */
import { defined, VERSION } from '@reclmis/core';
import { isOpenToAll } from '@reclmis/files';
import type { Command } from 'commander';
import { interruptSignal } from '../interrupt.js';
import { type HubFlags, placeOf, withHubOptions } from '../models/place.js';
import { type NoteFlags, vocabularyOf, withNoteOptions } from '../note-options.js';
import { numberOf } from '../output.js';
import { type ServePacsFlags, servedPacs, withServePacsOptions } from '../pacs/serve-options.js';
import { writeErr } from '../terminal.js';

interface ServeFlags extends NoteFlags, ServePacsFlags, HubFlags {
  readonly host: string;
  readonly port: number;
  readonly device?: 'cpu' | 'cuda';
  readonly threads?: number;
  readonly tokenFile?: string;
  readonly insecure?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly cors?: readonly string[];
  readonly allowHost?: readonly string[];
  readonly maxQueue?: number;
  readonly maxBatch?: number;
  readonly batchWait?: number;
  readonly timeout?: number;
  readonly bodyTimeout?: number;
  readonly maxBytes?: number;
  readonly maxPixels?: number;
  readonly maxNote?: number;
  readonly maxConnections?: number;
  readonly featureMemory?: number;
  readonly quiet?: boolean;
}

export function register(program: Command): void {
  const whole = (flag: string, min = 1, max?: number): ((text: string) => number) =>
    numberOf(flag, { min, ...defined({ max }) });
  const command = program
    .command('serve')
    .description('serve an exported model over HTTP, by default to this machine only')
    .argument('<model>', 'folder written by `reclmis export`, or hf:owner/name[@revision][/folder] on a hub')
    .option('--port <n>', 'port; 0: any free port', whole('--port', 0, 65_535), 8000)
    .option('--host <address>', 'address to listen on; anything but loopback needs a token', '127.0.0.1')
    .option('--token-file <file>', 'file with the token that clients send as “Authorization: Bearer ...”')
    .option('--insecure', 'allow network access without a token')
    .option('--tls-cert <file>', 'certificate chain, PEM')
    .option('--tls-key <file>', 'its private key, PEM')
    .option(
      '--cors <origins...>',
      'origins of web pages that may call the server, such as https://viewer.example',
    )
    .option(
      '--allow-host <names...>',
      'host names besides localhost that requests without a token may use: a proxy’s or a container’s',
    )
    .option('--device <name>', 'cpu or cuda')
    .option('--threads <n>', 'onnxruntime threads (default: all cores)', whole('--threads', 1, 1024))
    .option(
      '--feature-memory <MiB>',
      'most memory for features of images already seen, for further notes about them; 0 keeps none (default: 256)',
      whole('--feature-memory', 0, 65_536),
    )
    .option('--max-batch <n>', 'cases computed at once', whole('--max-batch'))
    .option(
      '--batch-wait <ms>',
      'how long a case waits for others being decoded while the model is idle',
      whole('--batch-wait', 0),
    )
    .option('--max-queue <n>', 'longest queue; further requests are answered 503', whole('--max-queue', 0))
    .option('--timeout <ms>', 'time limit from the complete request to the response', whole('--timeout'))
    .option(
      '--body-timeout <ms>',
      'time limit for a request to arrive (slower ones get 408) and for the client to receive the response',
      whole('--body-timeout'),
    )
    .option('--max-bytes <n>', 'largest request, bytes', whole('--max-bytes'))
    .option('--max-pixels <n>', 'largest image, pixels; checked before decoding', whole('--max-pixels'))
    .option('--max-note <n>', 'longest note, characters', whole('--max-note'))
    .option(
      '--max-connections <n>',
      'open connections; one more closes the longest idle one',
      whole('--max-connections'),
    )
    .option('-q, --quiet', 'no log');
  withHubOptions(
    withNoteOptions(withServePacsOptions(command), 'as the model has learnt; a request may override it'),
  )
    .addHelpText(
      'after',
      '\nExample:\n  $ reclmis serve models/qata --port 8000\n' +
        '  $ curl -F image=@chest.png --form-string "note=One infected area in the upper left lung." \\\n' +
        '      http://127.0.0.1:8000/segment -o mask.png\n',
    )
    .action(run);
}

async function run(asked: string, flags: ServeFlags): Promise<void> {
  const { checkAddress, createServer, readTls, readToken, resolveLimits } = await import('@reclmis/server');
  const { loadModel } = await import('@reclmis/runtime');
  const { host, port, tokenFile, insecure = false, quiet = false } = flags;
  checkAddress(host, { token: tokenFile !== undefined, insecure });
  const token = tokenFile === undefined ? null : await readToken(tokenFile);
  if (tokenFile !== undefined && !quiet && (await isOpenToAll(tokenFile)))
    writeErr(`${tokenFile}: every user of this machine can read the token; run chmod 600 on it\n`);
  const limits = resolveLimits(limitsOf(flags));
  const pacs = await servedPacs(flags, (line) => {
    if (!quiet) writeErr(`${line}\n`);
  });
  const tls = await readTls(flags.tlsCert, flags.tlsKey);
  const vocabulary = await vocabularyOf(flags.noteVocabulary);
  const { folder } = await placeOf(asked, flags, { quiet });
  const signal = interruptSignal();
  const model = await loadModel(folder, {
    signal,
    ...defined({ device: flags.device, threads: flags.threads, vocabulary }),
    ...(flags.featureMemory === undefined ? {} : { featureBytes: flags.featureMemory * 2 ** 20 }),
  });
  if (!quiet && model.manifest.note?.sides === 'unknown')
    writeErr(
      'SIDES_UNKNOWN: the model does not record whose left and right its training notes meant (record it with `reclmis sides MODEL patient` or `image`)\n',
    );
  try {
    const server = await createServer(model, {
      version: VERSION,
      ...defined({ sides: flags.sides, noteStyle: flags.noteStyle }),
      limits,
      token,
      tls,
      cors: flags.cors ?? [],
      hosts: flags.allowHost ?? [],
      pacs,
      log: quiet ? null : { level: 'info' },
    });
    const address = await server.listen(host, port);
    writeErr(`${model.manifest.name} at ${address} (documentation: ${address}/docs); press Ctrl-C to stop\n`);
    await new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await server.stop();
  } finally {
    await model.dispose();
  }
}

type Limit =
  | 'maxQueue'
  | 'maxBatch'
  | 'batchWait'
  | 'timeout'
  | 'bodyTimeout'
  | 'maxBytes'
  | 'maxPixels'
  | 'maxNote'
  | 'maxConnections'
  | 'maxSeriesBytes'
  | 'seriesTimeout';

function limitsOf(flags: ServeFlags): Partial<Record<Limit, number>> {
  const names: readonly Limit[] = [
    'maxQueue',
    'maxBatch',
    'batchWait',
    'timeout',
    'bodyTimeout',
    'maxBytes',
    'maxPixels',
    'maxNote',
    'maxConnections',
    'maxSeriesBytes',
    'seriesTimeout',
  ];
  return Object.fromEntries(
    names.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]])),
  );
}
