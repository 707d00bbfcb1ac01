/** isomorphic-ws as this room uses it. Its own types bring in all of Node's, which a browser does not have. */
import type { WebSocketConstructor } from './websocket.ts';

declare const WebSocket: WebSocketConstructor;
export default WebSocket;
