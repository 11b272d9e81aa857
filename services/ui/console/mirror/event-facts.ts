import { moment, seconds } from '../parts/words.js';

/** What is worth knowing of an event beside its sentence: how long a step took, which try it was, when the next one is. */
export function eventFacts(body: Readonly<Record<string, unknown>>): readonly string[] {
  const took = body['step_seconds'] ?? body['seconds'];
  const failures = body['failures'] ?? body['attempt'];
  const next = body['next_retry_at'];
  return [
    ...(typeof took === 'number' ? [`took ${seconds(took)}`] : []),
    ...(typeof failures === 'number' && failures > 0 ? [`failed ${timesWords(failures)}`] : []),
    ...(typeof next === 'string' ? [`tries again at ${moment(next)}`] : []),
    ...(next === null ? ['waits for a person'] : []),
  ];
}

function timesWords(times: number): string {
  return times === 1 ? 'once' : times === 2 ? 'twice' : `${times} times`;
}
