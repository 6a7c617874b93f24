/** The reclmis command. */
export { main } from './main.js';
