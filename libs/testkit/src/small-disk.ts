import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChildExit, describeExit, endChild, exitOf } from './child-exit.js';
import { endWithParent } from './guardian.js';
import { removeTemporaryFolder, temporaryFolder } from './temporary-folder.js';

/** Mounts the disk (size, folder), says so, and keeps the mount namespace until it is ended. */
const KEEPER = `mount -t tmpfs -o "size=$1,mode=0700" none "$2" && echo mounted && exec sleep infinity`;
const END_TIMEOUT_MS = 5_000;
const FILLER = 'filler';

/**
 * A file system of a few megabytes, for tests of a full disk: a tmpfs in a mount namespace of its own, which nobody else sees and which goes with its
 * keeper. Needs Linux, and root or user namespaces (`unshare(1)`, `nsenter(1)`).
 */
export class SmallDisk {
  /** Where it is, for those that `command` starts. */
  readonly folder: string;
  readonly #keeper: ChildProcess;
  readonly #exited: Promise<ChildExit>;

  private constructor(folder: string, keeper: ChildProcess, exited: Promise<ChildExit>) {
    this.folder = folder;
    this.#keeper = keeper;
    this.#exited = exited;
  }

  /** @throws Error when this machine lets us make none. */
  static async make(sizeBytes: number): Promise<SmallDisk> {
    const folder = temporaryFolder('disk');
    const keeper = spawn(
      'unshare',
      [
        '--mount',
        ...asOwnRoot('--map-root-user'),
        'sh',
        '-c',
        KEEPER,
        'sh',
        `${sizeBytes}`,
        folder,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
    );
    endWithParent(keeper, 'SIGKILL');
    const exited = exitOf(keeper);
    const mounted = new Promise<undefined>((resolve) => {
      keeper.stdout?.once('data', () => resolve(undefined));
    });
    const exit = await Promise.race([mounted, exited]);
    if (exit !== undefined) {
      removeTemporaryFolder(folder);
      throw new Error(`a small disk cannot be made here: unshare ended with ${describeExit(exit)}`);
    }
    return new SmallDisk(folder, keeper, exited);
  }

  /** How a program is started that sees the disk: file and words for `spawn`; its working folder is `/`. */
  command(program: string, words: readonly string[]): readonly [string, readonly string[]] {
    const into = ['--target', `${this.#keeper.pid}`, '--mount'];
    return [
      'nsenter',
      [...into, ...asOwnRoot('--user', '--preserve-credentials'), program, ...words],
    ];
  }

  /** Takes all the room that is left. */
  fill(): void {
    const piece = Buffer.alloc(64 * 1024);
    for (let hasRoom = true; hasRoom;) {
      try {
        writeFileSync(this.#filler, piece, { flag: 'a' });
      } catch (error) {
        if (!isOutOfSpace(error)) throw error;
        hasRoom = false;
      }
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(this.#filler, { force: true });
  }

  /** Loses everything on it. End first who uses it. */
  clear(): void {
    for (const name of readdirSync(this.#place)) {
      rmSync(join(this.#place, name), { recursive: true, force: true });
    }
  }

  /** Everything on it is lost. End first who uses it. */
  async remove(): Promise<void> {
    await endChild(this.#keeper, this.#exited, 'SIGKILL', END_TIMEOUT_MS);
    removeTemporaryFolder(this.folder);
  }

  /** As seen from outside of the namespace. */
  get #place(): string {
    return join(`/proc/${this.#keeper.pid}/root`, this.folder);
  }

  get #filler(): string {
    return join(this.#place, FILLER);
  }
}

/** Who is not root becomes it in a user namespace of its own. */
function asOwnRoot(...words: readonly string[]): readonly string[] {
  return process.getuid?.() === 0 ? [] : words;
}

function isOutOfSpace(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOSPC';
}
