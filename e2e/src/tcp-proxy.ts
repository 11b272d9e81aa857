import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import { Transform } from 'node:stream';
import { Network, type Slowness } from './network.js';

/** How long requests still get through after the answers are lost: long enough for a commit to be carried out. */
const ONE_WAY_MS = 300;

/** A proxy in front of a server, to lose what a network can lose. */
export class TcpProxy {
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #network = new Network();
  #target: { readonly host: string; readonly port: number };

  private constructor(server: Server, host: string, port: number) {
    this.#server = server;
    this.#target = { host, port };
  }

  static async start(host: string, port: number): Promise<TcpProxy> {
    const server = createServer({ noDelay: true });
    const proxy = new TcpProxy(server, host, port);
    server.on('connection', (client) => {
      const link = new Link(client, connect({ ...proxy.#target, noDelay: true }), proxy.#network);
      proxy.#links.add(link);
      link.onClose(() => proxy.#links.delete(link));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the proxy is closed');
    return address.port;
  }

  /** From now on another server is at this address; the connections to the one before are cut. */
  leadTo(host: string, port: number): void {
    this.#target = { host, port };
    this.cut();
  }

  /** Cuts every connection, as a pulled cable would look from both ends. */
  cut(): void {
    for (const link of this.#links) link.destroy();
  }

  /** From now on nothing gets through, and neither end is told: the two hear silence. Until `heal`. */
  part(): void {
    this.#network.part();
  }

  /** From now on everything takes longer, and one piece after another is lost and sent again. Until `heal`. */
  slowDown(slowness: Slowness): void {
    this.#network.slowDown(slowness);
  }

  /** What was held back arrives, and the network is what it was. */
  heal(): void {
    this.#network.heal();
  }

  /**
   * From now on the answers of the present connections are lost while requests still arrive; then they are cut. A commit that was
   * sent in that time is carried out, but whoever sent it cannot know.
   */
  async loseAnswers(): Promise<void> {
    const links = [...this.#links];
    for (const link of links) link.loseAnswers();
    await new Promise((resolve) => setTimeout(resolve, ONE_WAY_MS));
    for (const link of links) link.destroy();
  }

  async stop(): Promise<void> {
    this.heal();
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

class Link {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #answers: Transform;

  constructor(client: Socket, server: Socket, network: Network) {
    this.#client = client;
    this.#server = server;
    for (const socket of [client, server]) {
      socket.on('error', () => undefined);
      // The other end hears of it when the network lets it.
      socket.on('close', () => void network.reached().then(() => this.destroy()));
    }
    client.pipe(wire(network)).pipe(server);
    this.#answers = server.pipe(wire(network));
    this.#answers.pipe(client);
  }

  onClose(listener: () => void): void {
    this.#client.once('close', listener);
  }

  loseAnswers(): void {
    this.#answers.unpipe(this.#client);
    // Read on, so that the server never waits for room to answer.
    this.#answers.resume();
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }
}

/** One direction: what goes in comes out in order, when the network has let it through. */
function wire(network: Network): Transform {
  return new Transform({
    transform(piece, _encoding, done) {
      void network.cross().then(() => done(null, piece));
    },
  });
}
