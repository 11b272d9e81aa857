import { Skeleton, Stack } from '@mantine/core';

/** Lines in the place of what is being asked for, so that nothing jumps when it comes. */
export function Waiting({ lines = 4 }: { readonly lines?: number }) {
  return (
    <Stack gap="sm" aria-busy="true" aria-label="Loading">
      {Array.from({ length: lines }, (_, index) => (
        <Skeleton key={index} height={28} />
      ))}
    </Stack>
  );
}
