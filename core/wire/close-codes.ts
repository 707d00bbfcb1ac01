/** Why a connection was closed, named once. 4000 and above are haret's own. To be imported as a whole, `* as closeCodes`. */

export const normal = 1000;
export const goingAway = 1001;
/** What a broken connection reports; never sent. */
export const abnormal = 1006;
export const tooBig = 1009;
export const badFrame = 4000;
export const wrongCluster = 4001;
export const wrongProtocol = 4002;
export const tooManyConnections = 4003;
export const slowConsumer = 4004;
export const notAllowed = 4005;
export const timeout = 4006;
