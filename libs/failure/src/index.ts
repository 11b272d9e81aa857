export { FailureKind } from './failure-kind.js';
export {
  FAILURE_POLICIES,
  type FailureAction,
  type FailurePolicy,
  policyOf,
} from './failure-policy.js';
export { describeFailure } from './describe-failure.js';
export { type FailureDetail, type FailureReport, MirrorError, reportOf } from './mirror-error.js';
export { type BackoffOptions, DEFAULT_BACKOFF, backoffDelayMs } from './backoff.js';
export { FAULT_POINTS, type FaultPoint, faultPoint, onFaultPoint } from './fault-points.js';
