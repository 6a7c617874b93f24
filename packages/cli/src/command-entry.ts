import type { Command } from 'commander';

/** A subcommand, loaded on demand. */
export interface CommandEntry {
  readonly description: string;
  /** `register` adds the command to a program; the second argument is for commands about commands. */
  load(): Promise<{ register(program: Command, commands: Commands): void }>;
}

/** By name. */
export type Commands = Readonly<Record<string, CommandEntry>>;
