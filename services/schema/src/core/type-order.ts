import { quoteIdentifier } from '@bunnydb/pg-model';
import type { TypeModel } from './catalog-model.js';

/** The key of a type in `needs`: its name as SQL. */
export function typeKey(type: { readonly schema: string; readonly name: string }): string {
  return `${quoteIdentifier(type.schema)}.${quoteIdentifier(type.name)}`;
}

/** Types in an order in which each can be created: after all that it is made of. Types cannot be cyclic, so every one is reached. */
export function orderTypes(types: readonly TypeModel[]): readonly TypeModel[] {
  const byKey = new Map(types.map((type) => [typeKey(type), type]));
  const ordered: TypeModel[] = [];
  const seen = new Set<string>();
  const visit = (type: TypeModel): void => {
    const key = typeKey(type);
    if (seen.has(key)) return;
    seen.add(key);
    for (const need of type.needs) {
      const needed = byKey.get(need);
      if (needed) visit(needed);
    }
    ordered.push(type);
  };
  types.forEach(visit);
  return ordered;
}
