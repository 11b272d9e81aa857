import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readEnvironment, secret } from '../src/environment.js';

describe('a secret of the environment', () => {
  it('is taken from the variable or from the file that it names, and shows it nowhere', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bunny-env-'));
    try {
      const path = join(folder, 'key');
      writeFileSync(path, 'hunter2\n');
      const settings = { key: secret('KEY', 'make one') };
      const direct = readEnvironment({ KEY: 'hunter2' }, settings);
      const filed = readEnvironment({ KEY_FILE: path }, settings);
      for (const config of [direct, filed]) {
        expect(config.key.reveal()).toBe('hunter2');
        const shown = `${JSON.stringify(config)} ${inspect(config, { depth: 9 })} ${config.key}`;
        expect(shown).not.toContain('hunter2');
      }
      expect(() => readEnvironment({ KEY_FILE: join(folder, 'none') }, settings)).toThrowError(
        'KEY_FILE names a file that is empty or cannot be read',
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
