/** What Nest knows by name because it has no class. */
export const CONTROL_STORE = Symbol('control store');
