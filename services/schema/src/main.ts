import { configOrExit, runService } from '@bunnydb/service-shell';
import { closeFollowSessions, schemaModule } from './app.module.js';
import { readConfig } from './config.js';

const config = configOrExit(() => readConfig(process.env));
await runService({
  name: 'schema',
  version: '0.1.0',
  config,
  module: schemaModule,
  closing: (app) => [closeFollowSessions(app)],
});
