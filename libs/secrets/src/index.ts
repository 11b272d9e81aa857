export { Keyring } from './keyring.js';
export { SealingKey, keyIdOf } from './sealing.js';
