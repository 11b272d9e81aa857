import { readFileSync } from 'node:fs';

/** The largest resident set that a process has had, in bytes; 0 when it is gone or this system has no /proc. */
export function peakRssBytesOf(pid: number): number {
  try {
    const match = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match ? Number(match[1]) * 1024 : 0;
  } catch {
    return 0;
  }
}
