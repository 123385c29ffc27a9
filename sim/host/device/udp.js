/** ECMA-419 UDP socket, as the SDK's module of the same name: format "buffer", IPv4. */
class UDP @ "xs_host_udp_destructor" {
  constructor(options) @ "xs_host_udp";
  close() @ "xs_host_udp_close";
  /** The next datagram, an ArrayBuffer with `address` and `port` of who sent it; undefined when there is none. */
  read() @ "xs_host_udp_read";
  write(buffer, address, port) @ "xs_host_udp_write";
  get format() {
    return "buffer";
  }
  set format(value) {
    if ("buffer" !== value) throw new RangeError("unimplemented format");
  }
}

export default UDP;
