import { readConfig } from './config.js';
import { serveConsole } from './shell/serve-console.js';

const config = readConfig(process.env);
const server = await serveConsole(config);
process.stdout.write(`${JSON.stringify({ msg: 'the console listens', port: server.port })}\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.close());
}
