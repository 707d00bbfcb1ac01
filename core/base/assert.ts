/**
 * Invariants say what must be true at this point, whatever peers, clients and disks do. They stay on in production. A
 * broken invariant stops the replica that noticed it, with a clear message. The replica never carries on (protocol §1).
 */

/** Thrown by {@link invariant}. It means a bug in haret or in the machine under it, never bad input. */
export class InvariantViolation extends Error {
  override readonly name = 'InvariantViolation';
}

/**
 * Throws when `condition` is false.
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
