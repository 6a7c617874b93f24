/** What a shell completes: commands with their options, from the definitions that run them. */
import { Command, type Option } from 'commander';
import type { Commands } from '../command-entry.js';

export interface Node {
  /** `reclmis data check`. */
  readonly path: string;
  /** Those of the next level. */
  readonly children: readonly Word[];
  readonly options: readonly OptionWord[];
  /** What the first argument may be, if it is one of a few. */
  readonly choices: readonly string[];
}

export interface Word {
  readonly name: string;
  readonly description: string;
}

export interface OptionWord {
  /** With its dashes: `--out`, `-o`. */
  readonly names: readonly string[];
  readonly description: string;
  readonly takesValue: boolean;
  /** Empty: any value, perhaps a file. */
  readonly choices: readonly string[];
}

const HELP: OptionWord = {
  names: ['--help', '-h'],
  description: 'print help',
  takesValue: false,
  choices: [],
};
const VERSION: OptionWord = {
  names: ['--version', '-V'],
  description: 'print the version',
  takesValue: false,
  choices: [],
};

/** All commands, parents before children. Commands whose packages are not installed are named, without their options. */
export async function commandTree(commands: Commands): Promise<Node[]> {
  const entries = Object.entries(commands);
  const words = entries.map(([name, { description }]) => ({ name, description: oneLine(description) }));
  const help = { name: 'help', description: 'print help for a command' };
  const root: Node = { path: 'reclmis', children: [...words, help], options: [HELP, VERSION], choices: [] };
  const below: Node[] = [];
  for (const [name, entry] of entries) {
    const program = new Command('reclmis');
    try {
      (await entry.load()).register(program, commands);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    }
    const command = program.commands.find((one) => one.name() === name);
    below.push(...(command ? nodesOf(command, 'reclmis') : [bare(`reclmis ${name}`)]));
  }
  const names = words.map((word) => word.name);
  return [root, { ...bare('reclmis help'), choices: names }, ...below];
}

const bare = (path: string): Node => ({ path, children: [], options: [HELP], choices: [] });

function nodesOf(command: Command, parent: string): Node[] {
  const path = `${parent} ${command.name()}`;
  const children = command.commands.map((child) => ({
    name: child.name(),
    description: oneLine(child.description()),
  }));
  const options = command.options.filter(({ hidden }) => !hidden).map(optionWord);
  const [first] = command.registeredArguments;
  return [
    { path, children, options: [...options, HELP], choices: first?.argChoices ?? [] },
    ...command.commands.flatMap((child) => nodesOf(child, path)),
  ];
}

function optionWord({ long, short, description, required, optional, argChoices }: Option): OptionWord {
  return {
    names: [long, short].filter((name) => name !== undefined),
    description: oneLine(description),
    takesValue: required || optional,
    choices: argChoices ?? [],
  };
}

/** A shell's menu has one line for each word. */
const oneLine = (text: string): string => (text.split(/[;:(]/)[0] ?? '').replace(/\s+/g, ' ').trim();
