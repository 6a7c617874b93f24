export {
  type LaunchOptions,
  type LaunchPlan,
  type MeetingPoint,
  planLaunch,
  type SpawnPlan,
  threadsOfWorker,
  threadsPerWorker,
  type WorkerPlan,
} from './plan.js';
export { freePort, launchWorkers, type LocalLaunch, type SignalSource } from './local.js';
export { holdLifeline } from './lifeline.js';
export { Heartbeat, type HeartbeatOptions, type Pulse } from './heartbeat.js';
