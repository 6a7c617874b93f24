/** Starting weights. */
export { describeInit, familiesOf, initialise, type Initialised, type InitTarget } from './init.js';
