import type { PipeTransform } from '@nestjs/common';
import { NAME_PATTERN } from '@bunnydb/contracts';
import { findUnstorable } from '../../core/request/find-unstorable.js';
import { Problem } from './problem.js';

/** A name in an address. What cannot be a name names nothing. */
export const NamePipe: PipeTransform<string, string> = {
  transform: (name) => {
    if (!NAME_PATTERN.test(name)) throw new Problem(404, 'there is nothing of this name');
    return name;
  },
};

/** The name of somebody in an address. The first administrator's comes from the environment, so only what no name may hold is refused. */
export const UsernamePipe: PipeTransform<string, string> = {
  transform: (username) => {
    if (username.length > 255 || findUnstorable(username)) {
      throw new Problem(404, 'there is nobody of this name');
    }
    return username;
  },
};
