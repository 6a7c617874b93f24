/** For tests of other packages too. */
export { FileServer, type Handler, hasSize, type SeenRequest, until } from './file-server.js';
export { FakeHub, type HubRepository, type HubRequest } from './fake-hub.js';
export { inFolder, writeFiles } from '../testing.js';
