/** For a list of names that has to be whole where a table by name would cost bytes or time. */

/** `All`. It does not compile while one of its names is missing in `Listed`: `new Set<Complete<Word, (typeof words)[number]>>(words)`. */
export type Complete<All extends Listed, Listed> = All;
