/** Waiting for what happens, with a limit. */

import { eventually } from '../../integration/cluster-process.ts';

/** @throws when `work` takes longer. */
export async function within<T>(what: string, limitMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether `holds` became true within the limit. We look in the same way for what must not happen. */
export async function comes(limitMs: number, holds: () => Promise<boolean>): Promise<boolean> {
  try {
    await eventually('it', async () => ((await holds()) ? true : null), limitMs);
    return true;
  } catch {
    return false;
  }
}

/** Lets time pass while load and attack go on. Here time itself is what we wait for. */
export async function wait(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
