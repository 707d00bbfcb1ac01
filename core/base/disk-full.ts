/** There was no room on the disk, or in its owner's share of it. What was asked for was not done, and may be asked for again. */
export class DiskFull extends Error {
  override readonly name = 'DiskFull';
}
