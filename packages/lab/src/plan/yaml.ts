/** A plan as YAML for `reclmis train --config`, each setting with its reason. */
import { stringify } from 'yaml';
import type { Plan, Proposal } from './propose.js';

/** @param head comments above the settings */
export function planToYaml({ settings, notices }: Plan, head: readonly string[]): string {
  const comment = (line: string): string => `# ${oneLine(line)}`;
  const lines = [...head.map(comment), ...notices.map((line) => comment(`note: ${line}`))];
  let section = '';
  for (const setting of settings) {
    const [name = '', key = ''] = setting.path.split('.');
    if (name !== section) lines.push(`${name}:`);
    section = name;
    lines.push(`  ${key}: ${valueOf(setting)} # ${oneLine(setting.reason)}`);
  }
  return `${lines.join('\n')}\n`;
}

function valueOf({ value }: Proposal): string {
  return stringify(value, { lineWidth: 0, collectionStyle: 'flow', defaultStringType: 'PLAIN' }).trimEnd();
}

/** File names may hold anything; a comment ends with its line. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ');
}
