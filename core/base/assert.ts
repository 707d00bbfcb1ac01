/**
 * Invariants: what must be true at this point whatever peers, clients and disks do. They stay on in production; a broken
 * one stops the replica that noticed it loudly, it never carries on (protocol §1).
 */

/** Thrown by {@link invariant}: a bug in haret or in the machine under it, never bad input. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/**
 * Stops whoever calls when `condition` is false.
 * @throws {@link InvariantViolation} with `message` and `details`.
 */
export function invariant(
  condition: boolean,
  message: string,
  details?: Readonly<Record<string, unknown>>,
): asserts condition {
  if (!condition) {
    throw new InvariantViolation(details === undefined ? message : `${message} ${JSON.stringify(details)}`);
  }
}

/** Marks a branch that the types say cannot be reached. */
export function unreachable(value: never): never {
  throw new InvariantViolation(`unreachable value ${JSON.stringify(value)}`);
}
