export { SealingKey } from './sealing.js';
