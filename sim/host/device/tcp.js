/** ECMA-419 TCP socket, as the SDK's module of the same name. */
class TCP @ "xs_host_tcp_destructor" {
  constructor(options) @ "xs_host_tcp";
  close() @ "xs_host_tcp_close";
  read(count) @ "xs_host_tcp_read";
  write(value) @ "xs_host_tcp_write";
  get remoteAddress() @ "xs_host_tcp_get_remote_address";
  get remotePort() @ "xs_host_tcp_get_remote_port";
  get format() @ "xs_host_tcp_get_format";
  set format(value) @ "xs_host_tcp_set_format";
}

export default TCP;
