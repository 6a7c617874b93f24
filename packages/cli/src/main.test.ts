/** The command: exit statuses, messages and help. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { BIN, reclmisHere } from './testing/reclmis.js';

const folder = mkdtempSync(join(tmpdir(), 'reclmis-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const reclmis = reclmisHere(folder);

describe('help', () => {
  it('lists the commands', async () => {
    const { status, stdout, stderr } = await reclmis('--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatchInlineSnapshot(`
      "Usage: reclmis [options] [command]

      Segment medical images guided by radiologists’ notes: train, evaluate and use
      RecLMIS (arXiv 2404.02845).

      Options:
        -V, --version   print the version
        -h, --help      print help; see \`reclmis COMMAND --help\` for one command

      Commands:
        setup           install what trains, and build its addon against libtorch
        demo            train on phantoms, evaluate with correct and swapped notes,
                        draw a contact sheet, export the model
        data            check, split, convert and create data sets
        notes           write notes from masks, for data sets without text; show how a
                        note is read
        plan            examine a data set and propose a configuration
        train           train a model on a data set
        evaluate        evaluate trained models: scores, a report, comparisons
        calibrate       fit the Dice that a run predicts for its masks, on its
                        validation cases
        ablate          switch parts of the model on and off and compare, as in the
                        paper’s tables
        predict         segment images by their notes
        explain         show why a run segments as it does: Grad-CAM, words and
                        patches of interest, attention
        export          export a run as an ONNX model, for use without libtorch
        publish         write the repository of a model for a hub, with its card
        serve           serve an exported model over HTTP
        studio          open a model in the browser: write a note, watch the mask,
                        correct and save it
        pacs            find, fetch, segment and store series of a PACS over DICOMweb
        runs            list runs with their best figures, or compare them
        sides           show or record whose left and right a run’s or model’s notes
                        mean
        bench           measure training and inference on this machine: time, memory,
                        FLOPs
        weights         fetch, import, list and verify text encoder weights
        doctor          show what is installed, and test within 20 seconds that it
                        works
        completion      print a script that completes commands and options in a shell
        parity          compare a model with the outputs of its authors’ code
        help [command]  print help for a command

      Example:
        $ reclmis demo

      "
    `);
  });

  it.each([
    'demo',
    'data',
    'notes',
    'plan',
    'train',
    'evaluate',
    'ablate',
    'predict',
    'explain',
    'export',
    'pacs',
    'runs',
    'sides',
    'weights',
    'parity',
  ])('of %s says how it is used', async (name) => {
    const { status, stdout, stderr } = await reclmis(name, '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain(`Usage: reclmis ${name}`);
    if (name !== 'data') expect(stdout).toContain('Example');
    expect((await reclmis('help', name)).stdout).toBe(stdout);
  });

  it('loads no command, of packages core’s essentials alone, and of others’ commander alone', () => {
    const traces = mkdtempSync(join(tmpdir(), 'reclmis-trace-'));
    // V8's coverage names all loaded modules.
    spawnSync(process.execPath, [BIN, '--help'], { env: { ...process.env, NODE_V8_COVERAGE: traces } });
    const loaded = readdirSync(traces).flatMap((name) => {
      const { result } = JSON.parse(readFileSync(join(traces, name), 'utf8')) as {
        result: { url: string }[];
      };
      return result.map(({ url }) => url);
    });
    rmSync(traces, { recursive: true });
    expect(loaded.some((url) => url.endsWith('/cli/dist/main.js'))).toBe(true);
    expect(loaded.filter((url) => url.includes('/cli/dist/commands/'))).toEqual([]);
    const partsOf = (pattern: RegExp): string[] =>
      [...new Set(loaded.flatMap((url) => pattern.exec(url)?.[1] ?? []))].sort();
    expect(partsOf(/\/node_modules\/((?:@[^/]+\/)?[^/]+)\//)).toEqual(['commander']);
    expect(partsOf(/\/packages\/(?!cli\/)([^.]+)\.js$/)).toEqual([
      'core/dist/errors',
      'core/dist/essentials',
      'core/dist/printable',
      'core/dist/system-errors',
      'core/dist/version',
    ]);
  });
});

describe('mistakes', () => {
  it.each([
    [['trian'], 2, 'OPTION_UNKNOWN', /unknown command 'trian'/, /Did you mean train\?/],
    [['train', '--epoch', '3'], 2, 'OPTION_UNKNOWN', /unknown option '--epoch'/, /Did you mean --epochs\?/],
    [['data', 'chekc', 'x'], 2, 'OPTION_UNKNOWN', /unknown command 'chekc'/, /Did you mean check\?/],
    [
      ['train', '--lr', 'fast', '--data', 'x'],
      2,
      'OPTION_INVALID',
      /--lr: expected a number, got "fast"/,
      /--help/,
    ],
    [
      ['train', '--data', 'x', '-o', ''],
      2,
      'OPTION_INVALID',
      /--out: expected a path, got an empty one/,
      /./,
    ],
    [['evaluate', ''], 2, 'OPTION_INVALID', /expected a name, got an empty one/, /./],
    [['notes', '.', '-o', 'n.txt'], 2, 'OPTION_INVALID', /n\.txt: expected a file of notes/, /./],
    [
      ['notes', '.', '-o', 'n.csv', '--finding', 'a\nb'],
      2,
      'OPTION_INVALID',
      /--finding: expected words/,
      /./,
    ],
    [
      ['serve', 'x', '--port', '65536'],
      2,
      'OPTION_INVALID',
      /--port: expected a whole number from 0 to 65535/,
      /./,
    ],
    [
      ['evaluate', 'x', '--threads', '2000'],
      2,
      'OPTION_INVALID',
      /--threads: .* from 0 to 1024, got "2000"/,
      /./,
    ],
    [['serve', 'x', '--threads', '1000000'], 2, 'OPTION_INVALID', /--threads: .* from 1 to 1024/, /./],
    [['serve', 'x', '--timeout', '1e15'], 2, 'OPTION_INVALID', /timeout: expected at most 86400000/, /./],
    [
      ['bench', 'infer', '--model', 'x', '--threads', '-1'],
      2,
      'OPTION_INVALID',
      /--threads: .* from 0 to/,
      /./,
    ],
    [['train'], 2, 'OPTION_INVALID', /no data set: expected --data DIR/, /--help/],
    [['train', '--data', 'nowhere'], 3, 'DATA_FOLDER_MISSING', /nowhere/, /./],
    [
      ['train', '--data', 'x', '--lr', '7'],
      2,
      'CONFIG_INVALID',
      /train\.lr: expected a number of at most 1, got 7/,
      /./,
    ],
    [['train', '--data', 'x', '--preset', 'qata'], 2, 'CONFIG_INVALID', /expected one of .*qata-cov19/, /./],
    [['train', '--config', 'none.yaml'], 2, 'CONFIG_UNREADABLE', /none\.yaml/, /./],
    [['train', '--data', 'x', '--model.variant', 'both'], 2, 'OPTION_INVALID', /paper, upstream/, /--help/],
    [['evaluate'], 2, 'OPTION_INVALID', /missing required argument 'run'/, /--help/],
    [
      ['evaluate', 'x', 'y', '--probes'],
      2,
      'OPTION_INVALID',
      /--probes and --rewordings: expected one run/,
      /each run separately/,
    ],
    [['evaluate', 'nowhere'], 4, 'RUN_MISSING', /nowhere: no such run folder/, /train/],
    [
      ['evaluate', 'x', '--batch', '0'],
      2,
      'OPTION_INVALID',
      /--batch: expected a whole number of at least 1, got "0"/,
      /./,
    ],
    [['predict', 'x', '--image', 'a.png'], 2, 'OPTION_INVALID', /--out/, /--help/],
    [
      ['predict', 'nowhere', '--image', 'a.png', '--note', 'lung', '-o', 'out'],
      4,
      'RUN_MISSING',
      /nowhere/,
      /train/,
    ],
    [['parity', '--golden', 'none.json'], 4, 'GOLDEN_INVALID', /none\.json/, /./],
  ])('%j ends with status %i and %s', async (args, status, code, message, remedy) => {
    const result = await reclmis(...args);
    expect(result.stdout).toBe('');
    const [first = '', second = '', ...rest] = result.stderr.trimEnd().split('\n');
    expect(first).toMatch(new RegExp(`^error ${code}: `));
    expect(first).toMatch(message);
    expect(second).toMatch(/^remedy: /);
    expect(second).toMatch(remedy);
    expect(rest).toEqual([]);
    expect(result.status).toBe(status);
  });

  it('a group of commands without one prints its help and the mistake', async () => {
    const { status, stdout, stderr } = await reclmis('data');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /^Usage: reclmis data [^]*\nerror OPTION_INVALID: no subcommand was given\nremedy: .+\n$/,
    );
  });

  it('leave nothing behind', () => {
    expect(readdirSync(folder)).toEqual([]);
  });

  it('name an unknown key of a configuration file', async () => {
    const file = join(folder, 'wrong.yaml');
    writeFileSync(file, 'train:\n  epoch: 3\n');
    const { status, stderr } = await reclmis('train', '--config', file, '--data', 'x');
    expect(stderr).toMatch(/^error CONFIG_UNKNOWN_KEY: .*wrong\.yaml: unknown key train\.epoch/);
    expect(status).toBe(2);
    rmSync(file);
  });

  it('escapes control characters, on one line', async () => {
    const { status, stderr } = await reclmis('train', '--config', 'a\u001b]0;x\u009b\nb.yaml', '--data', 'x');
    expect(stderr).toMatch(/^error CONFIG_UNREADABLE: a\\u001b\]0;x\\u009b\\u000ab\.yaml: .*\nremedy: .*\n$/);
    expect(status).toBe(2);
  });

  it('the demo leaves other folders alone', async () => {
    const mine = mkdtempSync(join(folder, 'mine-'));
    writeFileSync(join(mine, 'thesis.txt'), 'years');
    const { status, stderr } = await reclmis('demo', '-o', mine);
    expect(stderr).toMatch(/^error OUTPUT_EXISTS: /);
    expect(status).toBe(7);
    expect(readdirSync(mine)).toEqual(['thesis.txt']);
    rmSync(mine, { recursive: true });
  });

  it('a second demo deletes no evaluation that was made after the first', async () => {
    const out = mkdtempSync(join(folder, 'demo-'));
    writeFileSync(join(out, '.reclmis-demo'), '');
    const evaluation = join(out, 'run', 'evaluation');
    mkdirSync(evaluation, { recursive: true });
    for (const name of ['test-right.csv', 'phantoms-test.csv']) writeFileSync(join(evaluation, name), name);
    const { status, stderr } = await reclmis('demo', '-o', out);
    expect(stderr).toMatch(/^error OUTPUT_EXISTS: a new demo would delete \S+phantoms-test\.csv, made after/);
    expect(stderr).toMatch(/^remedy: .*--out DIR/m);
    expect(status).toBe(7);
    expect(readdirSync(evaluation).sort()).toEqual(['phantoms-test.csv', 'test-right.csv']);
    rmSync(out, { recursive: true });
  });
});

describe('output', () => {
  it('-q says nothing, --json one document', async () => {
    const quiet = await reclmis('data', 'phantom', '-o', 'quiet', '--count', '3', '--size', '32', '-q');
    expect(quiet).toMatchObject({ status: 0, stdout: '', stderr: '' });
    const json = await reclmis(
      'data',
      'phantom',
      '-o',
      'json',
      '--count',
      '3',
      '--size',
      '32',
      '-q',
      '--json',
    );
    expect(json).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(json.stdout)).toBeTypeOf('object');
  });

  it('ends quietly when its reader goes away', async () => {
    const child = spawn(process.execPath, [BIN, 'train', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.destroy();
    await new Promise((resolve) => child.once('close', resolve));
    expect(stderr).toBe('');
  });
});
