/** What `reclmis doctor` found, as text of 80 columns and as a report without personal data. */
import type { Examination } from '../doctor/examine.js';
import type { Machine } from '../doctor/machine.js';
import { personal, type Personal, redact } from '../doctor/redact.js';
import { shownValue } from '../doctor/settings.js';
import { wrapText } from '../table.js';

const WIDTH = 80;
const INDENT = '  ';

export function describeExamination(found: Examination): string {
  const { machine, packages, settings, unknownSettings, checks, seconds } = found;
  const section = (title: string, rows: readonly (readonly [string, string])[]): string => {
    const width = Math.max(...rows.map(([name]) => [...name].length));
    return [title, ...rows.map(([name, text]) => row(name.padEnd(width), text))].join('\n');
  };
  return [
    `reclmis ${found.version}, Node ${machine.node}, ${machine.platform} ${machine.release}, ${machine.arch}`,
    section('Machine', machineRows(machine)),
    section(
      'Packages',
      packages.map(({ name, version }) => [name, version ?? 'not installed']),
    ),
    ...(settings.length + unknownSettings.length === 0
      ? []
      : [
          section('Settings', [
            ...settings.map((setting) => [setting.name, shownValue(setting, false)] as const),
            ...unknownSettings.map((name) => [name, 'nothing reads it'] as const),
          ]),
        ]),
    section(
      `Checks (${seconds.toFixed(1)} s)`,
      checks.map(({ name, state, detail, remedy }) => [
        `${state.padEnd('warning'.length)}  ${name}`,
        remedy === null ? detail : `${detail}. ${remedy}`,
      ]),
    ),
  ].join('\n\n');
}

/** Further lines of the text stand under its first. */
function row(name: string, text: string): string {
  const start = `${INDENT}${name}${INDENT}`;
  return (
    start + wrapText(text, WIDTH - [...start].length).replaceAll('\n', `\n${' '.repeat([...start].length)}`)
  );
}

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

function machineRows({ cpu, memory, disks, gpus }: Machine): [string, string][] {
  return [
    ['processor', `${cpu.model}, ${cpu.cores} cores`],
    ['vector units', cpu.vectors === null ? 'not known here' : cpu.vectors.join(' ') || 'none'],
    ['memory', `${gigabytes(memory.totalBytes)}, ${gigabytes(memory.freeBytes)} free`],
    ...disks.map(({ what, freeBytes }): [string, string] => [
      `disk, ${what}`,
      freeBytes === null ? 'not known here' : `${gigabytes(freeBytes)} free`,
    ]),
    ['CUDA devices', gpus.map(({ name, driver }) => `${name} (driver ${driver})`).join(', ') || 'none'],
  ];
}

/** For bug reports. @param known what to leave out; default: this process's user, host and folders */
export function reportOf(found: Examination, known: Personal = personal()): unknown {
  const { version, machine, packages, settings, unknownSettings, checks, seconds } = found;
  const safe = (text: string): string => redact(text, known);
  return {
    version,
    machine,
    packages: packages.map(({ name, version: installed }) => ({ name, version: installed })),
    settings: settings.map((setting) => ({ name: setting.name, value: safe(shownValue(setting, true)) })),
    unknownSettings: unknownSettings.length, // their names are anybody's
    checks: checks.map(({ name, state, detail, remedy }) => ({
      name,
      state,
      detail: safe(detail),
      remedy: remedy === null ? null : safe(remedy),
    })),
    seconds: Number(seconds.toFixed(1)),
  };
}
