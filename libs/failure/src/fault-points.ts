/**
 * Named places where a crash matters. In production nothing listens and a call costs one comparison; tests start a service with
 * `BUNNY_FAULT_POINTS`, for which the service shell installs a listener that ends the process there.
 */
export const FAULT_POINTS = [
  'capture.after_receive',
  'capture.after_publish',
  'capture.after_ack',
  'capture.before_confirm',
  'capture.after_slot_created',
  'apply.after_receive',
  'apply.inside_transaction',
  'apply.after_commit',
  'apply.before_report',
  'copy.after_snapshot',
  'copy.between_ranges',
  'copy.before_table_done',
  'lane.after_snapshot',
  'lane.between_replays',
  'lane.before_swap',
  'lane.after_swap',
  'lane.before_join_commit',
  'lane.after_join_commit',
  'schema.between_tables',
  'schema.between_changes',
  'control.after_append',
  'control.before_dispatch',
  'control.after_dispatch',
] as const;
export type FaultPoint = (typeof FAULT_POINTS)[number];

let listener: ((point: FaultPoint) => void) | undefined;

/** Marks that the process is at a fault point. */
export function faultPoint(point: FaultPoint): void {
  listener?.(point);
}

/** Installs the listener; `undefined` removes it. */
export function onFaultPoint(newListener: ((point: FaultPoint) => void) | undefined): void {
  listener = newListener;
}
