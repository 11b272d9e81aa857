export const ALERT_CONDITIONS = [
  'mirror_error',
  'table_held',
  'slot_growth',
  'no_progress',
] as const;
export type AlertCondition = (typeof ALERT_CONDITIONS)[number];

/** Something that needs somebody. */
export interface Alert {
  readonly condition: AlertCondition;
  /** The table that it is about; empty: the mirror. */
  readonly subject: string;
  readonly severity: 'warning' | 'critical';
  /** One sentence. */
  readonly summary: string;
  /** Names, counts and positions, never values. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** An alert that was raised and not resolved; kept with the mirror, so that it is told once. */
export interface OpenAlert {
  readonly id: string;
  readonly condition: AlertCondition;
  readonly subject: string;
  readonly severity: Alert['severity'];
  readonly summary: string;
  readonly since: string;
}

/** One condition of one subject is one alert. */
export function alertKey({ condition, subject }: Pick<Alert, 'condition' | 'subject'>): string {
  return `${condition}:${subject}`;
}
