import { useQuery } from '@tanstack/react-query';
import { ApiProblem, type Me, api, dataOf } from './client.js';

/** Who is signed in; an error when nobody is. */
export function useMe() {
  return useQuery({
    queryKey: ['me'],
    queryFn: (): Promise<Me> => dataOf(api.GET('/v1/auth/me')),
    staleTime: 60_000,
    retry: false,
    // Until a gateway that was away is back.
    refetchInterval: ({ state }) => (state.status === 'error' ? 3_000 : false),
  });
}

/** Whether the one who is signed in may change things. */
export function useMayWrite(): boolean {
  return useMe().data?.role === 'admin';
}

/** Signs in; the token stays with the console's server. @throws ApiProblem */
export async function signIn(username: string, password: string): Promise<void> {
  const answer = await fetch('/session', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Bunny-Console': '1' },
    body: JSON.stringify({ username, password }),
  });
  if (answer.ok) return;
  throw new ApiProblem(answer.status, await answer.json().catch(() => ({})));
}

export async function signOut(): Promise<void> {
  await fetch('/session', { method: 'DELETE', headers: { 'X-Bunny-Console': '1' } });
}
