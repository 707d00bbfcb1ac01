import { describe, expect, it } from 'vitest';
import { chooseLog } from '../../core/vr/choose.ts';
import type { Vote } from '../../core/vr/choose.ts';
import type { Configuration } from '../../core/vr/configuration.ts';

function group(n: number): Configuration {
  const voters = Array.from({ length: n }, (_, i) => ({
    replica: `r${i}`,
    node: `n${i}`,
    incarnation: String(i).padStart(32, '0'),
    address: '',
  }));
  return { epoch: 1, voters, learners: [] };
}

/** A vote in short form: log_view, floor, then one letter for each op above it. Upper case means corrupt. */
function vote(configuration: Configuration, index: number, logView: number, floor: number, letters: string): Vote {
  const checksums = Array.from(letters.toLowerCase());
  const corrupt = Array.from(letters).flatMap((letter, i) => (letter === letter.toUpperCase() ? [floor + 1 + i] : []));
  return {
    from: configuration.voters[index]!,
    log: {
      logView: { epoch: 1, view: logView },
      head: floor + letters.length,
      floor,
      floorChecksum: 'f',
      checkpointOp: 0,
      checksums,
      corrupt,
    },
  };
}

function chosen(
  n: number,
  ...votes: readonly [index: number, logView: number, floor: number, letters: string][]
): string | null {
  const configuration = group(n);
  const log = chooseLog(
    votes.map(([index, logView, floor, letters]) => vote(configuration, index, logView, floor, letters)),
    configuration,
  );
  return log === null ? null : `${log.floor}${log.checksums.join('')}`;
}

describe('the choice of a log', () => {
  it('waits for a quorum', () => {
    expect(chosen(3, [0, 1, 0, 'ab'])).toBeNull();
    expect(chosen(5, [0, 1, 0, 'ab'], [1, 1, 0, 'ab'])).toBeNull();
  });

  it('takes the longest log of the highest log_view, and discards what others hold above it', () => {
    expect(chosen(3, [0, 2, 0, 'ax'], [1, 1, 0, 'abcdef'])).toBe('0ax');
    expect(chosen(3, [0, 2, 0, 'ab'], [1, 2, 0, 'abc'])).toBe('0abc');
  });

  it('keeps an entry that one vote can read, even a vote of a lower log_view', () => {
    expect(chosen(3, [0, 2, 0, 'aB'], [1, 1, 0, 'ab'])).toBe('0ab');
  });

  it('waits for a third where an op is corrupt here and absent there, and cuts when enough lack it', () => {
    expect(chosen(3, [0, 2, 0, 'aB'], [1, 2, 0, 'a'])).toBeNull();
    expect(chosen(3, [0, 2, 0, 'aB'], [1, 2, 0, 'a'], [2, 1, 0, 'a'])).toBe('0a');
    expect(chosen(3, [0, 2, 0, 'aB'], [1, 2, 0, 'a'], [2, 2, 0, 'ab'])).toBe('0ab');
    expect(chosen(3, [0, 2, 0, 'aB'], [1, 2, 0, 'aB'], [2, 1, 0, 'a'])).toBeNull();
  });

  it('counts a readable header that differs as a nack, and never a corrupt one', () => {
    expect(chosen(3, [0, 2, 0, 'aB'], [1, 1, 0, 'ax'], [2, 1, 0, 'ay'])).toBe('0a');
    expect(chosen(3, [0, 2, 0, 'aB'], [1, 1, 0, 'aX'], [2, 1, 0, 'ay'])).toBeNull();
  });

  it('keeps everything up to the highest commit number without asking', () => {
    expect(chosen(3, [0, 2, 0, 'AB'], [1, 2, 2, ''])).toBe('0ab');
  });

  it('cuts below the lowest op that is gone, whatever entries are above', () => {
    expect(chosen(3, [0, 2, 0, 'aBc'], [1, 1, 0, 'a'], [2, 1, 0, 'a'])).toBe('0a');
  });

  it('needs one nack among one or two voters, and three among five', () => {
    expect(chosen(2, [0, 2, 0, 'aB'], [1, 2, 0, 'a'])).toBe('0a');
    expect(chosen(5, [0, 2, 0, 'aB'], [1, 2, 0, 'a'], [2, 2, 0, 'a'])).toBeNull();
    expect(chosen(5, [0, 2, 0, 'aB'], [1, 2, 0, 'a'], [2, 2, 0, 'a'], [3, 1, 0, 'a'])).toBe('0a');
  });
});
