import { FAULT_POINTS } from '@bunnydb/failure';
import type { TextFile } from '../source-tree.js';
import { checkWords } from './banned-words.js';
import { checkDeadFiles } from './dead-files.js';
import { checkDependencies } from './dependency-graph.js';
import { checkDocLinks } from './doc-links.js';
import { checkDoors } from './doors.js';
import { checkEnvironmentTable } from './environment-table.js';
import { checkFailurePage } from './failure-table.js';
import { checkFaultPoints } from './fault-point-sites.js';
import type { Finding } from './finding.js';
import { checkMachinePaths } from './machine-paths.js';
import { checkMetricPage, checkMetricUses } from './metric-table.js';
import { checkNatsUsersFile } from './nats-users-file.js';
import { type ParsedModule, isModulePath, parseModule } from './parsed-module.js';
import { checkSizes } from './size-limits.js';
import { checkTests } from './test-names.js';

export interface TreeReport {
  readonly modules: readonly ParsedModule[];
  readonly findings: readonly Finding[];
}

/** All checks over the text files of a repository. */
export function checkTree(files: readonly TextFile[]): TreeReport {
  const modules = files.filter(({ path }) => isModulePath(path)).map(parseModule);
  const findings = [
    ...checkSizes(modules),
    ...checkWords(files),
    ...checkDoors(modules),
    ...checkTests(modules),
    ...checkDeadFiles(files, modules),
    ...checkDependencies(files, modules),
    ...checkDocLinks(files),
    ...checkMachinePaths(files),
    ...checkEnvironmentTable(files),
    ...checkFailurePage(files),
    ...checkMetricPage(files),
    ...checkMetricUses(files),
    ...checkNatsUsersFile(files),
    ...checkFaultPoints(files, FAULT_POINTS),
  ];
  return { modules, findings };
}
