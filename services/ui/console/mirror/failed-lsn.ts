/** The commit LSN of the transaction that a table waits for, where its failure tells it. */
export function failedLsn(errorMessage: string | null): string | undefined {
  return /\bcommit lsn ([0-9A-F]{1,8}\/[0-9A-F]{1,8})\b/i.exec(errorMessage ?? '')?.[1];
}
