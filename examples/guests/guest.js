// What the service and the page share: where the guests are, and what a guest is. Both hold what they write and read to it.
// @ts-check

/** @typedef {{ name: string, at: number }} Guest */

/**
 * A Standard Schema by hand, so that this example needs no library; zod's or valibot's would stand here as well.
 * @type {{ readonly '~standard': { version: 1, vendor: string, validate: (value: any) => { value: Guest } | { issues: { message: string }[] } } }}
 */
export const guestSchema = {
  '~standard': {
    version: 1,
    vendor: 'guests',
    validate: (value) => {
      const name = value?.name;
      if (typeof name !== 'string' || name.trim() === '' || name.length > 80) {
        return { issues: [{ message: 'a guest has a name of up to 80 letters' }] };
      }
      if (!Number.isSafeInteger(value.at)) return { issues: [{ message: 'a guest came at some time' }] };
      return { value: { name, at: value.at } };
    },
  },
};

export const namespace = 'guests';
export const guestsPath = '/guests';
export const greetedPath = '/greeted';
