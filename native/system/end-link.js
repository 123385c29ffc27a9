/** Ends a Bluetooth link; see modules/typings/end-link.d.ts. */
class Link {
  static end(connection) @ "xs_end_link"
}

export default function endLink(connection) {
  Link.end(connection);
}
