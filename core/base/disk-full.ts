/**
 * The disk had no room, or the owner's share of it was used up. The operation was not done, and may be asked for again.
 */
export class DiskFull extends Error {
  override readonly name = 'DiskFull';
}
