import createClient from 'openapi-fetch';
import type { components, paths } from './schema.js';

type Schemas = components['schemas'];
export type Mirror = Schemas['Mirror'];
export type MirrorTable = Schemas['MirrorTable'];
export type MirrorWithTables = Schemas['MirrorWithTables'];
export type Peer = Schemas['Peer'];
export type PeerTable = Schemas['PeerTable'];
export type PeerTest = Schemas['PeerTest'];
export type Preflight = Schemas['Preflight'];
export type Check = Schemas['Check'];
export type SchemaDiff = Schemas['SchemaDiff'];
export type SchemaChange = SchemaDiff['changes'][number];
export type Metrics = Schemas['Metrics'];
export type LogLine = Schemas['LogPage']['logs'][number];
export type HistoryEvent = Schemas['EventPage']['events'][number];
export type AuditEntry = Schemas['AuditPage']['entries'][number];
export type RowChange = Schemas['RowChange'];
export type Me = Schemas['Me'];
export type User = Schemas['User'];
type Problem = Schemas['Problem'];

/** An answer of the gateway that is no success. Its message is a sentence for people. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly problem: Partial<Problem>;

  constructor(status: number, problem: Partial<Problem>) {
    super(problem.detail ?? problem.title ?? `the gateway answered ${status}`);
    this.name = 'ApiProblem';
    this.status = status;
    this.problem = problem;
  }
}

/** The gateway, through the console's own server, which adds the session's token. */
export const api = createClient<paths>({
  baseUrl: '/',
  headers: { 'X-Bunny-Console': '1' },
});

interface Answer<Data> {
  readonly data?: Data;
  readonly error?: unknown;
  readonly response: Response;
}

/** The data of an answer. @throws ApiProblem */
export async function dataOf<Data>(answer: Promise<Answer<Data>>): Promise<Data> {
  const { data, error, response } = await answer;
  if (response.ok) return data as Data;
  if (response.status === 401) window.dispatchEvent(new Event(SIGNED_OUT));
  throw new ApiProblem(response.status, isProblem(error) ? error : {});
}

/** Told to the window when the gateway no longer knows the session. */
export const SIGNED_OUT = 'bunny-signed-out';

function isProblem(value: unknown): value is Partial<Problem> {
  return typeof value === 'object' && value !== null;
}
