import { randomBytes, randomUUID } from 'node:crypto';
import {
  type DynamicModule,
  type INestApplicationContext,
  type InjectionToken,
  Module,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';
import { type EventBell, listenForEvents, openCatalog } from '@bunnydb/event-store';
import { type Loop, type Shell, type ShutdownStep, pullLoopWatch } from '@bunnydb/service-shell';
import type { ControlConfig } from './config.js';
import type { CatalogTables } from './shell/catalog/catalog-tables.js';
import { type ControlStore, buildControlStore } from './shell/catalog/control-store.js';
import { migrateCatalog } from './shell/catalog/migrate-catalog.js';
import { controlSamples } from './shell/control-metrics.js';
import { EventBells } from './shell/event-bells.js';
import { ensureAdministrator, waitForCatalog } from './shell/first-start.js';
import { AccessGuard } from './shell/http/access-guard.js';
import { AuditController } from './shell/http/audit.controller.js';
import { AuthController } from './shell/http/auth.controller.js';
import { ChangesController } from './shell/http/changes.controller.js';
import { HealthController } from './shell/http/health.controller.js';
import { IdempotencyInterceptor } from './shell/http/idempotency.js';
import { MirrorEventStreams } from './shell/http/mirror-event-streams.js';
import { MirrorHistoryController } from './shell/http/mirror-history.controller.js';
import { MirrorsController } from './shell/http/mirrors.controller.js';
import { PeersController } from './shell/http/peers.controller.js';
import { ProblemFilter } from './shell/http/problem-filter.js';
import { StructureController } from './shell/http/structure.controller.js';
import { TableChangeStreams } from './shell/http/table-change-streams.js';
import { TablesController } from './shell/http/tables.controller.js';
import { Tokens } from './shell/http/tokens.js';
import { WatchedRequests } from './shell/http/watched-requests.js';
import { UsersController } from './shell/http/users.controller.js';
import { MirrorDesk } from './shell/mirror-desk.js';
import { MirrorViews } from './shell/mirror-views.js';
import { newShortId } from './shell/new-short-id.js';
import { PeerDesk } from './shell/peer-desk.js';
import { deliverAlerts } from './shell/process/deliver-alerts.js';
import { dispatchOutbox } from './shell/process/dispatch-outbox.js';
import { HeartbeatBoard } from './shell/process/heartbeat-board.js';
import { recordWorkerEvents } from './shell/process/record-worker-events.js';
import { SpecPublisher } from './shell/process/spec-publisher.js';
import { StatsBoard } from './shell/process/stats-board.js';
import { TableStateMender } from './shell/process/table-state-mender.js';
import { watchAlerts } from './shell/process/watch-alerts.js';
import { wakeMirrors } from './shell/process/wake-mirrors.js';
import { CONTROL_STORE } from './shell/provider-tokens.js';
import { ReadinessProbe } from './shell/readiness-probe.js';
import { StructureDesk } from './shell/structure-desk.js';
import { TablesDesk } from './shell/tables-desk.js';
import { UserDesk } from './shell/user-desk.js';

@Module({})
class ControlModule {}

const now = (): Date => new Date();
/** A turn waits for the catalog and NATS; each of them answers, or fails, within half a minute. */
const TURN = { silenceMaxMs: 180_000 };

/** The only place where ports meet adapters. */
export function controlModule(shell: Shell<ControlConfig>): DynamicModule {
  const { config, log, messaging, signal } = shell;
  const catalog = openCatalog<CatalogTables>(config.catalog, (error) =>
    log.warn({ error }, 'an idle session of the catalog broke'),
  );
  const store = buildControlStore(catalog, { now, newId: randomUUID });
  const signingKey = config.jwtSecret?.reveal() ?? randomBytes(32).toString('hex');
  const tokens = new Tokens(signingKey, now);
  const bells = new EventBells();
  const heartbeats = new HeartbeatBoard(now);
  const stats = new StatsBoard(catalog, now);
  const views = new MirrorViews(catalog, stats, heartbeats, messaging);
  const provide = (token: InjectionToken, value: object) => ({
    provide: token,
    useFactory: () => value,
  });
  return {
    module: ControlModule,
    controllers: [
      HealthController,
      AuthController,
      PeersController,
      MirrorsController,
      MirrorHistoryController,
      TablesController,
      StructureController,
      ChangesController,
      UsersController,
      AuditController,
    ],
    providers: [
      provide(CONTROL_STORE, store),
      provide(Tokens, tokens),
      provide(EventBells, bells),
      provide(HeartbeatBoard, heartbeats),
      provide(StatsBoard, stats),
      provide(MirrorViews, views),
      provide(WatchedRequests, new WatchedRequests()),
      provide(SpecPublisher, new SpecPublisher(catalog, messaging)),
      provide(ReadinessProbe, new ReadinessProbe(catalog, messaging, heartbeats)),
      provide(
        MirrorDesk,
        new MirrorDesk({ store, messaging, newMirrorId: () => newShortId('m'), now }),
      ),
      provide(UserDesk, new UserDesk({ store, newUserId: () => newShortId('u') })),
      provide(TablesDesk, new TablesDesk({ store, messaging })),
      provide(
        StructureDesk,
        new StructureDesk({ store, messaging, bells, newId: randomUUID, stopping: signal }),
      ),
      provide(
        PeerDesk,
        new PeerDesk({
          store,
          messaging,
          keyring: config.keyring,
          newPeerId: () => newShortId('p'),
        }),
      ),
      provide(
        MirrorEventStreams,
        new MirrorEventStreams({ store, views, bells, stopping: signal }),
      ),
      provide(TableChangeStreams, new TableChangeStreams({ catalog, messaging, stopping: signal })),
      provide(APP_FILTER, new ProblemFilter(log)),
      provide(APP_GUARD, new AccessGuard(tokens, catalog)),
      provide(APP_INTERCEPTOR, new IdempotencyInterceptor(catalog, signingKey, now)),
    ],
  };
}

/** Brings the catalog up to date and lets the first administrator in, before anything listens. */
export async function prepareControl(
  app: INestApplicationContext,
  shell: Shell<ControlConfig>,
): Promise<void> {
  const { config, log, messaging, signal } = shell;
  const store: ControlStore = app.get(CONTROL_STORE);
  await waitForCatalog(store.catalog, log, signal);
  const migrations = await migrateCatalog(store.catalog);
  if (migrations.length > 0) log.info({ migrations }, 'the catalog was migrated');
  if (config.rebuildProjections) {
    await store.events.rebuildProjections();
    log.info({}, 'the read models were rebuilt');
  }
  const { adminUser: username, adminPassword: password } = config;
  await ensureAdministrator(store, { id: newShortId('u'), username, password }, log);
  const stats = app.get(StatsBoard);
  await stats.restore();
  stats.listen(messaging);
  const heartbeats = app.get(HeartbeatBoard);
  heartbeats.listen(messaging);
  shell.metrics.add(app.get(WatchedRequests).samples);
  shell.metrics.add(() => controlSamples({ catalog: store.catalog, stats, heartbeats, now }));
}

/** The process manager: what is sent, what is told, and what time brings. */
export function controlLoops(
  app: INestApplicationContext,
  shell: Shell<ControlConfig>,
): readonly Loop[] {
  const { config, log, messaging, liveness } = shell;
  const { catalog, mirrors }: ControlStore = app.get(CONTROL_STORE);
  const specs = app.get(SpecPublisher);
  const stats = app.get(StatsBoard);
  const heartbeats = app.get(HeartbeatBoard);
  const bells = app.get(EventBells);
  const mender = new TableStateMender({ catalog, mirrors, stats, now, newId: randomUUID });
  return [
    {
      name: 'bell',
      run: (signal) =>
        ringBells(
          listenForEvents(config.catalog, () => bells.ring()),
          signal,
        ),
    },
    {
      name: 'outbox',
      run: (signal) =>
        dispatchOutbox({
          ...{ catalog, messaging, specs, log, signal },
          bell: bells.hang(),
          alertTargets: config.alertWebhooks.length,
          pulse: liveness.watch('outbox', TURN),
        }),
    },
    {
      name: 'events',
      run: (signal) =>
        recordWorkerEvents({
          ...{ messaging, mirrors, log, now, random: Math.random, signal },
          watch: pullLoopWatch(liveness, 'events'),
        }),
    },
    {
      name: 'clock',
      run: (signal) =>
        wakeMirrors({
          ...{ catalog, messaging, mirrors, specs, stats, heartbeats, mender, log, now, signal },
          pulse: liveness.watch('clock', TURN),
        }),
    },
    ...alertLoops(app, shell),
  ];
}

/** What needs somebody is noted with its mirror, and told to the webhooks. */
function alertLoops(
  app: INestApplicationContext,
  { config, log, liveness }: Shell<ControlConfig>,
): readonly Loop[] {
  const { catalog, mirrors }: ControlStore = app.get(CONTROL_STORE);
  const stats = app.get(StatsBoard);
  const { alertLimits: limits, alertWebhooks: webhooks } = config;
  return [
    {
      name: 'alerts',
      run: (signal) =>
        watchAlerts({
          ...{ catalog, mirrors, stats, limits, log, now, newId: randomUUID, signal },
          pulse: liveness.watch('alerts', TURN),
        }),
    },
    {
      name: 'webhooks',
      run: (signal) =>
        deliverAlerts({
          ...{ catalog, webhooks, log, now, random: Math.random, signal },
          pulse: liveness.watch('webhooks', TURN),
        }),
    },
  ];
}

/** Closes the catalog, when nobody reads it any more. */
export function closeControl(app: INestApplicationContext): readonly ShutdownStep[] {
  const { catalog }: ControlStore = app.get(CONTROL_STORE);
  return [{ name: 'catalog', deadlineMs: 3_000, run: () => catalog.destroy() }];
}

/** Listens until the process stops. */
async function ringBells(bell: EventBell, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await bell.close();
}
