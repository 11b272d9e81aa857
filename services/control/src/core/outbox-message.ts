import type { MirrorEffect } from './mirror/react-mirror.js';

/** An effect as it waits in the outbox. Its id makes sending it twice harmless. */
export interface EffectMessage {
  readonly messageId: string;
  readonly kind: MirrorEffect['type'];
  readonly body: MirrorEffect;
}

/** Gives an effect its id: a command's own, the generation of a spec, a wish's id. */
export function messageOf(effect: MirrorEffect): EffectMessage {
  switch (effect.type) {
    case 'publish_spec':
      return message(effect, `spec:${effect.mirrorId}:${effect.generation}`);
    case 'command':
      return message(effect, effect.commandId);
    case 'end_waits':
      return message(effect, effect.wishId);
    case 'alert':
      return message(effect, `alert:${effect.message.id}:${effect.message.state}`);
  }
}

/** Reads an effect back; what stands in the outbox was written by `messageOf`. */
export function effectOf(kind: string, body: unknown): MirrorEffect {
  if (!KINDS.has(kind)) {
    throw new Error(`the outbox holds a message of an unknown kind: ${kind}`);
  }
  return body as MirrorEffect;
}

const KINDS: ReadonlySet<string> = new Set<MirrorEffect['type']>([
  'publish_spec',
  'command',
  'end_waits',
  'alert',
]);

function message(effect: MirrorEffect, messageId: string): EffectMessage {
  return { messageId, kind: effect.type, body: effect };
}
