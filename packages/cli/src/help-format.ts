/**
 * Help that keeps to the terminal's width, 80 columns without one: long names stand on a line of their own, and added text
 * and examples are broken where a reader or a shell may break them.
 */
import { Help, type HelpConfiguration } from 'commander';
import { wrapText } from './table.js';

/** Columns of names; longer ones are followed by their text on the next line. */
const WIDEST_NAME = 26;
const INDENT = 2;
/** Indent of the lines that continue a command. */
const CONTINUED = ' '.repeat(6);

export const HELP: HelpConfiguration = {
  showGlobalOptions: false,
  padWidth: (command, helper) => Math.min(WIDEST_NAME, Help.prototype.padWidth.call(helper, command, helper)),
  formatItem(term, termWidth, description, helper) {
    const start = ' '.repeat(INDENT);
    if (description === '') return start + term;
    const column = INDENT + termWidth + INDENT;
    const text = helper.boxWrap(description, (helper.helpWidth ?? 80) - column);
    const hanging = text.replaceAll('\n', `\n${' '.repeat(column)}`);
    const fits = helper.displayWidth(term) <= termWidth;
    return start + (fits ? term.padEnd(termWidth + INDENT) : `${term}\n${' '.repeat(column)}`) + hanging;
  },
};

/** Breaks what is wider: examples (`  $ reclmis ...`) with a backslash, their comments onto a line before, text between words. */
export function fitHelp(text: string, width: number): string {
  return text
    .split('\n')
    .flatMap((line) => {
      if ([...line].length <= width) return [line];
      return /^ {2}\$ |^ {6}\S/.test(line) ? brokenCommand(line, width) : wrapText(line, width).split('\n');
    })
    .join('\n');
}

function brokenCommand(line: string, width: number): string[] {
  const [, command = line, comment] = /^(.*?\S) +(# .*)$/.exec(line) ?? [];
  if (comment !== undefined)
    return [`  ${comment}`, ...([...command].length <= width ? [command] : brokenCommand(command, width))];
  const goesOn = command.endsWith(' \\');
  const words = (goesOn ? command.slice(0, -2) : command).trim().match(/(?:"[^"]*"|'[^']*'|\S)+/g) ?? [];
  // an option stays with its value
  const pieces = words.reduce<string[]>((all, word) => {
    const last = all.at(-1);
    if (last !== undefined && /^--?[a-z][^ ]*$/.test(last) && !word.startsWith('-'))
      all[all.length - 1] = `${last} ${word}`;
    else all.push(word);
    return all;
  }, []);
  const lines: string[] = [];
  let current = `${/^ */.exec(command)?.[0] ?? ''}${pieces.shift() ?? ''}`;
  for (const piece of pieces) {
    if ([...current].length + piece.length + ' \\'.length < width) current += ` ${piece}`;
    else {
      lines.push(`${current} \\`);
      current = CONTINUED + piece;
    }
  }
  return [...lines, goesOn ? `${current} \\` : current];
}
