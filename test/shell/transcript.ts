/**
 * Sessions with their exact output, in the form of docs/language.md. A transcript is read into steps and run with
 * anything that takes lines and gives text: a tree in memory, a cluster of processes or the web terminal.
 */

/** Begins with a new connection, in an empty namespace `test-ns`. */
export interface GoldenSession {
  readonly name: string;
  /** Lines that begin with the prompt are typed. The text after each is its whole output. */
  readonly transcript: string;
}

interface GoldenStep {
  readonly line: string;
  readonly output: string;
}

const prompt = 'haret> ';

/** The lines of a transcript with their outputs. */
export function stepsOf(session: GoldenSession): readonly GoldenStep[] {
  const steps: { line: string; output: string }[] = [];
  for (const row of session.transcript.replace(/^\n/, '').replace(/\n$/, '').split('\n')) {
    if (row.startsWith(prompt)) steps.push({ line: row.slice(prompt.length), output: '' });
    else steps.at(-1)!.output += `${row}\n`;
  }
  return steps;
}

/** Removes what differs from cluster to cluster: epoch, view and op, and where the primary is. */
export function normalise(output: string): string {
  return output
    .replace(/Epoch = \d+, View = \d+/g, 'Epoch = E, View = V')
    .replace(/^(Client registered|Finished Redirecting)\. Primary = name: .*$/gm, 'ENTERED')
    .replace(/^((?:created|modified): +)\d+/gm, '$1OP')
    .replace(/^\d+ (created|deleted|put|pushed|popped|inserted|removed|counted|snapshot)/gm, 'OP $1')
    .replace(/"epoch":\d+,"view":\d+,/g, '"epoch":E,"view":V,')
    .replace(/"op":\d+/g, '"op":OP');
}

/** Runs a session and returns its transcript, to be compared with {@link expectedTranscript}. */
export async function runGolden(session: GoldenSession, run: (line: string) => Promise<string>): Promise<string> {
  let transcript = '';
  for (const { line } of stepsOf(session)) transcript += `${prompt}${line}\n${normalise(await run(line))}`;
  return transcript;
}

export function expectedTranscript(session: GoldenSession): string {
  return stepsOf(session)
    .map(({ line, output }) => `${prompt}${line}\n${output}`)
    .join('');
}
