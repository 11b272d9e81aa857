import { useQuery } from '@tanstack/react-query';
import { api, dataOf } from './client.js';

const LIST_EVERY_MS = 2_000;
/** Between two looks when events come live; a look then only mends what an event did not tell. */
const DETAIL_EVERY_MS = 5_000;

export const mirrorsKey = ['mirrors'] as const;
export const mirrorKey = (name: string) => ['mirror', name] as const;

export function useMirrors() {
  return useQuery({
    queryKey: mirrorsKey,
    queryFn: () => dataOf(api.GET('/v1/mirrors')),
    refetchInterval: LIST_EVERY_MS,
  });
}

export function useMirror(name: string) {
  return useQuery({
    queryKey: mirrorKey(name),
    queryFn: () => dataOf(api.GET('/v1/mirrors/{name}', { params: { path: { name } } })),
    refetchInterval: DETAIL_EVERY_MS,
  });
}

/** Numbers over a window such as `15m`, `1h` or `24h`. */
export function useMetrics(name: string, window: string, everyMs: number) {
  return useQuery({
    queryKey: [...mirrorKey(name), 'metrics', window],
    queryFn: () =>
      dataOf(
        api.GET('/v1/mirrors/{name}/metrics', { params: { path: { name }, query: { window } } }),
      ),
    refetchInterval: everyMs,
    placeholderData: (earlier) => earlier,
  });
}

export function usePeers() {
  return useQuery({ queryKey: ['peers'], queryFn: () => dataOf(api.GET('/v1/peers')) });
}

export function usePeerTables(name: string | undefined) {
  return useQuery({
    queryKey: ['peer-tables', name],
    queryFn: () =>
      dataOf(api.GET('/v1/peers/{name}/tables', { params: { path: { name: name ?? '' } } })),
    enabled: name !== undefined && name !== '',
    staleTime: 30_000,
  });
}
