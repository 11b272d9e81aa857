import { type AnyWorkerEvent, EVENT_CONSUMER } from '@bunnydb/contracts';
import { type LoopWatch, type Messaging, consumeEvents } from '@bunnydb/messaging';
import type { ServiceLog } from '@bunnydb/service-shell';
import { mirrorStream } from '../../core/control-event.js';
import { refuseWorkerEvent } from '../../core/parse-worker-event.js';
import type { MirrorHandler } from '../catalog/control-store.js';

export interface RecordOptions {
  readonly messaging: Messaging;
  readonly mirrors: MirrorHandler;
  readonly log: ServiceLog;
  readonly now: () => Date;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly watch: LoopWatch;
}

/** Records what the workers tell, each event once, until the signal aborts. An event is acknowledged when it stands in the catalog. */
export async function recordWorkerEvents(options: RecordOptions): Promise<void> {
  await consumeEvents({
    messaging: options.messaging,
    durable: EVENT_CONSUMER,
    onEvent: (event) => recordWorkerEvent(options, event),
    signal: options.signal,
    watch: options.watch,
  });
}

async function recordWorkerEvent(options: RecordOptions, event: AnyWorkerEvent): Promise<void> {
  const reason = refuseWorkerEvent(event);
  if (reason !== undefined) {
    options.log.error(
      { mirror: event.mirror_id, type: event.type, reason },
      'an event was refused',
    );
    return;
  }
  await options.mirrors.handle(
    mirrorStream(event.mirror_id),
    { type: 'record', event, now: options.now(), random: options.random() },
    { metadata: { actor: `${event.service}/${event.instance}` }, eventId: event.event_id },
  );
}
