/** What replicas of a group say to each other (protocol §3 to §6). */

export type Message = never;
