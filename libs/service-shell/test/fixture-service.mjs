/**
 * A small service as a user of the shell writes it, in plain JavaScript so that it runs on the built packages without a build of its
 * own: the decorators are called as functions.
 */
import { Controller, Get, Inject, Module, Res } from '@nestjs/common';
import { MirrorError, faultPoint } from '@bunnydb/failure';
import {
  HandleCommand,
  HandleQuery,
  SHELL_SETTINGS,
  configOrExit,
  integer,
  optionalInteger,
  readEnvironment,
  runService,
} from '@bunnydb/service-shell';

class Responder {
  #greeting;

  constructor(greeting) {
    this.#greeting = greeting;
  }

  greet(request, context) {
    faultPoint('schema.between_tables');
    if (request.name === 'crash') {
      throw new Error('the password is hunter2');
    }
    if (request.name === undefined) {
      throw new MirrorError('invalid_input', 'a name is missing');
    }
    return Promise.resolve({
      ok: true,
      text: `${this.#greeting} ${request.name}`,
      subject: context.getSubject(),
    });
  }

  page() {
    return { text: this.#greeting };
  }

  /** A response that never ends by itself, as a live view has it. */
  stream(response) {
    response.write('open');
  }

  provision(command, context) {
    if (command.mirror_id === 'broken') {
      return Promise.reject(new MirrorError('privilege_missing', 'may not create'));
    }
    return Promise.resolve({
      type: 'tables_provisioned',
      body: { created: [`${command.mirror_id}:${context.signal.aborted}`], existing: [] },
    });
  }
}
const decorate = (decorator, name) =>
  decorator(Responder.prototype, name, Object.getOwnPropertyDescriptor(Responder.prototype, name));
decorate(HandleQuery('bunny.schema.greet'), 'greet');
decorate(HandleCommand('provision_tables'), 'provision');
decorate(Get('page'), 'page');
decorate(Get('stream'), 'stream');
Res()(Responder.prototype, 'stream', 0);
Inject('greeting')(Responder, undefined, 0);
Controller()(Responder);

class AppModule {}
Module({})(AppModule);

const config = configOrExit(() =>
  readEnvironment(process.env, {
    ...SHELL_SETTINGS,
    httpPort: optionalInteger('FIXTURE_HTTP_PORT', { min: 1, max: 65_535 }),
    stuckAfterMs: integer('FIXTURE_STUCK_AFTER_MS', { min: 0, max: 60_000 }, 0),
    loopEndsAfterMs: integer('FIXTURE_LOOP_ENDS_AFTER_MS', { min: 0, max: 60_000 }, 0),
  }),
);

await runService({
  name: 'schema',
  version: '0.0.1',
  config,
  module: () => ({
    module: AppModule,
    controllers: [Responder],
    providers: [{ provide: 'greeting', useFactory: () => 'hello' }],
  }),
  ...(config.httpPort === undefined
    ? {}
    : {
        http: {
          port: config.httpPort,
          host: '127.0.0.1',
          prepare: (app) => app.setGlobalPrefix('v1'),
        },
      }),
  loops: (_app, shell) => [
    {
      name: 'fixture',
      run: (signal) =>
        new Promise((resolve) => {
          if (config.stuckAfterMs > 0) {
            shell.liveness.watch('fixture', { silenceMaxMs: config.stuckAfterMs });
          }
          if (config.loopEndsAfterMs > 0) {
            setTimeout(resolve, config.loopEndsAfterMs);
          }
          signal.addEventListener('abort', resolve);
        }),
    },
  ],
  closing: (_app, shell) => [
    { name: 'fixture', deadlineMs: 100, run: async () => shell.log.info({}, 'fixture closed') },
  ],
});
