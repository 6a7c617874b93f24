/** Reference readers in Python, for tests: pydicom and nibabel, where they are installed. */
import { spawnSync } from 'node:child_process';

/** Debian's: another python3 on the path may lack its modules. */
const PYTHON = '/usr/bin/python3';

/** Whether the modules can be imported. */
export function hasPython(...modules: readonly string[]): boolean {
  const { status } = spawnSync(PYTHON, ['-c', `import ${modules.join(', ')}`], { stdio: 'ignore' });
  return status === 0;
}

/** What a script prints, as JSON. @throws Error with its standard error */
export function python(script: string, ...args: readonly string[]): unknown {
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', script, ...args], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (status !== 0) throw new Error(`python3 ended with ${status}: ${stderr.slice(-2000)}`);
  return JSON.parse(stdout) as unknown;
}

/** Whether a command can be run. */
export function hasTool(command: string): boolean {
  return spawnSync('which', [command], { stdio: 'ignore' }).status === 0;
}
