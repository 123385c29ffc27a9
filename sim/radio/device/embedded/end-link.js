/** What native/system/end-link does on the chip. */
export default function endLink(connection) {
  connection.end();
}
