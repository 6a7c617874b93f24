/**
 * When a process of this machine began, to tell it from a later one with its id: on Linux from /proc/PID/stat
 * (ticks since boot) and the boot's id, elsewhere from `ps -o lstart=`; null without either (Windows, a
 * hidden /proc).
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { systemCode } from '@reclmis/core';

/** Per second in /proc, on every processor that Node supports. */
const TICKS = 100;
const PS_TIMEOUT_MS = 5000;

function statOf(pid: number): { readonly state: string; readonly ticks: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
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

/** Whether it runs or is stopped; zombies do not count. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false; // EPERM: runs as another user
  }
  const state = statOf(pid)?.state ?? ps(pid, 'state') ?? '';
  return !/^[ZX]/u.test(state);
}

/** Identifies the start, without spaces; null if unknown. */
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

/** Age of a process in ms; null if unknown. */
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
