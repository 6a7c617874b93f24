/** The reclmis command. */
export type { CommandEntry, Commands } from './command-entry.js';
export { COMMANDS } from './commands.js';
export { main } from './main.js';
