import { QueryClient } from '@tanstack/react-query';
import { ApiProblem } from './client.js';

/** What the gateway said no to stays a no; a gateway that does not answer is asked again. */
export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 1_000,
      retry: (failures, error) =>
        failures < 2 && !(error instanceof ApiProblem && error.status < 500),
    },
  },
});
