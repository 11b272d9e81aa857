import { type ServiceProcess, freePort, startService, until } from '@bunnydb/testkit';

export interface ConsoleService {
  readonly url: string;
  readonly process: ServiceProcess;
}

/** Serves the built console, as `npm start` does. */
export async function startConsole(gatewayUrl: string): Promise<ConsoleService> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const process = startService('ui', {
    BUNNY_UI_HOST: '127.0.0.1',
    BUNNY_UI_PORT: String(port),
    BUNNY_API_URL: gatewayUrl,
  });
  await until(
    async () => {
      if (!process.running) throw new Error(`the console ended:\n${process.tail()}`);
      return (await fetch(`${url}/health`).catch(() => undefined))?.ok === true;
    },
    { what: () => `the console to answer:\n${process.tail()}` },
  );
  return { url, process };
}
