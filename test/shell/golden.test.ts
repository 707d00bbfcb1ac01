/** The golden sessions with a tree in memory: what is typed, and exactly what is printed. */

import { describe, expect, it } from 'vitest';
import { apiTable, Shell } from '../../core/shell/index.ts';
import { FakeConnection } from './fake-connection.ts';
import { goldenSessions } from './golden.ts';
import { textOfChunk } from './run.ts';
import { expectedTranscript, runGolden } from './transcript.ts';

describe('the command language, session by session', () => {
  for (const session of goldenSessions) {
    it(`prints ${session.name}`, async () => {
      const shell = new Shell({
        table: apiTable(),
        connection: new FakeConnection(),
        output: { mode: 'text', terminal: false, colours: false },
      });
      const transcript = await runGolden(session, async (line) => {
        let output = '';
        await shell.run(line, (chunk) => (output += textOfChunk(chunk)));
        return output;
      });
      expect(transcript).toBe(expectedTranscript(session));
    });
  }
});
