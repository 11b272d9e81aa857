import { configOrExit, runService } from '@bunnydb/service-shell';
import { applyLoops, applyModule } from './app.module.js';
import { readConfig } from './config.js';

const config = configOrExit(() => readConfig(process.env));

await runService({
  name: 'apply',
  version: '0.1.0',
  config,
  module: applyModule,
  loops: applyLoops,
});
