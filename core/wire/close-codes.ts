/**
 * The reasons for closing a connection, each named once. Codes from 4000 on are haret's own. Import all of them: `* as
 * closeCodes`.
 */

export const normal = 1000;
export const goingAway = 1001;
/** A broken connection reports this. It is never sent. */
export const abnormal = 1006;
export const tooBig = 1009;
export const badFrame = 4000;
export const wrongCluster = 4001;
export const wrongProtocol = 4002;
export const tooManyConnections = 4003;
export const slowConsumer = 4004;
export const notAllowed = 4005;
export const timeout = 4006;
