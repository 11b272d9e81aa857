import { MirrorOptionsRequest } from './mirror-options-request.js';

/** `PATCH /v1/mirrors/{name}`: options that may change while the mirror lives; the others are refused by name. */
export class UpdateMirrorRequest extends MirrorOptionsRequest {}
