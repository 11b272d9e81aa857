import { configOrExit, runService } from '@bunnydb/service-shell';
import { closeFollowSessions, schemaLoops, schemaModule } from './app.module.js';
import { readConfig } from './config.js';

const config = configOrExit(() => readConfig(process.env));
await runService({
  name: 'schema',
  version: '0.1.0',
  config,
  module: schemaModule,
  loops: schemaLoops,
  closing: (app) => [closeFollowSessions(app)],
});
