/** Completion, by the shells themselves where they are installed (bash is; zsh and fish by apt). */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COMMANDS } from './commands.js';
import { completionScript, type Shell, SHELLS } from './completion/scripts.js';
import { commandTree, type Node } from './completion/tree.js';
import { reclmisHere } from './testing/reclmis.js';

const root = mkdtempSync(join(tmpdir(), 'reclmis-completion-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const reclmis = reclmisHere(root);
const script = (shell: Shell): string => join(root, `reclmis.${shell}`);
const has = (shell: string): boolean => spawnSync(shell, ['-c', 'exit 0']).status === 0;
let tree: Node[] = [];

beforeAll(async () => {
  tree = await commandTree(COMMANDS);
  for (const shell of SHELLS) {
    const { status, stdout, stderr } = await reclmis('completion', shell);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout.trimEnd()).toBe(completionScript(shell, tree).trimEnd());
    writeFileSync(script(shell), stdout);
  }
  for (const name of ['scan.png', 'notes.csv']) writeFileSync(join(root, name), '');
});

/** What a shell offers for words, the last of which is being typed; sorted. */
function offered(shell: Shell, ...typed: string[]): string[] {
  const words = ['reclmis', ...typed].map((word) => `'${word}'`).join(' ');
  const sources = {
    bash: `source ${script('bash')}; COMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _reclmis; printf '%s\\n' "\${COMPREPLY[@]}"`,
    // zsh's own functions draw menus: these take their place and print what they would show
    zsh: `_files() { print -l -- *; }
      _describe() { local one; for one in "\${(@P)2}"; do one=\${one%%:*}; [[ $one == "\${words[CURRENT]}"* ]] && print -r -- "$one"; done; true; }
      source ${script('zsh')}; words=(${words}); CURRENT=${typed.length + 1}; _reclmis`,
    fish: `source ${script('fish')}; complete -C "reclmis ${typed.join(' ')}"`,
  };
  const { stdout, stderr } = spawnSync(
    shell,
    shell === 'zsh' ? ['-f', '-c', sources.zsh] : ['-c', sources[shell]],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  expect(stderr).toBe('');
  const lines = stdout.split('\n').map((line) => line.split('\t')[0] ?? '');
  return [...new Set(lines.filter((line) => line !== ''))].sort();
}

describe('the words', () => {
  it('are those of the commands', () => {
    expect(tree[0]?.children.map(({ name }) => name)).toEqual([...Object.keys(COMMANDS), 'help']);
    const check = tree.find(({ path }) => path === 'reclmis data check');
    expect(check?.options.flatMap(({ names }) => names)).toEqual(
      expect.arrayContaining(['--strict', '--help']),
    );
    const train = tree.find(({ path }) => path === 'reclmis train');
    expect(train?.options.flatMap(({ names }) => names)).toContain('--model.baseWidth');
    expect(train?.options.find(({ names }) => names.includes('--train.schedule'))?.choices).toContain(
      'cosine',
    );
    expect(tree.find(({ path }) => path === 'reclmis completion')?.choices).toEqual([...SHELLS]);
  });

  it('are named without options where a package is missing', async () => {
    const missing = Object.assign(new Error('no'), { code: 'ERR_MODULE_NOT_FOUND' });
    const found = await commandTree({ train: { description: 'train', load: () => Promise.reject(missing) } });
    expect(found.map(({ path, options }) => [path, options.length])).toEqual([
      ['reclmis', 2],
      ['reclmis help', 1],
      ['reclmis train', 1],
    ]);
  });
});

describe.each(SHELLS)('%s', (shell) => {
  it.skipIf(!has(shell)).each<[string[], string[]]>([
    [['pre'], ['predict']],
    [
      ['data', 'c'],
      ['check', 'convert'],
    ],
    [['help', 'stu'], ['studio']],
    [
      ['export', '--precision', 'fp'],
      ['fp16', 'fp32'],
    ],
    [['data', 'check', '--stric'], ['--strict']],
    [['train', '--train.sched'], ['--train.schedule']],
    [
      ['train', '--train.schedule', 'co'],
      ['constant', 'cosine'],
    ],
    [['predict', 'models/x', '--resu'], ['--resume']],
    [['completion', 'z'], ['zsh']],
  ])('completes %j', (typed, expected) => {
    const found = offered(shell, ...typed);
    expect(found.filter((word) => word.startsWith(typed.at(-1) ?? ''))).toEqual(
      expect.arrayContaining(expected),
    );
    expect(found.filter((word) => !word.startsWith(typed.at(-1) ?? ''))).toEqual([]);
  });

  it.skipIf(!has(shell))('leaves the value of an option to the shell’s files', () => {
    const found = offered(shell, 'predict', 'models/x', '--notes', '');
    // bash falls back to files where the function offers nothing
    expect(found.filter((word) => !word.startsWith('reclmis'))).toEqual(
      shell === 'bash' ? [] : ['notes.csv', 'scan.png'],
    );
  });
});

it('another shell is refused', async () => {
  const { status, stderr } = await reclmis('completion', 'tcsh');
  expect(status).toBe(2);
  expect(stderr).toMatch(/^error OPTION_INVALID: .*'tcsh'.*bash, zsh, fish/);
});
