import { randomUUID } from 'node:crypto';
import type { AnyWorkerEvent, ServiceName } from '@bunnydb/contracts';

export type WorkerEventType = AnyWorkerEvent['type'];
export type WorkerEventOf<Type extends WorkerEventType> = Extract<
  AnyWorkerEvent,
  { readonly type: Type }
>;
export type WorkerEventBody<Type extends WorkerEventType> = WorkerEventOf<Type>['body'];

export interface EventOrigin {
  readonly service: ServiceName;
  readonly instance: string;
}

/** Builds an event with a new id and the present time. */
export function newWorkerEvent<Type extends WorkerEventType>(
  origin: EventOrigin,
  mirrorId: string,
  type: Type,
  body: WorkerEventBody<Type>,
): WorkerEventOf<Type> {
  // TypeScript cannot see that a type and its own body make a member of the union.
  return {
    v: 1,
    event_id: randomUUID(),
    type,
    mirror_id: mirrorId,
    service: origin.service,
    instance: origin.instance,
    at: new Date().toISOString(),
    body,
  } as WorkerEventOf<Type>;
}
