import type { AnyCommand } from '@bunnydb/contracts';
import { Ctx, MessagePattern, Payload } from '@nestjs/microservices';

const COMMAND_PREFIX = 'command:';

/**
 * Marks a controller's method as the answer to a request/reply subject: `(request, context) => Promise<reply>`; the context is Nest's `NatsContext`.
 * What the method throws is answered as `{ok: false, failure}`.
 */
export function HandleQuery(subject: string): MethodDecorator {
  return handle(subject);
}

/**
 * Marks a controller's method as the handler of a command: `(command, context) => Promise<{type, body}>`, as in `CommandHandlers`; the context is
 * `CommandContext`. What the method throws is answered as `command_failed`.
 */
export function HandleCommand(verb: AnyCommand['verb']): MethodDecorator {
  return handle(`${COMMAND_PREFIX}${verb}`);
}

/** The verb that a pattern stands for; undefined for a query's subject. */
export function verbOfPattern(pattern: string): string | undefined {
  return pattern.startsWith(COMMAND_PREFIX) ? pattern.slice(COMMAND_PREFIX.length) : undefined;
}

/** Nest passes the payload alone unless it is told which parameter gets what. */
function handle(pattern: string): MethodDecorator {
  return (target, method, descriptor) => {
    Payload()(target, method, 0);
    Ctx()(target, method, 1);
    MessagePattern(pattern)(target, method, descriptor);
  };
}
