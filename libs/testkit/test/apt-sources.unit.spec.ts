import { describe, expect, it } from 'vitest';
import { parseDeb822, parseOneLine, sourceForSuite } from '../src/apt-sources.js';
import { isNatsVersionEnough } from '../src/nats-version.js';

describe('the source of a newer suite', () => {
  it('keeps mirror and key of a deb822 stanza, and passes over security and foreign repositories', () => {
    const stanzas = parseDeb822(`# a comment
Types: deb
URIs: https://packages.example/node
Suites: nodistro
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main

Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
`);
    expect(sourceForSuite(stanzas, 'bookworm', 'sid')).toBe(`types: deb
uris: http://mirror.example/debian
suites: sid
components: main
signed-by: 
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
`);
  });

  it('keeps mirror and options of a one-line source', () => {
    const stanzas = parseOneLine(`
# deb http://old.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64,arm64 signed-by=/etc/key.gpg] http://mirror.example/debian bookworm main non-free # here
`);
    expect(sourceForSuite(stanzas, 'bookworm', 'trixie')).toBe(`types: deb
uris: http://mirror.example/debian
suites: trixie
components: main
architectures: amd64 arm64
signed-by: /etc/key.gpg
`);
  });

  it('is none when the machine has no source of its own release that is turned on', () => {
    const stanzas = parseDeb822(
      'Types: deb\nURIs: http://m.example/debian\nSuites: bookworm\nComponents: main\nEnabled: no',
    );
    expect(sourceForSuite(stanzas, 'bookworm', 'sid')).toBeUndefined();
    expect(sourceForSuite(parseOneLine(''), 'bookworm', 'sid')).toBeUndefined();
  });
});

describe('the version of nats-server', () => {
  it.each([
    ['2.9.10-1+b3', false],
    ['2.10.0', true],
    ['2.15.1-1', true],
    ['3.0.0', true],
    ['', false],
  ])('%s is enough: %s', (version, enough) => {
    expect(isNatsVersionEnough(version)).toBe(enough);
  });
});
