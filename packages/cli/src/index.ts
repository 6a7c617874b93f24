/** The reclmis command. */
export { type CommandEntry, COMMANDS } from './commands.js';
export { main } from './main.js';
