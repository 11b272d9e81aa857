import type { TableMessage } from './change-message.js';

/** A piece of a large batch: whole rows, or one row that is too large to be held. */
export type LargePiece =
  | { readonly kind: 'rows'; readonly messages: readonly TableMessage[] }
  | {
      readonly kind: 'row';
      readonly first: TableMessage;
      /** The row's messages, each a piece of it; to be read to the end before the next piece is asked for. */
      readonly messages: AsyncIterable<TableMessage>;
    };
