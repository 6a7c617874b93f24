/** Parses Slurm's lists: srun(1), "OUTPUT ENVIRONMENT VARIABLES"; scontrol(1), `show hostnames`. */
import { ReclmisError } from '@reclmis/core';

/** Above the well-known ports, below Linux's ephemeral ones, which begin at 32768. */
const FIRST_PORT = 20000;
const PORTS = 12000;

/**
 * First host of e.g. `node[01-03,7]`, `rack[1-2]n[05-08]`, `alpha,beta`; zeros stay.
 * @throws LAUNCH_INVALID
 */
export function firstHost(list: string): string {
  const bad = (why: string): ReclmisError =>
    new ReclmisError('LAUNCH_INVALID', `Slurm's node list '${list}': ${why}`);
  let host = '';
  let rest = list.trim();
  while (rest !== '' && !rest.startsWith(',')) {
    if (!rest.startsWith('[')) {
      const [plain = ''] = /^[^,[]*/.exec(rest) ?? [];
      host += plain;
      rest = rest.slice(plain.length);
      continue;
    }
    const end = rest.indexOf(']');
    if (end < 0) throw bad('expected a closing bracket, found none');
    const inside = rest.slice(1, end);
    if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(inside))
      throw bad(`expected numbers and ranges in the brackets, got '${inside}'`);
    host += /^\d+/.exec(inside)?.[0] ?? '';
    rest = rest.slice(end + 1);
  }
  if (!/^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(host)) {
    throw bad(`expected a host name first, got '${host}'`);
  }
  return host;
}

/**
 * @param list e.g. `4(x2),3`: four on nodes 0 and 1, three on node 2. @param node from 0.
 * @throws LAUNCH_INVALID if the list is malformed or too short
 */
export function tasksOnNode(list: string, node: number): number {
  let from = 0;
  for (const part of list.trim().split(',')) {
    const [, tasks, times = '1'] = /^([1-9]\d{0,5})(?:\(x([1-9]\d{0,5})\))?$/.exec(part) ?? [];
    if (tasks === undefined) {
      throw new ReclmisError(
        'LAUNCH_INVALID',
        `Slurm's tasks per node '${list}': expected parts such as 4 or 4(x2), got '${part}'`,
      );
    }
    from += Number(times);
    if (node < from) return Number(tasks);
  }
  throw new ReclmisError(
    'LAUNCH_INVALID',
    `Slurm's tasks per node '${list}': names ${from} nodes, this is node ${node} counted from 0`,
  );
}

export function portOfJob(job: number): number {
  return FIRST_PORT + (job % PORTS);
}
