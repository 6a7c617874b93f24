/**
 * When a process of this machine began, so that one can be told from a later one that got the same number.
 *
 * On Linux that is field 22 of /proc/PID/stat, clock ticks since the machine's start, with the start's own id (/proc/sys/kernel/random/boot_id); elsewhere
 * what `ps -o lstart=` prints. Where neither can be had (Windows, a hidden /proc), it is null, and the number alone has to do.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { systemCode } from '@reclmis/core';

/** Ticks of /proc in a second; Linux has 100 on every processor that Node runs on. */
const TICKS = 100;
const PS_TIMEOUT_MS = 5000;

/** The state and the start of a process in ticks; null where /proc does not say. */
function statOf(pid: number): { readonly state: string; readonly ticks: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // from field 3 on; the name before may hold anything
    const ticks = Number(fields[19]);
    return Number.isSafeInteger(ticks) ? { state: fields[0] ?? '', ticks } : null;
  } catch {
    return null;
  }
}

function ps(pid: number, column: string): string | null {
  if (process.platform === 'win32' || process.platform === 'linux') return null;
  try {
    const text = execFileSync('ps', ['-o', `${column}=`, '-p', String(pid)], {
      encoding: 'utf8',
      timeout: PS_TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    });
    return text.trim() || null;
  } catch {
    return null;
  }
}

/** Whether a process of this machine still runs, or is stopped; one that ended and waits for its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false; // EPERM: it runs as somebody else
  }
  const state = statOf(pid)?.state ?? ps(pid, 'state') ?? '';
  return !/^[ZX]/u.test(state);
}

/** A short name of the moment in which a process began, without blanks; null where that cannot be had. */
export function startOf(pid: number): string | null {
  const stat = statOf(pid);
  if (stat !== null) {
    try {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return `${boot}.${stat.ticks}`;
    } catch {
      return null;
    }
  }
  const text = ps(pid, 'lstart');
  return text === null ? null : createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** For how long a process has run, ms; null where that cannot be had. */
export function ageOf(pid: number): number | null {
  const stat = statOf(pid);
  if (stat === null) return null;
  try {
    const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
    return Number.isFinite(uptime) ? (uptime - stat.ticks / TICKS) * 1000 : null;
  } catch {
    return null;
  }
}
