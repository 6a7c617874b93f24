/** Everything that `reclmis doctor` finds, as data. */
import { ERRORS, VERSION } from '@reclmis/core';
import { describeMachine, type Machine } from './machine.js';
import { type Installed, installedPackages, strangers } from './packages.js';
import { type Check, selfTest, type SelfTestOptions } from './self-test.js';
import { settingsOf, type Setting, unknownSettings } from './settings.js';

export interface Examination {
  readonly version: string;
  readonly machine: Machine;
  readonly packages: readonly Installed[];
  readonly settings: readonly Setting[];
  /** RECLMIS_... that nothing reads. */
  readonly unknownSettings: readonly string[];
  readonly checks: readonly Check[];
  readonly seconds: number;
}

const LEAST_FREE_BYTES = 2 ** 30;
const LEAST_MEMORY_BYTES = 2 * 2 ** 30;

export async function examine(options: SelfTestOptions = {}): Promise<Examination> {
  const [machine, packages, unknown] = [await describeMachine(), installedPackages(), unknownSettings()];
  const start = performance.now();
  const tested = await selfTest(options);
  return {
    version: VERSION,
    machine,
    packages,
    settings: settingsOf(),
    unknownSettings: unknown,
    checks: [
      ...judgePackages(packages),
      ...judgeMachine(machine, tested),
      ...judgeSettings(unknown),
      ...tested,
    ],
    seconds: (performance.now() - start) / 1000,
  };
}

export function judgePackages(packages: readonly Installed[]): Check[] {
  const missing = packages.filter(({ version, needed }) => needed && version === null);
  const others = strangers(packages);
  const list = (of: readonly Installed[]): string =>
    of.map(({ name, version }) => (version === null ? name : `${name} ${version}`)).join(', ');
  return [
    missing.length === 0
      ? { name: 'packages', state: 'ok', detail: 'all that predicting needs are installed', remedy: null }
      : {
          name: 'packages',
          state: 'failed',
          detail: `missing: ${list(missing)}`,
          remedy: 'Install reclmis again, without leaving out dependencies.',
        },
    ...(others.length === 0
      ? []
      : [
          {
            name: 'versions',
            state: 'failed',
            detail: `expected ${VERSION} of every @reclmis package, got ${list(others)}`,
            remedy: `Install version ${VERSION} of these packages, or the newest of all.`,
          } as const,
        ]),
  ];
}

export function judgeMachine({ cpu, memory, disks, gpus, arch }: Machine, tested: readonly Check[]): Check[] {
  const torch = tested.find(({ name }) => name === 'libtorch');
  const warning = (name: string, detail: string, remedy: string): Check => ({
    name,
    state: 'warning',
    detail,
    remedy,
  });
  return [
    ...(arch === 'x64' && cpu.vectors !== null && !cpu.vectors.includes('avx2')
      ? [
          warning(
            'processor',
            'no AVX2: everything works, but slowly',
            'Use a machine with AVX2 for training.',
          ),
        ]
      : []),
    ...(memory.totalBytes < LEAST_MEMORY_BYTES
      ? [
          warning(
            'memory',
            'less than 2 GB',
            'Use a narrower model, one image at a time, or another machine.',
          ),
        ]
      : []),
    ...disks.flatMap(({ what, freeBytes }) =>
      freeBytes !== null && freeBytes < LEAST_FREE_BYTES
        ? [warning('disk', `less than 1 GB free: ${what}`, 'Free some space, or choose another folder.')]
        : [],
    ),
    ...(gpus.length > 0 && torch?.state === 'ok' && torch.detail.includes('no CUDA')
      ? [warning('CUDA', 'a graphics card that this libtorch cannot use', ERRORS.DEVICE_MISSING.remedy)]
      : []),
  ];
}

function judgeSettings(unknown: readonly string[]): Check[] {
  if (unknown.length === 0) return [];
  return [
    {
      name: 'settings',
      state: 'warning',
      detail: `${unknown.length} RECLMIS_... variables that nothing reads`,
      remedy: 'Correct their spelling (docs/guide/doctor.md lists all), or unset them.',
    },
  ];
}
