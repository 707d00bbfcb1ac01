/** Why a connection was closed, named once. 4000 and above are haret's own. */
export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  /** What a broken connection reports; never sent. */
  abnormal: 1006,
  tooBig: 1009,
  badFrame: 4000,
  wrongCluster: 4001,
  wrongProtocol: 4002,
  tooManyConnections: 4003,
  slowConsumer: 4004,
  notAllowed: 4005,
  timeout: 4006,
} as const;
