import { Stack, Text, Title } from '@mantine/core';
import { RouteLink } from '../parts/route-link.js';

export function NotFoundPage() {
  return (
    <Stack align="center" mt="xl">
      <Title order={2}>There is no such page</Title>
      <Text>
        <RouteLink to="/">To the mirrors</RouteLink>
      </Text>
    </Stack>
  );
}
