import { describe, expect, it } from 'vitest';
import { failedChecks, failureWords } from '../src/preflight.js';

const check = (name: string, fix: string) => ({ name, ok: false, detail: `${name} failed`, fix });

describe('what stands in the way of a mirror', () => {
  it('is listed in full, with the statements of each side ready to be pasted', () => {
    const failed = failedChecks({
      checks: [
        { name: 'tables', ok: true, detail: 'fine', fix: '' },
        check('replica_identity', 'ALTER TABLE "public"."log" REPLICA IDENTITY FULL; -- or a key'),
        check('destination_create', 'GRANT CREATE ON DATABASE "x" TO "y";'),
      ],
    });
    expect(failureWords(failed).split('\n')).toEqual([
      'The mirror cannot be made yet:',
      '',
      '  - replica_identity failed',
      '  - destination_create failed',
      '',
      'To mend it, at the source:',
      '',
      '  ALTER TABLE "public"."log" REPLICA IDENTITY FULL; -- or a key',
      '',
      'To mend it, at the destination:',
      '',
      '  GRANT CREATE ON DATABASE "x" TO "y";',
      '',
      'Start again with --fix, and the statements with REPLICA IDENTITY FULL are run for you.',
    ]);
  });

  it('is mended by exactly the statements that set a replica identity, without what follows them', () => {
    const odd = 'ALTER TABLE "a;b"."c""\nd" REPLICA IDENTITY FULL;';
    const fix = `${odd} -- note\nALTER TABLE shop.log REPLICA IDENTITY FULL; drop table shop.log;\nDROP TABLE x;`;
    expect(
      failedChecks({ checks: [check('replica_identity', fix)] })[0]?.identityStatements,
    ).toEqual([odd, 'ALTER TABLE shop.log REPLICA IDENTITY FULL;']);
    expect(failedChecks({ checks: [check('tables', fix)] })[0]?.identityStatements).toEqual([]);
  });
});
