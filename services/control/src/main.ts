import { configOrExit, runService } from '@bunnydb/service-shell';
import { closeControl, controlLoops, controlModule, prepareControl } from './app.module.js';
import { readConfig } from './config.js';
import { prepareGateway } from './shell/http/prepare-gateway.js';

const VERSION = '0.1.0';
const config = configOrExit(() => readConfig(process.env));

await runService({
  name: 'control',
  version: VERSION,
  config,
  module: controlModule,
  prepare: prepareControl,
  loops: controlLoops,
  closing: closeControl,
  http: {
    port: config.apiPort,
    host: config.apiHost,
    prepare: (app) => prepareGateway(app, { version: VERSION, ...config }),
  },
});
