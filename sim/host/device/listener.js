import TCP from "embedded:io/socket/tcp";

/** ECMA-419 TCP listener, as the SDK's module of the same name. */
class Listener @ "xs_host_listener_destructor" {
  constructor(options) @ "xs_host_listener";
  close() @ "xs_host_listener_close";
  /** The next connection, to be given to `new TCP({from})`; undefined when there is none. */
  read() {
    const socket = new TCP();
    return this.accept(socket) ? socket : undefined;
  }
  accept(socket) @ "xs_host_listener_accept";
  get port() @ "xs_host_listener_get_port";
  get format() {
    return "socket/tcp";
  }
  set format(value) {
    if ("socket/tcp" !== value) throw new RangeError("unimplemented format");
  }
}

export default Listener;
