/** The nats-server of the test run. */
export function testNatsUrl(): string {
  const url = process.env['BUNNY_TEST_NATS_URL'];
  if (url === undefined) throw new Error('no nats-server for tests: run in the Vitest project int');
  return url;
}
