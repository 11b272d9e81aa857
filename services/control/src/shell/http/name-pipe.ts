import type { PipeTransform } from '@nestjs/common';
import { NAME_PATTERN } from '@bunnydb/contracts';
import { Problem } from './problem.js';

/** A name in an address. What cannot be a name names nothing. */
export const NamePipe: PipeTransform<string, string> = {
  transform: (name) => {
    if (!NAME_PATTERN.test(name)) throw new Problem(404, 'there is nothing of this name');
    return name;
  },
};
