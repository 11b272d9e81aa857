import type { AnyCommand } from '@bunnydb/contracts';
import { MessagePattern } from '@nestjs/microservices';

const COMMAND_PREFIX = 'command:';

/** Marks a controller's method as the answer to a request/reply subject: `(request, context) => Promise<reply>`. */
export function HandleQuery(subject: string): MethodDecorator {
  return MessagePattern(subject);
}

/** Marks a controller's method as the handler of a command: `(command, context) => Promise<{type, body}>`, as in `CommandHandlers`. */
export function HandleCommand(verb: AnyCommand['verb']): MethodDecorator {
  return MessagePattern(`${COMMAND_PREFIX}${verb}`);
}

/** The verb that a pattern stands for; undefined for a query's subject. */
export function verbOfPattern(pattern: string): string | undefined {
  return pattern.startsWith(COMMAND_PREFIX) ? pattern.slice(COMMAND_PREFIX.length) : undefined;
}
