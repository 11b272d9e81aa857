import type { ServerResponse } from 'node:http';

/** Answers with a problem as the gateway's are (RFC 9457), so that the console reads one kind of error. */
export function sendProblem(response: ServerResponse, status: number, detail: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, {
    'Content-Type': 'application/problem+json',
    'Cache-Control': 'no-store',
  });
  response.end(
    JSON.stringify({ type: 'about:blank', title: detail, status, detail, error: detail }),
  );
}
