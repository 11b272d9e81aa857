import { QueryClient } from '@tanstack/react-query';
import { ApiProblem } from './client.js';

/** An answer that is no success is shown at once, with a button to ask again; a connection that broke is tried once more first. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      retry: (failures, error) => failures < 1 && !(error instanceof ApiProblem),
      retryDelay: 300,
    },
  },
});
