/**
 * Milliseconds that an HTTP connection may idle. Node's five seconds pass between two requests of a busy machine, and a request that is sent while the
 * server closes is lost.
 */
export const keepAliveTimeout = 60_000;
