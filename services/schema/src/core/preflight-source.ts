import type { PreflightCheck } from '@bunnydb/contracts';
import { formatQualifiedName, quoteIdentifier, quoteQualifiedName } from '@bunnydb/pg-model';
import { failed, passed, roleName, summarize } from './preflight-check.js';
import type { PreflightFacts, SourceFacts } from './preflight-facts.js';
import { keyOf } from './relation-facts.js';

/** Checks of the source server as a whole; those of its tables are in `preflight-tables.ts`. */
export function sourceChecks(source: SourceFacts, facts: PreflightFacts): PreflightCheck[] {
  return [
    checkVersion(source),
    checkPrimary(source),
    checkWalLevel(source),
    checkSlots(source),
    checkWalSenders(source),
    checkReplication(source),
    checkSlotName(source, facts.slotName),
    ...checkPublication(source, facts),
  ];
}

function checkVersion({ server }: SourceFacts): PreflightCheck {
  const name = 'source_version';
  if (server.versionNumber >= OLDEST_VERSION_NUMBER) {
    return passed(name, `PostgreSQL ${server.version}`);
  }
  return failed(
    name,
    `the source is PostgreSQL ${server.version}`,
    'Upgrade the source to PostgreSQL 15 or later.',
  );
}

function checkPrimary({ server }: SourceFacts): PreflightCheck {
  const name = 'source_primary';
  if (!server.isStandby) return passed(name, 'the source is a primary');
  return failed(
    name,
    'the source is a standby, on which no publication and no heartbeat can be made',
    'Point the source peer at the primary server.',
  );
}

function checkWalLevel({ server }: SourceFacts): PreflightCheck {
  const name = 'wal_level';
  if (server.walLevel === 'logical') return passed(name, 'wal_level is logical');
  return failed(
    name,
    `wal_level is ${server.walLevel}`,
    'ALTER SYSTEM SET wal_level = logical; -- then restart the source',
  );
}

function checkSlots({ server }: SourceFacts): PreflightCheck {
  const name = 'replication_slots';
  const free = server.slotsMax - server.slotsUsed;
  const detail = `${server.slotsUsed} of ${server.slotsMax} replication slots are used`;
  // One for the mirror, one for the snapshot of its copy.
  if (free >= 2) return passed(name, detail);
  return failed(
    name,
    `${detail}; a mirror needs two`,
    `ALTER SYSTEM SET max_replication_slots = ${server.slotsMax + 4}; -- then restart the source, or drop slots that nobody uses`,
  );
}

function checkWalSenders({ server }: SourceFacts): PreflightCheck {
  const name = 'wal_senders';
  const free = server.walSendersMax - server.walSendersUsed;
  const detail = `${server.walSendersUsed} of ${server.walSendersMax} walsenders are used`;
  if (free >= 2) return passed(name, detail);
  return failed(
    name,
    `${detail}; a mirror needs two`,
    `ALTER SYSTEM SET max_wal_senders = ${server.walSendersMax + 4}; -- then restart the source`,
  );
}

function checkReplication({ server }: SourceFacts): PreflightCheck {
  const name = 'replication_privilege';
  if (server.canReplicate) return passed(name, `${server.user} may replicate`);
  return failed(
    name,
    `${server.user} may not replicate`,
    `ALTER ROLE ${roleName(server.user)} REPLICATION;`,
  );
}

function checkSlotName({ slotNames }: SourceFacts, slotName: string | null): PreflightCheck {
  const name = 'slot_name';
  if (slotName === null) return passed(name, 'the slot is named after the mirror');
  if (!/^[a-z0-9_]{1,63}$/.test(slotName)) {
    return failed(
      name,
      `${slotName} is not a slot name`,
      'Use at most 63 lower-case letters, digits and underscores.',
    );
  }
  if (!slotNames.includes(slotName)) return passed(name, `${slotName} is free`);
  return failed(
    name,
    `a replication slot ${slotName} exists already`,
    `Choose another replication_slot_name, or drop it: SELECT pg_drop_replication_slot('${slotName}');`,
  );
}

function checkPublication(source: SourceFacts, facts: PreflightFacts): PreflightCheck[] {
  return facts.publicationName === null
    ? [checkPublicationPrivilege(source, facts)]
    : [checkOwnPublication(source, facts, facts.publicationName)];
}

function checkPublicationPrivilege(
  { server, relations }: SourceFacts,
  { tables }: PreflightFacts,
): PreflightCheck {
  const name = 'publication_privilege';
  const role = roleName(server.user);
  const findings = [];
  if (!server.canCreateInDatabase) {
    findings.push({
      detail: `${server.user} may not create a publication in ${server.database}`,
      fix: `GRANT CREATE ON DATABASE ${quoteIdentifier(server.database)} TO ${role};`,
    });
  }
  for (const { source } of tables) {
    if (relations.find(source)?.isOwner !== false) continue;
    findings.push({
      detail: `${server.user} does not own ${formatQualifiedName(source)}, and only an owner may publish a table`,
      fix: `ALTER TABLE ${quoteQualifiedName(source)} OWNER TO ${role}; -- or grant ${role} the owner's role, or have an administrator make the publication and give publication_name`,
    });
  }
  return summarize(name, findings, `${server.user} may publish the tables`);
}

function checkOwnPublication(
  { publication }: SourceFacts,
  { tables }: PreflightFacts,
  publicationName: string,
): PreflightCheck {
  const name = 'publication';
  const quoted = quoteIdentifier(publicationName);
  if (publication === null) {
    const list = tables.map((table) => quoteQualifiedName(table.source)).join(', ');
    return failed(
      name,
      `the publication ${publicationName} does not exist`,
      `CREATE PUBLICATION ${quoted} FOR TABLE ${list} WITH (publish_via_partition_root = true);`,
    );
  }
  const findings = tables
    .filter((table) => !publication.tables.has(keyOf(table.source)))
    .map((table) => ({
      detail: `the publication ${publicationName} leaves out ${formatQualifiedName(table.source)}`,
      fix: `ALTER PUBLICATION ${quoted} ADD TABLE ${quoteQualifiedName(table.source)};`,
    }));
  for (const { source, row_filter: filter } of tables) {
    const published = publication.tables.get(keyOf(source));
    // Its own filter has been adopted by now; another one would let the copy and the stream differ.
    if (published === undefined || filter === undefined || filter === published.rowFilter) continue;
    findings.push({
      detail: `${formatQualifiedName(source)} has another row filter than the publication ${publicationName}, which is never altered`,
      fix: 'Leave out row_filter: the filter of the publication is used.',
    });
  }
  if (publication.operationsLeftOut.length > 0) {
    findings.push({
      detail: `the publication ${publicationName} leaves out ${publication.operationsLeftOut.join(', ')}`,
      fix: `ALTER PUBLICATION ${quoted} SET (publish = 'insert, update, delete, truncate');`,
    });
  }
  if (!publication.viaPartitionRoot) {
    findings.push({
      detail: `the publication ${publicationName} names partitions rather than their root`,
      fix: `ALTER PUBLICATION ${quoted} SET (publish_via_partition_root = true);`,
    });
  }
  return summarize(name, findings, `the publication ${publicationName} holds the tables`);
}

/** PostgreSQL 15: row filters, column lists and what else a publication needs to say. */
const OLDEST_VERSION_NUMBER = 150_000;
