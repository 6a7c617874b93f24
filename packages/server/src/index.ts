/**
 * A model over HTTP: the Open Inference Protocol, and one route for people.
 *
 * @packageDocumentation
 */
export { checkAddress, isLoopback, readTls, readToken, type Tls } from './admission/access.js';
export { DEFAULT_LIMITS, type Limits, resolveLimits } from './admission/limits.js';
export { PAGE_HEADERS, servePage, type PageFolder, type PageServer } from './page-server.js';
export { createServer, type ReclmisServer, type ServerOptions } from './server.js';
