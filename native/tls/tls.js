/** A TLS client without I/O, over mbedTLS; see tls.d.ts. */
class TLSEngine @ "xs_tls_engine_destructor" {
  constructor(options) @ "xs_tls_engine"
  close() @ "xs_tls_engine_close"

  feed(buffer, count) @ "xs_tls_engine_feed"
  take(buffer, count) @ "xs_tls_engine_take"
  read(buffer) @ "xs_tls_engine_read"
  write(buffer, offset, more) @ "xs_tls_engine_write"
  capacity(room) @ "xs_tls_engine_capacity"
  closeNotify() @ "xs_tls_engine_close_notify"
  judgeDates(time) @ "xs_tls_engine_judge_dates"

  get wanted() @ "xs_tls_engine_get_wanted"
  get readable() @ "xs_tls_engine_get_readable"
  get connected() @ "xs_tls_engine_get_connected"
  get peerClosed() @ "xs_tls_engine_get_peer_closed"
  get error() @ "xs_tls_engine_get_error"
  get alert() @ "xs_tls_engine_get_alert"
  get detail() @ "xs_tls_engine_get_detail"
  get version() @ "xs_tls_engine_get_version"
  get protocol() @ "xs_tls_engine_get_protocol"
  get bytes() @ "xs_tls_engine_get_bytes"
  get peakBytes() @ "xs_tls_engine_get_peak_bytes"
}

export default TLSEngine;
