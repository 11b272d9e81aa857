import { configOrExit, runService } from '@bunnydb/service-shell';
import { captureLoops, captureModule } from './app.module.js';
import { readConfig } from './config.js';

const config = configOrExit(() => readConfig(process.env));

await runService({
  name: 'capture',
  version: '0.1.0',
  config,
  module: captureModule,
  loops: captureLoops,
});
