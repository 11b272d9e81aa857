import { memo } from 'react';
import type { RowChange } from '../api/client.js';
import { moment } from '../parts/words.js';

interface Props {
  readonly change: RowChange;
  readonly columns: readonly string[];
}

/**
 * A change as a row: the new values, and above them the old ones where they are known and others. Plain elements, since hundreds of these
 * come in a second and none ever changes.
 */
export const ChangeRow = memo(function ChangeRow({ change, columns }: Props) {
  return (
    <tr>
      <td className="change-time">{moment(change.at)}</td>
      <td>
        <span className="change-kind" data-kind={change.operation}>
          {change.operation}
        </span>
      </td>
      {columns.map((column) => (
        <td key={column}>
          <Cell change={change} column={column} />
        </td>
      ))}
    </tr>
  );
});

function Cell({ change, column }: { readonly change: RowChange; readonly column: string }) {
  if (change.unchanged.includes(column)) {
    return (
      <i className="change-old" title="Large, and as it was: the source does not say it again.">
        unchanged
      </i>
    );
  }
  const value = change.row[column];
  const old = change.old?.[column];
  const shown = change.cut.includes(column) ? `${value ?? ''}…` : value;
  return (
    <>
      {old !== undefined && old !== value && <s className="change-old">{old ?? 'NULL'}</s>}
      {value === null && <code className="change-null">NULL</code>}
      {typeof value === 'string' && <div title={value}>{shown}</div>}
    </>
  );
}
