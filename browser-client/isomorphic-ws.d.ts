/**
 * The types of isomorphic-ws, as this room uses it. Its own types need all types of Node, which a browser does not
 * have.
 */
import type { WebSocketConstructor } from './websocket.ts';

declare const WebSocket: WebSocketConstructor;
export default WebSocket;
