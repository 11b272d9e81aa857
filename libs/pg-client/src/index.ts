export { type ConnectionSettings, settingsOf } from './connection-settings.js';
export { type ConnectOptions, connectClient, socketOf } from './connect-client.js';
export { type ErrorContext, sqlstateOf, toMirrorError } from './mirror-error.js';
export type { ServerRole } from './server-role.js';
